/* SPDX-License-Identifier: Apache-2.0 */
/* Where the cells of a plan run: the rule of "local" without touching anything, or the placement
 * that the experiment names. */
#pragma once
#include "trial/plan.h"

/* The cell does not run, and why. */
void plan_refuse(struct plan_cell *c, const char *reason, const char *remedy);

/* c->placement, or a cell that does not run with its reason. Errors are those of the machine. */
int plan_place_block(const struct plan *p, struct plan_cell *c, const struct plan_options *o,
		     struct diag *d);
int plan_place_net(const struct plan *p, struct plan_cell *c, const struct plan_options *o,
		   struct diag *d);
/* Append the settings that the placement needs, after the mode's: they may reset vectors. */
int plan_place_settings(const struct plan *p, struct plan_cell *c, struct diag *d);
/* Does the mode of the cell live on interrupts of the target's queues (> 0), make none (< 0), or
 * may it do either? By what it sets and expects. */
int plan_place_interrupts(const struct experiment_cell *cell);
/* The receive queue that all flows of a network cell are to arrive on, -1: any. */
int plan_place_queue(const struct plan_cell *c);
