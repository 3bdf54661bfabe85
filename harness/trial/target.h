/* SPDX-License-Identifier: Apache-2.0 */
/* What a run measures: a scratch file, a file, or a block device, resolved to its disk. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "machine/machine.h"

struct diag;

struct target {
	char path[4096];      /* what the workload opens; "" for a scratch file not yet made */
	char char_device[64]; /* what a passthrough engine opens, or "" */
	char label[320];      /* for tables: "scratch on vda (ext4)" */
	bool scratch;
	uint64_t scratch_bytes;
	char scratch_dir[4096];
	uint64_t bytes;			 /* of what the workload may touch */
	const struct machine_disk *disk; /* whose knobs, vectors and statistics count */
	bool may_write;
	char write_refusal[400]; /* why not */
	char write_id[256];	 /* identity given by the user for an armed device, or "" */
	uint64_t prepare_ns;	 /* forecast of laying out the scratch file; 0 when it is there */
};

/*
 * `text` is "scratch", a device or a file. `scratch_dir` is where a scratch file would be made (the
 * parent of the results). Refuses what cannot be measured (tmpfs, overlay, network …) with the
 * reason and what to do; -ENODEV when no disk can be found behind it.
 */
int target_resolve(const struct machine *m, const char *text, uint64_t scratch_bytes,
		   const char *scratch_dir, const char *write_id, struct target *t, struct diag *d);
/* Make the scratch file unless it is there: random data, never sparse, marked as ours. One of ours
 * that is cut short, sparse or not written whole is made anew. -EINTR, and nothing left of it, when
 * `cancel_fd` (-1: none; polled, not read) becomes readable. */
int target_prepare(struct target *t, int cancel_fd, struct diag *d);
