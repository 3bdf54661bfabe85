// SPDX-License-Identifier: Apache-2.0
#include "analysis/placement_matrix.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analysis/by_placement.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

static const struct {
	const char *name;
	bool thread, interrupt, memory; /* away from the device's node */
} corners[] = {
	{BY_PLACEMENT_BASELINE, false, false, false},
	{"remote-memory", false, false, true},
	{"remote-interrupt", false, true, false},
	{"remote-interrupt-memory", false, true, true},
	{"remote-thread", true, false, false},
	{"remote-thread-memory", true, false, true},
	{"remote-thread-interrupt", true, true, false},
	{"remote-node", true, true, true},
};

static const json_t *find_row(const json_t *group, const char *placement)
{
	const json_t *rows = json_object_get(group, "rows"), *row;
	size_t i;

	json_array_foreach (rows, i, row)
		if (!strcmp(jsonio_string(row, "mode", ""), placement))
			return row;
	return NULL;
}

static const char *where(bool away)
{
	return away ? "away" : "home";
}

json_t *placement_matrix(const json_t *group)
{
	json_t *out = json_array();
	size_t others = 0;

	for (size_t i = 0; i < ARRAY_SIZE(corners); i++) {
		const json_t *row = find_row(group, corners[i].name);
		const json_t *first = json_array_get(json_object_get(row, "comparisons"), 0);
		const json_t *reason = json_array_get(json_object_get(row, "reasons"), 0);

		others += row && i;
		json_array_append_new(
			out,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "placement",
				  corners[i].name, "thread", where(corners[i].thread), "interrupt",
				  where(corners[i].interrupt), "memory", where(corners[i].memory),
				  "state", jsonio_string(row, "state", "absent"), "text",
				  i ? jsonio_string(first, "text", "-") : "1", "verdict",
				  jsonio_string(first, "verdict", "not judged"), "reason",
				  json_is_string(reason) ? json_string_value(reason) : ""));
	}
	if (!others) {
		json_decref(out);
		return NULL;
	}
	return out;
}

static double size_of(const json_t *comparison)
{
	double estimate = jsonio_number(comparison, "estimate");

	if (!strcmp(jsonio_string(comparison, "scale", ""), "ratio"))
		estimate = estimate > 0 ? log(estimate) : 0;
	return fabs(estimate);
}

json_t *placement_advice(const json_t *group)
{
	const json_t *local = find_row(group, BY_PLACEMENT_BASELINE), *best = NULL, *row;
	const json_t *rows = json_object_get(group, "rows");
	const char *metric = NULL;
	double most = -1;
	char sentence[400];
	size_t i;

	if (strcmp(jsonio_string(local, "state", ""), "measured"))
		return NULL;
	json_array_foreach (rows, i, row) {
		const json_t *first = json_array_get(json_object_get(row, "comparisons"), 0);

		if (!first)
			continue;
		metric = jsonio_string(first, "metric", "?");
		/* what pins nothing cannot be set up */
		if (strcmp(jsonio_string(first, "verdict", ""), "better") ||
		    !strcmp(jsonio_string(row, "mode", ""), "os-default") ||
		    strcmp(jsonio_string(row, "state", ""), "measured") || size_of(first) <= most)
			continue;
		most = size_of(first);
		best = row;
	}
	if (!metric)
		return NULL;
	if (best)
		snprintf(sentence, sizeof(sentence), "%.80s is better than local: %.40s %.120s",
			 jsonio_string(best, "mode", "?"), metric,
			 jsonio_string(json_array_get(json_object_get(best, "comparisons"), 0),
				       "text", ""));
	else
		snprintf(sentence, sizeof(sentence),
			 "local: no other placement was shown to be better (%.40s)", metric);
	best = best ? best : local;
	return json_pack("{s:s, s:s, s:s}", "placement", jsonio_string(best, "mode", "?"), "cell",
			 jsonio_string(best, "cell", "?"), "sentence", sentence);
}
