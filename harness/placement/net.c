// SPDX-License-Identifier: Apache-2.0
/*
 * Named placements of a network: a thread and an interface at each end. All vectors of an
 * interface's queues go to one CPU (or, spread, to the CPUs of its node), so that it does not
 * matter which queue a flow hashes to. Without vectors (veth, lo) a packet is received on the CPU
 * of its sender: there the relation is that of client and server.
 */
#include <errno.h>
#include <string.h>

#include "machine/nic.h"
#include "placement/pick.h"

#define VECTORS_MAX 4096

struct ends {
	struct pick *k;
	int home[PLACEMENT_ENDS];
	int thread[PLACEMENT_ENDS];
};

/* The server is placed first: on two CPUs the client has CPU 0. */
static const int order[] = {PLACEMENT_SERVER, PLACEMENT_CLIENT};

static bool queue_vector(const struct machine_nic *nic, size_t vector)
{
	for (size_t i = 0; i < nic->n_queues; i++)
		if (nic->queues[i].vector == (int)vector)
			return true;
	return false;
}

static bool has_vectors(const struct machine_nic *nic)
{
	for (size_t i = 0; nic && i < nic->n_vectors; i++)
		if (queue_vector(nic, i))
			return true;
	return false;
}

/* Vectors that are there and serve queues nobody can name: they would fire where they like. */
static int check_known(struct ends *e)
{
	for (int end = 0; end < PLACEMENT_ENDS; end++) {
		const struct machine_nic *nic = e->k->r->nic[end];
		bool unknown = nic && nic->n_vectors && !has_vectors(nic);

		for (size_t i = 0; nic && nic->n_vectors && i < nic->n_queues; i++)
			unknown |= nic->queues[i].vector < 0 && nic->queues[i].vector_how &&
				   !strcmp(nic->queues[i].vector_how, "not known");
		if (unknown)
			return pick_refuse(
				e->k, "vectors-unknown", "cpus: names CPUs for the threads",
				"which vectors serve the queues of %s is not known", nic->instance);
	}
	return 0;
}

struct related {
	enum placement_interrupt relation;
	unsigned thread;
	int node, home;
};

static bool fits(const struct pick *k, unsigned cpu, const void *arg, int *gain)
{
	const struct related *r = arg;

	return (r->node < 0 || machine_node_of_cpu(k->m, cpu) == r->node) &&
	       pick_related(k->m, r->relation, r->thread, cpu, r->home);
}

static int too_few(struct pick *k, const char *what, int node)
{
	return pick_refuse(k, "too-few-cpus", "more CPUs for this process",
			   "node %d has no CPU left for %s", node, what);
}

/* A CPU for one thread on the first of `nodes` that has one left. */
static int place_thread(struct ends *e, int end, const int *nodes, size_t n)
{
	int cpu = -1;

	for (size_t i = 0; cpu < 0 && i < n; i++)
		cpu = pick_cpu(e->k, pick_on_node, &nodes[i]);
	e->thread[end] = cpu;
	if (cpu >= 0)
		pick_take(e->k, (unsigned)cpu);
	else if (!n || !pick_node_size(e->k, nodes[0]))
		return pick_refuse_node(e->k, n ? nodes[0] : -1, e->home[end]);
	return cpu < 0 ? too_few(e->k, end == PLACEMENT_SERVER ? "the server" : "the client",
				 nodes[0])
		       : 0;
}

static int place_threads(struct ends *e)
{
	enum placement_node where = e->k->r->spec->role->thread;
	int nodes[PICK_NODES_MAX], err = 0;

	for (size_t i = 0; !err && i < 2; i++) {
		int end = order[i];
		size_t n = 1;

		nodes[0] = e->home[end];
		if (where == PLACEMENT_AWAY)
			n = pick_away(e->k, e->home[end], false, nodes, PICK_NODES_MAX);
		err = place_thread(e, end, nodes, n);
	}
	return err;
}

static int interrupt_cpu(struct ends *e, int end)
{
	struct related want = {
		.relation = e->k->r->spec->role->interrupt,
		.thread = (unsigned)e->thread[end],
		.node = -1,
		.home = e->home[end],
	};
	int nodes[PICK_NODES_MAX], cpu = -1;
	size_t n;

	if (want.relation == PLACEMENT_ON_THREAD)
		return e->thread[end];
	if (want.relation != PLACEMENT_AT_AWAY)
		return pick_quiet(e->k, fits, &want);
	n = pick_away(e->k, e->home[end], false, nodes, PICK_NODES_MAX);
	for (size_t i = 0; cpu < 0 && i < n; i++) {
		want.node = nodes[i];
		cpu = pick_quiet(e->k, fits, &want);
	}
	return cpu;
}

