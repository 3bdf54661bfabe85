/* SPDX-License-Identifier: Apache-2.0 */
/* One sample of a run's canary (analysis/canary.h): taken between trials, never beside one. */
#pragma once
#include <jansson.h>
#include "base/num.h"
#include "trial/rundir.h"

struct diag;

/* About how long one takes, for the forecast (benchmarks/trial_overhead.sh). */
#define CANARY_NS 180000000u

/*
 * On `cpus` (the measured ones; the null loop on the first). *sample is {"spin_per_s",
 * "wakeup_p50_ns", "nop_per_s", "took_ns"}, each of the slowest CPU; what could not be measured is
 * left out, and "error" says why; *broken (0 at the start of a run) remembers it, so that it is not
 * tried in every block. Raw output goes to raw/<id>/. Fatal errors only: -ENOMEM, -ENOSPC.
 */
int canary_sample(const char *bin_dir, const struct rundir *dir, const char *id,
		  const struct cpulist *cpus, unsigned *broken, json_t **sample, struct diag *d);
