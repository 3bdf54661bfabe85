// SPDX-License-Identifier: Apache-2.0
#include "trial/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "adapter/adapter.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/rng.h"
#include "trial/plan_fio.h"
#include "trial/plan_place.h"
#include "trial/canary.h"
#include "trial/prepare.h"
#include "trial/proof.h"
#include "trial/steer.h"

/*
 * What a trial costs beside ramp and runtime, measured here (benchmarks/trial_overhead.sh prints
 * the same figures for any machine): starting and ending the workload and its counters, and one
 * knob from journal to read-back and back again. The forecast must be right within 10 %.
 */
#define TRIAL_NS     40000000u
#define NET_TRIAL_NS 65000000u	/* two programs, and both ends looked at again */
#define NET_KNOB_NS  2000000u	/* a message to the kernel; no queue is frozen for it */
#define FIO_TRIAL_NS 700000000u /* fio's start, and from one of its jobs to the next */
#define KNOB_NS	     65000000u

void plan_refuse(struct plan_cell *c, const char *reason, const char *remedy)
{
	c->runs = false;
	snprintf(c->reason, sizeof(c->reason), "%.479s", reason);
	snprintf(c->remedy, sizeof(c->remedy), "%s", remedy);
}

struct machine_subject plan_subject(const struct plan *p, enum mode_target kind)
{
	if (kind == MODE_NET)
		return net_target_subject(p->net);
	return (struct machine_subject){.disk = p->target->disk};
}

/* The experiment's settings of one kind of target, and those of the host. */
static int kind_settings(struct plan *p, enum mode_target kind, struct knob_setting **all,
			 size_t *n, struct diag *d)
{
	_free_ struct mode_pair *item = calloc(p->e->set.n + 1, sizeof(*item)); /* borrows */
	struct mode_pairs pairs = {.item = item};
	struct machine_subject s = plan_subject(p, kind);
	const char *end;

	if (!item)
		return -ENOMEM;
	for (size_t i = 0; i < p->e->set.n; i++)
		if (mode_knob_of(mode_knob(p->e->set.item[i].name, &end), kind))
			item[pairs.n++] = p->e->set.item[i];
	return mode_settings(&pairs, p->machine, &s, all, n, d);
}

static bool noted(const struct plan *p, const char *text)
{
	for (size_t i = 0; i < p->n_not_applied; i++)
		if (!strcmp(p->not_applied[i], text))
			return true;
	return false;
}

/* The experiment's settings hold for every row; without root those that differ are left out. */
static int common_settings(struct plan *p, enum mode_target kind, unsigned euid,
			   struct knob_setting **settings, size_t *n, struct diag *d)
{
	_free_ struct knob_setting *all = NULL;
	size_t n_all = 0, kept = 0;
	int err = kind_settings(p, kind, &all, &n_all, d);

	for (size_t i = 0; !err && i < n_all; i++) {
		char now[KNOB_VALUE_MAX], *text;
		char **grown;

		err = knob_get(p->machine->sys, all[i].knob, all[i].instance, now, d);
		if (err)
			break;
		if (!euid || all[i].knob->same(all[i].value, now)) {
			if (!euid)
				all[kept++] = all[i];
			continue;
		}
		if (asprintf(&text, "%s=%s on %s (now %.64s)", all[i].knob->name, all[i].value,
			     *all[i].instance ? all[i].instance : "this machine", now) < 0)
			return -ENOMEM;
		if (noted(p, text)) { /* of the host: said for the other kind already */
			free(text);
			continue;
		}
		grown = reallocarray(p->not_applied, p->n_not_applied + 1, sizeof(*grown));
		if (!grown) {
			free(text);
			return -ENOMEM;
		}
		p->not_applied = grown;
		grown[p->n_not_applied++] = text;
	}
	if (err)
		return err;
	*settings = all;
	*n = kept;
	all = NULL;
	return 0;
}