static int move_all(struct placement *p, const struct machine_nic *nic, const struct cpulist *cpus)
{
	int err = 0;

	for (size_t i = 0; !err && i < nic->n_vectors; i++)
		if (queue_vector(nic, i))
			err = placement_add_move(p, &nic->vectors[i], cpus);
	return err;
}

/* Vector by vector over the CPUs of the node, the thread's first. A queue's index decides, so that
 * its receiving and sending vector go together. */
static int spread_over(struct ends *e, struct placement *p, int end)
{
	const struct machine_nic *nic = e->k->r->nic[end];
	unsigned cpus[VECTORS_MAX];
	bool moved[VECTORS_MAX] = {false};
	struct pick own = *e->k;
	size_t n = 0;
	int cpu, err = 0;

	own.taken = own.busy = (struct cpulist){0};
	for (cpu = e->thread[end]; cpu >= 0 && n < VECTORS_MAX;
	     cpu = pick_cpu(&own, pick_on_node, &e->home[end])) {
		cpus[n++] = (unsigned)cpu;
		pick_take(&own, (unsigned)cpu);
	}
	cpulist_free(&own.taken);
	if (n < 2)
		return too_few(e->k, "a second queue", e->home[end]);
	for (size_t i = 0; !err && i < nic->n_queues; i++) {
		const struct machine_nic_queue *q = &nic->queues[i];
		struct cpulist one = {0};

		if (q->vector < 0 || q->vector >= VECTORS_MAX || moved[q->vector])
			continue;
		moved[q->vector] = true;
		err = cpulist_add(&one, cpus[q->index % n]);
		if (!err)
			err = placement_add_move(p, &nic->vectors[q->vector], &one);
		if (!err)
			err = cpulist_add(&p->interrupts[end], cpus[q->index % n]);
		pick_interrupt(e->k, cpus[q->index % n]);
		cpulist_free(&one);
	}
	return err;
}

static int place_interrupts(struct ends *e, struct placement *p, int end)
{
	const struct machine_nic *nic = e->k->r->nic[end];
	int cpu, err;

	if (!has_vectors(nic))
		return 0;
	if (e->k->r->spec->role->shape == PLACEMENT_SPREAD)
		return spread_over(e, p, end);
	cpu = interrupt_cpu(e, end);
	if (cpu < 0)
		return too_few(e->k, "the interrupts", e->home[end]);
	pick_interrupt(e->k, (unsigned)cpu);
	err = cpulist_add(&p->interrupts[end], (unsigned)cpu);
	return err ? err : move_all(p, nic, &p->interrupts[end]);
}

static int check_movable(struct ends *e)
{
	for (int end = 0; end < PLACEMENT_ENDS; end++) {
		const struct machine_nic *nic = e->k->r->nic[end];

		for (size_t i = 0; nic && i < nic->n_vectors; i++)
			if (queue_vector(nic, i) && nic->vectors[i].managed == VECTOR_MANAGED)
				return pick_refuse(e->k, "managed", "",
						   "vector %s of %s is managed by the kernel and "
						   "cannot be moved",
						   nic->vectors[i].name, nic->instance);
	}
	return 0;
}

static int find_homes(struct ends *e)
{
	const struct placement_role *role = e->k->r->spec->role;

	for (size_t i = 0; i < 2; i++) {
		int end = order[i], any = -1, cpu;

		e->home[end] = e->k->r->nic[end] ? e->k->r->nic[end]->node : -1;
		if (e->home[end] < 0 && e->k->m->nodes == 1)
			e->home[end] = (int)e->k->m->node[0].id;
		if (e->home[end] >= 0)
			continue;
		if (role->thread == PLACEMENT_AWAY || role->interrupt == PLACEMENT_AT_AWAY ||
		    role->interrupt == PLACEMENT_AT_HOME)
			return pick_refuse(e->k, "node-unknown", "an interface that is on a node",
					   "%s is on no node, so that nothing is remote to it",
					   e->k->r->nic[end]->instance);
		cpu = pick_cpu(e->k, pick_on_node, &any);
		e->home[end] = cpu < 0 ? -1 : machine_node_of_cpu(e->k->m, (unsigned)cpu);
	}
	return 0;
}

static int place_memory(struct ends *e, struct placement *p)
{
	enum placement_memory memory = e->k->r->spec->role->memory;
	int nodes[PICK_NODES_MAX];

	for (int end = 0; end < PLACEMENT_ENDS; end++) {
		if (memory == PLACEMENT_AT_DEVICE)
			p->memory[end] = e->home[end];
		else if (memory == PLACEMENT_AT_THREAD)
			p->memory[end] = machine_node_of_cpu(e->k->m, (unsigned)e->thread[end]);
		else if (memory == PLACEMENT_FAR_FROM_DEVICE &&
			 pick_away(e->k, e->home[end], true, nodes, PICK_NODES_MAX))
			p->memory[end] = nodes[0];
	}
	return 0;
}

