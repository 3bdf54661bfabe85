/* SPDX-License-Identifier: Apache-2.0 */
/* A/A: rows of an experiment measured twice in each block, as two modes that are the same. */
#pragma once
#include <jansson.h>
#include <stdbool.h>

struct diag;
struct setup;

/* Keep the rows of the baseline (or, `chosen`, all that are left) and give each a second arm, its
 * mode under the name with NOISE_AGAIN behind it. -ENOENT when there is none. */
int arms_make(struct setup *s, bool chosen, struct diag *d);
void arms_free(struct setup *s);
/* What the run showed: printed, and kept in the state directory for later runs of this machine.
 * Returns an exit status. */
int arms_report(const char *run);
/* What an A/A run of this machine left there; NULL: none. New reference. */
json_t *arms_noise(void);
