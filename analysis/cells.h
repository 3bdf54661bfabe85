/* SPDX-License-Identifier: Apache-2.0 */
/* The trials of a run boiled down to what a comparison needs: one pass, records are not kept. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "record/hist.h"
#include "record/verdict.h"

struct diag;
struct run_data;
struct kind;
struct detail;

/* One valid trial. */
struct sample {
	size_t block;
	size_t order; /* of arrival, so that sorting is stable */
	bool in_force;
	char *trial;	  /* its id */
	double started_s; /* since the epoch; 0 unless details were asked for */
	double *value; /* by index into metric_all(); NAN: not measured, spoiled or unsupported */
};

/* Merged histograms of a cell's trials, of those in force and of the others. */
struct cell_hists {
	struct hist latency, service;
};

struct cell {
	const json_t *spec; /* in run.json, borrowed */
	const struct kind *kind;
	const char *mode;
	size_t trials, invalid, failed, used;
	size_t retries; /* of the trials: made again at the end of the run */
	bool given_up;	/* invalid ones were tried again: what still has none valid has failed */
	size_t verdicts[4]; /* of the valid ones, by enum verdict_mode */
	enum verdict_grade grade;
	double share; /* smallest share of the effect among those not in force; NAN */
	/* what spoilt trials or kept them out, in order of appearance: the sentence with its
	 * numbers left out -> {"first": sentence, "n": trials, "varies": numbers differ} */
	json_t *reasons;
	struct sample *sample;
	size_t n_samples, room;
	struct cell_hists *in_force, *other; /* NULL until there is one */
	double rate;			     /* of the first open-loop trial; NAN */
	double cpu_left;		     /* cpu_left_per_io of the pass of its own; NAN */
	struct detail *detail;		     /* NULL unless details were asked for */
	json_t *facts;			     /* instruments.h; NULL where one workload is all */
};

struct cells {
	struct run_data *run;
	struct cell *cell;
	size_t n;
	bool by_placement;	 /* placements stand in the place of modes (by_placement.h) */
	size_t blocks;		 /* distinct, over all cells */
	long long test_delay_ns; /* the loop was slowed down on purpose, by this at most; 0 */
	json_t *canary;		 /* what the run's canary says of its blocks (canary.h) */
	/* trials.jsonl is not what the run left (sums.h): records were taken out, put in or
	 * changed; "" where it is, and where no digest was left */
	char altered[320];
	char unverified[200]; /* no digests were left to hold the files to: sums_unverified(); "" */
	json_t *ledger;	      /* with details: what was not used or not flawless; see detail.h */
};

/* Called now and then with the number of records read so far. */
typedef void (*cells_progress)(void *context, size_t records);

struct cells_options {
	bool details; /* what a report shows beyond the metrics */
	/* only trials of the blocks below it, and nothing that was tried again: what was known when
	 * so many blocks had ended; 0: everything */
	size_t first_blocks;
	cells_progress progress;
	void *context;
};

/* `options` may be NULL. -EBADMSG when run.json is not what the run left: nothing in it can be
 * relied on then. */
int cells_read(const char *dir, const struct cells_options *options, struct cells **out,
	       struct diag *d);
void cells_free(struct cells *cells);
