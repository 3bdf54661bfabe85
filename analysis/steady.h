/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steady state as SNIA's SSS Performance Test Specification 2.0.2 defines it: over a window of five
 * consecutive rounds, max - min is at most 20 % of the average, and the best linear fit changes by
 * at most 10 % of it from the first round of the window to the last; within 25 rounds.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define STEADY_WINDOW	  5
#define STEADY_ROUNDS_MAX 25
#define STEADY_RANGE	  0.20
#define STEADY_SLOPE	  0.10

struct steady {
	bool reached;
	size_t round;	     /* the last of the window looked at, from 1; 0: too few rounds */
	double range, slope; /* of that window, as shares of its average; NAN when there is none */
	double average;
};

/* The first window that holds; where none of `n` rounds ends one, the last window. Rounds past
 * STEADY_ROUNDS_MAX are not looked at. */
void steady_judge(const double *y, size_t n, struct steady *s);
/* {"reached", "round", "range", "slope", "average", "sentence"}; new reference. Null when there are
 * fewer than STEADY_WINDOW rounds. */
json_t *steady_json(const double *y, size_t n);
/* Was a trial steady in itself? Its intervals (record.intervals) in five equal parts, judged as one
 * window. New reference, null when it has too few intervals. */
json_t *steady_of_trial(const json_t *trial);
