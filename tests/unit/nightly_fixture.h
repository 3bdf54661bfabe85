/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic histories: seeded, so the same everywhere. A night is the median of 10 blocks around a
 * level of its own; a confirmation is 16 pairs (NIGHTLY_PAIRS) drawn from the same generator, and
 * an alert is a flag that it confirms. For the tests, and for benchmarks/nightly_synthetic.c.
 */
#pragma once
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "analysis/judge.h"
#include "analysis/nightly_series.h"
#include "analysis/stats.h"
#include "base/rng.h"
#include "record/metric.h"

#define BLOCKS 10
#define NIGHTS 40

struct generator {
	struct rng rng;
	double night, block; /* standard deviations of the logarithms */
	size_t step_at;	     /* NIGHTS: none */
	double step, drift;  /* as log ratios; drift per night */
	size_t spike_at;
	size_t wide_at; /* from here on all noise is doubled */
};

static double normal(struct rng *r)
{
	return sqrt(-2 * log1p(-rng_unit(r))) * cos(2 * M_PI * rng_unit(r));
}

static double level(const struct generator *g, size_t night)
{
	return 100000 * exp(g->drift * (double)night + (night >= g->step_at ? g->step : 0));
}

static double noise(struct generator *g, size_t night, double sd)
{
	return exp(normal(&g->rng) * sd * (night >= g->wide_at ? 2 : 1));
}

static void draw(struct generator *g, size_t night, struct nightly_point *p)
{
	double own = level(g, night) * noise(g, night, g->night), x[BLOCKS];
	struct stats_interval i;

	if (night == g->spike_at)
		own *= 0.85;
	for (size_t b = 0; b < BLOCKS; b++)
		x[b] = own * noise(g, night, g->block);
	stats_sort(x, BLOCKS);
	i = stats_order_interval(x, BLOCKS, 0.5, 0.95);
	*p = (struct nightly_point){stats_median(x, BLOCKS), i.low, i.high};
}

static bool confirm(struct generator *g, const struct metric *m, size_t night,
		    const struct nightly_verdict *v)
{
	double good[NIGHTLY_PAIRS], suspect[NIGHTLY_PAIRS];
	size_t before = v->at ? v->at - 1 : 0;
	struct judgement j;

	for (size_t i = 0; i < NIGHTLY_PAIRS; i++) {
		good[i] = level(g, before) * noise(g, night, g->night) * noise(g, night, g->block);
		suspect[i] =
			level(g, night) * noise(g, night, g->night) * noise(g, night, g->block);
	}
	return nightly_confirmed(m, good, NIGHTLY_PAIRS, suspect, NIGHTLY_PAIRS, true, v->floor,
				 v->worse, &j);
}

/* The first night with an alert, each night judged as it comes; NIGHTS when there is none. */
static size_t live(struct generator *g, size_t *at, size_t *flags)
{
	const struct metric *m = metric_find("iops");
	struct nightly_point p[NIGHTS];
	struct nightly_verdict v;

	for (size_t night = 0; night < NIGHTS; night++) {
		draw(g, night, &p[night]);
		nightly_judge(m, p, night + 1, 0, &v);
		if (v.state != NIGHTLY_FLAGGED)
			continue;
		++*flags;
		if (confirm(g, m, night, &v)) {
			*at = v.at;
			return night;
		}
	}
	return NIGHTS;
}

static struct generator generator(uint64_t seed)
{
	struct generator g = {.night = 0.005,
			      .block = 0.01,
			      .step_at = NIGHTS,
			      .spike_at = NIGHTS,
			      .wide_at = NIGHTS};

	rng_seed(&g.rng, seed);
	return g;
}

/* A step of twice the floor as the judge itself derives it from the nights before it, at noise for
 * which that is about `percent`; up for odd `s`, down for even ones. */
static struct generator stepped(uint64_t seed, double percent, size_t s)
{
	struct generator g = generator(seed);
	struct nightly_point p[NIGHTS];

	g.night = 0.002 * percent;
	g.block = 0.004 * percent;
	g.step_at = 15 + s % 20;
	for (size_t night = 0; night < g.step_at; night++)
		draw(&g, night, &p[night]);
	g.step = (s & 1 ? 2 : -2) * nightly_floor(metric_find("iops"), p, g.step_at);
	/* the same nights again, now with the step */
	rng_seed(&g.rng, seed);
	return g;
}

/* A step of `percent` whatever the noise is, which is that of all other series; `*floor`: what the
 * judge derives from the nights before it. */
static inline struct generator step_of(uint64_t seed, double percent, size_t s, double *floor)
{
	struct generator g = generator(seed);
	struct nightly_point p[NIGHTS];

	g.step_at = 15 + s % 20;
	for (size_t night = 0; night < g.step_at; night++)
		draw(&g, night, &p[night]);
	*floor = nightly_floor(metric_find("iops"), p, g.step_at);
	g.step = (s & 1 ? 1 : -1) * log1p(percent / 100);
	rng_seed(&g.rng, seed);
	return g;
}
