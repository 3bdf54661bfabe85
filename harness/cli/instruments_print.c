// SPDX-License-Identifier: Apache-2.0
#include "instruments_print.h"

#include <errno.h>
#include <stdio.h>

#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "base/table.h"
#include "compare_print.h"
#include "record/metric.h"

static const char *names(const json_t *pair, char out[static 64])
{
	const json_t *list = json_object_get(pair, "instruments");

	snprintf(out, 64, "%.30s, %.30s", json_string_value(json_array_get(list, 0)) ?: "?",
		 json_string_value(json_array_get(list, 1)) ?: "?");
	return out;
}

static void add_rows(struct table *table, const json_t *pair)
{
	char first[64], second[64], n[16], both[64];
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(pair, "comparisons"), i, one) {
		const struct metric *m = metric_find(jsonio_string(one, "metric", "iops"));
		const char *cells[] = {
			jsonio_string(pair, "mode", "?"),
			jsonio_string(pair, "title", "?"),
			names(pair, both),
			m->label,
			text_value(m, jsonio_number(one, "baseline"), first, sizeof(first)),
			text_value(m, jsonio_number(one, "mode"), second, sizeof(second)),
			n,
			jsonio_string(one, "text", "-"),
			jsonio_string(one, "agreement", "?"),
		};

		snprintf(n, sizeof(n), "%.0f", jsonio_number(one, "n"));
		table_row(table, cells);
	}
}

static void print_words(const json_t *pair)
{
	const char *mode = jsonio_string(pair, "mode", "?");
	const char *load = jsonio_string(pair, "title", "?");
	const json_t *one;
	size_t i;

	if (jsonio_string(pair, "reason", NULL))
		printf("  %s, %s: not compared: %s\n", mode, load,
		       jsonio_string(pair, "reason", ""));
	json_array_foreach (json_object_get(pair, "missing"), i, one)
		printf("  %s, %s: no %s: %s\n", mode, load,
		       metric_find(jsonio_string(one, "metric", "iops"))->label,
		       jsonio_string(one, "sentence", ""));
	json_array_foreach (json_object_get(pair, "comparisons"), i, one)
		if (*jsonio_string(one, "why", ""))
			printf("  %s, %s: %s %s: %s\n", mode, load,
			       metric_find(jsonio_string(one, "metric", "iops"))->label,
			       jsonio_string(one, "text", "?"), jsonio_string(one, "why", ""));
}

int instruments_print_text(const json_t *result)
{
	static const struct table_column head[] = {
		{.name = "MODE"},
		{.name = "LOAD"},
		{.name = "INSTRUMENTS"},
		{.name = "METRIC"},
		{.name = "FIRST", .right = true},
		{.name = "SECOND", .right = true},
		{.name = "N", .right = true},
		{.name = "CHANGE [95 %]", .right = true},
		{.name = "RESULT"},
	};
	const json_t *pairs = json_object_get(result, "instruments"), *pair;
	struct table *table;
	size_t i;

	if (!json_array_size(pairs))
		return 0;
	table = table_new(head, ARRAY_SIZE(head));
	if (!table)
		return -ENOMEM;
	json_array_foreach (pairs, i, pair)
		add_rows(table, pair);
	puts("Instruments: the same mode and load by two programs, the second against the first");
	table_print(table, stdout);
	table_free(table);
	json_array_foreach (pairs, i, pair)
		print_words(pair);
	putchar('\n');
	return 0;
}

/* In the columns of the other rows: "workload" holds both, "state" what they do, "verdict" why. */
void instruments_print_csv(const json_t *result)
{
	const json_t *pair, *one;
	char both[64];
	size_t i, k;

	json_array_foreach (json_object_get(result, "instruments"), i, pair)
		json_array_foreach (json_object_get(pair, "comparisons"), k, one) {
			const char *const words[] = {jsonio_string(pair, "target", ""),
						     names(pair, both),
						     jsonio_string(pair, "placement", ""),
						     jsonio_string(pair, "title", ""),
						     jsonio_string(pair, "mode", ""),
						     jsonio_string(one, "agreement", ""),
						     "",
						     jsonio_string(one, "metric", "")};

			for (size_t w = 0; w < ARRAY_SIZE(words); w++)
				compare_csv_text(words[w], ',');
			compare_csv_number(one, "mode", ',');
			fputs(",,,", stdout);
			compare_csv_number(one, "n", ',');
			compare_csv_text(jsonio_string(one, "scale", ""), ',');
			compare_csv_number(one, "estimate", ',');
			compare_csv_number(one, "low", ',');
			compare_csv_number(one, "high", ',');
			compare_csv_number(one, "p_adjusted", ',');
			compare_csv_text(jsonio_string(one, "why", ""), '\n');
		}
}
