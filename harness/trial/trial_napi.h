/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel threads of NAPI while a trial with a named placement runs: pinned, proven, and allowed
 * where they were before again.
 */
#pragma once
#include <jansson.h>
#include <sched.h>
#include "placement/placement.h"
#include "trial/net_target.h"

enum { TRIAL_NAPI_THREADS = 256 };

struct trial_napi {
	size_t n;
	struct trial_napi_thread {
		int pid, cpu;
		cpu_set_t before; /* where it was allowed */
		bool stayed;	  /* at the end it was allowed on its CPU and no other */
	} thread[TRIAL_NAPI_THREADS];
};

/* Does the placement say where NAPI threads run? */
bool trial_napi_asked(const struct placement *p);
/* Pin those of both ends as they are now. A thread that cannot be pinned is not among them, which
 * the evidence shows. */
void trial_napi_pin(struct sys *sys, const struct net_target *net, const struct placement *p,
		    struct trial_napi *napi);
/* Look whether they may still run on that CPU alone, then back again. */
void trial_napi_unpin(struct trial_napi *napi);
/*
 * placement_napi_threads_elsewhere_share into evidence.counters (or .absent): of the CPU time of
 * NAPI threads in the window that of those which ended on another CPU, came and went, or were
 * allowed elsewhere. Each that ran is in record.placement.napi_threads.
 */
void trial_napi_evidence(const struct placement *p, const struct trial_napi *napi, json_t *record,
			 json_t *evidence);
