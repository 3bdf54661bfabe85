// SPDX-License-Identifier: Apache-2.0
/*
 * /proc/schedstat (Documentation/scheduler/sched-stats.rst): what the scheduler itself booked as
 * run time of tasks on the measured CPUs, in ns and without a tick. A task that runs through is
 * booked when it leaves the CPU; the idle task never.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/source.h"
#include "sys/sys.h"

enum { RUN_TIME = 6, FIELDS }; /* field 7 of a CPU's line */

static int sched_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	_free_ char *text = NULL;
	uint64_t *sum, field[FIELDS];
	const char *line;
	size_t len;
	int err;

	if (!scope->cpus.n)
		return diag_set(d, -ENODATA, "no CPUs are measured");
	err = sys_read_all(scope->sys, "/proc/schedstat", &text, &len);
	if (err == -ENOENT)
		return diag_set(d, -ENODATA, "the kernel is built without CONFIG_SCHEDSTATS");
	if (err)
		return diag_errno(d, err, "/proc/schedstat");
	sum = calloc(1, sizeof(*sum));
	if (!sum)
		return diag_errno(d, -ENOMEM, "/proc/schedstat");
	line = text;
	for (size_t i = 0; i < scope->cpus.n; i++) {
		char key[24];

		snprintf(key, sizeof(key), "\ncpu%u ", scope->cpus.cpu[i]);
		line = strstr(line, key); /* both are sorted */
		if (!line || text_numbers(line + strlen(key), field, FIELDS) < FIELDS) {
			free(sum);
			return diag_set(d, -ENODATA, "CPU %u is not in /proc/schedstat",
					scope->cpus.cpu[i]);
		}
		*sum += field[RUN_TIME];
	}
	*sample = sum;
	return 0;
}

static int sched_difference(const struct evidence_scope *scope, const void *before,
			    const void *after, json_t *result, struct diag *d)
{
	evidence_put(result, "run_time_ns",
		     evidence_delta(*(const uint64_t *)before, *(const uint64_t *)after));
	return 0;
}

const struct evidence_source evidence_sched = {
	.name = "sched",
	.doc = "/proc/schedstat of the measured CPUs",
	.sample = sched_sample,
	.difference = sched_difference,
	.free = free,
};
