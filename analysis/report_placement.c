// SPDX-License-Identifier: Apache-2.0
/* Thread node x interrupt node x memory node of a run that compares placements, and what to take.
 */
#include <string.h>

#include "analysis/placement_matrix.h"
#include "analysis/report_html.h"
#include "analysis/report_parts.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

static void one_matrix(FILE *out, const json_t *group, const json_t *matrix)
{
	static const char *const head[] = {
		"Thread", "Interrupts", "Memory", "Placement", "Change vs local [95 %]", "Verdict"};
	const json_t *one;
	size_t i;

	html_elementf(out, "h3", "Nodes: %s", jsonio_string(group, "title", "?"));
	html_table(out, "Thread, interrupts and memory on the device's node (home) or on another "
			"(away), each against local");
	html_head(out, head, ARRAY_SIZE(head));
	json_array_foreach (matrix, i, one) {
		const char *state = jsonio_string(one, "state", "?");
		bool measured = !strcmp(state, "measured");

		fputs("<tr>", out);
		html_element(out, "td", jsonio_string(one, "thread", "?"));
		html_element(out, "td", jsonio_string(one, "interrupt", "?"));
		html_element(out, "td", jsonio_string(one, "memory", "?"));
		html_element(out, "th scope=row", jsonio_string(one, "placement", "?"));
		html_element(out, "td", measured ? jsonio_string(one, "text", "") : "-");
		if (measured)
			html_element(out, "td", i ? jsonio_string(one, "verdict", "") : "baseline");
		else if (!strcmp(state, "absent"))
			html_element(out, "td", "the experiment does not ask for it");
		else
			html_elementf(out, "td class=w", "%s: %s", state,
				      jsonio_string(one, "reason", ""));
		fputs("</tr>\n", out);
	}
	html_table_end(out);
}

void report_placement(FILE *out, const struct report_run *r)
{
	const json_t *group;
	size_t i;

	if (!r->cells->by_placement)
		return;
	json_array_foreach (json_object_get(r->result, "groups"), i, group) {
		_json_ json_t *matrix = placement_matrix(group);
		_json_ json_t *advice = placement_advice(group);

		if (matrix)
			one_matrix(out, group, matrix);
		if (advice)
			html_elementf(out, "p", "Recommended for %s: %s.",
				      jsonio_string(group, "title", "?"),
				      jsonio_string(advice, "sentence", ""));
	}
}
