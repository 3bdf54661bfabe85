// SPDX-License-Identifier: Apache-2.0
/* The looks of a run: is it precise enough to end before the last planned block? The analysis says
 * so from the records on disk, as 'check' does again years later. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "analysis/precision.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/record.h"
#include "trial/run_private.h"

static size_t looks_of(const struct run *run, size_t look[static PRECISION_LOOKS])
{
	const struct experiment *e = run->plan->e;

	return precision_looks(e->blocks_min, e->blocks, look);
}

static uint64_t blocks_of(const json_t *look)
{
	return (uint64_t)json_integer_value(json_object_get(look, "blocks"));
}

/* The look at which the widths will probably do, by the root of the number of blocks; the last one
 * where nothing can be said. */
static uint64_t aim_of(const struct run *run, const json_t *look)
{
	double forecast = jsonio_number(look, "forecast");
	size_t at[PRECISION_LOOKS], n = looks_of(run, at);
	uint64_t blocks = blocks_of(look);

	for (size_t i = 0; forecast > 0 && i < n; i++)
		if (at[i] > blocks && (double)at[i] >= forecast)
			return at[i];
	return run->plan->e->blocks;
}

/* {"at", "asked"} */
static json_t *design_json(const struct experiment *e)
{
	size_t look[PRECISION_LOOKS], n = precision_looks(e->blocks_min, e->blocks, look);
	json_t *at = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(at, json_integer((json_int_t)look[i]));
	return json_pack("{s:o, s:o}", "at", at, "asked",
			 e->precision > 0 ? json_real(e->precision) : json_null());
}

int looks_same_design(const json_t *run, const struct experiment *e, struct diag *d)
{
	const json_t *before = json_object_get(run, "precision");
	_json_ json_t *design = design_json(e);
	double asked = jsonio_number(before, "asked"); /* NAN: the margins; reals lose digits */
	bool same_width = isnan(asked) ? !(e->precision > 0) : fabs(asked - e->precision) < 1e-9;

	if (!before || (same_width &&
			json_equal(json_object_get(before, "at"), json_object_get(design, "at"))))
		return 0;
	return diag_set(d, -EINVAL,
			"this run cannot be resumed: its blocks and precision are not what the "
			"experiment says now");
}

int looks_begin(struct run *run)
{
	json_t *design = design_json(run->plan->e);
	json_t *looks = jsonio_at(run->json, "precision.looks");
	size_t kept;

	looks = looks ? json_incref(looks) : json_array();
	for (size_t i = json_array_size(looks); i-- > 0;)
		if (blocks_of(json_array_get(looks, i)) >= run->first_block)
			json_array_remove(looks, i);
	kept = json_array_size(looks);
	run->blocks = run->plan->e->blocks;
	run->aim = kept ? aim_of(run, json_array_get(looks, kept - 1)) : run->plan->e->blocks_min;
	json_object_set_new(design, "looks", looks);
	json_object_del(run->json, "precision_met");
	return json_object_set_new(run->json, "precision", design) ? -ENOMEM : 0;
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
