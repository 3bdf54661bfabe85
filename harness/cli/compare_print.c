// SPDX-License-Identifier: Apache-2.0
#include "compare_notes.h"
#include "compare_print.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/kind.h"
#include "analysis/precision.h"
#include "analysis/prepared.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "base/num.h"
#include "base/table.h"
#include "record/metric.h"
#include "instruments_print.h"
#include "published_print.h"

#define CELL 64

static double row_value(const json_t *row, const char *metric)
{
	return jsonio_number(json_object_get(json_object_get(row, "metrics"), metric), "value");
}

static bool is_measured(const json_t *row)
{
	return !strcmp(jsonio_string(row, "state", ""), "measured");
}

/* The last two columns of a row: its first comparison, or why there is none. */
static void judged_text(const json_t *group, const json_t *row, const char **change,
			const char **word)
{
	const json_t *first = text_comparison(row);

	*change = jsonio_string(first, "text", "");
	*word = jsonio_string(first, "verdict", is_measured(row) ? "not judged" : "excluded");
	if (!strcmp(jsonio_string(row, "mode", ""), jsonio_string(group, "baseline", "-"))) {
		*change = "baseline";
		*word = is_measured(row) ? "" : *word;
	}
}

/* What a narrow terminal does without first: the sentences below the table have the change, and
 * the rest is in --json. */
enum { SPARE_CHANGE = 1, SPARE_METRIC = 2, SPARE_TAIL = 3 };

static unsigned spare(const struct metric *m)
{
	static const char *const finer[] = {"net_rx_softirqs_per_packet",
					    "server_cpu_ns_per_transaction",
					    "corunner_lost_per_io"};

	for (size_t i = 0; i < ARRAY_SIZE(finer); i++)
		if (!strcmp(m->name, finer[i]))
			return SPARE_METRIC;
	return strstr(m->name, "_p999_ns") ? SPARE_TAIL : 0;
}

static int print_group(const json_t *group)
{
	const char *judged = jsonio_string(text_judged(group), "metric", NULL),
		   *cells[KIND_COLUMNS + 5];
	struct table_column head[KIND_COLUMNS + 5] = {
		{.name = json_object_get(group, "by") ? "PLACEMENT" : "MODE"}, {.name = "PROOF"}};
	char text[KIND_COLUMNS][CELL], proof[CELL], blocks[CELL], change[2 * CELL];
	const struct metric *metric[KIND_COLUMNS];
	size_t i, n = 2, n_metrics = text_columns(group, metric);
	struct table *table;
	const json_t *row;

	for (i = 0; i < n_metrics; i++)
		head[n++] = (struct table_column){metric[i]->label, true, false, spare(metric[i])};
	snprintf(change, sizeof(change), "%s VS %s [95 %%]",
		 judged ? metric_find(judged)->label : "CHANGE",
		 jsonio_string(group, "baseline", "?"));
	head[n++] = (struct table_column){.name = "N", .right = true};
	head[n++] = (struct table_column){change, true, false, SPARE_CHANGE};
	head[n++] = (struct table_column){.name = "VERDICT"};
	table = table_new(head, n);
	if (!table)
		return -ENOMEM;
	json_array_foreach (json_object_get(group, "rows"), i, row) {
		text_state(row, proof, sizeof(proof));
		text_used(row, blocks, sizeof(blocks));
		cells[0] = jsonio_string(row, "mode", "?");
		cells[1] = proof;
		for (size_t k = 0; k < n_metrics; k++)
			cells[2 + k] = text_value(metric[k], row_value(row, metric[k]->name),
						  text[k], sizeof(text[k]));
		cells[n - 3] = blocks;
		judged_text(group, row, &cells[n - 2], &cells[n - 1]);
		table_row(table, cells);
	}
	printf("%s\n", jsonio_string(group, "title", "?"));
	table_print(table, stdout);
	table_free(table);
	return 0;
}

/* What else is shown to have changed with it. */
static void print_aside(const json_t *row, const char *judged)
{
	const char *sep = "; beside it ";
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(row, "beside"), i, one) {
		const char *name = jsonio_string(one, "metric", "iops");

		if (!strcmp(name, judged))
			continue;
		printf("%s%s %s", sep, metric_find(name)->label, jsonio_string(one, "text", "?"));
		sep = ", ";
	}
}

