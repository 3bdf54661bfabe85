/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stranger's plan would cost here, by the plan that 'iomodes run' itself would make: shown
 * before it is run, and beyond these bounds only with --trust.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;

#define REPRODUCE_SCRATCH_MOST (4ull << 30) /* bytes of a scratch file */
#define REPRODUCE_TRIAL_MOST_S 60	    /* of one ramp or measurement */
#define REPRODUCE_MOST_S       3600	    /* of all */

struct reproduce_cost {
	double seconds;		/* at most */
	uint64_t scratch_bytes; /* 0: no scratch file */
};

/* `words`: the command line of 'iomodes run', `n` of them, words[1] the experiment. -EINVAL when no
 * plan can be made of it here; the run itself would end so, too. Changes nothing. */
int reproduce_cost(int n, char **words, struct reproduce_cost *cost, struct diag *d);
/* "about 12 min 05 s; a scratch file of 64.0 MiB". Returns `out`. */
const char *reproduce_cost_text(const struct reproduce_cost *cost, char *out, size_t size);
/* -EPERM beyond the bounds, unless `trust`. */
int reproduce_affordable(const struct reproduce_cost *cost, bool trust, struct diag *d);
