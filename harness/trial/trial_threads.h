/* SPDX-License-Identifier: Apache-2.0 */
/* Did the workload's threads run where a named placement put them? */
#pragma once
#include <jansson.h>
#include "placement/placement.h"

/*
 * placement_threads_elsewhere_share into evidence.counters (or .absent with the reason): of the CPU
 * time of the workload's tasks in the window that of threads which migrated, ended on another CPU,
 * or share a CPU with another worker where each of the `jobs` has its own. A thread that did not
 * migrate and ended on a CPU had all its time there: CPU time by CPU goes to
 * record.placement.cpu_ns.
 */
void trial_threads_evidence(const struct placement *p, unsigned jobs, json_t *record,
			    json_t *evidence);
