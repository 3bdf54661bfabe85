/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canary of a run: what the host does with work that no mode can touch (a chain of integer
 * operations, a timer's wake-up, an io_uring loop without a device), once a block. A block whose
 * canary left the run's own median is `host_suspect`: its differences may be the host's.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

/* One number of a sample and how far it may go from the run's median. */
struct canary_limit {
	const char *name;	   /* in the sample: "spin_per_s" */
	const char *label;	   /* "CPU work" */
	double relative, absolute; /* it moved when it is off by more than both */
};

const struct canary_limit *canary_limits(size_t *n);

/*
 * `canary` is run.json's member: {"hypervisor": text or null, "samples": [{"block": n, "retry":
 * bool, "spin_per_s", "wakeup_p50_ns", "nop_per_s"}]}. New reference: {"medians": {name: value},
 * "suspect": [{"block", "retry", "sentence"}]}. Below CANARY_SAMPLES_MIN samples nothing is
 * suspect: there is no median to speak of.
 */
#define CANARY_SAMPLES_MIN 4
json_t *canary_judge(const json_t *canary);

/* Why trials of that block (or those tried again at the end, `retry`) are not to be used; NULL when
 * they are. In a virtual machine a suspect block is shown, not thrown away. Borrowed from `judged`.
 */
const char *canary_objection(const json_t *canary, const json_t *judged, size_t block, bool retry);
