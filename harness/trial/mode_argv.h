/* SPDX-License-Identifier: Apache-2.0 */
/* A mode's options for one workload, with the place-holders of configs/modes resolved. */
#pragma once
#include "adapter/adapter.h"
#include "experiment/experiment.h"
#include "mode/mode.h"
#include "placement/placement.h"
#include "trial/target.h"

struct diag;

enum { MODE_ARGV_MAX = 64 };

struct mode_argv {
	struct workload_option option[MODE_ARGV_MAX]; /* values borrowed, or from `number` */
	size_t n;
	const char *filename; /* the mode's own target ({char_device}), or NULL */
	char number[2][16];
};

/* {cpu}: the first worker's CPU, {sq_cpu}, {char_device} of `target` (NULL: of a network), {sleep}:
 * how a caller with this load waits without polling. -E2BIG, -ENOENT (no such section). */
int mode_argv_resolve(const struct mode *mode, const char *workload, const struct placement *p,
		      const struct target *target, const struct experiment_load *load,
		      struct mode_argv *out, struct diag *d);
