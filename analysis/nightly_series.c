// SPDX-License-Identifier: Apache-2.0
#include "analysis/nightly_series.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/changepoint.h"
#include "analysis/judge.h"
#include "analysis/stats.h"
#include "base/cleanup.h"
#include "record/metric.h"

/* Of the prediction interval. One clean version in a hundred lies outside; that is what the
 * confirmation run is for, and a real step is seen on its first night. */
#define INTERVAL_LEVEL 0.99
#define SPIKE_LEVEL    0.999
#define DRIFT_P	       0.001
/* A confirmation has the last word, and one is asked for in every hundredth clean judgement: 0.05
 * would let one of 200 clean series of 40 nights through. Ten pairs can reach 0.002. */
#define CONFIRM_P    0.005
#define DRIFT_POINTS 16

double nightly_floor(const struct metric *metric, const struct nightly_point *p, size_t n)
{
	_free_ double *half = calloc(n + 1, sizeof(double));
	_free_ double *step = calloc(n + 1, sizeof(double));
	size_t n_half = 0, n_step = 0;
	double floor = metric->margin_relative, within, between;

	if (!half || !step)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (isfinite(p[i].low) && isfinite(p[i].high) && p[i].value > 0)
			half[n_half++] = (p[i].high - p[i].low) / 2 / p[i].value;
		if (i && p[i].value > 0 && p[i - 1].value > 0)
			step[n_step++] = fabs(log(p[i].value / p[i - 1].value));
	}
	within = stats_median(half, n_half);
	/* median |difference| of two normal values is 0.6745 √2 sd */
	between = 2 * stats_median(step, n_step) / (0.6745 * M_SQRT2);
	if (within > floor)
		floor = within;
	if (between > floor)
		floor = between;
	return floor;
}

/* Outside of what the others predict at that level? `x` itself is not among them. */
static bool outside(const double *x, size_t n, double value, double level, double *mean,
		    double *half)
{
	*mean = stats_mean(x, n);
	*half = stats_t_quantile(1 - (1 - level) / 2, (double)n - 1) * stats_sd(x, n) *
		sqrt(1 + 1 / (double)n);
	return fabs(value - *mean) > *half;
}

/* The last versions without one single spike: it would hide the next step. */
static size_t recent(const double *x, size_t n, double *out)
{
	size_t from = n > NIGHTLY_RECENT ? n - NIGHTLY_RECENT : 0, kept = n - from, extreme = 0;
	double mean, half, spike;

	for (size_t i = 0; i < kept; i++)
		out[i] = x[from + i];
	mean = stats_median(out, kept);
	for (size_t i = 1; i < kept; i++)
		if (fabs(out[i] - mean) > fabs(out[extreme] - mean))
			extreme = i;
	spike = out[extreme];
	out[extreme] = out[kept - 1];
	if (outside(out, kept - 1, spike, SPIKE_LEVEL, &mean, &half))
		return kept - 1;
	out[kept - 1] = spike;
	return kept;
}

static void flag(struct nightly_verdict *v, const struct metric *m, enum nightly_rule rule,
		 size_t at, double effect)
{
	if (!v->rules) {
		v->at = at;
		v->effect = effect;
		v->worse = m->better == METRIC_HIGHER ? effect < 0 : effect > 0;
	}
	v->rules |= rule;
	v->state = NIGHTLY_FLAGGED;
}

static void judge_step(const struct metric *m, const double *x, size_t n, struct nightly_verdict *v)
{
	struct changepoint_options o = changepoint_defaults;
	_free_ struct changepoint *found = calloc(n, sizeof(*found));
	size_t count;

	if (!found)
		abort();
	o.magnitude = v->floor;
	count = changepoint_find(x, n, &o, found);
	if (!count || found[count - 1].at + NIGHTLY_RECENT < n)
		return;
	flag(v, m, NIGHTLY_STEP, found[count - 1].at,
	     expm1(found[count - 1].after - found[count - 1].before));
}

static void judge_newest(const struct metric *m, const double *x, size_t n,
			 struct nightly_verdict *v)
{
	double before[NIGHTLY_RECENT], mean, half;
	size_t kept = recent(x, n - 1, before), tail = n > 21 ? n - 21 : 0, at;
	bool out = outside(before, kept, x[n - 1], INTERVAL_LEVEL, &mean, &half);

