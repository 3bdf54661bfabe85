// SPDX-License-Identifier: Apache-2.0
#include "analysis/steady.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jsonio.h"

static void judge_window(const double *y, struct steady *s)
{
	double sum = 0, low = INFINITY, high = -INFINITY, moment = 0, spread = 0;
	const double middle = (STEADY_WINDOW - 1) / 2.0;

	for (size_t i = 0; i < STEADY_WINDOW; i++) {
		double x = (double)i - middle;

		sum += y[i];
		low = fmin(low, y[i]);
		high = fmax(high, y[i]);
		moment += x * y[i];
		spread += x * x;
	}
	s->average = sum / STEADY_WINDOW;
	s->range = (high - low) / s->average;
	/* least squares; the fit's rise over the window */
	s->slope = fabs(moment / spread * (STEADY_WINDOW - 1)) / s->average;
	s->reached = s->average > 0 && s->range <= STEADY_RANGE && s->slope <= STEADY_SLOPE;
}

void steady_judge(const double *y, size_t n, struct steady *s)
{
	*s = (struct steady){.range = NAN, .slope = NAN, .average = NAN};
	if (n > STEADY_ROUNDS_MAX)
		n = STEADY_ROUNDS_MAX;
	for (size_t end = STEADY_WINDOW; !s->reached && end <= n; end++) {
		s->round = end;
		judge_window(y + end - STEADY_WINDOW, s);
	}
}

static json_t *to_json(const struct steady *s, const char *what)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "%s %zu: range %.1f %% (at most %.0f %%), slope %.1f %% (at most %.0f %%)", what,
		 s->round, s->range * 100, STEADY_RANGE * 100, s->slope * 100, STEADY_SLOPE * 100);
	if (!isfinite(s->range) || !isfinite(s->slope)) /* nothing was done in any round */
		return json_null();
	return json_pack("{s:b, s:I, s:f, s:f, s:f, s:s}", "reached", s->reached, "round",
			 (json_int_t)s->round, "range", s->range, "slope", s->slope, "average",
			 s->average, "sentence", text);
}

json_t *steady_json(const double *y, size_t n)
{
	struct steady s;

	steady_judge(y, n, &s);
	return s.round ? to_json(&s, "five rounds to round") : json_null();
}

json_t *steady_of_trial(const json_t *trial)
{
	const json_t *ios = jsonio_at(trial, "intervals.ios");
	size_t each = json_array_size(ios) / STEADY_WINDOW;
	double y[STEADY_WINDOW] = {0};
	struct steady s = {.round = STEADY_WINDOW};

	if (!each)
		return json_null();
	/* what does not divide by five is left out at the beginning */
	for (size_t i = 0; i < each * STEADY_WINDOW; i++)
		y[i / each] += json_number_value(
			json_array_get(ios, json_array_size(ios) - each * STEADY_WINDOW + i));
	judge_window(y, &s);
	return to_json(&s, "parts of the trial to part");
}
