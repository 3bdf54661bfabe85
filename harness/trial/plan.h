/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An experiment on this machine: which cells run and which are unsupported and why, every knob
 * change, the seeded order of every block, and how long it takes. Made, and on disk, before the
 * first trial.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "experiment/experiment.h"
#include "trial/net_target.h"
#include "placement/placement.h"
#include "trial/rebind.h"
#include "trial/target.h"

struct diag;

struct plan_cell {
	const struct experiment_cell *cell; /* borrowed */
	bool runs;
	bool left_out;		       /* it could run, but max_cells is reached */
	bool needs_root;	       /* it does not run only because root is missing */
	char reason[480], remedy[256]; /* why it does not run */
	struct knob_setting
		*settings; /* the experiment's and the mode's, in order of application */
	size_t n_settings;
	bool proof; /* the mode expects something of counters that only a proof trial has */
	struct placement placement;
	double rate_per_s; /* open loop: fixed after calibration; 0 until then */
	json_t *fio;	   /* of a fio cell: {"version", "imposed", "untrusted"} (plan_fio.h) */
};

struct plan {
	const struct experiment *e;
	const struct machine *machine;
	const struct target *target; /* of block cells; NULL: there are none */
	struct net_target *net;	     /* of network cells; NULL: there are none */
	struct plan_cell *cells;
	size_t n_cells;
	size_t *run; /* indices of the cells that run */
	size_t n_run;
	size_t n_proof; /* of these, cells with a proof trial */
	size_t *order;	/* blocks x n_run indices into cells */
	uint64_t seed;
	char **not_applied; /* settings for every row that need root: "block.scheduler=none on vda"
			     */
	size_t n_not_applied;
	struct cpulist measured;       /* every CPU some cell measures on: where cpu_left spins */
	struct cpulist corunner;       /* CPUs with a co-runner beside every measured trial */
	bool calibrates[MODE_TARGETS]; /* some open-loop rate is a share of the best measured one */
	uint64_t seconds_total_ns;     /* forecast, with every block that is planned */
	uint64_t seconds_least_ns;     /* and with the fewest that the design allows */
	uint64_t prepare_ns;	       /* of it, for the preparation of the target */
	const struct rebind *rebind;   /* what holds for the whole run, or NULL */
};

struct plan_options {
	uint64_t seed; /* 0: the experiment's, else drawn */
	unsigned euid;
	const struct rebind *rebind; /* outlives the plan; NULL: none */
	bool trust;		     /* fio jobs may hold options that are not on the allow list */
	bool ignore_requires; /* run rows whose requirements are not met, to show what happens */
};

/* `e`, `machine`, `target`, `net` must outlive the plan; a target may be NULL where no cell is of
 * its kind. -ENODEV when no cell can run; -EPERM when the experiment prepares a target that may
 * not be written. */
int plan_make(const struct experiment *e, const struct machine *machine,
	      const struct target *target, struct net_target *net, const struct plan_options *o,
	      struct plan *p, struct diag *d);
/* The devices that cells of this kind measure. */
struct machine_subject plan_subject(const struct plan *p, enum mode_target kind);
/* What the cell measures, for tables and records. */
const char *plan_target_label(const struct plan *p, const struct plan_cell *c);
/* Is a cell calibrated: a closed loop beside open loops of its kind whose rate is a share? */
bool plan_calibrated(const struct plan *p, const struct plan_cell *c);
void plan_free(struct plan *p);

/* How long a pass over all cells that run takes, by the same arithmetic as the forecast. */
uint64_t plan_block_ns(const struct plan *p);
enum {
	PLAN_CALIBRATION_RUN_NS = 300000000, /* measured part of a calibration trial */
	/* of a proof trial, which is never timed: so long that some 50 system calls at its start
	 * and end weigh nothing per I/O, even on a drive that does a few hundred a second */
	PLAN_PROOF_RUN_NS = 1000000000,
	PLAN_PROOF_LONG_TIMES = 5,	  /* as long, where that made too few I/Os all the same */
	PLAN_SPINNER_IDLE_NS = 500000000, /* the spinner alone, before the cpu_left pass */
};

/* {"cells": [...], "order": [[...]], "seed", "planned_seconds", "planned_seconds_least",
 * "knobs_not_applied", "rebind", "prepare_level"}; new reference. */
json_t *plan_json(const struct plan *p);
