/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a block workload did, and what the kernel counted at its target's disks in the same window,
 * each direction for itself: a write of somebody else hides no read that came from memory. I/Os as
 * the block layer merged or split them, so that bytes are told beside them: an I/O that is longer
 * than max_sectors_kb is several of the device's.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

enum { TRAFFIC_READ, TRAFFIC_WRITE, TRAFFIC_ALL, TRAFFIC_DIRECTIONS };

struct traffic {
	/* NAN: not known. The workload's of one direction of a mixed load are those of the timed
	 * window, a lower bound where the counters' window is longer. Of the device with merged
	 * ones. */
	struct {
		double ios, bytes;
	} work[TRAFFIC_DIRECTIONS], device[TRAFFIC_DIRECTIONS];
	bool merges; /* the device's include merged ones */
};

void traffic_of(const json_t *trial, struct traffic *t);
const char *traffic_name(int direction); /* "reads", "writes", "I/Os" */
/* Did the disks move more than the workload and a fiftieth more? By bytes where they are known. */
bool traffic_is_foreign(const json_t *trial);
