/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An experiment file: targets x modes x workloads x loads, and the trial design. Loading it expands
 * the groups into cells; which of them this machine supports is the plan's business (trial/plan.h).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mode/mode.h"

struct diag;

enum { EXPERIMENT_BLOCKS_MIN = 6, EXPERIMENT_BLOCKS_MAX = 30 };

/* What is done to the target before anything is measured (trial/prepare.h). */
enum experiment_prepare {
	EXPERIMENT_PREPARE_NONE,
	EXPERIMENT_PREPARE_FILL,
	EXPERIMENT_PREPARE_PTS
};

struct experiment_load {
	char rw[16]; /* read, write, randread, randwrite, rw, randrw: fio's words */
	uint64_t bs; /* bytes */
	uint64_t iodepth, numjobs;
	uint64_t rwmixread; /* per cent, for mixes */
	bool dsync;
	bool open_loop;
	double rate_share; /* of the best rate seen in calibration; 0: rate_iops is given */
	double rate_iops;  /* arrivals a second over all jobs */
	bool poisson;	   /* arrivals: Poisson, else constant */
};

struct experiment_cell {
	char *id;		 /* "interrupt/randread/4k/d16", unique in the experiment */
	const struct mode *mode; /* borrowed from the modes given at load */
	char *workload;		 /* "ioloop" */
	struct experiment_load load;
	unsigned group; /* order of the file = priority when max_cells cuts */
};

struct experiment {
	char *name, *doc, *file;
	char *target; /* "scratch", a block device or a file; --target overrides */
	uint64_t scratch_bytes;
	char *baseline; /* mode that the others are compared with */
	char **primary; /* metrics a verdict is given for; closed loops iops, open loops p50
			   otherwise */
	size_t n_primary;
	uint64_t blocks, ramp_ns, runtime_ns;
	uint64_t max_cells;   /* 0: no limit */
	uint64_t seed;	      /* 0: drawn at the start of the run and recorded */
	bool allow_rebind;    /* make poll queues for the whole run where there are none */
	uint64_t poll_queues; /* how many then */
	enum experiment_prepare prepare;
	uint64_t prepare_round_ns; /* of pts */
	bool cpu_left;		   /* an extra pass with a SCHED_IDLE spinner on the measured CPU */
	struct mode_pairs set;	   /* for every row; left out, and said, where root is missing */
	struct experiment_cell *cells;
	size_t n_cells;
};

/* `modes` must outlive the experiment. Every error says file:line:column. Freed by
 * experiment_free(). */
int experiment_load_file(const char *path, const struct modes *modes, struct experiment *e,
			 struct diag *d);
int experiment_load_text(const char *name, const char *text, size_t len, const struct modes *modes,
			 struct experiment *e, struct diag *d);
void experiment_free(struct experiment *e);

/* "none", "fill", "pts"; -EINVAL. */
int experiment_prepare_parse(const char *text, enum experiment_prepare *level);

/* Does the mode exist for this load at all ("only:")? The reason otherwise. */
bool experiment_cell_makes_sense(const struct experiment_cell *cell, char *reason, size_t size);

/* The load as the keys that conditions (`when`, `only`) and records use. New reference. */
json_t *experiment_load_json(const struct experiment_load *load);
