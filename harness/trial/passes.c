// SPDX-License-Identifier: Apache-2.0
/* What surrounds the blocks of a run: preparation, canary, retries. */
#include <stdio.h>

#include "analysis/canary.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/record.h"
#include "trial/canary.h"
#include "trial/prepare.h"
#include "trial/run_private.h"
#include "trial/spin_idle.h"

int run_canary(struct run *run, uint64_t block, bool retry, struct diag *d)
{
	json_t *samples = jsonio_at(run->json, "canary.samples"), *sample;
	char id[32];
	int err;

	snprintf(id, sizeof(id), "canary-b%02llu", (unsigned long long)block);
	err = canary_sample(run->o->bin_dir, &run->dir, id, &run->plan->measured,
			    &run->canary_broken, &sample, d);
	if (err)
		return err;
	json_object_set_new(sample, "block", json_integer((json_int_t)block));
	json_object_set_new(sample, "retry", json_boolean(retry));
	json_array_append_new(samples, sample);
	json_object_set_new(json_object_get(run->json, "canary"), "judged",
			    canary_judge(json_object_get(run->json, "canary")));
	return record_write_run(run->dir.dir, run->json, d);
}

int run_retries(struct run *run, struct diag *d)
{
	const struct plan *p = run->plan;
	const json_t *canary_json = json_object_get(run->json, "canary");
	const json_t *judged = json_object_get(canary_json, "judged");
	struct retry_entry *e;
	bool first = true;
	int err = 0;

	for (uint64_t b = 0; b < run->blocks; b++) {
		const char *why = canary_objection(canary_json, judged, b, false);

		if (why)
			retry_spoil_block(&run->retries, b, why);
	}
	while (!err && (e = retry_next(&run->retries))) {
		if (first)
			err = run_canary(run, run->blocks, true, d);
		if (err)
			break;
		first = false;
		run->total =
			run->done + retry_waiting(&run->retries) + (p->e->cpu_left ? p->n_run : 0);
		run_report(run, "trying again", p->cells[e->cell].cell->id,
			   plan_block_ns(p) / p->n_run * (run->total - run->done));
		err = run_trial(run, "retry", e->block, e->order, e->cell, e, d);
	}
	run->result->retried = run->retries.made;
	json_object_set_new(run->json, "retries", retry_json(&run->retries));
	return err;
}

int run_corunner_alone(struct run *run, struct diag *d)
{
	const struct plan *p = run->plan;
	int err;

	if (!p->e->corunner)
		return 0;
	run->corunner_alone = json_incref(jsonio_at(run->json, "corunner.alone"));
	if (run->corunner_alone)
		return 0;
	run_report(run, "co-runner alone", "", p->seconds_total_ns);
	err = spin_idle(run->o->bin_dir, &run->dir, &p->corunner, PLAN_SPINNER_IDLE_NS, true,
			run->ctx.signal_fd, &run->corunner_alone, d);
	if (err)
		return diag_prefix(d, err, "co-runner");
	json_object_set_new(run->json, "corunner",
			    json_pack("{s:O}", "alone", run->corunner_alone));
	return record_write_run(run->dir.dir, run->json, d);
}

static void report_preparation(void *context, const char *phase, uint64_t left_ns)
{
	struct run *run = context;

	run_report(run, phase, "", run->plan->seconds_total_ns - run->plan->prepare_ns + left_ns);
}

int run_prepare(struct run *run, struct diag *d)
{
	const struct experiment *e = run->plan->e;
	struct prepare_options o = {
		.level = e->prepare,
		.round_ns = e->prepare_round_ns,
		.target = run->target,
		.bin_dir = run->o->bin_dir,
		.dir = &run->dir,
		.cpus = &run->plan->measured,
		.signal_fd = run->ctx.signal_fd,
		.progress = report_preparation,
		.context = run,
	};
	json_t *result = NULL;
	int err;

	if (!e->prepare || json_object_get(run->json, "prepared"))
		return 0;
	run_report(run, "preparing the target", "", run->plan->seconds_total_ns);
	err = prepare_target(&o, &result, d);
	if (err)
		return err;
	json_object_set_new(run->json, "prepared", result);
	return record_write_run(run->dir.dir, run->json, d);
}
