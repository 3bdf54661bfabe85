// SPDX-License-Identifier: Apache-2.0
/*
 * Named placements on a block device. Which vector completes a request is decided by the CPU that
 * submits it: its hardware queue has one. A managed vector cannot be moved, so the submitting CPU
 * is chosen by where its queue's vector fires; a movable one is put where the relation wants it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "placement/pick.h"

#define HCTX_MAX 4096

struct block {
	struct pick *k;
	const struct machine_disk *disk; /* the one path of a multipath head */
	enum placement_interrupt relation;
	int home;
	bool has_vectors, some_fixed;
	/* Where a movable vector was put for an earlier thread, -1: nowhere yet. By hctx. */
	int put[HCTX_MAX];
};

/* The queue that a submission on `cpu` goes by. */
static int queue_of(const struct block *b, unsigned cpu)
{
	int found = -1;

	for (size_t i = 0; i < b->disk->n_hctx && i < HCTX_MAX; i++) {
		const struct machine_hctx *h = &b->disk->hctx[i];

		if (!cpulist_has(&h->cpus, cpu))
			continue;
		if (b->k->r->reads && h->type == HCTX_READ)
			return (int)i;
		if (h->type == HCTX_DEFAULT || h->type == HCTX_UNKNOWN)
			found = (int)i;
	}
	return found;
}

static const struct machine_vector *vector_of(const struct block *b, int queue)
{
	int v = queue < 0 ? -1 : b->disk->hctx[queue].vector;

	return v < 0 ? NULL : &b->disk->vectors[v];
}

/* Where the kernel does not tell, a block queue's vector is taken for managed: blk-mq drivers ask
 * for that. */
static bool can_move(const struct machine_vector *v)
{
	return v->managed == VECTOR_MOVABLE;
}

/* May the queue's vector, where it stands, serve a thread on `cpu`? `lowest`: the CPU it fires on.
 */
static bool stands_right(const struct block *b, const struct machine_vector *v, unsigned cpu)
{
	const struct cpulist *at = &v->effective;

	if (b->relation == PLACEMENT_ON_THREAD)
		return cpulist_has(at, cpu);
	for (size_t i = 0; i < at->n; i++)
		if (!pick_related(b->k->m, b->relation, cpu, at->cpu[i], b->home))
			return false;
	return at->n > 0;
}

struct wanted {
	const struct block *b;
	int node; /* -1 any */
	bool strict;
};

static bool fits_thread(const struct pick *k, unsigned cpu, const void *arg, int *gain)
{
	const struct wanted *w = arg;
	const struct block *b = w->b;
	int queue = queue_of(b, cpu);
	const struct machine_vector *v = vector_of(b, queue);
	bool right = true;

	if (w->node >= 0 && machine_node_of_cpu(k->m, cpu) != w->node)
		return false;
	if (v && can_move(v) && b->put[queue] >= 0)
		right = pick_related(k->m, b->relation, cpu, (unsigned)b->put[queue], b->home);
	else if (v && !can_move(v))
		right = stands_right(b, v, cpu);
	else if (!v && b->has_vectors)
		right = false; /* its vector is not known */
	if (v && !can_move(v) && b->relation != PLACEMENT_ON_THREAD)
		*gain += v->effective.n && v->effective.cpu[0] != 0;
	if (!w->strict)
		*gain += right ? 4 : 0;
	return right || !w->strict;
}

struct related {
	const struct block *b;
	unsigned thread;
	int node;
};

static bool fits_interrupt(const struct pick *k, unsigned cpu, const void *arg, int *gain)
{
	const struct related *r = arg;

	return (r->node < 0 || machine_node_of_cpu(k->m, cpu) == r->node) &&
	       pick_related(k->m, r->b->relation, r->thread, cpu, r->b->home);
}

