/* SPDX-License-Identifier: Apache-2.0 */
/* What the spinner does on otherwise idle CPUs: the unit of cpu_left. Internal to trial/. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "trial/rundir.h"

struct cpulist;
struct diag;

/* *result: the spinner's report (workloads/spinner), new reference. Tried again until it had at
 * least 95 % of every CPU, with normal priority half of it (its work counts per CPU time then);
 * -EBUSY with the reason when the host never gave it that: a calibration beside other work would
 * inflate every figure. -EINTR on a signal. */
int spin_idle(const char *bin_dir, const struct rundir *dir, const struct cpulist *cpus,
	      uint64_t runtime_ns, bool normal, int signal_fd, json_t **result, struct diag *d);
