// SPDX-License-Identifier: Apache-2.0
#include "analysis/published.h"

#include <math.h>
#include <string.h>

#include "base/jsonio.h"

static const json_t *measured_row(const json_t *group, const char *mode)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row)
		if (!strcmp(jsonio_string(row, "mode", ""), mode) &&
		    !strcmp(jsonio_string(row, "state", ""), "measured"))
			return row;
	return NULL;
}

static double value_of(const json_t *row, const char *metric)
{
	return jsonio_number(json_object_get(json_object_get(row, "metrics"), metric), "value");
}

void published_beside_ours(json_t *group)
{
	json_t *row, *ratio;
	const char *metric;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row) {
		json_t *published = json_object_get(row, "published"), *ours;
		const json_t *base, *own = measured_row(group, jsonio_string(row, "mode", ""));

		if (!published)
			continue;
		base = measured_row(group, jsonio_string(published, "baseline", ""));
		published = json_copy(published); /* the run's own is not ours to add to */
		ours = json_object();
		json_object_foreach (json_object_get(published, "ratios"), metric, ratio) {
			double by = base ? value_of(base, metric) : NAN;
			double value = own ? value_of(own, metric) : NAN;

			if (by > 0 && isfinite(value))
				json_object_set_new(ours, metric, json_real(value / by));
		}
		json_object_set_new(published, "ours", ours);
		json_object_set_new(row, "published", published);
	}
}
