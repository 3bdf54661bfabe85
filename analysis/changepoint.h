/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where does a series of nights change for good? E-Divisive (Matteson & James, JASA 109(505), 2014)
 * proposes the split, Welch's t test accepts or refuses it, windows overlap by half, weak splits
 * (ten times the p) are found first and the weakest removed one by one: the procedure of Apache
 * Otava. Welch's test takes the place of the permutation test, so nothing here is random.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct changepoint_options {
	size_t window;	  /* points looked at together */
	size_t segment;	  /* fewest points on either side of a split */
	double p;	  /* of a split that is kept */
	double magnitude; /* |difference of the means| of a split that is kept, in the values' unit
			   */
};

/* What DESIGN and method.md §3.4 (12) ask for; magnitude 0. */
extern const struct changepoint_options changepoint_defaults;

struct changepoint {
	size_t at;	      /* first point of the new level */
	double before, after; /* means of the segments on either side */
	double p;
};

/* Into `found`, which has room for n; returns how many, in order. Values must be finite. */
size_t changepoint_find(const double *x, size_t n, const struct changepoint_options *o,
			struct changepoint *found);
/* Two-sided p of Welch's t test; 1 when either side has fewer than two values. Equal constants give
 * 1, different constants 0. */
double changepoint_welch(const double *x, size_t n, const double *y, size_t m);
/* The split with the smallest residual sum of squares that leaves `before` points at least on the
 * left and `after` on the right: where a step is most likely, whether there is one or not. 0: none.
 */
size_t changepoint_locate(const double *x, size_t n, size_t before, size_t after);
