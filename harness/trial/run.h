/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: one execution of a plan. It leaves one directory (results/FORMAT.md) and a machine as it
 * was. Every record is on disk before the next trial starts.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "trial/plan.h"

struct diag;
struct sys;

/* Where a run is; passed to the caller between trials, never while one is measured. */
struct run_progress {
	const char *phase;    /* "scratch file", "calibration", "block 2/6", "CPU left" */
	const char *cell;     /* about to be run, or "" */
	uint64_t done, total; /* trials */
	uint64_t left_ns;     /* forecast */
	uint64_t most_ns;     /* the same should the run need every block that is planned */
};

struct run_options {
	const char *results_dir;     /* the run's directory is made below it */
	const char *bin_dir;	     /* our own programs */
	const char *experiment_text; /* kept in the directory, for --resume */
	const json_t *command; /* what was asked on the command line, for --resume; borrowed */
	struct knob_session *session; /* opened before (rebind.h), closed by run_plan() in every
					 case; NULL: run_plan() opens one */
	const json_t *noise;	      /* this machine's noise floor (analysis/noise.h), or NULL */
	const char *resume;	      /* directory of a run cut short, or NULL */
	void (*progress)(void *context, const struct run_progress *p);
	void *context;
};

struct run_result {
	char dir[4096];
	uint64_t trials, failed;
	uint64_t retried;	   /* of these, trials made again because they had been invalid */
	uint64_t cells_unmeasured; /* cells that ran and have no valid trial in force */
	double actual_seconds;
	json_t *precision; /* run.json's member: the looks and what they said; owned by the caller
			    */
	int signal;	   /* that ended it, or 0 */
	bool residue;	   /* something was not put back */
};

/*
 * Run the plan. 0: every trial was made (r->failed of them without numbers). -EINTR: a signal ended
 * it (r->signal), knobs restored, records so far intact. -EBUSY: another iomodes holds the host.
 * -EUCLEAN: knobs did not come back. -ENOSPC and others: the reason is in `d`; knobs are restored.
 */
int run_plan(struct plan *plan, struct target *target, const struct run_options *o,
	     struct run_result *r, struct diag *d);
