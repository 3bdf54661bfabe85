/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel threads of NAPI while a trial with a named placement runs: pinned (knob
 * napi.thread-cpus, so the session's restore lets them go) and proven.
 */
#pragma once
#include <jansson.h>
#include "placement/placement.h"
#include "trial/net_target.h"

struct knob_session;

enum { TRIAL_NAPI_THREADS = 256 };

struct trial_napi {
	size_t n;
	struct trial_napi_thread {
		int pid, cpu;
		bool stayed; /* at the end it was allowed on its CPU and no other */
	} thread[TRIAL_NAPI_THREADS];
};

/* Does the placement say where NAPI threads run? */
bool trial_napi_asked(const struct placement *p);
/* Pin those of both ends as they are now. As session_apply(); without a session nothing is done,
 * which the evidence shows. */
int trial_napi_pin(struct knob_session *session, struct sys *sys, const struct net_target *net,
		   const struct placement *p, struct trial_napi *napi, struct diag *d);
/* At the end, before the restore: may each still run on its CPU alone? */
void trial_napi_look(struct sys *sys, struct trial_napi *napi);
/*
 * placement_napi_threads_elsewhere_share into evidence.counters (or .absent): of the CPU time of
 * NAPI threads in the window that of those which ended on another CPU, came and went, or were
 * allowed elsewhere. Each that ran is in record.placement.napi_threads.
 */
void trial_napi_evidence(const struct placement *p, const struct trial_napi *napi, json_t *record,
			 json_t *evidence);
