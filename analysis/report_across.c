// SPDX-License-Identifier: Apache-2.0
/* Several runs: what differs between them, and what came of it. */
#include <math.h>

#include "analysis/across.h"
#include "analysis/report_html.h"
#include "analysis/report_parts.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/metric.h"

static void environment(FILE *out, const json_t *one)
{
	static const char *const head[] = {"Part", "What", "First run", "This run"};
	const json_t *list = json_object_get(one, "environment"), *row;
	size_t i;

	fputs("<p>", out);
	html_text(out, jsonio_string(one, "relation", "?"));
	fputs(".</p>\n", out);
	if (!json_array_size(list)) {
		fputs("<p>No recorded difference of the two environments.</p>\n", out);
		return;
	}
	html_table(out, "What differs between the two environments: the candidate explanations");
	html_head(out, head, ARRAY_SIZE(head));
	json_array_foreach (list, i, row) {
		fputs("<tr>", out);
		html_element(out, "td", jsonio_string(row, "part", "?"));
		html_element(out, "th scope=row", jsonio_string(row, "what", "?"));
		html_element(out, "td class=w", jsonio_string(row, "first", "?"));
		html_element(out, "td class=w", jsonio_string(row, "second", "?"));
		fputs("</tr>\n", out);
	}
	html_table_end(out);
}

/* Rows are marked as those of run N against the first, so that no other table's are meant. */
static void one_row(FILE *out, const json_t *row, size_t run)
{
	const char *name = jsonio_string(row, "comparison.metric", "iops");
	const struct metric *m = metric_find(name);
	double first = jsonio_number(row, "comparison.baseline");
	double second = jsonio_number(row, "comparison.mode");
	double change = jsonio_number(row, "comparison.estimate");
	char text[64];

	fputs("<tr data-cell=\"", out);
	html_text(out, jsonio_string(row, "cell", "?"));
	fprintf(out, "\" data-run=across%zu>", run);
	html_element(out, "th scope=row", jsonio_string(row, "mode", "?"));
	html_element(out, "td", jsonio_string(row, "title", "?"));
	html_element(out, "td", m->label);
	html_number(out, "first", first, text_value(m, first, text, sizeof(text)));
	html_number(out, "second", second, text_value(m, second, text, sizeof(text)));
	html_number(out, name, change, jsonio_string(row, "comparison.text", "-"));
	fputs("<td class=v>", out);
	html_verdict(out, jsonio_string(row, "comparison.verdict", "?"));
	fputs("</td></tr>\n", out);
}

static void rows(FILE *out, const json_t *one, size_t run)
{
	static const char *const head[] = {"Mode",     "Load",		"Metric", "First run",
					   "This run", "Change [95 %]", "Verdict"};
	const json_t *row;
	size_t i;

	if (!json_array_size(json_object_get(one, "rows"))) {
		fputs("<p>No mode was measured in force at the same load in both.</p>\n", out);
		return;
	}

	html_table(out,
		   "The same mode at the same load in both runs; intervals by Wilcoxon's rank sum");
	html_head(out, head, ARRAY_SIZE(head));
	json_array_foreach (json_object_get(one, "rows"), i, row)
		one_row(out, row, run);
	html_table_end(out);
}

/* Why each verdict is what it is, and what has none. */
static void reasons(FILE *out, const json_t *one)
{
	const json_t *row;
	size_t i;

	fputs("<ul class=notes>\n", out);
	json_array_foreach (json_object_get(one, "rows"), i, row) {
		fputs("<li>", out);
		html_element(out, "strong", jsonio_string(row, "mode", "?"));
		fputs(", ", out);
		html_text(out, jsonio_string(row, "title", "?"));
		fputs(": ", out);
		html_text(out, jsonio_string(row, "comparison.verdict", "?"));
		fputs(": ", out);
		html_text(out, jsonio_string(row, "comparison.sentence", "?"));
		fputs(".</li>\n", out);
	}
	json_array_foreach (json_object_get(one, "unmatched"), i, row) {
		fputs("<li>not compared: ", out);
		html_text(out, jsonio_string(row, "mode", "?"));
		fputs(", ", out);
		html_text(out, jsonio_string(row, "title", "?"));
		fputs(": ", out);
		html_text(out, jsonio_string(row, "reason", "?"));
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

void report_across(FILE *out, const json_t *result)
{
	const json_t *runs = json_object_get(result, "runs"), *one;
	size_t i;

	fputs("<h2 id=across>Runs against the first</h2>\n", out);
	json_array_foreach (json_object_get(result, "against"), i, one) {
		size_t second = (size_t)jsonio_number(one, "run");

		html_elementf(out, "h3", "Run %zu, %s, against run 1, %s", second + 1,
			      jsonio_string(json_array_get(runs, second), "run", "?"),
			      jsonio_string(json_array_get(runs, 0), "run", "?"));
		environment(out, one);
		rows(out, one, second);
		reasons(out, one);
	}
	fputs("<p>Runs share no blocks. Intervals hold what varies within a run; what differs from "
	      "day to "
	      "day without being recorded is in the change, too.</p>\n",
	      out);
}
