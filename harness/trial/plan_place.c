// SPDX-License-Identifier: Apache-2.0
#include "trial/plan_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/nic.h"
#include "placement/role.h"
#include "trial/steer.h"

/* A mode that is bound to as many a packet or I/O, or fewer, lives without. */
#define NO_INTERRUPTS 0.01

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

int plan_place_interrupts(const struct experiment_cell *cell)
{
	const struct mode *m = cell->mode;
	bool lives = false;

	/* then a timer polls in the place of interrupts */
	for (size_t i = 0; i < m->set.n; i++)
		if (strstr(m->set.item[i].name, "defer-hard-irqs") &&
		    strcmp(m->set.item[i].value, "0"))
			return 0;
	for (size_t i = 0; i < m->n_expect; i++) {
		const struct expectation *e = &m->expect[i];
		bool device = !strcmp(e->evidence, "device_interrupts");

		if (device && e->at_most <= NO_INTERRUPTS)
			return -1;
		lives |= (device || !strcmp(e->evidence, "net_rx_softirqs")) && e->at_least > 0;
	}
	return lives;
}

static bool moves_interrupts(const struct placement_role *role)
{
	return role->interrupt != PLACEMENT_FREE && role->interrupt != PLACEMENT_ON_THREAD &&
	       role->interrupt != PLACEMENT_SPREAD_OVER;
}

static int refuse_polled(struct plan_cell *c)
{
	char reason[240];

	snprintf(reason, sizeof(reason),
		 "placement %.60s: mode %.60s makes no interrupts that could come elsewhere",
		 c->cell->placement, c->cell->mode->name);
	plan_refuse(c, reason, "");
	return 0;
}

/* Vectors come when the interfaces are up: what cannot be without them is not refused before. */
static int resolve_later(const struct plan *p, struct plan_cell *c,
			 const struct placement_spec *spec, struct placement_refusal *why)
{
	static const char *const sure[] = {"one-node", "not-allowed", "not-online"};
	struct diag ignored;

	for (size_t i = 0; i < ARRAY_SIZE(sure); i++)
		if (!strcmp(why->code, sure[i]))
			return -ENOTSUP;
	if (placement_resolve_net(p->machine, net_target_node(p->net), &c->placement, &ignored))
		return -ENOTSUP;
	c->placement.role = spec->role;
	snprintf(c->placement.name, sizeof(c->placement.name), "%s", c->cell->placement);
	return 0;
}

/* Has the experiment placements that may move vectors of this target? */
static bool others_move(const struct plan *p, const struct experiment_cell *cell)
{
	for (size_t i = 0; i < p->e->n_cells; i++) {
		const struct experiment_cell *other = &p->e->cells[i];

		if (other->load.kind == cell->load.kind && other->placement &&
		    strcmp(other->placement, cell->placement))
			return true;
	}
	return false;
}

/* Then it deals vectors out by itself, which is what the OS does there. */
static bool irqbalance_runs(const struct plan *p)
{
	char now[KNOB_VALUE_MAX];
	struct diag ignored;

	return !knob_get(p->machine->sys, knob_find("irqbalance.running"), "", now, &ignored);
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
	r.vectors_back = !o->euid && others_move(p, cell) && !irqbalance_runs(p);
	if (moves_interrupts(spec.role) && plan_place_interrupts(cell) < 0) {
		placement_spec_free(&spec);
		return refuse_polled(c);
	}
	err = placement_make(&r, &c->placement, &why);
	if (err == -ENOTSUP && r.net && *p->net->tentative)
		err = resolve_later(p, c, &spec, &why);
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
	if (!err && o->euid &&
	    (c->placement.n_moves || c->placement.role->steer ||
	     (!r.net && c->placement.away_from_thread))) {
		plan_refuse(c, "this placement sets vectors or queues, which needs root",
			    "run as root");
		c->needs_root = true;
	}
	return err ? diag_errno(d, err, "placement %s", cell->placement) : 0;
}

/* Where a block cell runs, and may it write? */
int plan_place_block(const struct plan *p, struct plan_cell *c, const struct plan_options *o,
		     struct diag *d)
{
	const struct experiment_cell *cell = c->cell;
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
	err = placement_resolve(p->machine, p->target->disk, (unsigned)cell->load.numjobs,
				wants_sq(cell), &c->placement, d);
	if (!err && wants_sq(cell) && !c->placement.has_sq)
		plan_refuse(c, "no CPU is left for the SQ thread", "fewer jobs, or more CPUs");
	return err;
}

/* Flows on one queue: netloop draws ports until they arrive there. */
static void check_queue(const struct plan *p, struct plan_cell *c)
{
	int queue = plan_place_queue(c);
	struct diag why = {""};
	_free_ struct knob_setting *rules = NULL;
	size_t n_rules = 0;
	unsigned napi_id[2];
	bool netloop = !strcmp(c->cell->workload, "netloop");

	if (queue >= 0 && !netloop && c->cell->load.queue >= 0)
		plan_refuse(c, "flows are placed on a queue by netloop only",
			    "workloads: [netloop]");
	else if (queue >= 0 && !netloop && !steer_can(p->machine->sys, p->net))
		plan_refuse(c,
			    "flows are placed on a queue by netloop, or by a hash table or flow "
			    "rules, which not both ends have",
			    "workloads: [netloop]");
	else if (queue >= 0 && netloop && !*p->net->tentative &&
		 (net_target_queue(p->net, queue, napi_id, &why) ||
		  (c->cell->load.by_rule &&
		   steer_settings(p->net, c->cell->load.protocol, queue, &rules, &n_rules, &why))))
		plan_refuse(c, why.text, "");
}

