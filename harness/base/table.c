// SPDX-License-Identifier: Apache-2.0
#include "base/table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SPARE_MAX 8

struct table {
	struct libscols_table *scols;
	size_t columns;
	unsigned *spare, *width; /* of each column; the latter without the space between two */
};

struct table *table_new(const struct table_column *columns, size_t n)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->columns = n;
	t->scols = scols_new_table();
	t->spare = calloc(n, sizeof(*t->spare));
	t->width = calloc(n, sizeof(*t->width));
	if (!t->scols || !t->spare || !t->width)
		goto fail;
	for (size_t i = 0; i < n; i++) {
		int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) |
			    (columns[i].wrap ? SCOLS_FL_WRAP : 0);

		if (!scols_table_new_column(t->scols, columns[i].name, 0, flags))
			goto fail;
		t->spare[i] = columns[i].spare;
		t->width[i] = (unsigned)strlen(columns[i].name);
	}
	return t;
fail:
	table_free(t);
	return NULL;
}

int table_row(struct table *t, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(t->scols, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < t->columns; i++) {
		const char *text = cells[i] ? cells[i] : "";
		unsigned width = (unsigned)strlen(text);

		if (scols_line_set_data(line, i, text))
			return -ENOMEM;
		t->width[i] = width > t->width[i] ? width : t->width[i];
	}
	return 0;
}

/* 0: as wide as it likes. */
static unsigned terminal_width(FILE *out)
{
	struct winsize w;

	return ioctl(fileno(out), TIOCGWINSZ, &w) ? 0 : w.ws_col;
}

/* Hide columns that can be spared until the rest fits. How many levels of them went. */
static unsigned fit(struct table *t, unsigned room)
{
	unsigned width = 0, level;

	for (size_t i = 0; i < t->columns; i++)
		width += t->width[i] + (i > 0);
	for (level = 1; level <= SPARE_MAX && width > room; level++) {
		for (size_t i = 0; i < t->columns; i++) {
			struct libscols_column *column = scols_table_get_column(t->scols, i);

			if (t->spare[i] != level)
				continue;
			scols_column_set_flags(column,
					       scols_column_get_flags(column) | SCOLS_FL_HIDDEN);
			width -= t->width[i] + 1;
		}
	}
	return level - 1;
}

static void name_hidden(const struct table *t, unsigned levels, unsigned room, FILE *out)
{
	const char *sep = "";

	for (size_t i = 0; i < t->columns; i++) {
		struct libscols_column *column = scols_table_get_column(t->scols, i);

		if (!t->spare[i] || t->spare[i] > levels)
			continue;
		if (!*sep)
			fprintf(out, "\nNot shown at %u columns: ", room);
		fprintf(out, "%s%s", sep, scols_cell_get_data(scols_column_get_header(column)));
		sep = ", ";
	}
}

int table_print(struct table *t, FILE *out)
{
	unsigned room = isatty(fileno(out)) ? terminal_width(out) : 0;
	unsigned levels = room ? fit(t, room) : 0;
	int err;

	scols_table_set_stream(t->scols, out);
	if (isatty(fileno(out)))
		scols_table_enable_colors(t->scols, 0);
	err = scols_print_table(t->scols);
	name_hidden(t, levels, room, out);
	fputc('\n', out);
	return err < 0 ? err : 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->scols);
	free(t->spare);
	free(t->width);
	free(t);
}
