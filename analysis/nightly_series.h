/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One series (a metric of a cell on a machine, a point a version), judged: did its newest points
 * leave where the earlier ones were? Pure functions over arrays. What they say is a flag; only a
 * confirmation run makes an alert of it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct metric;
struct judgement;

#define NIGHTLY_POINTS_MIN 10
#define NIGHTLY_RECENT	   16 /* versions of the prediction interval; older steps are old news */
#define NIGHTLY_PAIRS_MIN  10 /* fewest blocks of a confirmation */
#define NIGHTLY_PAIRS	   16 /* as many as are made: ten miss one step in eight at twice the floor */

/* The median of one version's blocks, with its order-statistic interval (NAN: too few blocks). */
struct nightly_point {
	double value, low, high;
};

enum nightly_state { NIGHTLY_SKIPPED, NIGHTLY_CLEAN, NIGHTLY_FLAGGED };
enum nightly_rule { NIGHTLY_INTERVAL = 1, NIGHTLY_STEP = 2, NIGHTLY_DRIFT = 4 };

struct nightly_verdict {
	enum nightly_state state;
	unsigned rules;	    /* enum nightly_rule, those that flag */
	bool worse;	    /* in the metric's direction */
	double floor;	    /* noise floor, as a share: 0.02 */
	double expected;    /* mean of the level before, in the metric's unit */
	double low, high;   /* prediction interval of the newest point */
	double effect;	    /* newest level against the one before, as a share */
	size_t at;	    /* first point of the new level (drift: the first point of all) */
	char sentence[320]; /* why skipped, or what flags */
};

/* The noise floor of a series as a share of its value: the largest of the metric's practical
 * margin, the median half-width of the points' own intervals, and twice the spread from night to
 * night (from successive differences, so that a step is not noise). */
double nightly_floor(const struct metric *metric, const struct nightly_point *p, size_t n);
/* Points oldest first, the newest being the one at issue. `least`: the noise floor that an A/A run
 * found, as a share; 0: there is none. */
void nightly_judge(const struct metric *metric, const struct nightly_point *p, size_t n,
		   double least, struct nightly_verdict *out);
/* Did a confirmation run of n interleaved pairs (paired) or of n and m values without pairs show
 * the suspect beyond the floor? Fills `j`; true when it did, in the direction of the flag. Never
 * below NIGHTLY_PAIRS_MIN values. */
bool nightly_confirmed(const struct metric *metric, const double *good, size_t n,
		       const double *suspect, size_t m, bool paired, double floor, bool worse,
		       struct judgement *j);
