/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a comparison: cells in groups, a row a mode. compare.c judges pairs, crossover.c and
 * answer.c look for what a person can act on. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "analysis/cells.h"
#include "analysis/compare.h"
#include "analysis/judge.h"

struct kind;

struct group {
	char *key;
	size_t *cell; /* indices, in the order of run.json */
	size_t n;
	const struct cell *baseline; /* its cell here; NULL: none */
	const char *baseline_mode;   /* what it is called here; NULL: the run has none */
	json_t *rows;		     /* borrowed from the result, one per cell */
	const struct kind *kind;
	bool open_loop;
};

/* The values of both in the blocks that have both. */
struct group_pairs {
	size_t n, *block;
	double *mode, *base;
};

struct pair {
	struct judgement judgement;
	const struct metric *metric;
	double *baseline, *mode; /* of the blocks that have both */
	size_t n;
	struct group_pairs all; /* with the trials left out as not in force, where there are any */
	size_t left_out;
	struct group *group;
	size_t row;
	bool declared;
};

struct comparison {
	struct cells *cells;
	const char *baseline;
	struct group *group;
	size_t n_groups;
	struct pair *pair;
	size_t n_pairs;
	uint64_t seed;
};

/* Groups, pairs and their estimates; not yet judged. Cleared by comparison_clear() in every case.
 */
int comparison_make(struct cells *cells, const struct compare_options *options,
		    struct comparison *cmp, struct diag *d);
void comparison_clear(struct comparison *cmp);
/* Names of the metrics that are judged in a group, COMPARE_METRICS at most, and whether each was
 * declared before the run. */
#define COMPARE_METRICS 32
size_t group_judged(const struct comparison *cmp, const struct group *g,
		    const struct compare_options *options, const char **names, bool *declared);

/* The samples a row stands on: those in force, or all valid ones where none was. The first of a
 * block counts: a set-up is one value. `block` and `value` may be NULL. Returns how many. */
size_t group_collect(const struct cell *c, size_t metric, size_t *block, double *value);
/* What a table shows of it: a percentile of the merged histogram, else the median over blocks; NAN.
 */
double group_value(const struct cell *c, const struct metric *m);
/* A cell as a row of compare_run(), its comparisons still empty. New reference. */
json_t *group_row(const struct cell *c);
struct group_pairs group_pairs(const struct cell *c, const struct cell *baseline, size_t metric);
/* The same of all valid trials, those left out as not in force among them, and how many of both
 * cells those are. */
struct group_pairs group_pairs_all(const struct cell *c, const struct cell *baseline,
				   size_t metric);
size_t group_left_out(const struct cell *c, const struct cell *baseline);
/* What is stated of a metric, judged or not: the paired change and its intervals by signed ranks,
 * with and without what was left out; its margin is never below the machine's noise floor. false:
 * no interval exists. */
bool group_stated(const struct comparison *cmp, const struct cell *c, const struct cell *baseline,
		  const char *metric, struct judgement *j);
void group_pairs_free(struct group_pairs *p);
#define _group_pairs_ __attribute__((cleanup(group_pairs_free)))
/* Key of what must be equal for two cells to be comparable, leaving out one axis or the "workload"
 * (or NULL). The caller frees it. */
char *group_key(const struct cell *c, const char *without);
const char *group_placement(const struct cell *c); /* "" when it has no name */
size_t group_metric(const char *name);		   /* index into metric_all() */
json_t *number_or_null(double value);

/* {"best": mode or null, "leaders": [mode]: better than the baseline and beaten by no other, "best"
 * where that is one, "pareto": [mode], "sentence"} of one group; NULL when nothing can be said. */
json_t *answer_group(const struct comparison *cmp, const struct group *g);
/* [{"kind", "title", "axis", "axis_label", "metric", "mode", "baseline", "levels": [{"level",
 * "text", "estimate", "low", "high", "margin", "n", "mode", "baseline", "side": 1 the mode is
 * better, -1 worse, 0 cannot be told, "verdict": of what was judged}], "finding": crossing |
 * throughout | none, "at"?, "low"?, "high"?, "sentence"}] over every axis of load. The pairs of
 * `cmp` have been judged. */
json_t *crossover_all(const struct comparison *cmp);
/* "both measured depths (1 and 16)", "all 5 measured depths from 1 to 16": nothing between them was
 * looked at. Of n >= 2 levels; returns `out`. */
const char *crossover_range(const char *axis, size_t n, const char *low, const char *high,
			    char *out, size_t size);
/* [{"title", "sentence"}]: what holds at every level of an axis, a sentence a mode, from the above.
 */
json_t *crossover_throughout(const json_t *crossovers);
/* [{"title", "axis", "mode", "speed_metric", "cpu_metric", "sentence"}]: what a mode gives and
 * costs along an axis, from the above; of the rate, at open loop of the median latency. */
json_t *crossover_tradeoffs(const json_t *crossovers);
