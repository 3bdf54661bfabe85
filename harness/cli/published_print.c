// SPDX-License-Identifier: Apache-2.0
#include "published_print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonio.h"
#include "base/table.h"
#include "record/metric.h"

#define METRICS_MAX 8

static const json_t *published(const json_t *row)
{
	const json_t *p = json_object_get(row, "published");

	return json_object_size(json_object_get(p, "ratios")) ? p : NULL;
}

/* Every metric that is published of some row, in the order of the metric table. */
static size_t metrics_of(const json_t *rows, const struct metric **metric)
{
	size_t n_all, n = 0, i;
	const struct metric *all = metric_all(&n_all);
	const json_t *row;

	for (size_t m = 0; m < n_all && n < METRICS_MAX; m++) {
		bool found = false;

		json_array_foreach (rows, i, row)
			found |= json_object_get(json_object_get(published(row), "ratios"),
						 all[m].name) != NULL;
		if (found)
			metric[n++] = &all[m];
	}
	return n;
}

static void ratio_text(const json_t *p, const char *metric, char *out, size_t size)
{
	double theirs = jsonio_number(json_object_get(p, "ratios"), metric);
	double ours = jsonio_number(json_object_get(p, "ours"), metric);
	char own[24] = "-";

	if (isfinite(ours))
		snprintf(own, sizeof(own), "%.3g", ours);
	if (isfinite(theirs))
		snprintf(out, size, "%.3g / %s", theirs, own);
	else
		snprintf(out, size, "-");
}

/* Rows of theirs that are none of ours, in the same columns; -1 on lack of memory. */
static int add_elsewhere(struct table *t, const json_t *others, const struct metric *const *metric,
			 size_t n)
{
	const char *name;
	const json_t *one;

	json_object_foreach ((json_t *)others, name, one) {
		char cell[METRICS_MAX][64];
		const char *text[METRICS_MAX + 1] = {name};

		for (size_t m = 0; m < n; m++) {
			ratio_text(one, metric[m]->name, cell[m], sizeof(cell[m]));
			text[m + 1] = cell[m];
		}
		if (table_row(t, text))
			return -1;
	}
	return 0;
}

static void print_words(const json_t *p)
{
	const char *name;
	const json_t *one;

	if (jsonio_string(p, "says", NULL))
		printf("  Published (%s): %s\n", jsonio_string(p, "source", "?"),
		       jsonio_string(p, "says", ""));
	json_object_foreach (json_object_get(p, "elsewhere"), name, one)
		printf("  %s is no row here: %s\n", name, jsonio_string(one, "why", "?"));
	if (jsonio_string(p, "differs", NULL))
		printf("  What differs: %s\n", jsonio_string(p, "differs", ""));
}

int published_print(const json_t *group)
{
	const json_t *rows = json_object_get(group, "rows"), *row, *any = NULL;
	const struct metric *metric[METRICS_MAX];
	struct table_column columns[METRICS_MAX + 1] = {{.name = "MODE"}};
	char cell[METRICS_MAX][64];
	size_t n = metrics_of(rows, metric), i;
	struct table *t;
	int err;

	if (!n) {
		json_array_foreach (rows, i, row)
			any = any ? any : json_object_get(row, "published");
		print_words(any);
		return 0;
	}
	for (size_t m = 0; m < n; m++)
		columns[m + 1] = (struct table_column){.name = metric[m]->label, .right = true};
	t = table_new(columns, n + 1);
	err = t ? 0 : -1;
	json_array_foreach (rows, i, row) {
		const char *text[METRICS_MAX + 1] = {jsonio_string(row, "mode", "?")};
		const json_t *p = published(row);

		if (!p || err)
			continue;
		any = p;
		for (size_t m = 0; m < n; m++) {
			ratio_text(p, metric[m]->name, cell[m], sizeof(cell[m]));
			text[m + 1] = cell[m];
		}
		err = table_row(t, text);
	}
	printf("\n  Published / ours, as ratios against %s; \"-\": not known, or not in force "
	       "here\n"
	       "  (%s):\n",
	       jsonio_string(any, "baseline", "?"), jsonio_string(any, "source", "?"));
	if (!err)
		err = add_elsewhere(t, json_object_get(any, "elsewhere"), metric, n);
	if (!err)
		err = table_print(t, stdout);
	table_free(t);
	print_words(any);
	return err;
}
