// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "machine/nic.h"
#include "placement/pick.h"

int placement_add_move(struct placement *p, const struct machine_vector *v,
		       const struct cpulist *cpus)
{
	struct placement_move *grown = reallocarray(p->moves, p->n_moves + 1, sizeof(*grown));
	_free_ char *text = cpulist_text(cpus);

	if (grown)
		p->moves = grown;
	if (!grown || !text)
		return -ENOMEM;
	grown += p->n_moves++;
	snprintf(grown->vector, sizeof(grown->vector), "%s", v->instance);
	snprintf(grown->cpus, sizeof(grown->cpus), "%s", text);
	return 0;
}

int placement_add_met(struct placement *p, const struct machine_vector *v)
{
	char(*grown)[64];

	for (size_t i = 0; i < p->n_met; i++)
		if (!strcmp(p->met[i], v->name))
			return 0;
	grown = reallocarray(p->met, p->n_met + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->met = grown;
	snprintf(p->met[p->n_met++], sizeof(*grown), "%s", v->name);
	return 0;
}

static int copy(const struct cpulist *from, struct cpulist *to)
{
	int err = 0;

	for (size_t i = 0; !err && i < from->n; i++)
		err = cpulist_add(to, from->cpu[i]);
	return err;
}

static int keep_vector(struct placement *p, const struct machine_vector *v)
{
	for (size_t i = 0; i < p->n_moves; i++)
		if (!strcmp(p->moves[i].vector, v->instance))
			return 0;
	return v->managed == VECTOR_MANAGED || v->effective.n != 1
		       ? 0
		       : placement_add_move(p, v, &v->effective);
}

/* Where the vectors are now: restoring a vector's list does not bring it back from a CPU that is in
 * the list (x86: assign_vector_locked()), so what ran before would be seen here. */
static int keep_vectors(struct pick *k, struct placement *p)
{
	const struct placement_request *r = k->r;
	const struct machine_disk *path[16];
	size_t n = r->disk ? machine_paths(k->m, r->disk, path, 16) : 0;
	int err = 0;

	for (size_t i = 0; i < n && i < 16; i++)
		for (size_t j = 0; !err && j < path[i]->n_hctx; j++)
			if (path[i]->hctx[j].vector >= 0 &&
			    path[i]->vectors[path[i]->hctx[j].vector].managed == VECTOR_MOVABLE)
				err = keep_vector(p, &path[i]->vectors[path[i]->hctx[j].vector]);
	for (int end = 0; end < PLACEMENT_ENDS; end++)
		for (size_t j = 0; !err && r->nic[end] && j < r->nic[end]->n_queues; j++)
			if (r->nic[end]->queues[j].vector >= 0 && r->nic[end]->n_vectors)
				err = keep_vector(
					p, &r->nic[end]->vectors[r->nic[end]->queues[j].vector]);
	return err;
}

static int unpinned(struct pick *k, struct placement *p)
{
	int err = copy(&k->usable, &p->workers);

	if (!err && k->r->vectors_back)
		err = keep_vectors(k, p);

	p->unpinned = true;
	if (!err && k->r->net)
		err = copy(&k->usable, &p->server);
	return err;
}

static int check_list(struct pick *k)
{
	const struct cpulist *list = &k->r->spec->cpus;

	for (size_t i = 0; i < list->n; i++) {
		unsigned cpu = list->cpu[i];

		if (!cpulist_has(&k->m->online, cpu))
			return pick_refuse(k, "not-online", "", "CPU %u is not online", cpu);
		if (!cpulist_has(&k->usable, cpu))
			return pick_refuse(k, "not-allowed",
					   "widen the cpuset or taskset of this process",
					   "CPU %u may not be used by this process", cpu);
	}
	return 0;
}

static bool needs_two_nodes(const struct placement_role *role)
{
	return role->thread == PLACEMENT_AWAY || role->interrupt == PLACEMENT_AT_AWAY ||
	       role->memory == PLACEMENT_FAR_FROM_DEVICE;
}

/* Threads that are spread over nodes have no one node for their memory. */
static bool binds_memory(const struct pick *k, const struct placement_role *role)
{
	return role->memory != PLACEMENT_FIRST_TOUCH &&
	       (k->r->net || role->shape != PLACEMENT_SPREAD);
}

static bool has_memory(const struct machine *m, int node)
{
	for (unsigned i = 0; i < m->nodes; i++)
		if ((int)m->node[i].id == node)
			return m->node[i].memory_bytes > 0;
	return false;
}

/* Binding to a node without memory, or to one that a cpuset withholds, would be refused at every
 * start. */
static int check_memory(struct pick *k, const struct placement *p)
{
	const struct cpulist *may = &k->m->memory_allowed;
	const struct placement_role *role = k->r->spec->role;

	for (int end = 0; end < (k->r->net ? PLACEMENT_ENDS : 1) && k->m->nodes > 1; end++) {
		if (!binds_memory(k, role))
			break;
		if (p->memory[end] < 0)
			return pick_refuse(k, "no-memory", "", "no other node has memory");
		if (!has_memory(k->m, p->memory[end]))
			return pick_refuse(k, "no-memory", "", "node %d has no memory",
					   p->memory[end]);
	}
	for (int end = 0; end < PLACEMENT_ENDS && k->m->nodes > 1; end++)
		if (may->n && p->memory[end] >= 0 && !cpulist_has(may, (unsigned)p->memory[end]))
			return pick_refuse(k, "not-allowed", "widen cpuset.mems of this process",
					   "the memory of node %d may not be used by this process",
					   p->memory[end]);
	return 0;
}

static void place_orchestrator(struct pick *k, struct placement *p)
{
	int cpu = pick_orchestrator(k);

	p->orchestrator_shares = cpu < 0;
	p->orchestrator_cpu = cpu >= 0 ? (unsigned)cpu : p->has_sq ? p->sq_cpu : p->workers.cpu[0];
}

static int make(struct pick *k, struct placement *p)
{
	const struct placement_role *role = k->r->spec->role;
	int err;

	if (!k->usable.n)
		return pick_refuse(k, "not-allowed", "", "this process may use no CPU");
	if (role->shape == PLACEMENT_UNPINNED)
		return unpinned(k, p);
	if (role->shape == PLACEMENT_LIST && (err = check_list(k)))
		return err;
	if (role->steer && !k->r->net)
		return pick_refuse(k, "no-network", "local", "a disk has no flows to steer");
	if (needs_two_nodes(role) && k->m->nodes < 2)
		return pick_refuse(k, "one-node", "", "this machine has one node");
	err = k->r->net ? placement_net(k, p) : placement_block(k, p);
	if (!err)
		err = check_memory(k, p);
	if (!err)
		place_orchestrator(k, p);
	p->away_from_thread =
		role->interrupt != PLACEMENT_ON_THREAD && role->shape == PLACEMENT_PINNED;
	return err;
}

int placement_make(const struct placement_request *r, struct placement *p,
		   struct placement_refusal *why)
{
	struct pick k;
	int err = pick_begin(&k, r, why);

	*p = (struct placement){
		.role = r->spec->role,
		.memory = {-1, -1},
		.napi_cpu = {-1, -1},
	};
	if (!err)
		err = make(&k, p);
	if (!err)
		err = k.err;
	if (r->machine->nodes < 2)
		p->memory[0] = p->memory[1] = -1;
	if (!err && r->spec->role->shape == PLACEMENT_LIST) {
		snprintf(p->name, sizeof(p->name), "%s", r->spec->text);
	} else {
		snprintf(p->name, sizeof(p->name), "%s", r->spec->role->name);
	}
	pick_end(&k);
	if (err)
		placement_free(p);
	return err;
}

static void put(char *out, size_t size, const char *word, const char *value)
{
	size_t used = strlen(out);

	snprintf(out + used, size - used, "%s%s%s%s", used ? " " : "", word, *word ? " " : "",
		 value);
}

static const char *list_word(const struct placement *p, int end, char *out, size_t size)
{
	_free_ char *text = cpulist_text(&p->interrupts[end]);

	snprintf(out, size, "%s", text && *text ? text : "none");
	return out;
}

static const char *node_word(int node, char *out, size_t size)
{
	if (node < 0)
		snprintf(out, size, "any");
	else
		snprintf(out, size, "%d", node);
	return out;
}

/* "4/1", or once where both ends say the same word. */
static void put_ends(const struct placement *p, char *out, size_t size, const char *word,
		     const char *client, const char *server)
{
	char both[160];

	if (!p->server.n)
		snprintf(both, sizeof(both), "%.70s", client);
	else if (!strcmp(client, server) && (*client < '0' || *client > '9'))
		snprintf(both, sizeof(both), "%.70s", client);
	else
		snprintf(both, sizeof(both), "%.70s/%.70s", client, server);
	put(out, size, word, both);
}

const char *placement_text(const struct placement *p, char *out, size_t size)
{
	_free_ char *workers = cpulist_text(&p->workers), *server = cpulist_text(&p->server);
	char client[72], other[72], number[32];
	bool any = p->unpinned;

	out[0] = '\0';
	put(out, size, p->server.n ? "client" : "threads", any || !workers ? "any" : workers);
	if (p->server.n)
		put(out, size, "server", any || !server ? "any" : server);
	if (p->has_sq) {
		snprintf(number, sizeof(number), "%u", p->sq_cpu);
		put(out, size, "sq", number);
	}
	if (any || !p->interrupts_known)
		put(out, size, "interrupts", "any");
	else
		put_ends(p, out, size, "interrupts", list_word(p, 0, client, sizeof(client)),
			 list_word(p, 1, other, sizeof(other)));
	put_ends(p, out, size, "memory", node_word(p->memory[0], client, sizeof(client)),
		 node_word(p->memory[1], other, sizeof(other)));
	for (int end = 0; end < PLACEMENT_ENDS; end++)
		if (p->napi_cpu[end] >= 0) {
			snprintf(number, sizeof(number), "%d", p->napi_cpu[end]);
			put(out, size, end ? "napi-server" : "napi-client", number);
		}
	snprintf(number, sizeof(number), "%u%s", p->orchestrator_cpu,
		 p->orchestrator_shares ? " shared" : "");
	put(out, size, "orchestrator", any ? "any" : number);
	return out;
}
