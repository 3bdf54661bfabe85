/* SPDX-License-Identifier: Apache-2.0 */
/* Going on with a run that was cut short. Internal to trial/. */
#pragma once
#include <jansson.h>
#include <stdint.h>
#include "trial/plan.h"
#include "trial/rundir.h"

/*
 * Load run.json, check that the plan is the same, and find the first block that is not whole. What
 * trials.jsonl holds of that block (and a torn last line) is moved to trials-superseded.jsonl: a
 * block is one random order, so it is repeated whole; nothing is thrown away.
 */
int resume_load(struct rundir *dir, const struct plan *plan, json_t **run, uint64_t *first_block,
		unsigned *attempt, struct diag *d);
