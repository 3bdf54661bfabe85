// SPDX-License-Identifier: Apache-2.0
#include "placement/pick.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int pick_refuse(struct pick *k, const char *code, const char *remedy, const char *fmt, ...)
{
	va_list args;

	snprintf(k->why->code, sizeof(k->why->code), "%s", code);
	snprintf(k->why->remedy, sizeof(k->why->remedy), "%s", remedy);
	va_start(args, fmt);
	vsnprintf(k->why->text, sizeof(k->why->text), fmt, args);
	va_end(args);
	return -ENOTSUP;
}

int pick_refuse_node(struct pick *k, int node, int home)
{
	char where[32] = "another node";
	size_t n = 0;

	if (node >= 0)
		snprintf(where, sizeof(where), "node %d", node);
	for (size_t i = 0; i < k->m->online.n; i++) {
		int at = machine_node_of_cpu(k->m, k->m->online.cpu[i]);

		n += node >= 0 ? at == node : at != home;
	}
	if (!n)
		return node >= 0 ? pick_refuse(k, "no-cpus", "", "no CPU of %s is online", where)
				 : pick_refuse(k, "no-cpus", "", "no other node has a CPU online");
	return pick_refuse(k, "not-allowed", "widen the cpuset or taskset of this process",
			   "no CPU of %s may be used by this process", where);
}

static void add(struct pick *k, struct cpulist *list, unsigned cpu)
{
	if (cpulist_add(list, cpu))
		k->err = -ENOMEM;
}

int pick_begin(struct pick *k, const struct placement_request *r, struct placement_refusal *why)
{
	const struct machine *m = r->machine;

	*k = (struct pick){.m = m, .r = r, .why = why};
	*why = (struct placement_refusal){.code = ""};
	for (size_t i = 0; i < m->allowed.n; i++)
		if (!m->online.n || cpulist_has(&m->online, m->allowed.cpu[i]))
			add(k, &k->usable, m->allowed.cpu[i]);
	return k->err;
}

void pick_end(struct pick *k)
{
	cpulist_free(&k->usable);
	cpulist_free(&k->taken);
	cpulist_free(&k->busy);
}

void pick_take(struct pick *k, unsigned cpu)
{
	add(k, &k->taken, cpu);
}

void pick_interrupt(struct pick *k, unsigned cpu)
{
	add(k, &k->busy, cpu);
}

static bool same_core(const struct machine *m, unsigned a, unsigned b)
{
	struct cpulist list = {0};
	bool same = a == b || (!machine_siblings(m, a, &list) && cpulist_has(&list, b));

	cpulist_free(&list);
	return same;
}

static bool same_cache(const struct machine *m, unsigned a, unsigned b)
{
	struct cpulist list = {0};
	bool same = !machine_cache_siblings(m, a, &list) && cpulist_has(&list, b);

	cpulist_free(&list);
	return same;
}

static bool disturbed(const struct pick *k, unsigned cpu)
{
	for (size_t i = 0; i < k->taken.n; i++)
		if (same_core(k->m, k->taken.cpu[i], cpu))
			return true;
	for (size_t i = 0; i < k->busy.n; i++)
		if (same_core(k->m, k->busy.cpu[i], cpu))
			return true;
	return false;
}

static int best(struct pick *k, pick_fits *fits, const void *arg, bool quiet)
{
	int found = -1, top = -1;

	for (size_t i = 0; i < k->usable.n; i++) {
		unsigned cpu = k->usable.cpu[i];
		bool busy = cpulist_has(&k->busy, cpu);
		int gain = 0, score;

		if (cpulist_has(&k->taken, cpu) || (quiet && busy) ||
		    (fits && !fits(k, cpu, arg, &gain)))
			continue;
		score = (busy ? 0 : 32) + (disturbed(k, cpu) ? 0 : 16) + (cpu ? 1 : 0) + gain;
		if (score <= top)
			continue;
		top = score;
		found = (int)cpu;
	}
	return found;
}

int pick_cpu(struct pick *k, pick_fits *fits, const void *arg)
{
	return best(k, fits, arg, false);
}

int pick_quiet(struct pick *k, pick_fits *fits, const void *arg)
{
	return best(k, fits, arg, true);
}

