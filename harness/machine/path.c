// SPDX-License-Identifier: Apache-2.0
#include "machine/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine/internal.h"
#include "machine/nic.h"

static void locate(const struct machine *m, struct path *p)
{
	p->interrupt_node = -1;
	if (!p->vector || !p->vector->effective.n)
		return;
	p->interrupt_node = machine_node_of_cpu(m, p->vector->effective.cpu[0]);
	for (unsigned i = 0; i < m->nodes; i++)
		for (unsigned k = 0; k < m->nodes && (int)m->node[i].id == p->node; k++)
			if (m->node[i].distance && (int)m->node[k].id == p->interrupt_node)
				p->distance = m->node[i].distance[k];
}

static void of_disk(const struct machine *m, const struct machine_disk *d, struct path *paths,
		    size_t *n)
{
	for (size_t i = 0; i < d->n_hctx; i++) {
		const struct machine_hctx *h = &d->hctx[i];
		struct path *p = &paths[(*n)++];

		*p = (struct path){.device = d->name, .head = d->head, .node = d->node};
		snprintf(p->queue, sizeof(p->queue), "%u %s", h->index, queue_type_name(h->type));
		snprintf(p->context, sizeof(p->context), "hctx %u", h->index);
		p->vector = h->vector < 0 ? NULL : &d->vectors[h->vector];
		p->how = p->vector		? "name"
			 : h->type == HCTX_POLL ? "polled"
			 : d->n_vectors		? "not known"
						: "no interrupts";
		p->serves = &h->cpus;
		locate(m, p);
	}
}

static void of_nic(const struct machine *m, const struct machine_nic *nic, struct path *paths,
		   size_t *n)
{
	for (size_t i = 0; i < nic->n_queues; i++) {
		const struct machine_nic_queue *q = &nic->queues[i];
		const struct cpulist *set = q->rx ? &q->rps_cpus : &q->xps_cpus;
		struct path *p = &paths[(*n)++];

		*p = (struct path){.device = nic->instance,
				   .head = "",
				   .node = nic->node,
				   .how = q->vector_how};
		snprintf(p->queue, sizeof(p->queue), "%s-%u", q->rx ? "rx" : "tx", q->index);
		if (q->napi >= 0)
			snprintf(p->context, sizeof(p->context), "NAPI #%u",
				 nic->napis[q->napi].index);
		p->vector = q->vector < 0 ? NULL : &nic->vectors[q->vector];
		p->serves = set->n ? set : p->vector ? &p->vector->effective : NULL;
		locate(m, p);
	}
}

static bool nic_has_paths(const struct machine_nic *nic)
{
	return nic->n_vectors || nic->n_napis;
}

int path_list(const struct machine *m, struct path **paths, size_t *n)
{
	size_t most = 1;

	*n = 0;
	for (size_t i = 0; i < m->n_disks; i++)
		most += m->disks[i].n_hctx;
	for (size_t i = 0; i < m->n_nics; i++)
		most += m->nics[i]->n_queues;
	*paths = calloc(most, sizeof(**paths));
	if (!*paths)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_disks; i++)
		if (m->disks[i].bytes) /* not the loop devices that hold nothing */
			of_disk(m, &m->disks[i], *paths, n);
	for (size_t i = 0; i < m->n_nics; i++)
		if (nic_has_paths(m->nics[i]))
			of_nic(m, m->nics[i], *paths, n);
	return 0;
}

static json_t *node_json(int node)
{
	return node < 0 ? json_null() : json_integer(node);
}

json_t *path_json(const struct path *paths, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct path *p = &paths[i];
		const struct machine_vector *v = p->vector;
		json_t *one =
			json_pack("{s:s, s:o, s:o, s:s, s:o, s:s}", "device", p->device, "head",
				  text_json(p->head), "node", node_json(p->node), "queue", p->queue,
				  "context", text_json(p->context), "known_by", p->how);

		json_object_set_new(one, "vector", v ? text_json(v->name) : json_null());
		json_object_set_new(one, "irq", v ? json_integer(v->irq) : json_null());
		json_object_set_new(one, "affinity",
				    v ? json_string(vector_managed_name(v)) : json_null());
		json_object_set_new(one, "interrupts", v ? cpus_json(&v->effective) : json_null());
		json_object_set_new(one, "interrupt_node", node_json(p->interrupt_node));
		json_object_set_new(one, "distance",
				    p->distance ? json_integer(p->distance) : json_null());
		json_object_set_new(one, "serves", p->serves ? cpus_json(p->serves) : json_null());
		json_array_append_new(list, one);
	}
	return list;
}