/* Put a movable vector where the relation wants it. */
static int put_vector(struct block *b, struct placement *p, unsigned thread, int queue)
{
	const struct machine_vector *v = vector_of(b, queue);
	struct related want = {.b = b, .thread = thread, .node = -1};
	struct cpulist at = {0};
	int cpu = -1, away[PICK_NODES_MAX], err;
	size_t n = 0;

	if (b->relation == PLACEMENT_ON_THREAD) {
		cpu = (int)thread;
	} else if (b->relation == PLACEMENT_AT_AWAY) {
		n = pick_away(b->k, b->home, false, away, PICK_NODES_MAX);
		for (size_t i = 0; cpu < 0 && i < n; i++) {
			want.node = away[i];
			cpu = pick_quiet(b->k, fits_interrupt, &want);
		}
	} else {
		cpu = pick_quiet(b->k, fits_interrupt, &want);
	}
	if (cpu < 0)
		return -ESRCH;
	b->put[queue] = cpu;
	pick_interrupt(b->k, (unsigned)cpu);
	err = cpulist_add(&at, (unsigned)cpu);
	if (!err)
		err = placement_add_move(p, v, &at);
	cpulist_free(&at);
	return err;
}

/* The thread has its CPU: note what interrupts it. */
static int note_interrupts(struct block *b, struct placement *p, unsigned thread)
{
	int queue = queue_of(b, thread), err = 0;
	const struct machine_vector *v = vector_of(b, queue);

	if (!v)
		return 0;
	if (can_move(v)) {
		if (b->put[queue] < 0)
			err = put_vector(b, p, thread, queue);
		return err ? err : cpulist_add(&p->interrupts[0], (unsigned)b->put[queue]);
	}
	err = placement_add_met(p, v);
	for (size_t i = 0; !err && i < v->effective.n; i++) {
		err = cpulist_add(&p->interrupts[0], v->effective.cpu[i]);
		pick_interrupt(b->k, v->effective.cpu[i]);
	}
	return err;
}

static void start_over(struct block *b, struct placement *p)
{
	cpulist_free(&b->k->taken);
	cpulist_free(&b->k->busy);
	cpulist_free(&p->workers);
	cpulist_free(&p->interrupts[0]);
	free(p->moves);
	free(p->met);
	p->moves = NULL;
	p->met = NULL;
	p->n_moves = p->n_met = 0;
	memset(b->put, -1, sizeof(b->put));
}

static unsigned submitters(const struct placement_request *r)
{
	return r->wants_sq || r->spec->role->shape == PLACEMENT_ONE_CPU ? 1 : r->jobs;
}

static int add_worker(struct block *b, struct placement *p, unsigned cpu)
{
	pick_take(b->k, cpu);
	return cpulist_add(&p->workers, cpu);
}

/* The worker beside an SQ thread. */
static int place_beside(struct block *b, struct placement *p, int node)
{
	int cpu = pick_cpu(b->k, pick_on_node, &node);

	return cpu < 0 ? -ENOSPC : add_worker(b, p, (unsigned)cpu);
}

/* All threads on one node. -ESRCH: not even the first; -ENOSPC: not all of them. */
static int place_on(struct block *b, struct placement *p, int node)
{
	const struct placement_request *r = b->k->r;
	bool one = r->spec->role->shape == PLACEMENT_ONE_CPU;
	struct wanted want = {.b = b, .node = node, .strict = true};
	int err = 0;

	start_over(b, p);
	for (unsigned i = 0; !err && i < submitters(r); i++) {
		int cpu = pick_cpu(b->k, fits_thread, &want);

		if (cpu < 0)
			return i ? -ENOSPC : -ESRCH;
		pick_take(b->k, (unsigned)cpu);
		err = note_interrupts(b, p, (unsigned)cpu);
		if (err == -ESRCH && i)
			return -ENOSPC;
		if (r->wants_sq) {
			p->has_sq = true;
			p->sq_cpu = (unsigned)cpu;
		}
		if (!err && (!r->wants_sq || one))
			err = cpulist_add(&p->workers, (unsigned)cpu);
		else if (!err)
			err = place_beside(b, p, node);
	}
	return err;
}