static int cell_settings(const struct plan *p, const struct knob_setting *common, size_t n_common,
			 struct plan_cell *c, unsigned euid, struct diag *d)
{
	struct machine_subject s = plan_subject(p, c->cell->load.kind);
	int err;

	if (n_common) {
		c->settings = calloc(n_common, sizeof(*common));
		if (!c->settings)
			return -ENOMEM;
		memcpy(c->settings, common, n_common * sizeof(*common));
		c->n_settings = n_common;
	}
	if (euid) /* mode_check() has seen that what the mode sets is already so */
		return 0;
	err = mode_own_settings(c->cell->mode, p->machine, &s, &c->settings, &c->n_settings, d);
	if (!err && c->cell->load.by_rule)
		err = steer_settings(p->net, c->cell->load.protocol, plan_place_queue(c),
				     &c->settings, &c->n_settings, d);
	return err;
}

static int plan_one(struct plan *p, struct plan_cell *c, const struct knob_setting *common,
		    size_t n_common, const struct plan_options *o, struct diag *d)
{
	const struct experiment_cell *cell = c->cell;
	bool net = cell->load.kind == MODE_NET;
	struct machine_subject s = plan_subject(p, cell->load.kind);
	struct mode_availability a;
	char reason[256];
	bool tentative;
	int err;

	c->runs = true;
	if (!experiment_cell_makes_sense(cell, reason, sizeof(reason))) {
		plan_refuse(c, reason, "");
		return 0;
	}
	if (net && *p->net->refusal) {
		plan_refuse(c, p->net->refusal, p->net->remedy);
		c->needs_root = p->net->needs_root;
		return 0;
	}
	err = plan_fio_check(p, &cell->load, o->trust, d);
	if (err)
		return err;
	if (!mode_options(cell->mode, cell->workload)) {
		snprintf(reason, sizeof(reason), "%s cannot make mode %s (it has no %s: section)",
			 cell->workload, cell->mode->name, cell->workload);
		plan_refuse(c, reason, "");
		return 0;
	}
	if (p->e->corunner && !workload_find(cell->workload)->controlled) {
		plan_refuse(c, "a co-runner is measured beside our own loops only", "");
		return 0;
	}
	mode_check(cell->mode, p->machine, &s, o->euid, &a);
	tentative = net && *p->net->tentative;
	if (!a.available && !o->ignore_requires && !tentative) {
		plan_refuse(c, a.reason, a.remedy);
		c->needs_root = a.needs_root;
		return 0;
	}
	err = net ? plan_place_net(p, c, o, d) : plan_place_block(p, c, o, d);
	if (!err && c->runs && !strcmp(cell->workload, "fio"))
		err = plan_fio(p, c, d);
	if (err || !c->runs)
		return err;
	c->rate_per_s = cell->load.rate_per_s;
	err = cell_settings(p, common, n_common, c, o->euid, d);
	if (!err)
		err = plan_place_settings(p, c, d);
	if (!err && !o->euid)
		err = mode_no_steering(&s, &c->settings, &c->n_settings, d);
	if (!err && !o->euid)
		err = mode_no_suspension(&s, &c->settings, &c->n_settings, d);
	if (err && (o->ignore_requires || tentative)) { /* its knobs do not exist; run it bare */
		c->n_settings = 0;
		err = 0;
	}
	return err;
}

/* Cells past the limit of their kind are left out by name, last in the file first. */
static int pick(struct plan *p)
{
	const uint64_t limit[MODE_TARGETS] = {
		[MODE_BLOCK] = p->e->max_cells,
		[MODE_NET] = p->e->max_net_cells,
	};
	uint64_t picked[MODE_TARGETS] = {0};

	p->run = calloc(p->n_cells, sizeof(*p->run));
	if (!p->run)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_cells; i++) {
		enum mode_target kind = p->cells[i].cell->load.kind;
		char reason[160];

		if (!p->cells[i].runs)
			continue;
		if (!limit[kind] || picked[kind] < limit[kind]) {
			p->run[p->n_run++] = i;
			picked[kind]++;
			continue;
		}
		snprintf(reason, sizeof(reason),
			 "the experiment takes %llu %scells, and more can run here",
			 (unsigned long long)limit[kind], kind == MODE_NET ? "network " : "");
		p->cells[i].left_out = true;
		plan_refuse(&p->cells[i], reason,
			    kind == MODE_NET ? "raise max_net_cells in the experiment's design"
					     : "raise max_cells in the experiment's design");
	}
	return 0;
}

