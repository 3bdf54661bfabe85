// SPDX-License-Identifier: Apache-2.0
#include "placement/placement.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "placement/role.h"

/* The vector that a submission on `cpu` completes through interrupts `cpu` itself. */
static bool interrupts_itself(const struct machine_disk *disk, unsigned cpu)
{
	for (size_t i = 0; disk && i < disk->n_hctx; i++) {
		const struct machine_hctx *h = &disk->hctx[i];

		if ((h->type == HCTX_DEFAULT || h->type == HCTX_UNKNOWN) && h->vector >= 0 &&
		    cpulist_has(&h->cpus, cpu) &&
		    cpulist_has(&disk->vectors[h->vector].effective, cpu))
			return true;
	}
	return false;
}

static int score(const struct machine *m, const struct machine_disk *disk, unsigned cpu)
{
	bool local = !disk || disk->node < 0 || machine_node_of_cpu(m, cpu) == disk->node;

	return (local ? 4 : 0) + (interrupts_itself(disk, cpu) ? 2 : 0) + (cpu ? 1 : 0);
}

/* The best allowed CPU that is in neither list, or -1. */
static int best(const struct machine *m, const struct machine_disk *disk,
		const struct cpulist *taken, const struct cpulist *avoid)
{
	int found = -1, top = -1;

	for (size_t i = 0; i < m->allowed.n; i++) {
		unsigned cpu = m->allowed.cpu[i];
		int now = score(m, disk, cpu);

		if (cpulist_has(taken, cpu) || (avoid && cpulist_has(avoid, cpu)) || now <= top)
			continue;
		top = now;
		found = (int)cpu;
	}
	return found;
}

/* SMT siblings of the CPUs taken so far: used last, they share an execution core. */
static int siblings_of(const struct machine *m, const struct cpulist *taken, struct cpulist *out)
{
	int err = 0;

	*out = (struct cpulist){0};
	for (size_t i = 0; !err && i < taken->n; i++) {
		struct cpulist one = {0};

		err = machine_siblings(m, taken->cpu[i], &one);
		for (size_t j = 0; !err && j < one.n; j++)
			err = cpulist_add(out, one.cpu[j]);
		cpulist_free(&one);
	}
	return err;
}

static int next_cpu(const struct machine *m, const struct machine_disk *disk,
		    const struct cpulist *taken)
{
	struct cpulist avoid = {0};
	int cpu = -1;

	if (!siblings_of(m, taken, &avoid))
		cpu = best(m, disk, taken, &avoid);
	cpulist_free(&avoid);
	return cpu >= 0 ? cpu : best(m, disk, taken, NULL);
}

int placement_resolve(const struct machine *m, const struct machine_disk *disk, unsigned jobs,
		      bool wants_sq, struct placement *p, struct diag *d)
{
	const struct machine_disk *path[2];
	struct cpulist taken = {0};
	int err = 0, cpu;

	/* A multipath head has neither node nor queues; its one path has. */
	if (disk && machine_paths(m, disk, path, 2) == 1)
		disk = path[0];
	*p = (struct placement){.memory = {-1, -1}, .napi_cpu = {-1, -1}};
	for (unsigned i = 0; !err && i < jobs && (cpu = next_cpu(m, disk, &taken)) >= 0; i++) {
		err = cpulist_add(&p->workers, (unsigned)cpu);
		if (!err)
			err = cpulist_add(&taken, (unsigned)cpu);
	}
	if (!err && !p->workers.n)
		err = diag_set(d, -ENODEV, "this process may use no CPU");
	if (!err && wants_sq && (cpu = next_cpu(m, disk, &taken)) >= 0) {
		p->has_sq = true;
		p->sq_cpu = (unsigned)cpu;
		err = cpulist_add(&taken, (unsigned)cpu);
	}
	/* The orchestrator has no business near the device: any CPU left, else the SQ thread's. */
	cpu = err ? -1 : next_cpu(m, NULL, &taken);
	p->orchestrator_shares = cpu < 0;
	if (cpu >= 0)
		p->orchestrator_cpu = (unsigned)cpu;
	else if (!err)
		p->orchestrator_cpu = p->has_sq ? p->sq_cpu : p->workers.cpu[0];
	cpulist_free(&taken);
	if (err)
		placement_free(p);
	return err;
}