/* Round the nodes, the device's first. */
static int place_spread(struct block *b, struct placement *p)
{
	const struct machine *m = b->k->m;
	struct wanted want = {.b = b};
	int nodes[PICK_NODES_MAX], err = 0;
	size_t n = 0, next = 0;

	if (b->k->r->jobs < 2)
		return pick_refuse(b->k, "one-thread", "numjobs: 2 or more",
				   "one thread cannot be spread");
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < m->nodes && n < PICK_NODES_MAX; i++)
			if (((int)m->node[i].id == b->home) == !pass &&
			    pick_node_size(b->k, (int)m->node[i].id))
				nodes[n++] = (int)m->node[i].id;
	start_over(b, p);
	b->relation = PLACEMENT_ON_THREAD;
	for (unsigned i = 0; !err && i < b->k->r->jobs; i++) {
		int cpu = -1;

		for (size_t tries = 0; cpu < 0 && tries < (n ? n : 1); tries++, next++) {
			want.node = n ? nodes[next % n] : -1;
			cpu = pick_cpu(b->k, fits_thread, &want);
		}
		if (cpu < 0)
			return pick_refuse(b->k, "too-few-cpus", "fewer jobs",
					   "%u threads, and %zu CPUs may be used", b->k->r->jobs,
					   b->k->usable.n);
		err = add_worker(b, p, (unsigned)cpu);
		if (!err)
			err = note_interrupts(b, p, (unsigned)cpu);
	}
	return err;
}

/* NVMe's driver makes its queues when it binds, and takes one number for those that only writes
 * use; reads keep a queue a CPU where the controller has as many. */
static const char *fewer_queues(const struct block *b)
{
	size_t queues = 0;

	for (size_t i = 0; i < b->disk->n_hctx; i++)
		queues += b->disk->hctx[i].type == HCTX_DEFAULT;
	return !strcmp(b->disk->driver, "nvme") && !b->k->r->reads && queues > 1
		       ? "bind its driver with parameter nvme.write_queues=1: writes then have one "
			 "vector for all CPUs"
		       : "";
}

static int refuse_place(struct block *b, int err, int node)
{
	unsigned jobs = b->k->r->jobs;

	if (err == -ENOSPC || !b->some_fixed)
		return pick_refuse(b->k, "too-few-cpus", "fewer jobs, or more CPUs",
				   "%u thread%s%s, and node %d has too few CPUs whose own queue "
				   "interrupts where this placement wants it",
				   jobs, jobs == 1 ? "" : "s",
				   b->k->r->wants_sq ? " and an SQ thread" : "", node);
	return pick_refuse(
		b->k, "managed", fewer_queues(b),
		"the vectors of %s are managed by the kernel, and no CPU there submits to "
		"a queue whose vector fires where this placement wants it",
		b->disk->name);
}

static int place_roles(struct block *b, struct placement *p)
{
	const struct placement_role *role = b->k->r->spec->role;
	int nodes[PICK_NODES_MAX], err = -ESRCH, worst = -ESRCH;
	size_t n = 1, i;

	nodes[0] = b->home;
	if (role->thread == PLACEMENT_AWAY)
		n = pick_away(b->k, b->home, false, nodes, PICK_NODES_MAX);
	if (!n || (n == 1 && !pick_node_size(b->k, nodes[0])))
		return pick_refuse_node(b->k, role->thread == PLACEMENT_AWAY ? -1 : b->home,
					b->home);
	for (i = 0; err && i < n; i++) {
		err = place_on(b, p, nodes[i]);
		if (err == -ENOSPC)
			worst = err;
		else if (err && err != -ESRCH)
			return err;
	}
	return err ? refuse_place(b, worst, nodes[0]) : 0;
}

/* The user's own CPUs: vectors stay where they are. */
static int place_list(struct block *b, struct placement *p)
{
	const struct cpulist *list = &b->k->r->spec->cpus;
	const unsigned *order = b->k->r->spec->order;
	unsigned jobs = b->k->r->jobs;
	int err = 0;

	for (size_t i = 0; !err && i < list->n && i < jobs; i++)
		err = add_worker(b, p, order[i]);
	if (!err && b->k->r->wants_sq) {
		int any = -1;
		int cpu = list->n > jobs ? (int)order[jobs] : pick_cpu(b->k, pick_on_node, &any);

		p->has_sq = true;
		p->sq_cpu = cpu < 0 ? order[0] : (unsigned)cpu;
		pick_take(b->k, p->sq_cpu);
	}
	p->interrupts_known = !b->disk || b->disk->n_hctx > 0;
	for (size_t i = 0; !err && b->disk && i < p->workers.n; i++) {
		unsigned cpu = p->has_sq ? p->sq_cpu : p->workers.cpu[i];
		const struct machine_vector *v = vector_of(b, queue_of(b, cpu));

		err = v ? placement_add_met(p, v) : 0;
		for (size_t j = 0; !err && v && j < v->effective.n; j++)
			err = cpulist_add(&p->interrupts[0], v->effective.cpu[j]);
	}
	return err;
}

