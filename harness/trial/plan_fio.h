/* SPDX-License-Identifier: Apache-2.0 */
/* What of a plan concerns fio alone. Internal to trial/. */
#pragma once
#include "trial/plan.h"

struct workload_job;

/* The job file of a cell: what it would do beside the load. Refused before anything is changed:
 * -EPERM (not on the allow list), -EINVAL (names another file), with file:line:column. */
int plan_fio_check(const struct plan *p, const struct experiment_load *load, bool trust,
		   struct diag *d);
/*
 * A placed cell: can the fio that is installed run it? Not: the row, and no other, does not run,
 * for c->reason. Fills c->fio: {"version", "imposed", "untrusted"}. -EINVAL: the user's job file
 * has an error.
 */
int plan_fio(const struct plan *p, struct plan_cell *c, struct diag *d);