static int draw_order(struct plan *p)
{
	struct rng rng;

	p->order = calloc(p->e->blocks * p->n_run, sizeof(*p->order));
	if (!p->order)
		return -ENOMEM;
	rng_seed(&rng, p->seed);
	for (uint64_t b = 0; b < p->e->blocks; b++) {
		size_t *block = p->order + b * p->n_run;

		memcpy(block, p->run, p->n_run * sizeof(*block));
		rng_shuffle(&rng, block, p->n_run);
	}
	return 0;
}

/* Cells that pin nothing could be anywhere: they count only where there are no others. */
static int collect_cpus(struct plan *p)
{
	int err = 0;

	for (int pass = 0; pass < 2 && !p->measured.n; pass++)
		for (size_t i = 0; !err && i < p->n_run; i++) {
			const struct plan_cell *c = &p->cells[p->run[i]];

			if (c->placement.unpinned == (pass == 1))
				err = placement_measured(&c->placement, &p->measured);
			p->calibrates[c->cell->load.kind] |= c->cell->load.rate_share > 0;
		}
	return err;
}

bool plan_calibrated(const struct plan *p, const struct plan_cell *c)
{
	return p->calibrates[c->cell->load.kind] && !c->cell->load.open_loop;
}

const char *plan_target_label(const struct plan *p, const struct plan_cell *c)
{
	return c->cell->load.kind == MODE_NET ? p->net->label : p->target->label;
}

/* Beside ramp and measured time. */
static uint64_t extra_ns(const struct plan_cell *c)
{
	bool fio = !strcmp(c->cell->workload, "fio");

	if (c->cell->load.kind == MODE_NET)
		return NET_TRIAL_NS + c->n_settings * (uint64_t)NET_KNOB_NS;
	return (fio ? FIO_TRIAL_NS : TRIAL_NS) + c->n_settings * (uint64_t)KNOB_NS;
}

uint64_t plan_block_ns(const struct plan *p)
{
	uint64_t ns = CANARY_NS;

	for (size_t i = 0; i < p->n_run; i++)
		ns += p->e->ramp_ns + p->e->runtime_ns + extra_ns(&p->cells[p->run[i]]);
	return ns;
}

static uint64_t calibration_ns(const struct plan *p)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < p->n_run; i++) {
		const struct plan_cell *c = &p->cells[p->run[i]];

		if (plan_calibrated(p, c))
			ns += p->e->ramp_ns + PLAN_CALIBRATION_RUN_NS + extra_ns(c);
	}
	return ns;
}

/* Keys of the load that decide whether a proof trial can show anything. An interface that is not up
 * yet may turn out to have vectors. */
static json_t *known_load(const struct plan *p, const struct plan_cell *c)
{
	json_t *known = json_pack("{s:s}", "workload", c->cell->workload), *load;

	if (!known || c->cell->load.kind != MODE_NET)
		return known;
	load = experiment_load_json(&c->cell->load);
	json_object_set(known, "protocol", json_object_get(load, "protocol"));
	json_decref(load);
	if (!*p->net->tentative)
		json_object_set_new(known, "has_interrupts",
				    json_integer(net_target_has_interrupts(p->net)));
	return known;
}

/* Tracepoints can be counted by root only: for others such a trial would show nothing. */
static void pick_proof(struct plan *p, unsigned euid)
{
	for (size_t i = 0; i < p->n_run && euid == 0; i++) {
		struct plan_cell *c = &p->cells[p->run[i]];
		json_t *known = known_load(p, c);

		c->proof = proof_is_expected(c->cell->mode, c->cell->workload, known);
		json_decref(known);
		p->n_proof += c->proof;
	}
}

