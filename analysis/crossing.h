/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The place where one mode overtakes another, from its paired log ratios at the levels of an axis.
 * Between two adjacent levels the log ratio of each block is taken to run straight over the
 * logarithm of the axis. Then every place has its own sample of log ratios, and the interval of the
 * crossing is all places at which the signed-rank interval of that sample holds "equal": exact
 * where that interval is, as wide as the levels that cannot be told apart, and without resampling
 * (the inversion of a test, as Fieller, J. R. Stat. Soc. B 16(2), 1954, does it for ratios).
 */
#pragma once
#include <stddef.h>

/* One level: a log ratio for each block that has both arms, blocks ascending. Borrowed arrays. */
struct crossing_level {
	double at; /* on the axis, > 0 */
	size_t n;
	const size_t *block;
	const double *x;
};

struct crossing {
	double at;	  /* where the Hodges-Lehmann estimate changes its sign */
	double low, high; /* of the 95 % interval: the first and last place that may be equal */
};

/* Between the first and the last of n >= 2 levels, ascending, which lie on opposite sides of
 * "equal". Where the estimate changes its sign several times, `at` is the middle between the first
 * and the last of them on the logarithmic axis. */
void crossing_find(const struct crossing_level *level, size_t n, struct crossing *out);
