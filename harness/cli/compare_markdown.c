// SPDX-License-Identifier: Apache-2.0
/* Comparisons as Markdown: for a pull request, an issue, a notebook. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/kind.h"
#include "analysis/precision.h"
#include "analysis/text.h"
#include "base/jsonio.h"
#include "compare_notes.h"
#include "compare_print.h"
#include "record/metric.h"

/* Text of a record inside a table: nothing in it is markup, and a bar does not end the cell. */
static void text(const char *s)
{
	for (; *s; s++) {
		if (strchr("\\`*_{}[]<>#|~!&", *s))
			putchar('\\');
		putchar((unsigned char)*s < ' ' ? ' ' : *s);
	}
}

static void cell(const char *s)
{
	fputs("| ", stdout);
	text(s);
	putchar(' ');
}

static void rule(size_t left, size_t right)
{
	putchar('\n');
	for (size_t i = 0; i < left; i++)
		fputs("| --- ", stdout);
	for (size_t i = 0; i < right; i++)
		fputs("| ---: ", stdout);
	puts("|");
}

static void group_table(const json_t *group)
{
	const struct metric *metric[KIND_COLUMNS];
	size_t n = text_columns(group, metric), i;
	const json_t *row;
	char out[64];

	cell("mode");
	cell("proof");
	cell("verdict");
	for (i = 0; i < n; i++)
		cell(metric[i]->label);
	cell("trials");
	cell("change [95 %]");
	putchar('|');
	rule(3, n + 2);
	json_array_foreach (json_object_get(group, "rows"), i, row) {
		const json_t *first = text_comparison(row);
		bool measured = !strcmp(jsonio_string(row, "state", ""), "measured");
		bool base = !strcmp(jsonio_string(row, "mode", ""),
				    jsonio_string(group, "baseline", "-"));

		cell(jsonio_string(row, "mode", "?"));
		cell(text_state(row, out, sizeof(out)));
		cell(base ? "baseline"
			  : jsonio_string(first, "verdict", measured ? "not judged" : "excluded"));
		for (size_t k = 0; k < n; k++)
			cell(text_value(
				metric[k],
				jsonio_number(json_object_get(json_object_get(row, "metrics"),
							      metric[k]->name),
					      "value"),
				out, sizeof(out)));
		cell(text_used(row, out, sizeof(out)));
		cell(jsonio_string(first, "text", "-"));
		puts("|");
	}
	putchar('\n');
}

static void reasons(const json_t *group)
{
	const json_t *row, *one;
	size_t i, k;

	json_array_foreach (json_object_get(group, "rows"), i, row) {
		json_array_foreach (json_object_get(row, "comparisons"), k, one) {
			fputs("- ", stdout);
			text(jsonio_string(row, "mode", "?"));
			fputs(": ", stdout);
			text(jsonio_string(one, "sentence", "?"));
			putchar('\n');
		}
		json_array_foreach (json_object_get(row, "reasons"), k, one) {
			fputs("- ", stdout);
			text(jsonio_string(row, "mode", "?"));
			fputs(": ", stdout);
			text(json_string_value(one) ? json_string_value(one) : "?");
			putchar('\n');
		}
	}
	putchar('\n');
}

static void instrument_rows(const json_t *pair)
{
	const json_t *list = json_object_get(pair, "instruments"), *one;
	char out[64];
	size_t i;

	json_array_foreach (json_object_get(pair, "comparisons"), i, one) {
		const struct metric *m = metric_find(jsonio_string(one, "metric", "iops"));

		cell(jsonio_string(pair, "mode", "?"));
		cell(jsonio_string(pair, "title", "?"));
		cell(m->label);
		cell(jsonio_string(one, "agreement", "?"));
		cell(jsonio_string(one, "why", ""));
		for (size_t k = 0; k < 2; k++) {
			const char *name = json_string_value(json_array_get(list, k));
			double value = jsonio_number(one, k ? "mode" : "baseline");
			char both[128];

			snprintf(both, sizeof(both), "%.40s: %s", name ? name : "?",
				 text_value(m, value, out, sizeof(out)));
			cell(both);
		}
		cell(jsonio_string(one, "text", "-"));
		puts("|");
	}
}

static void instruments(const json_t *result)
{
	static const char *const head[] = {"mode", "load",  "metric", "result",
					   "why",  "first", "second", "change [95 %]"};
	const json_t *pairs = json_object_get(result, "instruments"), *pair;
	size_t i;

	if (!json_array_size(pairs))
		return;
	puts("### Instruments\n");
	for (i = 0; i < sizeof(head) / sizeof(*head); i++)
		cell(head[i]);
	putchar('|');
	rule(5, 3);
	json_array_foreach (pairs, i, pair)
		instrument_rows(pair);
	putchar('\n');
	json_array_foreach (pairs, i, pair)
		if (jsonio_string(pair, "reason", NULL)) {
			fputs("- ", stdout);
			text(jsonio_string(pair, "mode", "?"));
			fputs(": ", stdout);
			text(jsonio_string(pair, "reason", ""));
			putchar('\n');
		}
}

static void warnings(const json_t *of)
{
	char words[500];

	for (unsigned i = 0; compare_warning(of, i, words, sizeof(words)); i++) {
		if (!*words)
			continue;
		fputs("**", stdout);
		text(words);
		puts("**\n");
	}
}

