/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preparation of the target before anything is measured. none: as it is. fill: every byte written
 * once, in order, so that reads reach the media and not deallocated blocks. pts: the SNIA SSS
 * Performance Test Specification: twice the capacity in 128 KiB writes, then rounds of 4 KiB random
 * writes until five of them are steady (analysis/steady.h). Both destroy what is there, so every
 * write goes through the gate: a scratch file of ours, or a device that nothing uses and whose
 * identity was given.
 */
#pragma once
#include <jansson.h>
#include "base/num.h"
#include "experiment/experiment.h"
#include "trial/rundir.h"
#include "trial/target.h"

struct diag;

struct prepare_options {
	enum experiment_prepare level;
	uint64_t round_ns; /* of pts */
	const struct target *target;
	const char *bin_dir;
	const struct rundir *dir;
	const struct cpulist *cpus; /* the rounds of pts run on the first of them */
	int signal_fd;		    /* polled, not read */
	/* What is being done, and the time left: for writing from its speed so far, for rounds the
	 * least there can be. */
	void (*progress)(void *context, const char *phase, uint64_t left_ns);
	void *context;
};

/*
 * *result: {"level", "bytes_written", "seconds", "round_ns"?, "rounds"?: [iops], "steady"?: as
 * steady_json(), "note"?}; new reference. A drive that does not get steady in 25 rounds is
 * reported, not refused. -EINTR: a signal came; the target is partly overwritten. -EPERM, -EBUSY:
 * the gate's reasons.
 */
int prepare_target(const struct prepare_options *o, json_t **result, struct diag *d);

/* About how long it takes, before anything is known of the drive's speed: 1 GB/s on NVMe, 250 MB/s
 * elsewhere, and the fewest rounds. 0 when there is nothing to do. */
uint64_t prepare_forecast_ns(const struct target *t, enum experiment_prepare level,
			     uint64_t round_ns);
const char *prepare_name(enum experiment_prepare level);
