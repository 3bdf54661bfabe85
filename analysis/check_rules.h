/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules of the checks share, and the rules themselves. Internal to analysis/. */
#pragma once
#include "analysis/check.h"

/* The number under `path`, noted among the outcome's numbers by its last word; NAN when absent. */
double check_number(const json_t *trial, const char *path, struct check_outcome *o);
void check_not_applicable(struct check_outcome *o, const char *why);
__attribute__((format(printf, 3, 4))) void check_decide(struct check_outcome *o, bool pass,
							const char *fmt, ...);

/* Where a workload of one kind keeps what every kind has. */
struct check_work {
	const char *unit, *units;  /* "I/O", "I/Os" */
	const char *depth, *loops; /* in flight in one loop, and how many loops */
	const char *rate, *asked_rate, *mean, *count, *window_count, *cpu_per_unit;
};
/* Of a block workload, or of a network one: the latter's loads have a pattern. */
const struct check_work *check_work_of(const json_t *trial);
bool check_is_open_loop(const json_t *trial);
/* NVMe commands straight to the driver, which diskstats do not count (unless
 * queue/iostats_passthrough says so). */
bool check_bypasses_diskstats(const json_t *trial);

typedef void check_rule(const json_t *trial, struct check_outcome *o);

/* check_flow.c: rate, latency, counts and time, of any workload */
check_rule check_littles_law, check_bytes_match, check_rate_matches, check_histogram_count,
	check_percentile_order, check_runtime, check_open_loop_rate, check_open_loop_complete,
	check_starts_on_time, check_clat_above_lat;
/* check_device.c: what the kernel counted beside what the workload says */
check_rule check_device_ios, check_interrupts, check_cpu_time, check_packets, check_lost;
/* check_host.c: what the host did meanwhile */
check_rule check_steal, check_foreign_cpu, check_clock_source, check_throttled, check_drive_health,
	check_kernel_log, check_affinity, check_link;
