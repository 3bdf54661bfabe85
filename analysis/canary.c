// SPDX-License-Identifier: Apache-2.0
#include "analysis/canary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/stats.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

/* A still host's work repeats within a percent; a wake-up's median within a few us; the ring's rate
 * depends on memory placement, too. */
static const struct canary_limit limits[] = {
	{"spin_per_s", "CPU work", 0.05, 0},
	{"wakeup_p50_ns", "timer wake-up", 0.5, 20000},
	{"nop_per_s", "null loop", 0.10, 0},
};

const struct canary_limit *canary_limits(size_t *n)
{
	*n = ARRAY_SIZE(limits);
	return limits;
}

static double median_of(const json_t *samples, const char *name)
{
	_free_ double *value = calloc(json_array_size(samples) + 1, sizeof(*value));
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach (samples, i, one) {
		double x = jsonio_number(one, name);

		if (value && isfinite(x))
			value[n++] = x;
	}
	return n >= CANARY_SAMPLES_MIN ? stats_median(value, n) : NAN;
}

static void judge_sample(const json_t *sample, const double *median, json_t *suspect)
{
	char text[240] = "";

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		double x = jsonio_number(sample, limits[i].name), off = fabs(x - median[i]);
		size_t len = strlen(text);

		/* false for NAN: what was not measured has not moved */
		if (off > limits[i].relative * median[i] && off > limits[i].absolute)
			snprintf(text + len, sizeof(text) - len,
				 "%s%s %+.0f %% off the run's median (%.0f %% allowed)",
				 len ? ", " : "", limits[i].label, (x / median[i] - 1) * 100,
				 limits[i].relative * 100);
	}
	if (*text)
		json_array_append_new(suspect,
				      json_pack("{s:O, s:b, s:s}", "block",
						json_object_get(sample, "block"), "retry",
						json_is_true(json_object_get(sample, "retry")),
						"sentence", text));
}

json_t *canary_judge(const json_t *canary)
{
	const json_t *samples = json_object_get(canary, "samples"), *one;
	json_t *judged = json_pack("{s:{}, s:[]}", "medians", "suspect");
	double median[ARRAY_SIZE(limits)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		median[i] = median_of(samples, limits[i].name);
		if (isfinite(median[i]))
			json_object_set_new(json_object_get(judged, "medians"), limits[i].name,
					    json_real(median[i]));
	}
	json_array_foreach (samples, i, one)
		judge_sample(one, median, json_object_get(judged, "suspect"));
	return judged;
}

const char *canary_objection(const json_t *canary, const json_t *judged, size_t block, bool retry)
{
	const json_t *one;
	size_t i;

	if (json_is_string(json_object_get(canary, "hypervisor")))
		return NULL;
	json_array_foreach (json_object_get(judged, "suspect"), i, one)
		if (json_is_true(json_object_get(one, "retry")) == retry &&
		    (retry || (size_t)json_integer_value(json_object_get(one, "block")) == block))
			return jsonio_string(one, "sentence", "");
	return NULL;
}