static void print_findings(const json_t *group)
{
	const char *baseline = jsonio_string(group, "baseline", "?");
	const json_t *row, *one, *base = NULL;
	size_t i, k;

	json_array_foreach (json_object_get(group, "rows"), i, row)
		if (!strcmp(jsonio_string(row, "mode", ""), baseline))
			base = row;
	if (json_object_get(group, "answer"))
		printf("  Answer: %s.\n", jsonio_string(group, "answer.sentence", "?"));
	if (!base || !is_measured(base))
		printf("  No comparison: the baseline %s %s here.\n", baseline,
		       base ? "has no trial in force" : "has no row");
	json_array_foreach (json_object_get(group, "rows"), i, row) {
		json_array_foreach (json_object_get(row, "comparisons"), k, one) {
			const char *word = text_verdict(jsonio_string(one, "verdict", "?"));
			const char *name = jsonio_string(one, "metric", "iops");

			printf("  %s: %s %s, %s %s: %s", jsonio_string(row, "mode", "?"),
			       metric_find(name)->label, jsonio_string(one, "text", "?"), word,
			       baseline, jsonio_string(one, "sentence", ""));
			if (strncmp(word, "inconclusive", 12))
				print_aside(row, name);
			putchar('\n');
		}
	}
}

static void print_excluded(const json_t *group)
{
	const json_t *row, *reason;
	char state[CELL];
	size_t i, k;

	json_array_foreach (json_object_get(group, "rows"), i, row) {
		double all = jsonio_number(row, "trials.all"), used;

		used = jsonio_number(row, "trials.used");
		if (is_measured(row) && used == all &&
		    !json_array_size(json_object_get(row, "reasons")))
			continue;
		text_state(row, state, sizeof(state));
		if (is_measured(row) && used == all)
			snprintf(state, sizeof(state), "values that a check spoils left out");
		else if (is_measured(row))
			snprintf(state, sizeof(state), "%.0f of %.0f trials left out", all - used,
				 all);
		printf("  %s: %s", jsonio_string(row, "mode", "?"), state);
		json_array_foreach (json_object_get(row, "reasons"), k, reason)
			printf("%s%s", k ? " | " : ": ", json_string_value(reason));
		putchar('\n');
	}
}

/* A percentile that is not printed owes its reason. */
static void print_unsupported(const json_t *group)
{
	const struct metric *metric[KIND_COLUMNS];
	size_t i, n = text_columns(group, metric);
	const json_t *row;

	json_array_foreach (json_object_get(group, "rows"), i, row) {
		for (size_t k = 0; k < n; k++) {
			const char *why = jsonio_string(
				json_object_get(json_object_get(row, "metrics"), metric[k]->name),
				"reason", NULL);

			if (why)
				printf("  %s: no %s: %s\n", jsonio_string(row, "mode", "?"),
				       metric[k]->label, why);
		}
	}
}

/* The sentences of one list that are about one curve. */
static void print_of_curve(const json_t *list, const char *title)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *finding = jsonio_string(one, "finding", "crossing");

		if (!strcmp(jsonio_string(one, "title", ""), title) && !strcmp(finding, "crossing"))
			printf("    %s.\n", jsonio_string(one, "sentence", "?"));
	}
}

/* What each mode gives and costs along an axis, where one overtakes the other, and what holds over
 * all of it, a heading a curve; the rest is a count. */
static void print_crossovers(const json_t *result)
{
	const json_t *list = json_object_get(result, "crossovers"), *one;
	_json_ json_t *done = json_object();
	size_t i, silent = 0;

	if (!json_array_size(list))
		return;
	puts("Over the load:");
	json_array_foreach (list, i, one) {
		const char *title = jsonio_string(one, "title", "?");

		silent += !strcmp(jsonio_string(one, "finding", ""), "none");
		if (!strcmp(jsonio_string(one, "finding", ""), "none") ||
		    json_object_get(done, title))
			continue;
		json_object_set_new(done, title, json_true());
		printf("  %s\n", title);
		print_of_curve(json_object_get(result, "tradeoffs"), title);
		print_of_curve(list, title);
		print_of_curve(json_object_get(result, "throughout"), title);
	}
	if (silent)
		printf("  No crossing is shown for %zu pair%s of mode and metric ('--json' has "
		       "them).\n",
		       silent, silent == 1 ? "" : "s");
	putchar('\n');
}

static void print_legend(const json_t *result)
{
	puts("PROOF    counter: a kernel counter of the measured window shows the mode; accepted: "
	     "the kernel took\n"
	     "         the flag, no counter can show more. Rows not in force are shown and "
	     "excluded.\n"
	     "NUMBERS  medians of N trials, one a block; p50 to p99.9 of the merged histograms, at "
	     "open loop from the\n"
	     "         intended start. CPU/IO: CPU time of the workload's tasks with their SQ "
	     "thread. CPU left/IO:\n"
	     "         what an idle-priority task could still do on the measured CPUs, per I/O, "
	     "from "
	     "one pass of its own.\n"
	     "VERDICT  better, worse: the 95 % interval of the change, paired by block, lies "
	     "beyond "
	     "the margin and\n"
	     "         p <= 0.05 after correction; equivalent: the 90 % interval lies inside it; "
	     "else inconclusive.");
	if (jsonio_string(result, "cpu_left_absent", NULL))
		printf("CPU left was not measured: %s.\n",
		       jsonio_string(result, "cpu_left_absent", ""));
	if (json_is_true(json_object_get(result, "dirty")))
		puts("The build that measured this had uncommitted changes.");
}