static uint64_t proof_ns(const struct plan *p)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < p->n_run; i++)
		if (p->cells[p->run[i]].proof)
			ns += p->e->ramp_ns + PLAN_PROOF_RUN_NS + extra_ns(&p->cells[p->run[i]]);
	return ns;
}

static int plan_cells(struct plan *p, const struct plan_options *o, struct diag *d)
{
	struct knob_setting *common[MODE_TARGETS] = {NULL};
	size_t n_common[MODE_TARGETS] = {0};
	int err = 0;

	for (int kind = 0; !err && kind < MODE_TARGETS; kind++)
		if (kind == MODE_NET ? p->net && !*p->net->refusal : p->target != NULL)
			err = common_settings(p, (enum mode_target)kind, o->euid, &common[kind],
					      &n_common[kind], d);
	for (size_t i = 0; !err && i < p->n_cells; i++) {
		enum mode_target kind = p->e->cells[i].load.kind;

		p->cells[i].cell = &p->e->cells[i];
		err = plan_one(p, &p->cells[i], common[kind], n_common[kind], o, d);
	}
	for (int kind = 0; kind < MODE_TARGETS; kind++)
		free(common[kind]);
	return err;
}

/* Where the co-runner is: the same for all cells, so that its losses can be compared. */
static int plan_corunner(struct plan *p, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; !err && p->e->corunner && i < p->measured.n; i++) {
		struct cpulist siblings = {0};

		if (p->e->corunner == EXPERIMENT_CORUNNER_CPU) {
			err = cpulist_add(&p->corunner, p->measured.cpu[i]);
			continue;
		}
		if (machine_siblings(p->machine, p->measured.cpu[i], &siblings))
			continue;
		for (size_t k = 0; !err && k < siblings.n; k++)
			if (!cpulist_has(&p->measured, siblings.cpu[k]))
				err = cpulist_add(&p->corunner, siblings.cpu[k]);
		cpulist_free(&siblings);
	}
	if (!err && p->e->corunner && !p->corunner.n)
		err = diag_set(
			d, -ENODEV,
			"corunner: sibling: the measured CPUs have no SMT sibling beside them "
			"on this machine; corunner: cpu puts it on them");
	return err;
}

static int plan_preparation(struct plan *p, struct diag *d)
{
	const struct experiment *e = p->e;

	if (!e->prepare)
		return 0;
	if (!p->target)
		return diag_set(d, -EINVAL,
				"prepare: %s: no cell has a target with blocks to write",
				prepare_name(e->prepare));
	if (!p->target->may_write)
		return diag_set(d, -EPERM, "prepare: %s would overwrite the whole of %s: %s",
				prepare_name(e->prepare), p->target->label,
				p->target->write_refusal);
	p->prepare_ns = prepare_forecast_ns(p->target, e->prepare, e->prepare_round_ns);
	return 0;
}

int plan_make(const struct experiment *e, const struct machine *machine,
	      const struct target *target, struct net_target *net, const struct plan_options *o,
	      struct plan *p, struct diag *d)
{
	int err;