int plan_place_net(const struct plan *p, struct plan_cell *c, const struct plan_options *o,
		   struct diag *d)
{
	struct diag why = {""};
	int err;

	if (c->cell->placement) {
		err = place_named(p, c, o, d);
		if (!err && c->runs)
			check_queue(p, c);
		return err;
	}
	err = placement_resolve_net(p->machine, net_target_node(p->net), &c->placement, &why);
	if (err == -ENODEV) {
		plan_refuse(c, why.text, "allow two CPUs");
		return 0;
	}
	if (!err)
		check_queue(p, c);
	return err ? diag_set(d, err, "%s", why.text) : 0;
}

static bool is_set(const struct plan_cell *c, const char *knob, const char *instance)
{
	for (size_t i = 0; i < c->n_settings; i++)
		if (!strcmp(c->settings[i].knob->name, knob) &&
		    !strcmp(c->settings[i].instance, instance))
			return true;
	return false;
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

/* "00000001,00000000": 32 CPUs a word, the highest first. */
static void cpu_mask(int cpu, char *out, size_t size)
{
	size_t used = 0;

	for (int word = cpu < 0 ? 0 : cpu / 32; word >= 0 && used < size; word--)
		used += (size_t)snprintf(out + used, size - used, "%08x%s",
					 cpu / 32 == word && cpu >= 0 ? 1u << cpu % 32 : 0,
					 word ? "," : "");
}

/* Where the driver has it: a queue that is alone has no xps_cpus. */
static int append_if(const struct plan *p, struct plan_cell *c, const char *knob,
		     const char *instance, const char *value)
{
	char now[KNOB_VALUE_MAX];
	struct diag ignored;

	return is_set(c, knob, instance) ||
			       knob_get(p->machine->sys, knob_find(knob), instance, now, &ignored)
		       ? 0
		       : append(c, knob, instance, value);
}

/* The thread sends by one queue, and nothing but the vector decides where packets are received. */
static int steer_end(const struct plan *p, struct plan_cell *c, const struct machine_nic *nic,
		     const struct cpulist *thread)
{
	int queue = plan_place_queue(c), err = 0;

	for (size_t i = 0; !err && i < nic->n_queues; i++) {
		const struct machine_nic_queue *q = &nic->queues[i];
		char instance[KNOB_INSTANCE_MAX], mask[512];

		snprintf(instance, sizeof(instance), "%s:%s-%u", nic->instance, q->rx ? "rx" : "tx",
			 q->index);
		cpu_mask((int)q->index == (queue < 0 ? 0 : queue) ? (int)thread->cpu[0] : -1, mask,
			 sizeof(mask));
		if (!q->rx) {
			err = append_if(p, c, "net.xps-cpus", instance, mask);
			continue;
		}
		err = append_if(p, c, "net.rps-cpus", instance, "0");
		if (!err)
			err = append_if(p, c, "net.rps-flow-cnt", instance, "0");
	}
	return err;
}

/* Where interrupts are to come to other CPUs than the thread's, completions stay there: by default
 * (1) the kernel sends them back to the submitter when it shares no cache
 * (blk_mq_complete_need_ipi). */
static int keep_completions(const struct plan *p, struct plan_cell *c)
{
	const struct machine_disk *path[16];
	size_t n = machine_paths(p->machine, p->target->disk, path, 16);
	int err = 0;

	for (size_t i = 0; !err && i < n && i < 16; i++)
		err = append_if(p, c, "block.rq_affinity", path[i]->name, "0");
	return err;
}

int plan_place_settings(const struct plan *p, struct plan_cell *c, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < c->placement.n_moves; i++)
		err = append(c, "irq.affinity", c->placement.moves[i].vector,
			     c->placement.moves[i].cpus);
	if (!err && c->placement.away_from_thread && c->cell->load.kind == MODE_BLOCK)
		err = keep_completions(p, c);
	if (!err && c->placement.role && c->placement.role->steer && p->net->n_nics == 2) {
		err = steer_end(p, c, p->net->nic[PEER_CLIENT], &c->placement.workers);
		if (!err)
			err = steer_end(p, c, p->net->nic[PEER_SERVER], &c->placement.server);
		if (!err && c->placement.role->steer == PLACEMENT_FULL && !c->cell->load.by_rule)
			err = steer_all(p->machine->sys, p->net, c->cell->load.protocol,
					plan_place_queue(c), &c->settings, &c->n_settings, d);
	}
	return err ? diag_errno(d, err, "placement") : 0;
}

int plan_place_queue(const struct plan_cell *c)
{
	const struct placement_role *role = c->placement.role;

	return c->cell->load.queue >= 0		       ? c->cell->load.queue
	       : role && role->steer == PLACEMENT_FULL ? 0
						       : -1;
}
