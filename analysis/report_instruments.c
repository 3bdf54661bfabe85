// SPDX-License-Identifier: Apache-2.0
/* The same mode by two programs: where they disagree, and which check explains it. */
#include <stdio.h>

#include "analysis/report_html.h"
#include "analysis/report_parts.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/metric.h"

static void one_row(FILE *out, const struct report_run *r, const json_t *pair, const json_t *one)
{
	const json_t *cells = json_object_get(pair, "cells");
	const char *name = jsonio_string(one, "metric", "iops");
	const struct metric *m = metric_find(name);
	char text[64];

	fputs("<tr data-cell=\"", out);
	html_text(out, json_string_value(json_array_get(cells, 1)) ?: "?");
	fputs("\" data-against=\"", out);
	html_text(out, json_string_value(json_array_get(cells, 0)) ?: "?");
	fprintf(out, "\" data-run=%zu>", r->number);
	html_element(out, "th scope=row", jsonio_string(pair, "mode", "?"));
	html_element(out, "td", jsonio_string(pair, "title", "?"));
	html_element(out, "td", m->label);
	for (int i = 0; i < 2; i++) {
		double value = jsonio_number(one, i ? "mode" : "baseline");

		snprintf(text, sizeof(text), "instrument%d:%.40s", i, name);
		fputs("<td class=n data-metric=\"", out);
		html_text(out, text);
		fprintf(out, "\" data-value=\"%.17g\">", value);
		html_text(out, text_value(m, value, text, sizeof(text)));
		fputs("</td>", out);
	}
	fprintf(out, "<td class=n data-metric=\"instruments:%s\" data-value=\"%.17g\">", name,
		jsonio_number(one, "estimate"));
	html_text(out, jsonio_string(one, "text", "-"));
	fputs("</td>", out);
	html_element(out, "td class=v", jsonio_string(one, "agreement", "?"));
	html_element(out, "td class=w", jsonio_string(one, "why", ""));
	fputs("</tr>\n", out);
}

static void words(FILE *out, const json_t *pair)
{
	const json_t *one;
	size_t i;

	if (jsonio_string(pair, "reason", NULL)) {
		fputs("<li>", out);
		html_elementf(out, "strong", "%s, %s", jsonio_string(pair, "mode", "?"),
			      jsonio_string(pair, "title", "?"));
		fputs(": not compared: ", out);
		html_text(out, jsonio_string(pair, "reason", ""));
		fputs("</li>\n", out);
	}
	json_array_foreach (json_object_get(pair, "missing"), i, one) {
		fputs("<li>", out);
		html_elementf(out, "strong", "%s, %s", jsonio_string(pair, "mode", "?"),
			      jsonio_string(pair, "title", "?"));
		fprintf(out, ": no %s: ", metric_find(jsonio_string(one, "metric", "iops"))->label);
		html_text(out, jsonio_string(one, "sentence", ""));
		fputs("</li>\n", out);
	}
}

/* "fio against ioloop", where all pairs are of the same two. */
static const char *pair_names(const json_t *pairs, char *out, size_t size)
{
	const json_t *first = json_object_get(json_array_get(pairs, 0), "instruments"), *pair;
	size_t i;

	snprintf(out, size, "%.30s against %.30s",
		 json_string_value(json_array_get(first, 1)) ?: "?",
		 json_string_value(json_array_get(first, 0)) ?: "?");
	json_array_foreach (pairs, i, pair)
		if (!json_equal(first, json_object_get(pair, "instruments")))
			snprintf(out, size, "the second against the first (ours)");
	return out;
}

void report_instruments(FILE *out, const struct report_run *r)
{
	static const char *const head[] = {"Mode",   "Load",	      "Metric", "First",
					   "Second", "Change [95 %]", "Result", "Explained by"};
	const json_t *pairs = json_object_get(r->result, "instruments"), *pair, *one;
	char names[80], caption[120];
	size_t i, k;

	if (!json_array_size(pairs))
		return;
	fprintf(out, "<h2 id=r%zu-instruments>Instruments</h2>\n", r->number);
	fputs("<p>The same mode and load by two programs, paired by block. Where they disagree "
	      "beyond the margin, what their records show of the reason; a difference that none of "
	      "it explains is one to doubt both by.</p>\n",
	      out);
	snprintf(caption, sizeof(caption), "Two instruments of one mode: %s",
		 pair_names(pairs, names, sizeof(names)));
	html_table(out, caption);
	html_head(out, head, ARRAY_SIZE(head));
	json_array_foreach (pairs, i, pair)
		json_array_foreach (json_object_get(pair, "comparisons"), k, one)
			one_row(out, r, pair, one);
	html_table_end(out);
	fputs("<ul class=notes>\n", out);
	json_array_foreach (pairs, i, pair)
		words(out, pair);
	fputs("</ul>\n", out);
}
