// SPDX-License-Identifier: Apache-2.0
/* The looks of a run: is it precise enough to end before the last planned block? The analysis says
 * so from the records on disk, as 'check' does again years later. */
#include <string.h>

#include "analysis/precision.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/record.h"
#include "trial/run_private.h"

static size_t looks_of(const struct run *run, size_t look[static PRECISION_LOOKS])
{
	const struct experiment *e = run->plan->e;

	return precision_looks(e->blocks_min, e->blocks, look);
}

/* The look at which the widths will probably do, by the root of the number of blocks; the last one
 * where nothing can be said. */
static uint64_t aim_of(const struct run *run, const json_t *look)
{
	double forecast = jsonio_number(look, "forecast");
	size_t at[PRECISION_LOOKS], n = looks_of(run, at);
	uint64_t blocks = (uint64_t)jsonio_number(look, "blocks");

	for (size_t i = 0; forecast > 0 && i < n; i++)
		if (at[i] > blocks && (double)at[i] >= forecast)
			return at[i];
	return run->plan->e->blocks;
}

int looks_begin(struct run *run)
{
	const struct experiment *e = run->plan->e;
	json_t *looks = jsonio_at(run->json, "precision.looks"), *at = json_array();
	size_t look[PRECISION_LOOKS], n = looks_of(run, look);

	run->blocks = e->blocks;
	run->aim = e->blocks_min;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(at, json_integer((json_int_t)look[i]));
	for (size_t i = json_array_size(looks); i-- > 0;)
		if ((uint64_t)jsonio_number(json_array_get(looks, i), "blocks") >= run->first_block)
			json_array_remove(looks, i);
	if (json_array_size(looks))
		run->aim = aim_of(run, json_array_get(looks, json_array_size(looks) - 1));
	looks = looks ? json_incref(looks) : json_array();
	json_object_del(run->json, "precision_met");
	return json_object_set_new(
		run->json, "precision",
		json_pack("{s:o, s:o, s:o}", "at", at, "asked",
			  e->precision > 0 ? json_real(e->precision) : json_null(), "looks",
			  looks));
}

int looks_take(struct run *run, uint64_t blocks, struct diag *d)
{
	size_t at[PRECISION_LOOKS], n = looks_of(run, at);
	json_t *look = NULL;
	bool is_look = false, met;
	int err;

	for (size_t i = 0; i < n; i++)
		is_look |= at[i] == blocks;
	if (!is_look)
		return 0;
	err = precision_look(run->dir.path, blocks, &look, d);
	if (err)
		return err;
	met = json_is_true(json_object_get(look, "met"));
	run->aim = met ? blocks : aim_of(run, look);
	json_array_append_new(jsonio_at(run->json, "precision.looks"), look);
	if (met || blocks == run->plan->e->blocks) {
		run->blocks = blocks;
		json_object_set_new(run->json, "precision_met", json_boolean(met));
		json_object_set_new(json_object_get(run->json, "precision"), "blocks",
				    json_integer((json_int_t)blocks));
	}
	return record_write_run(run->dir.dir, run->json, d);
}

void looks_left(const struct run *run, uint64_t block, uint64_t done, uint64_t *left_ns,
		uint64_t *most_ns)
{
	const struct plan *p = run->plan;
	uint64_t block_ns = plan_block_ns(p), tail = p->e->cpu_left ? block_ns : 0;
	uint64_t here = done * (block_ns / p->n_run);

	*most_ns = (p->e->blocks - block) * block_ns - here + tail;
	*left_ns = (run->aim - block) * block_ns - here + tail;
}
