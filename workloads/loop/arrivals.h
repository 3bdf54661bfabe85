/* SPDX-License-Identifier: Apache-2.0 */
/* Open loop: when work is to start, whatever has completed, and the books of how it did start. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

/* Those due before `end_ns` are the arrivals of the stretch. Times are CLOCK_MONOTONIC ns. */
struct arrivals {
	struct rng *rng; /* of the gaps; borrowed */
	double due, gap; /* the next one; mean distance */
	bool poisson;	 /* else a constant rate */
	bool blocked;	 /* the next was due while every slot was busy */
	uint64_t end_ns;
};

/* One thread's, or the sum of all. */
struct starts {
	uint64_t n, n_window;		     /* started; before the window ended */
	uint64_t late;			     /* of these, due while every slot was busy */
	uint64_t delay_sum_ns, delay_max_ns; /* from when they were due */
	uint64_t never; /* arrivals of the window that found no free slot in time */
};

static inline double arrivals_gap(const struct arrivals *a)
{
	return a->poisson ? rng_exponential(a->rng, a->gap) : a->gap;
}

/* `remaining`: how many may start at all. */
static inline bool arrivals_left(const struct arrivals *a, uint64_t remaining)
{
	return remaining && (uint64_t)a->due < a->end_ns;
}

/* The next arrival starts now; what counts it is the caller's. */
static inline void starts_delay(struct starts *s, const struct arrivals *a, uint64_t now)
{
	uint64_t delay = now - (uint64_t)a->due;

	s->late += a->blocked;
	s->delay_sum_ns += delay;
	if (delay > s->delay_max_ns)
		s->delay_max_ns = delay;
}

/* After the window what it left may still start, for as long as it was and at most for a second. */
uint64_t arrivals_grace_end(const struct arrivals *a, uint64_t begin_ns, uint64_t end_ns);
/* What is left now never starts: all of it is taken. */
void starts_give_up(struct starts *s, struct arrivals *a, uint64_t *remaining);
void starts_sum(struct starts *sum, const struct starts *one);
/* "open_loop" of a report, over a window of so many seconds. */
json_t *starts_json(const struct starts *s, double asked_per_s, const char *process, uint64_t done,
		    double seconds);
