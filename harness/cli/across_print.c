// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/text.h"
#include "base/jsonio.h"
#include "base/table.h"
#include "compare_notes.h"
#include "compare_print.h"
#include "record/metric.h"

static void print_runs(const json_t *result)
{
	const json_t *run;
	size_t i;

	json_array_foreach (json_object_get(result, "runs"), i, run) {
		printf("run %zu: %s, started %s, %.0f trials%s", i + 1,
		       jsonio_string(run, "run", "?"), jsonio_string(run, "started", "?"),
		       jsonio_number(run, "trials"),
		       json_is_true(json_object_get(run, "dirty")) ? ", DIRTY build" : "");
		if (jsonio_number(run, "left_out") > 0)
			printf(", %.0f records left out", jsonio_number(run, "left_out"));
		putchar('\n');
		compare_print_warnings(run, stdout);
		compare_print_noise(run);
	}
	putchar('\n');
}

static void print_environment(const json_t *one)
{
	const json_t *list = json_object_get(one, "environment"), *row;
	size_t i;

	printf("%s.\n", jsonio_string(one, "relation", "?"));
	if (!json_array_size(list))
		puts("  No recorded difference: what changed, changed unseen.");
	json_array_foreach (list, i, row)
		printf("  %s: %s: %s -> %s\n", jsonio_string(row, "part", "?"),
		       jsonio_string(row, "what", "?"), jsonio_string(row, "first", "?"),
		       jsonio_string(row, "second", "?"));
	putchar('\n');
}

static int print_rows(const json_t *one)
{
	static const struct table_column head[] = {{.name = "LOAD"},
						   {.name = "MODE"},
						   {.name = "METRIC"},
						   {.name = "FIRST", .right = true},
						   {.name = "N", .right = true},
						   {.name = "SECOND", .right = true},
						   {.name = "N", .right = true},
						   {.name = "CHANGE [95 %]", .right = true},
						   {.name = "VERDICT"}};
	struct table *table = table_new(head, sizeof(head) / sizeof(*head));
	const json_t *row;
	char first[64], second[64], n[24], m[24];
	size_t i;

	if (!table)
		return -ENOMEM;
	json_array_foreach (json_object_get(one, "rows"), i, row) {
		const struct metric *metric =
			metric_find(jsonio_string(row, "comparison.metric", "iops"));
		const char *cells[9];

		snprintf(n, sizeof(n), "%.0f", jsonio_number(row, "n_first"));
		snprintf(m, sizeof(m), "%.0f", jsonio_number(row, "n_second"));
		cells[0] = jsonio_string(row, "title", "?");
		cells[1] = jsonio_string(row, "mode", "?");
		cells[2] = metric->label;
		cells[3] = text_value(metric, jsonio_number(row, "comparison.baseline"), first,
				      sizeof(first));
		cells[4] = n;
		cells[5] = text_value(metric, jsonio_number(row, "comparison.mode"), second,
				      sizeof(second));
		cells[6] = m;
		cells[7] = jsonio_string(row, "comparison.text", "-");
		cells[8] = jsonio_string(row, "comparison.verdict", "?");
		table_row(table, cells);
	}
	table_print(table, stdout);
	table_free(table);
	putchar('\n');
	json_array_foreach (json_object_get(one, "rows"), i, row)
		printf("  %s, %s: %s\n", jsonio_string(row, "mode", "?"),
		       jsonio_string(row, "title", "?"),
		       jsonio_string(row, "comparison.sentence", "?"));
	json_array_foreach (json_object_get(one, "unmatched"), i, row)
		printf("  %s, %s: not compared: %s\n", jsonio_string(row, "mode", "?"),
		       jsonio_string(row, "title", "?"), jsonio_string(row, "reason", "?"));
	return 0;
}

int across_print_text(const json_t *result)
{
	const json_t *one;
	size_t i;
	int err = 0;

	print_runs(result);
	json_array_foreach (json_object_get(result, "against"), i, one) {
		printf("Run %.0f against run 1: ", jsonio_number(one, "run") + 1);
		print_environment(one);
		if (json_array_size(json_object_get(one, "rows")) ||
		    json_array_size(json_object_get(one, "unmatched")))
			err = print_rows(one);
		else
			puts("  No mode was measured at the same load in both.");
		if (err)
			return err;
		putchar('\n');
	}
	puts("Runs share no blocks: intervals and p come from Wilcoxon's rank sum over the blocks "
	     "of "
	     "each run. They hold what\nvaries within a run; what differs from day to day without "
	     "being recorded is in the change, too.");
	return 0;
}

int across_print_csv(const json_t *result)
{
	const json_t *one, *row;
	size_t i, k;

	puts("first_run,second_run,load,mode,metric,first,n_first,second,n_second,scale,estimate,"
	     "estimate_low,estimate_high,p_adjusted,verdict,relation");
	json_array_foreach (json_object_get(result, "against"), i, one)
		json_array_foreach (json_object_get(one, "rows"), k, row) {
			const json_t *runs = json_object_get(result, "runs");
			size_t second = (size_t)jsonio_number(one, "run");

			compare_csv_text(jsonio_string(json_array_get(runs, 0), "run", ""), ',');
			compare_csv_text(jsonio_string(json_array_get(runs, second), "run", ""),
					 ',');
			compare_csv_text(jsonio_string(row, "title", ""), ',');
			compare_csv_text(jsonio_string(row, "mode", ""), ',');
			compare_csv_text(jsonio_string(row, "comparison.metric", ""), ',');
			compare_csv_number(row, "comparison.baseline", ',');
			compare_csv_number(row, "n_first", ',');
			compare_csv_number(row, "comparison.mode", ',');
			compare_csv_number(row, "n_second", ',');
			compare_csv_text(jsonio_string(row, "comparison.scale", ""), ',');
			compare_csv_number(row, "comparison.estimate", ',');
			compare_csv_number(row, "comparison.low", ',');
			compare_csv_number(row, "comparison.high", ',');
			compare_csv_number(row, "comparison.p_adjusted", ',');
			compare_csv_text(jsonio_string(row, "comparison.verdict", ""), ',');
			compare_csv_text(jsonio_string(one, "relation", ""), '\n');
		}
	return 0;
}
