/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mode against the baseline on one metric: the estimate from paired blocks and the four words
 * (DESIGN §5). Two steps, because the p of one comparison is corrected for all of its family.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include "analysis/stats.h"
#include "record/metric.h"

#define JUDGE_BLOCKS_MIN  6
#define JUDGE_ALPHA	  0.05
#define JUDGE_POWER	  0.80
#define JUDGE_BLOCKS_MOST 30 /* more than a run may have: then "more blocks" is no advice */

enum judge_word { JUDGE_BETTER, JUDGE_WORSE, JUDGE_EQUIVALENT, JUDGE_INCONCLUSIVE };

/* The same change with those valid trials in that were left out as not in force. A mode may have
 * been out of force because of what made the trial slow, and the baseline has nothing to be out of:
 * a word stands only if it is the same with them. */
struct judge_back {
	size_t left_out; /* trials of both rows; 0: none was, and nothing else here is set */
	size_t n;
	bool ratio;
	double estimate, margin, equivalence;
	struct stats_interval i95, i90;
	double p, adjusted;
	enum judge_word word;
};

struct judgement {
	const struct metric *metric;
	bool unpaired; /* two runs: their blocks have nothing in common */
	size_t n;      /* blocks in which both were measured */
	bool ratio;    /* estimates are log ratios; else (a value was 0) plain differences */
	double baseline, mode; /* medians over those blocks */
	double estimate;       /* Hodges-Lehmann, mode against baseline; NAN when n is 0 */
	struct stats_interval i95, i90;
	double p;	 /* sign-flip; NAN below JUDGE_BLOCKS_MIN: not part of the family */
	double adjusted; /* Benjamini-Hochberg over the family, set between the two steps */
	size_t family;	 /* members of it */
	/* On the scale of the estimate, both sides: beyond `margin` a difference is claimed, within
	 * `equivalence` that there is none. They are the metric's own and equal, but where the
	 * machine's noise floor is larger: it is the margin then (`noisy`), and between the two
	 * nothing is claimed. */
	double margin, equivalence;
	bool noisy;
	/* Of a block's difference: its standard deviation, which p hangs on (NAN: p is one of
	 * ranks), and stats_spread(), which the interval hangs on. */
	double sd, spread;
	/* A true difference of this size, either way, is called better or worse four times in five
	 * (of a family of one): the interval clears the margin, and p reaches 0.05. */
	double detectable;
	struct judge_back back;
	size_t blocks_needed; /* to settle an inconclusive one; 0 = cannot be said */
	enum judge_word word;
	char sentence[320]; /* which condition held, or which failed */
};

const char *judge_word_name(enum judge_word word);
/* First step, from n pairs of the same blocks. */
void judge_estimate(struct judgement *j, const struct metric *metric, const double *baseline,
		    const double *mode, size_t n, uint64_t seed);
/* Between the steps: no smaller difference is claimed than this ratio (noise.h; 0: none was
 * measured). */
void judge_raise_margin(struct judgement *j, double floor);
/* The estimate and its intervals by signed ranks alone: for what is stated, not judged. */
void judge_interval(struct judgement *j, const struct metric *metric, const double *baseline,
		    const double *mode, size_t n);
/* First step for two runs: n and m values that share no blocks, by Wilcoxon's rank sum. */
void judge_unpaired(struct judgement *j, const struct metric *metric, const double *first, size_t n,
		    const double *second, size_t m);
/* Between the steps, or of what is stated: `with` is the same change, estimated in the same way and
 * with the same floor, with the `left_out` trials in that `j` is without. */
void judge_put_back(struct judgement *j, const struct judgement *with, size_t left_out);
/* On which side of its margin the 95 % interval lies, 1 or -1, both with and without the trials
 * left out; 0: on neither. */
int judge_side(const struct judgement *j);
/* Whether the 90 % interval lies inside of the margin, both with and without them. */
bool judge_same(const struct judgement *j);
/* "with the 1 trial left out put back in: +42.9 % [-14.7 %, +59.8 %]"; "" where none was. */
const char *judge_back_text(const struct judgement *j, char *out, size_t size);
/* "+3.2 % [+2.1 %, +4.0 %]", or without an interval where none exists. */
const char *judge_change_text(const struct judgement *j, char *out, size_t size);
/* The members of a comparison in JSON (compare.h). New reference. */
json_t *judge_json(const struct judgement *j, bool declared);
/* Correct p over the n judgements of a family, then find the word of each. */
void judge_family(struct judgement *const *j, size_t n);
/* A value on the scale of the estimate for people: "+3.2 %" or "-0.41 ns". Returns `out`. */
const char *judge_text(const struct judgement *j, double value, char *out, size_t size);
