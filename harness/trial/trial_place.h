/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A named placement while a trial runs: how its programs are started, and what shows afterwards
 * that it held. The proof is in counters of the evidence, with the share that went elsewhere, so
 * that `check` can judge a record again.
 */
#pragma once
#include <jansson.h>
#include "placement/placement.h"
#include "record/expectation.h"
#include "trial/plan.h"
#include "trial/trial_napi.h"

/* The orchestrator goes to its CPU; unpinned: to all that may be used. */
void trial_place_self(const struct placement *p);
/* Node that the memory of this end is bound to; NULL: none. Points into `p`. */
const int *trial_place_memory(const struct placement *p, int end);
/* The workload's own --cpus-allowed: NULL where nothing is pinned. The caller frees it. */
char *trial_place_cpus(const struct placement *p, const struct cpulist *cpus);

/*
 * Counters of a named placement into evidence.counters, or .absent with the reason:
 * placement_interrupts_elsewhere_share, placement_vectors_elsewhere (that fired, and now stand
 * elsewhere), placement_threads_elsewhere_share (of CPU time: threads that ended on another CPU or
 * migrated), placement_napi_threads_elsewhere_share, placement_pages_elsewhere_share. What they
 * were made of goes to record.placement.
 */
void trial_place_evidence(const struct plan *plan, const struct plan_cell *cell,
			  const struct trial_napi *napi, json_t *record, json_t *evidence);

enum { TRIAL_PLACE_EXPECTATIONS = 7 };
/* What must be seen of them; returns how many. */
size_t trial_place_expect(const struct placement *p,
			  struct expectation expect[TRIAL_PLACE_EXPECTATIONS]);