	*p = (struct plan){
		.e = e,
		.machine = machine,
		.target = target,
		.net = net,
		.rebind = o->rebind,
	};
	p->seed = o->seed ? o->seed : e->seed;
	while (!p->seed)
		if (getrandom(&p->seed, sizeof(p->seed), 0) != sizeof(p->seed))
			return -EIO;
	p->seed &= INT64_MAX; /* JSON integers are signed */
	p->cells = calloc(e->n_cells, sizeof(*p->cells));
	if (!p->cells)
		return -ENOMEM;
	p->n_cells = e->n_cells;
	err = plan_preparation(p, d);
	if (!err)
		err = plan_cells(p, o, d);
	if (!err)
		err = pick(p);
	if (!err && !p->n_run)
		err = diag_set(d, -ENODEV,
			       "no cell of %s can run on this machine; first reason: %s: %s",
			       e->name, p->cells[0].cell->mode->name, p->cells[0].reason);
	if (!err)
		err = draw_order(p);
	if (!err)
		err = collect_cpus(p);
	if (!err)
		err = plan_corunner(p, d);
	if (err) {
		plan_free(p);
		return err;
	}
	pick_proof(p, o->euid);
	p->seconds_total_ns = (target ? target->prepare_ns : 0) + p->prepare_ns +
			      calibration_ns(p) + proof_ns(p) + e->blocks * plan_block_ns(p);
	if (e->corunner)
		p->seconds_total_ns += PLAN_SPINNER_IDLE_NS;
	if (e->cpu_left)
		p->seconds_total_ns += PLAN_SPINNER_IDLE_NS + plan_block_ns(p);
	p->seconds_least_ns = p->seconds_total_ns - (e->blocks - e->blocks_min) * plan_block_ns(p);
	return 0;
}

void plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->n_cells; i++) {
		free(p->cells[i].settings);
		json_decref(p->cells[i].fio);
		placement_free(&p->cells[i].placement);
	}
	for (size_t i = 0; i < p->n_not_applied; i++)
		free(p->not_applied[i]);
	free(p->not_applied);
	free(p->cells);
	free(p->run);
	free(p->order);
	cpulist_free(&p->measured);
	cpulist_free(&p->corunner);
	*p = (struct plan){0};
}

static json_t *settings_json(const struct plan_cell *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_settings; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "knob",
						      c->settings[i].knob->name, "instance",
						      c->settings[i].instance, "value",
						      c->settings[i].value));
	return list;
}

json_t *plan_json(const struct plan *p)
{
	json_t *cells = json_array(), *order = json_array(), *not_applied = json_array();

	for (size_t i = 0; i < p->n_cells; i++) {
		const struct plan_cell *c = &p->cells[i];
		json_t *j =
			json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:s}", "id", c->cell->id,
				  "target", plan_target_label(p, c), "mode", c->cell->mode->name,
				  "workload", c->cell->workload, "supported", c->runs, "needs_root",
				  c->needs_root, "reason", c->reason, "remedy", c->remedy);

		json_object_set_new(j, "grade",
				    json_string(verdict_grade_name(c->cell->mode->grade)));
		json_object_set_new(j, "load", experiment_load_json(&c->cell->load));
		if (c->fio)
			json_object_set(j, "fio", c->fio);
		json_object_set_new(j, "left_out", json_boolean(c->left_out));
		if (c->cell->placement)
			json_object_set_new(j, "placement_asked", json_string(c->cell->placement));
		if (c->cell->published)
			json_object_set(j, "published", c->cell->published);
		if (c->runs) {
			json_object_set_new(j, "settings", settings_json(c));
			json_object_set_new(j, "placement",
					    placement_json(&c->placement, p->machine));
		}
		json_array_append_new(cells, j);
	}
	for (uint64_t b = 0; b < p->e->blocks; b++) {
		json_t *block = json_array();

		for (size_t i = 0; i < p->n_run; i++)
			json_array_append_new(block,
					      json_integer((json_int_t)p->order[b * p->n_run + i]));
		json_array_append_new(order, block);
	}
	for (size_t i = 0; i < p->n_not_applied; i++)
		json_array_append_new(not_applied, json_string(p->not_applied[i]));
	return json_pack("{s:s, s:o, s:o, s:I, s:f, s:f, s:o, s:o}", "prepare_level",
			 prepare_name(p->e->prepare), "cells", cells, "order", order, "seed",
			 (json_int_t)p->seed, "planned_seconds", (double)p->seconds_total_ns / 1e9,
			 "planned_seconds_least", (double)p->seconds_least_ns / 1e9,
			 "knobs_not_applied", not_applied, "rebind", rebind_json(p->rebind));
}
