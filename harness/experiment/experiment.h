/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An experiment file: targets x modes x workloads x loads, and the trial design. Loading it expands
 * the groups into cells; which of them this machine supports is the plan's business (trial/plan.h).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "adapter/fio_job.h"
#include "mode/mode.h"

struct diag;

enum { EXPERIMENT_BLOCKS_MIN = 6, EXPERIMENT_BLOCKS_MAX = 30, EXPERIMENT_QUEUE_MAX = 127 };

/* What is done to the target before anything is measured (trial/prepare.h). */
enum experiment_prepare {
	EXPERIMENT_PREPARE_NONE,
	EXPERIMENT_PREPARE_FILL,
	EXPERIMENT_PREPARE_PTS
};

/* A program of normal priority that runs beside every measured trial. */
enum experiment_corunner {
	EXPERIMENT_CORUNNER_NONE,
	EXPERIMENT_CORUNNER_CPU,     /* on the measured CPUs themselves */
	EXPERIMENT_CORUNNER_SIBLING, /* on their SMT siblings */
};

struct experiment_load {
	enum mode_target kind; /* which of the two halves below counts */
	/* a block device */
	char rw[16]; /* read, write, randread, randwrite, rw, randrw: fio's words */
	uint64_t bs; /* bytes */
	uint64_t iodepth, numjobs;
	uint64_t rwmixread; /* per cent, for mixes */
	bool dsync;
	/* a network */
	char pattern[16]; /* pingpong, rr, stream */
	char protocol[8]; /* udp, tcp */
	uint64_t request_bytes, response_bytes;
	uint64_t depth, flows; /* requests under way a flow; flows of all */
	int queue;	       /* on which they arrive at both ends; -1: wherever they land */
	bool by_rule;	       /* steered to `queue` by a rule of each end, not by source ports */
	/* both */
	bool open_loop;
	double rate_share; /* of the best rate seen in calibration; 0: rate_per_s is given */
	double rate_per_s; /* arrivals a second over all jobs or flows */
	bool poisson;	   /* arrivals: Poisson, else constant */
	/* The user's own fio job, or NULL. The above then says what it does; what its jobs do not
	 * have in common is 0, or "various". */
	const struct experiment_fio *fio;
};

/* A job file as a group names it (fio_job, fio_section). */
struct experiment_fio {
	char *file, *section; /* as written; section NULL: all of them */
	char digest[65];      /* SHA-256 of the file */
	struct fio_job job;
	struct fio_job_load load;
};

struct experiment_cell {
	char *id;		 /* "interrupt/randread/4k/d16", unique in the experiment; with a
				    placement other than local, "…/remote-node" */
	const struct mode *mode; /* borrowed from the modes given at load */
	char *workload;		 /* "ioloop", "netloop" */
	struct experiment_load load;
	char *placement;   /* a role or "cpus:2-3" (placement/role.h); NULL: none named */
	json_t *published; /* what others published of it (published.h), or NULL */
	unsigned group;	   /* order of the file = priority when max_cells cuts */
};

struct experiment {
	char *name, *doc, *file;
	char *target;	  /* "scratch", a block device or a file; --target overrides */
	char *net_target; /* "veth", "lo" or an interface; --target overrides */
	char *net_peer;	  /* the interface that `net_target` is cabled to, or NULL */
	uint64_t scratch_bytes;
	char *baseline; /* mode that the others are compared with */
	char **primary; /* metrics a verdict is given for; closed loops iops, open loops p50
			   otherwise */
	size_t n_primary;
	uint64_t blocks_min,
		blocks;	  /* the fewest, and the most that are planned; a run ends between
			     them as soon as it is precise enough (analysis/precision.h) */
	double precision; /* asked of every declared metric, 0.02 = ±2 %; 0: its own margin */
	uint64_t ramp_ns, runtime_ns;
	uint64_t max_cells;	/* of block targets; 0: no limit */
	uint64_t max_net_cells; /* of networks */
	uint64_t seed;		/* 0: drawn at the start of the run and recorded */
	bool allow_rebind;	/* make poll queues for the whole run where there are none */
	uint64_t poll_queues;	/* how many then */
	enum experiment_prepare prepare;
	enum experiment_corunner corunner;
	uint64_t prepare_round_ns; /* of pts */
	bool cpu_left;		   /* an extra pass with a SCHED_IDLE spinner on the measured CPU */
	struct mode_pairs set;	   /* for every row; left out, and said, where root is missing */
	struct experiment_cell *cells;
	size_t n_cells;
	struct experiment_fio **fio; /* what loads point to */
	size_t n_fio;
};

/* `modes` must outlive the experiment. Every error says file:line:column. Freed by
 * experiment_free(). */
int experiment_load_file(const char *path, const struct modes *modes, struct experiment *e,
			 struct diag *d);
int experiment_load_text(const char *name, const char *text, size_t len, const struct modes *modes,
			 struct experiment *e, struct diag *d);
void experiment_free(struct experiment *e);
/* What a cell owns; for who takes one out. */
void experiment_cell_clear(struct experiment_cell *cell);
/* Is any cell of this kind? */
bool experiment_has(const struct experiment *e, enum mode_target kind);

/* "none", "fill", "pts"; -EINVAL. */
int experiment_prepare_parse(const char *text, enum experiment_prepare *level);

/* "2%" -> 0.02: a width that a run may be asked for; -EINVAL. */
int experiment_precision_parse(const char *text, double *share);

/* Does the mode exist for this load at all ("only:")? The reason otherwise. */
bool experiment_cell_makes_sense(const struct experiment_cell *cell, char *reason, size_t size);

/* Does it write to the target? */
bool experiment_load_writes(const struct experiment_load *load);

/* The load as the keys that conditions (`when`, `only`) and records use. New reference. */
json_t *experiment_load_json(const struct experiment_load *load);
/* The member of a load that holds its arrivals a second: "rate_iops", "rate_per_s". */
const char *experiment_rate_key(enum mode_target kind);