static int with_vectors(struct ends *e, struct placement *p)
{
	enum placement_interrupt relation = e->k->r->spec->role->interrupt;
	int err = find_homes(e);

	for (size_t i = 0; !err && i < 2; i++)
		if (has_vectors(e->k->r->nic[order[i]]))
			err = pick_topology(e->k, relation, e->home[order[i]]);
	if (!err)
		err = check_movable(e);
	if (!err)
		err = place_threads(e);
	for (size_t i = 0; !err && i < 2; i++)
		err = place_interrupts(e, p, order[i]);
	return err;
}

/* The client where the role puts interrupts in relation to the server's thread. */
static int without_vectors(struct ends *e)
{
	const struct placement_role *role = e->k->r->spec->role;
	struct related want = {.relation = role->interrupt, .node = -1};
	int any = -1, err, nodes[PICK_NODES_MAX], cpu;
	size_t n = 1;

	err = place_thread(e, PLACEMENT_SERVER, &any, 1);
	if (err)
		return err;
	want.thread = (unsigned)e->thread[PLACEMENT_SERVER];
	nodes[0] = e->home[0] = e->home[1] = machine_node_of_cpu(e->k->m, want.thread);
	err = pick_topology(e->k, role->interrupt, e->home[0]);
	if (err)
		return err;
	if (role->shape == PLACEMENT_SPREAD || role->interrupt == PLACEMENT_AT_HOME ||
	    role->interrupt == PLACEMENT_AT_AWAY ||
	    (role->thread == PLACEMENT_AWAY && role->memory != PLACEMENT_AT_THREAD))
		return pick_refuse(
			e->k, "no-vectors", "two cabled interfaces",
			"a veth pair and lo have no vectors: packets are received on the "
			"CPU of their sender");
	if (role->shape == PLACEMENT_ONE_CPU) {
		e->thread[PLACEMENT_CLIENT] = (int)want.thread;
		return 0;
	}
	if (role->interrupt == PLACEMENT_ON_THREAD) {
		if (role->thread == PLACEMENT_AWAY)
			n = pick_away(e->k, e->home[0], false, nodes, PICK_NODES_MAX);
		return place_thread(e, PLACEMENT_CLIENT, nodes, n);
	}
	cpu = pick_cpu(e->k, fits, &want);
	if (cpu < 0)
		return too_few(e->k, "the client", e->home[0]);
	e->thread[PLACEMENT_CLIENT] = cpu;
	pick_take(e->k, (unsigned)cpu);
	return 0;
}

/* NAPI threads: on the thread's CPU only where all is to be on one. */
static int place_napi(struct ends *e, struct placement *p)
{
	bool one = e->k->r->spec->role->shape == PLACEMENT_ONE_CPU;

	for (size_t i = 0; e->k->r->wants_napi && i < 2; i++) {
		int end = order[i], any = -1;
		int cpu = one ? e->thread[end] : pick_cpu(e->k, pick_on_node, &e->home[end]);

		if (cpu < 0)
			cpu = pick_cpu(e->k, pick_on_node, &any);
		if (cpu < 0 && i) /* one for both ends */
			cpu = p->napi_cpu[order[0]];
		if (cpu < 0)
			return too_few(e->k, "NAPI threads", e->home[end]);
		p->napi_cpu[end] = cpu;
		if (!one)
			pick_take(e->k, (unsigned)cpu);
	}
	return 0;
}

static int place_list(struct ends *e)
{
	const struct cpulist *list = &e->k->r->spec->cpus;

	e->thread[PLACEMENT_CLIENT] = (int)e->k->r->spec->order[0];
	e->thread[PLACEMENT_SERVER] = (int)e->k->r->spec->order[list->n > 1];
	for (int end = 0; end < PLACEMENT_ENDS; end++) {
		e->home[end] = machine_node_of_cpu(e->k->m, (unsigned)e->thread[end]);
		pick_take(e->k, (unsigned)e->thread[end]);
	}
	return 0;
}

int placement_net(struct pick *k, struct placement *p)
{
	struct ends e = {.k = k, .thread = {-1, -1}};
	bool vectors = has_vectors(k->r->nic[0]) || has_vectors(k->r->nic[1]);
	bool list = k->r->spec->role->shape == PLACEMENT_LIST;
	int err = list ? 0 : check_known(&e);

	if (!err)
		err = list ? place_list(&e) : vectors ? with_vectors(&e, p) : without_vectors(&e);
	if (!err)
		err = place_napi(&e, p);
	if (err)
		return err;
	p->interrupts_known = !vectors || !list;
	err = cpulist_add(&p->workers, (unsigned)e.thread[PLACEMENT_CLIENT]);
	if (!err)
		err = cpulist_add(&p->server, (unsigned)e.thread[PLACEMENT_SERVER]);
	return err ? err : place_memory(&e, p);
}
