// SPDX-License-Identifier: Apache-2.0
#include "base/table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <unistd.h>

struct table {
	struct libscols_table *scols;
	size_t columns;
};

struct table *table_new(const struct table_column *columns, size_t n)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->columns = n;
	t->scols = scols_new_table();
	if (!t->scols)
		goto fail;
	for (size_t i = 0; i < n; i++) {
		int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) |
			    (columns[i].wrap ? SCOLS_FL_WRAP : 0);

		if (!scols_table_new_column(t->scols, columns[i].name, 0, flags))
			goto fail;
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
	for (size_t i = 0; i < t->columns; i++)
		if (scols_line_set_data(line, i, cells[i] ? cells[i] : ""))
			return -ENOMEM;
	return 0;
}

int table_print(struct table *t, FILE *out)
{
	int err;

	scols_table_set_stream(t->scols, out);
	if (isatty(fileno(out)))
		scols_table_enable_colors(t->scols, 0);
	err = scols_print_table(t->scols);
	fputc('\n', out);
	return err < 0 ? err : 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->scols);
	free(t);
}
