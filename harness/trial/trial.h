/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trial, in the order of DESIGN §2: snapshot, journal, apply, read back, place, start the
 * workload, ramp, sample evidence, measure, sample evidence, stop, check, restore, record.
 */
#pragma once
#include <jansson.h>
#include <stdint.h>
#include "knob/transaction.h"
#include "trial/plan.h"
#include "trial/rundir.h"

struct diag;

struct trial_context {
	const struct plan *plan;
	const char *run_id;
	const char *bin_dir;	      /* where our own programs lie */
	struct knob_session *session; /* NULL: nothing is set (ordinary user) */
	const struct rundir *dir;
	int signal_fd; /* SIGINT, SIGTERM, SIGHUP: ends the trial */
};

struct trial_request {
	const struct plan_cell *cell;
	size_t cell_index;
	const char *id;	  /* "b03-o07": unique in the run, names raw/<id>/ */
	const char *pass; /* "measure", "retry", "calibration", "proof", "cpu_left" */
	uint64_t block, order;
	uint64_t ramp_ns, runtime_ns;
	double rate_per_s; /* 0: closed loop */
	uint64_t seed;	   /* the same for all cells of a block: the same offsets for every mode */
	const struct cpulist *spin_on; /* CPUs with a spinner beside the workload, or NULL */
	const json_t *spin_idle;       /* what the spinner did there alone */
	bool corunner; /* the spinner has normal priority; else it only takes what is left */
	json_t *proof; /* what the proof trial of this cell counted (trial/proof.h), or NULL */
};

/*
 * Run it. *record is always a whole record on return 0: a workload that fails makes a trial with
 * status "failed" and the reason. Negative: the run cannot go on: -EINTR (signal), -EUCLEAN (knobs
 * did not come back; *record is still there if it was measured whole), -ENOMEM. Knobs are restored
 * in every case.
 */
int trial_run(const struct trial_context *ctx, const struct trial_request *r, json_t **record,
	      struct diag *d);
