// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "machine/internal.h"
#include "machine/nic.h"

static json_t *told(int64_t value)
{
	return value < 0 ? json_null() : json_integer(value);
}

static json_t *features_json(const struct machine_nic *nic)
{
	json_t *all = json_object();

	for (size_t i = 0; i < nic->n_features; i++) {
		const struct machine_feature *f = &nic->features[i];

		json_object_set_new(all, f->name,
				    json_pack("{s:b, s:b, s:b}", "wanted", f->wanted, "active",
					      f->active, "fixed", f->fixed));
	}
	return all;
}

static json_t *vector_json(const struct machine_nic *nic, int vector)
{
	return vector < 0 ? json_null() : json_integer(nic->vectors[vector].irq);
}

static json_t *queues_json(const struct machine_nic *nic)
{
	json_t *all = json_array();

	for (size_t i = 0; i < nic->n_queues; i++) {
		const struct machine_nic_queue *q = &nic->queues[i];
		json_t *j = json_pack("{s:s, s:i, s:o, s:o, s:s}", "direction", q->rx ? "rx" : "tx",
				      "index", (int)q->index, "napi",
				      q->napi < 0 ? json_null()
						  : json_integer(nic->napis[q->napi].index),
				      "irq", vector_json(nic, q->vector), "irq_how", q->vector_how);

		if (q->rx) {
			json_object_set_new(j, "rps_cpus", cpus_json(&q->rps_cpus));
			json_object_set_new(j, "rps_flow_cnt", json_integer(q->rps_flow_cnt));
		} else {
			json_object_set_new(j, "xps_cpus", cpus_json(&q->xps_cpus));
		}
		json_array_append_new(all, j);
	}
	return all;
}

static json_t *napis_json(const struct machine_nic *nic)
{
	json_t *all = json_array();

	for (size_t i = 0; i < nic->n_napis; i++) {
		const struct machine_napi *n = &nic->napis[i];

		json_array_append_new(
			all,
			json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "index",
				  (int)n->index, "id", (int)n->id, "irq",
				  vector_json(nic, n->vector), "thread_pid",
				  n->pid ? json_integer(n->pid) : json_null(), "defer_hard_irqs",
				  told(n->defer_hard_irqs), "gro_flush_timeout_ns",
				  told(n->gro_flush_timeout_ns), "irq_suspend_timeout_ns",
				  told(n->irq_suspend_timeout_ns), "threaded", told(n->threaded)));
	}
	return all;
}

static json_t *or_null(json_t *j)
{
	return j ? json_incref(j) : json_null();
}

json_t *machine_nic_json(const struct machine_nic *nic)
{
	json_t *o = json_pack("{s:s, s:s, s:b, s:b, s:i, s:i, s:i, s:o, s:o, s:o, s:o}", "name",
			      nic->name, "instance", nic->instance, "up", nic->up, "management",
			      nic->management, "mtu", (int)nic->mtu, "ifindex", (int)nic->ifindex,
			      "node", nic->node, "speed_mbit", told(nic->speed_mbit),
			      "defer_hard_irqs", told(nic->defer_hard_irqs), "gro_flush_timeout_ns",
			      told(nic->gro_flush_timeout_ns), "threaded", told(nic->threaded));
	const struct {
		const char *key, *text;
	} texts[] = {
		{"management_why", nic->management_why},
		{"driver", nic->driver},
		{"driver_version", nic->driver_version},
		{"firmware", nic->firmware},
		{"bus_info", nic->bus_info},
		{"pci", nic->pci},
		{"mac", nic->mac},
		{"virtual", nic->kind},
		{"operstate", nic->operstate},
		{"link_speed", nic->link_speed},
		{"link_width", nic->link_width},
		{"napis_why", nic->napis_why},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_object_set_new(o, texts[i].key, text_json(texts[i].text));
	json_object_set_new(o, "features", features_json(nic));
	json_object_set_new(o, "coalescing", or_null(nic->coalescing));
	json_object_set_new(o, "channels", or_null(nic->channels));
	json_object_set_new(o, "rings", or_null(nic->rings));
	json_object_set_new(o, "rss", or_null(nic->rss));
	json_object_set_new(o, "queues", queues_json(nic));
	json_object_set_new(o, "vectors", vectors_json(nic->vectors, nic->n_vectors));
	json_object_set_new(o, "napis", napis_json(nic));
	return o;
}