int compare_print_text(const json_t *result)
{
	const json_t *groups = json_object_get(result, "groups"), *group, *note;
	char text[700];
	size_t i;
	int err;

	printf("run %s: %.0f trials in %.0f blocks, baseline %s\n",
	       jsonio_string(result, "run", "?"), jsonio_number(result, "trials"),
	       jsonio_number(result, "blocks"), jsonio_string(result, "baseline", "none"));
	compare_print_warnings(result, stdout);
	putchar('\n');
	json_array_foreach (groups, i, group) {
		err = print_group(group);
		if (err)
			return err;
		print_findings(group);
		err = published_print(group);
		if (err)
			return err;
		print_excluded(group);
		print_unsupported(group);
		putchar('\n');
	}
	err = instruments_print_text(result);
	if (err)
		return err;
	print_crossovers(result);
	if (json_object_get(result, "precision"))
		printf("Precision %s.\n",
		       precision_text(json_object_get(result, "precision"), text, sizeof(text)));
	compare_print_noise(result);
	if (json_is_object(json_object_get(result, "prepared")))
		printf("Prepared: %s.\n",
		       prepared_text(json_object_get(result, "prepared"), text, sizeof(text)));
	json_array_foreach (json_object_get(result, "left_out"), i, note)
		printf("left out: trials.jsonl:%.0f %s: %s\n", jsonio_number(note, "line"),
		       jsonio_string(note, "trial", ""), jsonio_string(note, "reason", "?"));
	compare_print_notes(result);
	print_legend(result);
	return 0;
}

void compare_csv_text(const char *text, char end)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	printf("\"%c", end);
}

void compare_csv_number(const json_t *j, const char *path, char end)
{
	double value = jsonio_number(j, path);

	if (!isnan(value))
		printf("%.15g", value);
	putchar(end);
}

static void csv_row(const json_t *group, const json_t *row, bool by_placement)
{
	const char *placement = jsonio_string(group, "placement", "");
	const char *mode = jsonio_string(row, "mode", "");
	const json_t *value, *one, *judged;
	const char *metric;
	size_t i;

	json_object_foreach ((json_t *)json_object_get(row, "metrics"), metric, value) {
		judged = NULL;
		json_array_foreach (json_object_get(row, "comparisons"), i, one)
			if (!strcmp(jsonio_string(one, "metric", ""), metric))
				judged = one;
		compare_csv_text(jsonio_string(group, "target", ""), ',');
		compare_csv_text(jsonio_string(group, "workload", ""), ',');
		compare_csv_text(by_placement ? mode : placement, ',');
		compare_csv_text(jsonio_string(group, "title", ""), ',');
		compare_csv_text(by_placement ? placement : mode, ',');
		compare_csv_text(jsonio_string(row, "state", ""), ',');
		compare_csv_text(jsonio_string(row, "grade", ""), ',');
		compare_csv_text(metric, ',');
		compare_csv_number(value, "value", ',');
		compare_csv_number(
			value, json_object_get(value, "block_median") ? "block_median" : "value",
			',');
		compare_csv_number(value, "low", ',');
		compare_csv_number(value, "high", ',');
		compare_csv_number(value, "n", ',');
		compare_csv_text(jsonio_string(judged, "scale", ""), ',');
		compare_csv_number(judged, "estimate", ',');
		compare_csv_number(judged, "low", ',');
		compare_csv_number(judged, "high", ',');
		compare_csv_number(judged, "p_adjusted", ',');
		compare_csv_text(jsonio_string(judged, "verdict", ""), '\n');
	}
	if (json_object_size(json_object_get(row, "metrics")))
		return;
	compare_csv_text(jsonio_string(group, "target", ""),
			 ','); /* nothing measured is a row, too */
	compare_csv_text(jsonio_string(group, "workload", ""), ',');
	compare_csv_text(by_placement ? mode : placement, ',');
	compare_csv_text(jsonio_string(group, "title", ""), ',');
	compare_csv_text(by_placement ? placement : mode, ',');
	compare_csv_text(jsonio_string(row, "state", ""), ',');
	compare_csv_text(jsonio_string(row, "grade", ""), ',');
	puts(",,,,,,,,,,,");
}

int compare_print_csv(const json_t *result)
{
	const json_t *group, *row;
	size_t i, k;

	puts("target,workload,placement,load,mode,state,grade,metric,value,block_median,low,high,n,"
	     "scale,"
	     "estimate,estimate_low,estimate_high,p_adjusted,verdict");
	json_array_foreach (json_object_get(result, "groups"), i, group)
		json_array_foreach (json_object_get(group, "rows"), k, row)
			csv_row(group, row, json_object_get(result, "by") != NULL);
	instruments_print_csv(result);
	return 0;
}
