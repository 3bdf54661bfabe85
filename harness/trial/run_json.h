/* SPDX-License-Identifier: Apache-2.0 */
/* run.json and the files beside it. Internal to trial/. */
#pragma once
#include "trial/run.h"
#include "trial/rundir.h"

/* The whole of run.json before the first trial. New reference. */
json_t *run_json_new(const struct plan *plan, const char *run_id, const struct run_options *o,
		     const struct rundir *dir);
/* run.json's "machine_key". New reference. */
json_t *run_json_machine_key(const struct machine *m);
/* machine/<when>.json, `when` being "before" or "after"; before, hwloc's XML as well; after, of a
 * machine that is looked at anew. */
int run_json_machine(const struct rundir *dir, const struct machine *m, const char *when,
		     struct diag *d);
/* Is `run` (of a directory to be resumed) the same plan on the same machine? */
int run_json_same_plan(const json_t *run, const struct plan *plan, struct diag *d);