int pick_orchestrator(struct pick *k)
{
	return best(k, NULL, NULL, false);
}

bool pick_on_node(const struct pick *k, unsigned cpu, const void *arg, int *gain)
{
	int node = *(const int *)arg;

	return node < 0 || machine_node_of_cpu(k->m, cpu) == node;
}

bool pick_related(const struct machine *m, enum placement_interrupt relation, unsigned thread,
		  unsigned interrupt, int home)
{
	int node = machine_node_of_cpu(m, interrupt);

	switch (relation) {
	case PLACEMENT_ON_THREAD:
		return thread == interrupt;
	case PLACEMENT_ON_SIBLING:
		return thread != interrupt && same_core(m, thread, interrupt);
	case PLACEMENT_IN_CACHE:
		return !same_core(m, thread, interrupt) && same_cache(m, thread, interrupt);
	case PLACEMENT_ON_NODE:
		return !same_cache(m, thread, interrupt) && !same_core(m, thread, interrupt) &&
		       machine_node_of_cpu(m, thread) == node;
	case PLACEMENT_AT_HOME:
		return node == home;
	case PLACEMENT_AT_AWAY:
		return node != home;
	case PLACEMENT_FREE:
	case PLACEMENT_SPREAD_OVER:
		break;
	}
	return true;
}

size_t pick_node_size(const struct pick *k, int node)
{
	size_t n = 0;

	for (size_t i = 0; i < k->usable.n; i++)
		n += node < 0 || machine_node_of_cpu(k->m, k->usable.cpu[i]) == node;
	return n;
}

static unsigned distance(const struct machine *m, int from, unsigned to)
{
	for (unsigned i = 0; i < m->nodes; i++)
		if ((int)m->node[i].id == from)
			return m->node[i].distance ? m->node[i].distance[to] : 0;
	return 0;
}

size_t pick_away(const struct pick *k, int home, bool memory, int *nodes, size_t max)
{
	const struct machine *m = k->m;
	unsigned far[PICK_NODES_MAX];
	size_t n = 0;

	for (unsigned i = 0; i < m->nodes; i++) {
		int id = (int)m->node[i].id;
		size_t at = n;

		if (id == home || n == max || n == PICK_NODES_MAX ||
		    (memory ? !m->node[i].memory_bytes : !pick_node_size(k, id)))
			continue;
		for (unsigned d = distance(m, home, i); at && far[at - 1] < d; at--) {
			far[at] = far[at - 1];
			nodes[at] = nodes[at - 1];
		}
		far[at] = distance(m, home, i);
		nodes[at] = id;
		n++;
	}
	return n;
}

/* Do any two usable CPUs of the node stand in this relation? */
static bool any_pair(const struct pick *k, enum placement_interrupt relation, int node)
{
	for (size_t i = 0; i < k->usable.n; i++)
		for (size_t j = 0; j < k->usable.n; j++) {
			unsigned a = k->usable.cpu[i], b = k->usable.cpu[j];

			if ((node < 0 || machine_node_of_cpu(k->m, a) == node) &&
			    pick_related(k->m, relation, a, b, node))
				return true;
		}
	return false;
}

int pick_topology(struct pick *k, enum placement_interrupt relation, int node)
{
	if ((relation != PLACEMENT_ON_SIBLING && relation != PLACEMENT_IN_CACHE &&
	     relation != PLACEMENT_ON_NODE) ||
	    !pick_node_size(k, node))
		return 0;
	if (relation != PLACEMENT_ON_SIBLING && !k->m->n_caches)
		return pick_refuse(k, "cache-unknown", "",
				   "this machine does not tell which CPUs share a cache");
	if (any_pair(k, relation, node))
		return 0;
	if (relation == PLACEMENT_ON_SIBLING)
		return pick_refuse(k, "no-smt", "switch SMT on, and allow both threads of a core",
				   "no core of the node has two threads that may be used");
	if (relation == PLACEMENT_IN_CACHE)
		return pick_refuse(k, "no-neighbour", "",
				   "no other core of node %d that may be used shares a last-level "
				   "cache",
				   node);
	return pick_refuse(k, "one-cache", "same-cache is the nearest there is",
			   "what may be used of node %d shares one last-level cache", node);
}
