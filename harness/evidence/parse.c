// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/source.h"

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static int parse_header(const char *line, const char *end, struct cpu_table *t)
{
	size_t most = 0;
	int used;

	for (const char *p = line; p < end; p++)
		most += *p == 'C';
	t->cpu = calloc(most + 1, sizeof(*t->cpu));
	if (!t->cpu)
		return -ENOMEM;
	while (t->n_cpus < most && sscanf(line, " CPU%u%n", &t->cpu[t->n_cpus], &used) == 1) {
		line += used;
		if (line > end)
			break;
		t->n_cpus++;
	}
	return t->n_cpus ? 0 : -EINVAL;
}

/* "LABEL: n n n … words": the counts stop at the first word that is no number. */
static void parse_row(const char *line, const char *end, const struct cpu_table *t,
		      struct cpu_table_row *row)
{
	const char *colon = memchr(line, ':', (size_t)(end - line)), *p, *word;

	if (!colon)
		return;
	while (line < colon && isspace((unsigned char)*line))
		line++;
	snprintf(row->label, sizeof(row->label), "%.*s", (int)(colon - line), line);
	for (p = colon + 1; row->n < t->n_cpus; row->n++) {
		char *after;
		unsigned long value;

		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (p >= end || !isdigit((unsigned char)*p))
			break;
		value = strtoul(p, &after, 10);
		if (after < end && !isspace((unsigned char)*after))
			break; /* "0-edge": already words */
		row->count[row->n] = (uint32_t)value;
		p = after;
	}
	for (word = end; word > p && !isspace((unsigned char)word[-1]); word--)
		;
	snprintf(row->name, sizeof(row->name), "%.*s", (int)(end - word), word);
}

int cpu_table_parse(const char *text, size_t len, struct cpu_table *t)
{
	const char *end = memchr(text, '\n', len), *line;
	size_t most = count_lines(text);
	int err;

	memset(t, 0, sizeof(*t));
	if (!end)
		return -EINVAL;
	err = parse_header(text, end, t);
	if (err)
		return err;
	t->row = calloc(most, sizeof(*t->row));
	t->counts = calloc(most * t->n_cpus, sizeof(*t->counts));
	if (!t->row || !t->counts)
		return -ENOMEM;
	for (line = end + 1; line < text + len; line = end + 1) {
		struct cpu_table_row *row = &t->row[t->n_rows];

		end = strchr(line, '\n');
		if (!end)
			end = text + len;
		row->count = t->counts + t->n_rows * t->n_cpus;
		parse_row(line, end, t, row);
		t->n_rows += *row->label != '\0';
	}
	return 0;
}

void cpu_table_free(struct cpu_table *t)
{
	free(t->cpu);
	free(t->row);
	free(t->counts);
	memset(t, 0, sizeof(*t));
}

const struct cpu_table_row *cpu_table_row(const struct cpu_table *t, const char *label)
{
	for (size_t i = 0; i < t->n_rows; i++) {
		if (!strcmp(t->row[i].label, label))
			return &t->row[i];
	}
	return NULL;
}

uint32_t cpu_table_count(const struct cpu_table *t, const struct cpu_table_row *row, unsigned cpu)
{
	for (size_t i = 0; row && i < row->n; i++) {
		if (t->cpu[i] == cpu)
			return row->count[i];
	}
	return 0;
}

int text_field(const char *text, const char *key, uint64_t *value)
{
	size_t len = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		const char *p;
		char *end;

		line += *line == '\n';
		if (strncmp(line, key, len))
			continue;
		p = line + len;
		p += strspn(p, " \t");
		if (*p != ':')
			continue; /* a longer key */
		p += 1 + strspn(p + 1, " \t");
		*value = strtoull(p, &end, 10);
		return isdigit((unsigned char)*p) && end > p ? 0 : -EINVAL;
	}
	return -ENOENT;
}

size_t text_numbers(const char *text, uint64_t *value, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		char *end;

		text += strspn(text, " \t");
		if (!isdigit((unsigned char)*text))
			break;
		value[i] = strtoull(text, &end, 10);
		text = end;
	}
	return i;
}

int text_task_stat(const char *text, uint64_t *start, unsigned *cpu)
{
	const char *p = strrchr(text, ')'); /* the name may contain blanks and brackets */

	for (int field = 3; p && field <= 39; field++) {
		p = strchr(p + 1, ' ');
		if (!p)
			return -EINVAL;
		if (field == 22)
			*start = strtoull(p, NULL, 10);
		if (field == 39)
			*cpu = (unsigned)strtoul(p, NULL, 10);
	}
	return p ? 0 : -EINVAL;
}
