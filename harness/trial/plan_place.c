// SPDX-License-Identifier: Apache-2.0
#include "trial/plan_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "placement/role.h"

static bool has_option(const struct experiment_cell *cell, const char *value)
{
	const struct mode_pairs *options = mode_options(cell->mode, cell->workload);

	for (size_t i = 0; options && i < options->n; i++)
		if (!strcmp(options->item[i].value, value))
			return true;
	return false;
}

static bool wants_sq(const struct experiment_cell *cell)
{
	return has_option(cell, "{sq_cpu}");
}

/* Does the mode poll in kernel threads of its NAPI instances? */
static bool wants_napi(const struct experiment_cell *cell)
{
	for (size_t i = 0; i < cell->mode->set.n; i++) {
		const struct mode_pair *set = &cell->mode->set.item[i];

		if ((!strncmp(set->name, "net.threaded", 12) ||
		     !strncmp(set->name, "napi.threaded", 13)) &&
		    strcmp(set->value, "0"))
			return true;
	}
	return false;
}

/* By name: kept whole, or the cell does not run. */
static int place_named(const struct plan *p, struct plan_cell *c, const struct plan_options *o,
		       struct diag *d)
{
	const struct experiment_cell *cell = c->cell;
	struct placement_spec spec = {.role = NULL};
	struct placement_refusal why;
	struct placement_request r = {
		.machine = p->machine,
		.spec = &spec,
		.net = cell->load.kind == MODE_NET,
		.jobs = cell->load.numjobs ? (unsigned)cell->load.numjobs : 1,
		.wants_sq = wants_sq(cell),
		.wants_napi = wants_napi(cell),
	};
	char reason[480];
	int err = placement_spec_parse(cell->placement, &spec, d);

	if (err)
		return err;
	if (r.net) {
		for (size_t i = 0; i < p->net->n_nics && i < PLACEMENT_ENDS; i++)
			r.nic[i] = p->net->nic[i];
	} else {
		r.disk = p->target->disk;
		r.reads = !experiment_load_writes(&cell->load);
	}
	err = placement_make(&r, &c->placement, &why);
	placement_spec_free(&spec);
	if (err == -ENOTSUP) {
		snprintf(reason, sizeof(reason), "placement %.60s: %s", cell->placement, why.text);
		plan_refuse(c, reason, why.remedy);
		return 0;
	}
	if (!err && c->placement.unpinned && (wants_sq(cell) || has_option(cell, "{cpu}"))) {
		plan_refuse(c, "the mode places its SQ thread, and this placement pins nothing",
			    "another placement for this mode");
		return 0;
	}
	if (!err && c->placement.n_moves && o->euid) {
		plan_refuse(c, "moving interrupt vectors needs root", "run as root");
		c->needs_root = true;
	}
	return err ? diag_errno(d, err, "placement %s", cell->placement) : 0;
}

/* Where a block cell runs, and may it write? */
int plan_place_block(const struct plan *p, struct plan_cell *c, const struct plan_options *o,
		     struct diag *d)
{
	const struct experiment_cell *cell = c->cell;
	const struct machine_disk *path[2];
	int err;

	if (experiment_load_writes(&cell->load) && !p->target->may_write) {
		char reason[640];

		snprintf(reason, sizeof(reason), "%s%s%.300s",
			 cell->load.fio ? cell->load.fio->load.write_at : "",
			 cell->load.fio ? " writes: " : "", p->target->write_refusal);
		plan_refuse(c, reason, "");
		return 0;
	}
	if (wants_sq(cell) && cell->load.numjobs > 1) {
		plan_refuse(c,
			    "several jobs would put their SQ threads on one CPU; only one is "
			    "placed",
			    "numjobs: 1");
		return 0;
	}
	if (cell->placement)
		return place_named(p, c, o, d);
	/* A multipath head has neither node nor queues; its one path has. */
	err = placement_resolve(p->machine,
				machine_paths(p->machine, p->target->disk, path, 2) == 1
					? path[0]
					: p->target->disk,
				(unsigned)cell->load.numjobs, wants_sq(cell), &c->placement, d);
	if (!err && wants_sq(cell) && !c->placement.has_sq)
		plan_refuse(c, "no CPU is left for the SQ thread", "fewer jobs, or more CPUs");
	return err;
}

/* Flows on one queue: netloop draws ports until they arrive there. */
static bool queue_can_be_had(const struct plan *p, struct plan_cell *c)
{
	const struct experiment_load *load = &c->cell->load;
	struct diag why = {""};
	unsigned napi_id[2];

	if (load->queue >= 0 && strcmp(c->cell->workload, "netloop")) {
		plan_refuse(c, "flows are placed on a queue by netloop only",
			    "workloads: [netloop]");
		return false;
	}
	if (load->queue >= 0 && !*p->net->tentative &&
	    net_target_queue(p->net, load->queue, napi_id, &why)) {
		plan_refuse(c, why.text, "");
		return false;
	}
	return true;
}

int plan_place_net(const struct plan *p, struct plan_cell *c, const struct plan_options *o,
		   struct diag *d)
{
	struct diag why = {""};
	int err;

	if (!queue_can_be_had(p, c))
		return 0;
	if (c->cell->placement)
		return place_named(p, c, o, d);
	err = placement_resolve_net(p->machine, net_target_node(p->net), &c->placement, &why);
	if (err == -ENODEV) {
		plan_refuse(c, why.text, "allow two CPUs");
		return 0;
	}
	return err ? diag_set(d, err, "%s", why.text) : 0;
}

static int append(struct plan_cell *c, const char *knob, const char *instance, const char *value)
{
	struct knob_setting *grown = reallocarray(c->settings, c->n_settings + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	c->settings = grown;
	grown += c->n_settings++;
	*grown = (struct knob_setting){.knob = knob_find(knob)};
	snprintf(grown->instance, sizeof(grown->instance), "%.127s", instance);
	snprintf(grown->value, sizeof(grown->value), "%s", value);
	return 0;
}

int plan_place_settings(const struct plan *p, struct plan_cell *c, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < c->placement.n_moves; i++)
		err = append(c, "irq.affinity", c->placement.moves[i].vector,
			     c->placement.moves[i].cpus);
	return err ? diag_errno(d, err, "placement") : 0;
}