	v->expected = exp(mean);
	v->low = exp(mean - half);
	v->high = exp(mean + half);
	if (!out || fabs(x[n - 1] - mean) < v->floor)
		return;
	/* It may have begun a few versions ago, below the interval's width. */
	at = changepoint_locate(x + tail, n - tail, n - tail > 10 ? n - tail - 5 : 5, 1);
	flag(v, m, NIGHTLY_INTERVAL, at ? tail + at : n - 1, expm1(x[n - 1] - mean));
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Mann (Econometrica 13(3), 1945) & Kendall's trend test with Sen's slope (JASA 63(324), 1968). */
static void judge_drift(const struct metric *m, const double *all, size_t n_all,
			struct nightly_verdict *v)
{
	size_t window = changepoint_defaults.window, n = n_all < window ? n_all : window, k = 0;
	const double *x = all + n_all - n;
	_free_ double *slope = calloc(n * n, sizeof(double));
	double s = 0, variance, z, change;

	if (!slope)
		abort();
	if (n < DRIFT_POINTS || v->rules & NIGHTLY_STEP)
		return;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++) {
			s += (x[j] > x[i]) - (x[j] < x[i]);
			slope[k++] = (x[j] - x[i]) / (double)(j - i);
		}
	qsort(slope, k, sizeof(double), ascending);
	change = stats_quantile(slope, k, 0.5) * (double)(n - 1);
	variance = (double)n * (double)(n - 1) * (double)(2 * n + 5) / 18;
	z = s == 0 ? 0 : (s - copysign(1, s)) / sqrt(variance);
	if (erfc(fabs(z) / M_SQRT2) <= DRIFT_P && fabs(change) >= v->floor)
		flag(v, m, NIGHTLY_DRIFT, n_all - n, expm1(change));
}

static void say(const struct metric *m, const struct nightly_point *p, size_t n,
		struct nightly_verdict *v)
{
	char by[80];

	if (v->state == NIGHTLY_CLEAN) {
		snprintf(v->sentence, sizeof(v->sentence),
			 "%.6g %s, expected %.6g to %.6g; noise floor %.2f %%", p[n - 1].value,
			 m->unit, v->low, v->high, 100 * v->floor);
		return;
	}
	snprintf(by, sizeof(by), "%s%s%s",
		 v->rules & NIGHTLY_INTERVAL ? ", prediction interval" : "",
		 v->rules & NIGHTLY_STEP ? ", change point" : "",
		 v->rules & NIGHTLY_DRIFT ? ", slow drift" : "");
	snprintf(v->sentence, sizeof(v->sentence),
		 "%+.2f %% (%s), by %s: %.6g %s, expected %.6g to %.6g; noise floor %.2f %%",
		 100 * v->effect,
		 v->worse		       ? "worse"
		 : m->better == METRIC_NEITHER ? "changed"
					       : "better",
		 by + 2, p[n - 1].value, m->unit, v->low, v->high, 100 * v->floor);
}

void nightly_judge(const struct metric *m, const struct nightly_point *p, size_t n, double least,
		   struct nightly_verdict *v)
{
	_free_ double *x = calloc(n + 1, sizeof(double));

	*v = (struct nightly_verdict){.floor = NAN, .expected = NAN, .low = NAN, .high = NAN};
	if (!x)
		abort();
	if (n < NIGHTLY_POINTS_MIN) {
		snprintf(v->sentence, sizeof(v->sentence), "%zu of the %d versions that are needed",
			 n, NIGHTLY_POINTS_MIN);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!(p[i].value > 0)) {
			snprintf(v->sentence, sizeof(v->sentence),
				 "version %zu of %zu has the value %g; only positive values are "
				 "judged, by their ratios",
				 i + 1, n, p[i].value);
			return;
		}
		x[i] = log(p[i].value);
	}
	v->state = NIGHTLY_CLEAN;
	/* the newest point is at issue: it is no part of what it is held against */
	v->floor = fmax(least, nightly_floor(m, p, n - 1));
	judge_step(m, x, n, v);
	judge_newest(m, x, n, v);
	judge_drift(m, x, n, v);
	say(m, p, n, v);
}

bool nightly_confirmed(const struct metric *m, const double *good, size_t n, const double *suspect,
		       size_t count, bool paired, double floor, bool worse, struct judgement *j)
{
	struct metric wide = *m;
	double sign = m->better == METRIC_HIGHER ? -1 : 1;

	/* The judgement's own margin is widened to the floor: it asks for the whole interval
	 * beyond. */
	wide.margin_relative = fmax(floor, m->margin_relative);
	wide.margin_absolute = 0;
	if (paired)
		judge_estimate(j, &wide, good, suspect, n, 1);
	else
		judge_unpaired(j, &wide, good, n, suspect, count);
	judge_family(&j, 1);
	j->metric = m;
	if ((paired ? n : count) < NIGHTLY_PAIRS_MIN)
		return false;
	/* At twice the floor half of the intervals would still touch it; to confirm a flag, the
	 * estimate must lie beyond the floor and the interval must exclude no change. */
	return sign * j->estimate * (worse ? 1 : -1) >= j->margin && j->p <= CONFIRM_P &&
	       (j->i95.low > 0 || j->i95.high < 0);
}
