/* SPDX-License-Identifier: Apache-2.0 */
/* A run at work, shared by run.c (its course) and passes.c (what surrounds its blocks). */
#pragma once
#include "trial/retry.h"
#include "trial/run.h"
#include "trial/trial.h"

struct run {
	struct plan *plan;
	struct target *target;
	const struct run_options *o;
	struct run_result *result;
	struct rundir dir;
	struct trial_context ctx;
	char id[300];
	json_t *json; /* run.json */
	json_t *spin_idle;
	json_t *corunner_alone;
	json_t *proof;	    /* cell id: what its proof trial counted */
	bool proof_failed;  /* the last one, by accident, or it was too short */
	double *best_per_s; /* one a cell: calibration */
	bool *measured;	    /* one a cell: some trial is valid and in force */
	struct retry_list retries;
	unsigned canary_broken; /* parts of the canary that do not work here */
	unsigned attempt;	/* 0, or which resumption this is */
	uint64_t first_block, done, total, started_ns;
	uint64_t blocks; /* that the run has: the most planned, until a look says that fewer do */
	uint64_t aim;	 /* blocks that it will probably have */
};

/* Tell the caller of run_plan() where the run is. */
void run_report(struct run *run, const char *phase, const char *cell, uint64_t left_ns);
/* One trial and its record; `again`: the one that it repeats, or NULL. */
int run_trial(struct run *run, const char *pass, uint64_t block, uint64_t order, size_t cell,
	      const struct retry_entry *again, struct diag *d);

/* looks.c */
/* -EINVAL when the run was begun with another design: looks at other widths would be one decision
 * made of two. */
int looks_same_design(const json_t *run, const struct experiment *e, struct diag *d);
/* Before the first block: what the design asks goes into run.json; of a run that goes on, the looks
 * of the blocks that are kept stay. */
int looks_begin(struct run *run);
/* Between blocks, `blocks` of which have ended: is this a look, and has the run seen enough? Then
 * run->blocks is `blocks`. */
int looks_take(struct run *run, uint64_t blocks, struct diag *d);
/* Time from the start of block `block`, `done` trials of it made, to the end of run->aim blocks and
 * of the passes after them; and to the end of all that are planned. */
void looks_left(const struct run *run, uint64_t block, uint64_t done, uint64_t *left_ns,
		uint64_t *most_ns);

/* passes.c */
/* What the co-runner does alone, where the experiment has one; of the run's start when it goes on.
 */
int run_corunner_alone(struct run *run, struct diag *d);
/* What the host does with work that no mode can touch, once a block and once before the retries. */
int run_canary(struct run *run, uint64_t block, bool retry, struct diag *d);
/* Invalid trials once more, in the order of the run; what is still missing then is said. */
int run_retries(struct run *run, struct diag *d);
/* Fill or precondition the target, as the experiment asks; not again when a run goes on: its trials
 * would then stand on two preparations. */
int run_prepare(struct run *run, struct diag *d);
