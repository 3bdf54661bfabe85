// SPDX-License-Identifier: Apache-2.0
#include "analysis/crossing.h"

#include <math.h>
#include <stdbool.h>

#include "analysis/stats.h"
#include "base/cleanup.h"

#define STEPS	 32 /* looked at between two levels; the place is bisected afterwards */
#define HALVINGS 40

/* All levels end to end: place u lies between the levels floor(u) and floor(u) + 1. */
struct curve {
	const struct crossing_level *level;
	size_t n;
	double *x;  /* room for the sample at one place */
	bool start; /* is the estimate above 0 where the search began? */
};

static double position(const struct curve *c, double u)
{
	size_t k = u < (double)(c->n - 1) ? (size_t)u : c->n - 2;
	double t = u - (double)k;

	return exp(log(c->level[k].at) * (1 - t) + log(c->level[k + 1].at) * t);
}

/* The log ratios at place u of the blocks that both neighbours have. Returns how many. */
static size_t sample(const struct curve *c, double u)
{
	size_t k = u < (double)(c->n - 1) ? (size_t)u : c->n - 2, n = 0;
	const struct crossing_level *a = &c->level[k], *b = &c->level[k + 1];
	double t = u - (double)k;

	for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
		if (a->block[i] == b->block[j])
			c->x[n++] = a->x[i++] * (1 - t) + b->x[j++] * t;
		else if (a->block[i] < b->block[j])
			i++;
		else
			j++;
	}
	return n;
}

static bool may_be_equal(const struct curve *c, double u)
{
	size_t n = sample(c, u);
	struct stats_interval i = stats_signed_rank_interval(c->x, n, 0.95);

	return !(i.level > 0) || (i.low <= 0 && i.high >= 0);
}

static bool has_turned(const struct curve *c, double u)
{
	double estimate = stats_hodges_lehmann(c->x, sample(c, u));

	return isnan(estimate) || (estimate > 0) != c->start;
}

/* The first place from `from` towards `to` at which it holds; `to` where it does nowhere. */
static double first_place(const struct curve *c, double from, double to,
			  bool (*holds)(const struct curve *, double))
{
	size_t steps = STEPS * (c->n - 1);
	double before = from, u = from;

	for (size_t i = 0; i <= steps; i++, before = u) {
		u = from + (to - from) * (double)i / (double)steps;
		if (!holds(c, u))
			continue;
		for (int k = 0; i && k < HALVINGS; k++) {
			double middle = (before + u) / 2;

			if (holds(c, middle))
				u = middle;
			else
				before = middle;
		}
		return u;
	}
	return to;
}

static double turn(struct curve *c, double from, double to)
{
	c->start = stats_hodges_lehmann(c->x, sample(c, from)) > 0;
	return position(c, first_place(c, from, to, has_turned));
}

void crossing_find(const struct crossing_level *level, size_t n, struct crossing *out)
{
	double end = (double)(n - 1), first, last;
	struct curve c = {.level = level, .n = n};
	_free_ double *room = NULL;
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		most = level[i].n > most ? level[i].n : most;
	c.x = room = stats_array(most);
	first = turn(&c, 0, end);
	last = turn(&c, end, 0);
	out->at = sqrt(first * last);
	out->low = fmin(position(&c, first_place(&c, 0, end, may_be_equal)), out->at);
	out->high = fmax(position(&c, first_place(&c, end, 0, may_be_equal)), out->at);
}
