// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "machine/capability.h"
#include "machine/internal.h"
#include "machine/nic.h"

json_t *cpus_json(const struct cpulist *list)
{
	_free_ char *text = cpulist_text(list);

	return json_string(text ? text : "");
}

/* "" stands for "not told" in the structs; JSON has a word for that. */
json_t *text_json(const char *text)
{
	json_t *json = text && *text ? json_string(text) : NULL;

	return json ? json : json_null(); /* nor can it hold a model that is not UTF-8 */
}

static json_t *nodes_json(const struct machine *m)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < m->nodes; i++) {
		const struct machine_node *n = &m->node[i];
		json_t *distances = n->distance ? json_array() : json_null();

		for (unsigned j = 0; n->distance && j < m->nodes; j++)
			json_array_append_new(distances, json_integer(n->distance[j]));
		json_array_append_new(all, json_pack("{s:i, s:o, s:I, s:o}", "id", (int)n->id,
						     "cpus", cpus_json(&n->cpus), "memory_bytes",
						     (json_int_t)n->memory_bytes, "distances",
						     distances));
	}
	return all;
}

static json_t *caches_json(const struct machine *m)
{
	json_t *all = json_array();

	for (size_t i = 0; i < m->n_caches; i++) {
		const struct machine_cache *c = &m->caches[i];

		json_array_append_new(all, json_pack("{s:i, s:s, s:I, s:o}", "level", (int)c->level,
						     "kind", c->kind, "bytes", (json_int_t)c->bytes,
						     "cpus", cpus_json(&c->cpus)));
	}
	return all;
}

static json_t *cores_json(const struct machine *m)
{
	json_t *all = json_array();

	for (size_t i = 0; i < m->online.n; i++) {
		struct cpulist core;

		if (machine_siblings(m, m->online.cpu[i], &core))
			continue;
		if (core.n && core.cpu[0] == m->online.cpu[i])
			json_array_append_new(all, cpus_json(&core));
		cpulist_free(&core);
	}
	return all;
}

json_t *vectors_json(const struct machine_vector *vectors, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct machine_vector *v = &vectors[i];

		json_array_append_new(
			all,
			json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:s, s:s}", "irq", (int)v->irq,
				  "name", text_json(v->name), "instance", text_json(v->instance),
				  "chip", text_json(v->chip), "requested", cpus_json(&v->requested),
				  "effective", cpus_json(&v->effective), "affinity",
				  vector_managed_name(v), "affinity_why", v->managed_why));
	}
	return all;
}

static json_t *queues_json(const struct machine_disk *disk)
{
	json_t *all = json_array();

	for (size_t i = 0; i < disk->n_hctx; i++) {
		const struct machine_hctx *h = &disk->hctx[i];

		json_array_append_new(
			all, json_pack("{s:i, s:s, s:o, s:o}", "index", (int)h->index, "type",
				       queue_type_name(h->type), "cpus", cpus_json(&h->cpus), "irq",
				       h->vector < 0 ? json_null()
						     : json_integer(disk->vectors[h->vector].irq)));
	}
	return all;
}

json_t *capabilities_json(const struct machine *m, const struct machine_subject *subject)
{
	json_t *all = json_object();
	size_t n;
	const struct capability *rows = capability_all(&n);

	for (size_t i = 0; i < n; i++) {
		struct capability_answer answer = {0};

		if (!capability_applies(&rows[i], subject))
			continue;
		rows[i].probe(m, subject, &answer);
		json_object_set_new(all, rows[i].name, capability_json(&answer));
	}
	return all;
}

static json_t *paths_json(const struct machine *m, const struct machine_disk *disk)
{
	const struct machine_disk *paths[64];
	size_t n = machine_paths(m, disk, paths, ARRAY_SIZE(paths));
	json_t *all = json_array();

	for (size_t i = 0; i < n && i < ARRAY_SIZE(paths); i++)
		json_array_append_new(all, json_string(paths[i]->name));
	return all;
}

static json_t *disk_json(const struct machine *m, const struct machine_disk *disk)
{
	json_t *o =
		json_pack("{s:s, s:b, s:b, s:I, s:i, s:i, s:i}", "name", disk->name, "hidden",
			  disk->hidden, "virtual", disk->virtual_device, "bytes",
			  (json_int_t)disk->bytes, "logical_block_bytes", (int)disk->logical_block,
			  "physical_block_bytes", (int)disk->physical_block, "node", disk->node);
	const struct {
		const char *key, *text;
	} texts[] = {
		{"head", disk->head},
		{"driver", disk->driver},
		{"model", disk->model},
		{"firmware", disk->firmware},
		{"serial", disk->serial},
		{"wwid", disk->wwid},
		{"transport", disk->transport},
		{"controller", disk->controller},
		{"pci", disk->pci},
		{"link_speed", disk->link_speed},
		{"link_width", disk->link_width},
		{"link_speed_max", disk->link_speed_max},
		{"link_width_max", disk->link_width_max},
		{"char_device", disk->char_device},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_object_set_new(o, texts[i].key, text_json(texts[i].text));
	json_object_set_new(o, "dev", json_sprintf("%u:%u", disk->major, disk->minor));
	json_object_set_new(o, "paths", paths_json(m, disk));
	json_object_set_new(o, "queues", queues_json(disk));
	json_object_set_new(o, "vectors", vectors_json(disk->vectors, disk->n_vectors));
	json_object_set_new(o, "capabilities",
			    capabilities_json(m, &(struct machine_subject){.disk = disk}));
	return o;
}

json_t *machine_json(const struct machine *m)
{
	json_t *facts = json_object(), *disks = json_array(), *nics = json_array();

	for (size_t i = 0; i < m->n_facts; i++) {
		const struct machine_fact *f = &m->facts[i];

		json_object_set_new(facts, f->name,
				    f->value ? json_pack("{s:s}", "value", f->value)
					     : json_pack("{s:n, s:s}", "value", "why", f->why));
	}
	for (size_t i = 0; i < m->n_disks; i++)
		json_array_append_new(disks, disk_json(m, &m->disks[i]));
	for (size_t i = 0; i < m->n_nics; i++) {
		const struct machine_nic *const nic[] = {m->nics[i]};
		json_t *j = machine_nic_json(nic[0]);

		json_object_set_new(
			j, "capabilities",
			capabilities_json(m, &(struct machine_subject){.nics = nic, .n_nics = 1}));
		json_array_append_new(nics, j);
	}
	return json_pack("{s:{s:o, s:o, s:i, s:i, s:b, s:o, s:o, s:o}, s:o, s:o, s:o, s:o}", "cpus",
			 "online", cpus_json(&m->online), "allowed", cpus_json(&m->allowed),
			 "sockets", (int)m->sockets, "cores", (int)m->cores, "smt", m->smt,
			 "core_cpus", cores_json(m), "caches", caches_json(m), "nodes",
			 nodes_json(m), "facts", facts, "disks", disks, "nics", nics,
			 "capabilities", capabilities_json(m, &(struct machine_subject){0}));
}