int placement_resolve_net(const struct machine *m, int node, struct placement *p, struct diag *d)
{
	const struct machine_disk near = {.node = node}; /* as a device without queues of its own */
	struct cpulist taken = {0};
	int cpu[3], err = 0;

	*p = (struct placement){.memory = {-1, -1}, .napi_cpu = {-1, -1}};
	for (int i = 0; i < 3; i++) { /* server, client, orchestrator */
		cpu[i] = err ? -1 : next_cpu(m, i < 2 ? &near : NULL, &taken);
		if (cpu[i] >= 0)
			err = cpulist_add(&taken, (unsigned)cpu[i]);
	}
	if (!err && cpu[1] < 0)
		err = diag_set(d, -ENODEV,
			       "client and server need a CPU each, and one may be used");
	if (!err)
		err = cpulist_add(&p->server, (unsigned)cpu[0]);
	if (!err)
		err = cpulist_add(&p->workers, (unsigned)cpu[1]);
	p->orchestrator_shares = cpu[2] < 0;
	if (!err)
		p->orchestrator_cpu = (unsigned)(cpu[2] >= 0 ? cpu[2] : cpu[1]);
	cpulist_free(&taken);
	if (err)
		placement_free(p);
	return err;
}

int placement_measured(const struct placement *p, struct cpulist *cpus)
{
	int err = 0;

	for (size_t i = 0; !err && i < p->workers.n; i++)
		err = cpulist_add(cpus, p->workers.cpu[i]);
	if (!err && p->has_sq)
		err = cpulist_add(cpus, p->sq_cpu);
	for (size_t i = 0; !err && i < p->server.n; i++)
		err = cpulist_add(cpus, p->server.cpu[i]);
	return err;
}

void placement_free(struct placement *p)
{
	cpulist_free(&p->workers);
	cpulist_free(&p->server);
	for (int end = 0; end < PLACEMENT_ENDS; end++)
		cpulist_free(&p->interrupts[end]);
	free(p->moves);
	p->moves = NULL;
	p->n_moves = 0;
	free(p->met);
	p->met = NULL;
	p->n_met = 0;
}

static json_t *ends_json(const struct placement *p, const int number[])
{
	json_t *j = json_object();

	for (int end = 0; end < (p->server.n ? PLACEMENT_ENDS : 1); end++)
		json_object_set_new(j,
				    !p->server.n ? "device"
				    : end	 ? "server"
						 : "client",
				    number[end] < 0 ? json_null() : json_integer(number[end]));
	return j;
}

/* What only a named placement says. */
static void put_named(const struct placement *p, json_t *j)
{
	json_t *interrupts = json_object(), *moves = json_array();

	for (int end = 0; end < (p->server.n ? PLACEMENT_ENDS : 1); end++) {
		_free_ char *text = cpulist_text(&p->interrupts[end]);

		json_object_set_new(interrupts,
				    !p->server.n ? "device"
				    : end	 ? "server"
						 : "client",
				    p->unpinned || !p->interrupts_known
					    ? json_null()
					    : json_string(text ? text : ""));
	}
	for (size_t i = 0; i < p->n_moves; i++)
		json_array_append_new(moves, json_pack("{s:s, s:s}", "vector", p->moves[i].vector,
						       "cpus", p->moves[i].cpus));
	json_object_set_new(j, "rule", json_string(p->role->name));
	json_object_set_new(j, "name", json_string(p->name));
	json_object_set_new(j, "unpinned", json_boolean(p->unpinned));
	json_object_set_new(j, "interrupts", interrupts);
	json_object_set_new(j, "memory_node", ends_json(p, p->memory));
	json_object_set_new(j, "moves", moves);
	if (p->n_met) {
		json_t *met = json_array();

		for (size_t i = 0; i < p->n_met; i++)
			json_array_append_new(met, json_string(p->met[i]));
		json_object_set_new(j, "vectors", met);
	}
	if (p->napi_cpu[0] >= 0)
		json_object_set_new(j, "napi_cpu", ends_json(p, p->napi_cpu));
}

json_t *placement_json(const struct placement *p, const struct machine *m)
{
	_free_ char *workers = cpulist_text(&p->workers);
	json_t *j = json_pack("{s:s, s:s, s:i, s:b, s:i}", "rule", "local", "workers",
			      workers ? workers : "", "orchestrator_cpu", (int)p->orchestrator_cpu,
			      "orchestrator_shares_cpu", p->orchestrator_shares, "node",
			      machine_node_of_cpu(m, p->workers.cpu[0]));

	if (j && p->has_sq)
		json_object_set_new(j, "sq_cpu", json_integer(p->sq_cpu));
	if (j && p->role)
		put_named(p, j);
	if (j && p->server.n) {
		_free_ char *server = cpulist_text(&p->server);

		json_object_set_new(j, "server", json_string(server ? server : ""));
	}
	return j;
}