static void noise(const json_t *of)
{
	const json_t *note = json_object_get(of, "noise_floor"), *one;
	size_t i;

	fputs("Noise floor: ", stdout);
	text(jsonio_string(note, "sentence", "?"));
	puts(".\n");
	json_array_foreach (json_object_get(note, "warnings"), i, one) {
		fputs("- But ", stdout);
		text(json_string_value(one) ?: "?");
		puts("; `iomodes aa` measures it anew.\n");
	}
}

int compare_print_markdown(const json_t *result)
{
	const json_t *group, *one;
	char words[700];
	size_t i;

	fputs("## ", stdout);
	text(jsonio_string(result, "run", "?"));
	printf("\n\n%.0f trials in %.0f blocks.%s\n\n", jsonio_number(result, "trials"),
	       jsonio_number(result, "blocks"),
	       json_is_true(json_object_get(result, "dirty"))
		       ? " **The build that measured this had uncommitted changes.**"
		       : "");
	fputs("Precision ", stdout);
	text(precision_text(json_object_get(result, "precision"), words, sizeof(words)));
	puts(".\n");
	noise(result);
	warnings(result);
	json_array_foreach (json_object_get(result, "groups"), i, group) {
		fputs("### ", stdout);
		text(jsonio_string(group, "title", "?"));
		fputs("\n\n", stdout);
		if (jsonio_string(group, "answer.sentence", NULL)) {
			fputs("**", stdout);
			text(jsonio_string(group, "answer.sentence", ""));
			fputs(".**\n\n", stdout);
		}
		group_table(group);
		reasons(group);
	}
	instruments(result);
	json_array_foreach (json_object_get(result, "tradeoffs"), i, one) {
		fputs("- ", stdout);
		text(jsonio_string(one, "title", "?"));
		fputs(": **", stdout);
		text(jsonio_string(one, "sentence", "?"));
		puts("**");
	}
	json_array_foreach (json_object_get(result, "crossovers"), i, one) {
		if (strcmp(jsonio_string(one, "finding", ""), "crossing"))
			continue;
		fputs("- ", stdout);
		text(jsonio_string(one, "sentence", "?"));
		putchar('\n');
	}
	json_array_foreach (json_object_get(result, "left_out"), i, one) {
		printf("- left out: trials.jsonl:%.0f: ", jsonio_number(one, "line"));
		text(jsonio_string(one, "reason", "?"));
		putchar('\n');
	}
	return 0;
}

static void across_row(const json_t *row)
{
	const struct metric *m = metric_find(jsonio_string(row, "comparison.metric", "iops"));
	char out[64];

	cell(jsonio_string(row, "title", "?"));
	cell(jsonio_string(row, "mode", "?"));
	cell(jsonio_string(row, "comparison.verdict", "?"));
	cell(m->label);
	cell(text_value(m, jsonio_number(row, "comparison.baseline"), out, sizeof(out)));
	cell(text_value(m, jsonio_number(row, "comparison.mode"), out, sizeof(out)));
	cell(jsonio_string(row, "comparison.text", "-"));
	puts("|");
}

int across_print_markdown(const json_t *result)
{
	const json_t *runs = json_object_get(result, "runs"), *one, *row;
	size_t i, k;

	json_array_foreach (runs, i, one) {
		if (json_is_true(json_object_get(one, "dirty"))) {
			text(jsonio_string(one, "run", "?"));
			puts(": **the build that measured this had uncommitted changes.**\n");
		}
		warnings(one);
		noise(one);
	}
	json_array_foreach (json_object_get(result, "against"), i, one) {
		const json_t *second = json_array_get(runs, (size_t)jsonio_number(one, "run"));

		fputs("## ", stdout);
		text(jsonio_string(second, "run", "?"));
		fputs(" against ", stdout);
		text(jsonio_string(json_array_get(runs, 0), "run", "?"));
		fputs("\n\n", stdout);
		text(jsonio_string(one, "relation", "?"));
		fputs(".\n\n", stdout);
		json_array_foreach (json_object_get(one, "environment"), k, row) {
			printf("- %s: ", jsonio_string(row, "part", "?"));
			text(jsonio_string(row, "what", "?"));
			fputs(": ", stdout);
			text(jsonio_string(row, "first", "?"));
			fputs(" -> ", stdout);
			text(jsonio_string(row, "second", "?"));
			putchar('\n');
		}
		putchar('\n');
		cell("load");
		cell("mode");
		cell("verdict");
		cell("metric");
		cell("first");
		cell("second");
		cell("change [95 %]");
		putchar('|');
		rule(4, 3);
		json_array_foreach (json_object_get(one, "rows"), k, row)
			across_row(row);
		putchar('\n');
		json_array_foreach (json_object_get(one, "unmatched"), k, row) {
			fputs("- not compared: ", stdout);
			text(jsonio_string(row, "mode", "?"));
			fputs(", ", stdout);
			text(jsonio_string(row, "title", "?"));
			fputs(": ", stdout);
			text(jsonio_string(row, "reason", "?"));
			putchar('\n');
		}
	}
	return 0;
}
