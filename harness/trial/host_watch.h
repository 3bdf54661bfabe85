/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host does while a trial runs, beside the counters of its window: the kernel's log,
 * thermal throttling, the drive's health, the clock source, the affinity of the target's vectors.
 * Sampling only; what is too much is decided in analysis/check_host.c. The first sample is taken
 * before the workload starts and the second after its end: none of it costs the window anything.
 */
#pragma once
#include <jansson.h>
#include "base/num.h"
#include "machine/machine.h"

struct host_watch;

/* `cpus` are the measured ones. All borrowed; must outlive the watch. NULL on lack of memory. */
struct host_watch *host_watch_begin(const struct machine *m, const struct machine_subject *subject,
				    const struct cpulist *cpus);
/*
 * The record's "host" member, a new reference: {"hypervisor": text or null, "clock_source":
 * {"before", "after"}, "throttle_events", "affinity": {"vectors", "changed": [{"irq", "before",
 * "after"}]}, "kernel_log": host_log_json(), "smart":
 * {controller: {"before": {…}, "after": {…}}}, "absent": {name: reason}}. What could not be read is
 * in "absent" only.
 */
json_t *host_watch_end(struct host_watch *w);
void host_watch_free(struct host_watch *w);

struct kmsg_line;
/* A line that says nothing about the measurement: what a program wrote, or what the list knows. */
bool host_log_allowed(const struct kmsg_line *line);
/* What a descriptor of kmsg_open() has to say by now: {"lines": [{"level", "text"}] of those that
 * are not allowed, the first 32; "more", "more_warnings": how many were not kept, and how many of
 * them are warnings or worse; "allowed"; "lost": times that records were overwritten before they
 * were read, or could not be}. New reference. */
json_t *host_log_json(int fd);
