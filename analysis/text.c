// SPDX-License-Identifier: Apache-2.0
#include "analysis/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/kind.h"
#include "base/jsonio.h"
#include "base/num.h"
#include "record/metric.h"

const char *text_value(const struct metric *m, double value, char *out, size_t size)
{
	if (isnan(value))
		snprintf(out, size, "-");
	else if (!strncmp(m->unit, "ns", 2))
		num_ns_text(value, out, size);
	else if (m->better == METRIC_HIGHER && value >= 1e9)
		snprintf(out, size, "%.4gG", value / 1e9);
	else if (m->better == METRIC_HIGHER && value >= 1e6)
		snprintf(out, size, "%.4gM", value / 1e6);
	else if (m->better == METRIC_HIGHER && value >= 1e4)
		snprintf(out, size, "%.4gk", value / 1e3);
	else if (m->better == METRIC_HIGHER)
		snprintf(out, size, "%.4g", value);
	else if (value > 0 && value < 0.001)
		snprintf(out, size, "<0.001");
	else
		snprintf(out, size, "%.3f", value);
	return out;
}

const char *text_state(const json_t *row, char *out, size_t size)
{
	const char *state = jsonio_string(row, "state", "?");
	double share = jsonio_number(row, "share");

	if (!strcmp(state, "measured"))
		snprintf(out, size, "in force (%s)", jsonio_string(row, "grade", "?"));
	else if (!strcmp(state, "not_in_force") && share > 0)
		snprintf(out, size, "NOT in force (%.0f %%)", share * 100);
	else if (!strcmp(state, "not_in_force"))
		snprintf(out, size, "NOT in force");
	else if (!strcmp(state, "not_run"))
		snprintf(out, size, "not run");
	else if (!strcmp(state, "left_out"))
		snprintf(out, size, "left out");
	else
		snprintf(out, size, "%s", state);
	return out;
}

const char *text_used(const json_t *row, char *out, size_t size)
{
	double used = jsonio_number(row, "trials.used"), all = jsonio_number(row, "trials.all");

	if (used == all)
		snprintf(out, size, "%.0f", used);
	else
		snprintf(out, size, "%.0f/%.0f", used, all);
	return out;
}

const char *text_verdict(const char *word)
{
	return !strcmp(word, "better")	     ? "better than"
	       : !strcmp(word, "worse")	     ? "worse than"
	       : !strcmp(word, "equivalent") ? "equivalent to"
					     : "inconclusive against";
}

size_t text_columns(const json_t *group, const struct metric **metric)
{
	const struct kind *kind = kind_find(jsonio_string(group, "kind", "block"));
	bool open_loop = json_is_true(json_object_get(group, "open_loop"));
	const json_t *row;
	size_t i, n = 0;

	for (const struct kind_column *c = kind->column; c->metric; c++) {
		bool found = n == 0;

		if (c->open_loop && !open_loop)
			continue;
		json_array_foreach (json_object_get(group, "rows"), i, row)
			found |=
				json_object_get(json_object_get(row, "metrics"), c->metric) != NULL;
		if (found)
			metric[n++] = metric_find(c->metric);
	}
	return n;
}

const json_t *text_comparison(const json_t *row)
{
	return json_array_get(json_object_get(row, "comparisons"), 0);
}

const json_t *text_judged(const json_t *group)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row)
		if (text_comparison(row))
			return text_comparison(row);
	return NULL;
}