/* Node of the device; of one that is on none, that of the CPU that is chosen. */
static int find_home(struct block *b)
{
	const struct placement_role *role = b->k->r->spec->role;
	int any = -1, cpu;

	b->home = b->disk->node;
	if (b->home >= 0)
		return 0;
	if (b->k->m->nodes == 1) {
		b->home = (int)b->k->m->node[0].id;
		return 0;
	}
	if (role->thread == PLACEMENT_AWAY || role->interrupt == PLACEMENT_AT_HOME ||
	    role->interrupt == PLACEMENT_AT_AWAY)
		return pick_refuse(b->k, "node-unknown", "a device that is on a node",
				   "%s is on no node, so that nothing is remote to it",
				   b->disk->name);
	cpu = pick_cpu(b->k, pick_on_node, &any);
	b->home = cpu < 0 ? -1 : machine_node_of_cpu(b->k->m, (unsigned)cpu);
	return 0;
}

static int find_path(struct block *b)
{
	const struct machine_disk *path[2];
	size_t n = machine_paths(b->k->m, b->k->r->disk, path, 2);

	b->disk = path[0];
	for (size_t i = 0; i < b->disk->n_hctx; i++) {
		const struct machine_vector *v = i < HCTX_MAX ? vector_of(b, (int)i) : NULL;

		b->has_vectors |= v != NULL;
		b->some_fixed |= v && !can_move(v);
	}
	if (n > 1 && b->k->r->spec->role->shape == PLACEMENT_LIST) {
		b->disk = b->k->r->disk; /* the head, which has no queues */
		return 0;
	}
	return n > 1 ? pick_refuse(b->k, "several-paths", "",
				   "%s has %zu paths, and the kernel chooses among them",
				   b->k->r->disk->name, n)
		     : 0;
}

int placement_block(struct pick *k, struct placement *p)
{
	const struct placement_role *role = k->r->spec->role;
	struct block b = {.k = k, .relation = role->interrupt};
	int err = find_path(&b);

	memset(b.put, -1, sizeof(b.put));
	p->interrupts_known = true;
	if (!err && role->shape == PLACEMENT_LIST)
		return place_list(&b, p);
	if (!err)
		err = find_home(&b);
	if (!err)
		err = pick_topology(k, role->interrupt, b.home);
	if (!err && !b.has_vectors && b.disk->n_vectors)
		err = pick_refuse(k, "vectors-unknown", "cpus: names CPUs for the threads",
				  "which of its vectors completes for which queue of %s is not "
				  "known",
				  b.disk->name);
	if (!err && !b.has_vectors && role->interrupt != PLACEMENT_ON_THREAD &&
	    role->shape != PLACEMENT_SPREAD)
		err = pick_refuse(
			k, "no-vectors", "",
			"%s has no vectors that are known: it completes where it is asked",
			b.disk->name);
	if (err)
		return err;
	if (role->shape == PLACEMENT_SPREAD)
		return place_spread(&b, p);
	err = place_roles(&b, p);
	if (!err && role->memory == PLACEMENT_AT_DEVICE)
		p->memory[0] = b.home;
	else if (!err && role->memory == PLACEMENT_AT_THREAD)
		p->memory[0] = machine_node_of_cpu(k->m, p->workers.cpu[0]);
	else if (!err && role->memory == PLACEMENT_FAR_FROM_DEVICE) {
		int nodes[PICK_NODES_MAX];

		if (pick_away(k, b.home, true, nodes, PICK_NODES_MAX))
			p->memory[0] = nodes[0];
	}
	return err;
}
