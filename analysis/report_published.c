// SPDX-License-Identifier: Apache-2.0
/* What others published, beside ours. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/report_html.h"
#include "analysis/report_parts.h"
#include "base/jsonio.h"
#include "record/metric.h"

/* The baseline may be what is missing, or the counter: hardware cycles, vectors. */
static const char *why_not_ours(const json_t *row)
{
	const char *state = jsonio_string(row, "state", "");

	if (!strcmp(state, "measured"))
		return "not known";
	return strcmp(state, "not_in_force") ? "not measured" : "not in force";
}

/* What others published of a row, as ratios against the row they name, and ours. */
void report_published_row(FILE *out, const json_t *row)
{
	const json_t *p = json_object_get(row, "published");
	json_t *ratios = json_object_get(p, "ratios"), *theirs;
	const char *metric, *sep = " ";

	if (!json_object_size(ratios))
		return;
	fputs("<li>", out);
	html_element(out, "strong", jsonio_string(row, "mode", "?"));
	fputs(", published against ", out);
	html_text(out, jsonio_string(p, "baseline", "?"));
	fputs(" (", out);
	html_text(out, jsonio_string(p, "source", "?"));
	fputs("):", out);
	json_object_foreach (ratios, metric, theirs) {
		double ours = jsonio_number(json_object_get(p, "ours"), metric);
		const struct metric *m = metric_find(metric);

		fputs(sep, out);
		html_text(out, m ? m->label : metric);
		fprintf(out, " %.3g, ours ", json_number_value(theirs));
		if (isnan(ours))
			fputs(why_not_ours(row), out);
		else
			fprintf(out, "%.3g", ours);
		sep = "; ";
	}
	fputs(".</li>\n", out);
}

/* Once a group: what they say of it without a figure a row, and what differs from their set-up. */
void report_published_words(FILE *out, const json_t *group)
{
	const json_t *row, *p = NULL, *one;
	const char *name;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row)
		p = p ? p : json_object_get(row, "published");
	if (jsonio_string(p, "says", NULL)) {
		fputs("<li><strong>Published</strong> (", out);
		html_text(out, jsonio_string(p, "source", "?"));
		fputs("): ", out);
		html_text(out, jsonio_string(p, "says", ""));
		fputs("</li>\n", out);
	}
	if (jsonio_string(p, "differs", NULL)) {
		fputs("<li><strong>What differs from the published set-up</strong>: ", out);
		html_text(out, jsonio_string(p, "differs", ""));
		fputs("</li>\n", out);
	}
	json_object_foreach (json_object_get(p, "elsewhere"), name, one) {
		fputs("<li>", out);
		html_element(out, "strong", name);
		fputs(" is published and no row here: ", out);
		html_text(out, jsonio_string(one, "why", "?"));
		fputs("</li>\n", out);
	}
}
