// SPDX-License-Identifier: Apache-2.0
/* CPUs, caches and nodes through hwloc: of this machine, or from the XML that collect recorded. */
#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/internal.h"
#include "sys/sys.h"

static int list_from_bitmap(hwloc_const_bitmap_t set, struct cpulist *list)
{
	unsigned cpu;

	*list = (struct cpulist){0};
	if (hwloc_bitmap_weight(set) < 0) /* infinite: not told */
		return 0;
	hwloc_bitmap_foreach_begin(cpu, set) if (cpulist_add(list, cpu))
	{
		cpulist_free(list);
		return -ENOMEM;
	}
	hwloc_bitmap_foreach_end();
	return 0;
}

static hwloc_topology_t load(struct sys *s)
{
	_free_ char *xml = NULL;
	hwloc_topology_t t;
	size_t len;

	if (hwloc_topology_init(&t))
		return NULL;
	/* A run may use fewer CPUs than the machine has; the machine is still all of them. */
	hwloc_topology_set_flags(t, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	/* disks and NICs where they hang: for who reads a run's hwloc.xml */
	hwloc_topology_set_io_types_filter(t, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
	if (!s->live && (sys_read_all(s, RECORDED_TOPOLOGY, &xml, &len) ||
			 hwloc_topology_set_xmlbuffer(t, xml, (int)len + 1)))
		goto none;
	if (!hwloc_topology_load(t))
		return t;
none:
	hwloc_topology_destroy(t);
	return NULL;
}

/* sched_getaffinity(2) with a set of the size that this kernel wants. */
static int read_affinity(struct cpulist *list)
{
	for (size_t cpus = 1024; cpus <= 65536; cpus *= 4) {
		cpu_set_t *set = CPU_ALLOC(cpus);
		size_t size = CPU_ALLOC_SIZE(cpus);
		int err = 0;

		if (!set)
			return -ENOMEM;
		if (sched_getaffinity(0, size, set)) {
			err = -errno;
			CPU_FREE(set);
			if (err == -EINVAL)
				continue;
			return err;
		}
		for (unsigned cpu = 0; !err && cpu < cpus; cpu++)
			if (CPU_ISSET_S(cpu, size, set))
				err = cpulist_add(list, cpu);
		CPU_FREE(set);
		return err;
	}
	return -EINVAL;
}

/* A cpuset may leave a process the memory of some nodes only: "Mems_allowed_list:\t0". */
static int read_memory_allowed(struct sys *s, struct cpulist *list)
{
	_free_ char *text = NULL;
	const char *at;
	size_t len;
	int err;

	if (sys_read_all(s, "/proc/self/status", &text, &len) ||
	    !(at = strstr(text, "\nMems_allowed_list:")))
		return 0; /* a kernel without CONFIG_CPUSETS */
	at += strlen("\nMems_allowed_list:");
	text[at - text + (ptrdiff_t)strcspn(at, "\n")] = '\0';
	err = cpulist_parse(at, list, NULL);
	return err == -EINVAL ? 0 : err;
}

static unsigned count(hwloc_topology_t t, hwloc_obj_type_t type)
{
	int n = hwloc_get_nbobjs_by_type(t, type);

	return n > 0 ? (unsigned)n : 0;
}

static int read_distances(struct machine *m, hwloc_topology_t t)
{
	struct hwloc_distances_s *found;
	unsigned n = 1;
	int err = 0;

	if (hwloc_distances_get_by_type(t, HWLOC_OBJ_NUMANODE, &n, &found,
					HWLOC_DISTANCES_KIND_FROM_OS, 0) ||
	    !n)
		return 0;
	if (found->nbobjs == m->nodes)
		for (unsigned i = 0; !err && i < m->nodes; i++) {
			m->node[i].distance = calloc(m->nodes, sizeof(unsigned));
			if (!m->node[i].distance)
				err = -ENOMEM;
			for (unsigned j = 0; !err && j < m->nodes; j++)
				m->node[i].distance[j] = (unsigned)found->values[i * m->nodes + j];
		}
	hwloc_distances_release(t, found);
	return err;
}

static int read_nodes(struct machine *m, hwloc_topology_t t)
{
	int err = 0;

	m->node = calloc(m->nodes ? m->nodes : 1, sizeof(*m->node));
	if (!m->node)
		return -ENOMEM;
	for (unsigned i = 0; !err && i < m->nodes; i++) {
		hwloc_obj_t o = hwloc_get_obj_by_type(t, HWLOC_OBJ_NUMANODE, i);

		m->node[i].id = o->os_index;
		m->node[i].memory_bytes = o->attr->numanode.local_memory;
		err = list_from_bitmap(o->cpuset, &m->node[i].cpus);
	}
	return err ? err : read_distances(m, t);
}

static int read_caches(struct machine *m, hwloc_topology_t t)
{
	static const hwloc_obj_type_t types[] = {
		HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2CACHE,
		HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L4CACHE,
	};
	static const char *const kinds[] = {
		[HWLOC_OBJ_CACHE_UNIFIED] = "unified",
		[HWLOC_OBJ_CACHE_DATA] = "data",
		[HWLOC_OBJ_CACHE_INSTRUCTION] = "instruction",
	};
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		n += count(t, types[i]);
	m->caches = calloc(n ? n : 1, sizeof(*m->caches));
	if (!m->caches)
		return -ENOMEM;
	for (size_t i = 0; !err && i < ARRAY_SIZE(types); i++)
		for (unsigned j = 0; !err && j < count(t, types[i]); j++) {
			hwloc_obj_t o = hwloc_get_obj_by_type(t, types[i], j);
			struct machine_cache *c = &m->caches[m->n_caches++];

			c->level = o->attr->cache.depth;
			c->kind = kinds[o->attr->cache.type];
			c->bytes = o->attr->cache.size;
			err = list_from_bitmap(o->cpuset, &c->cpus);
		}
	return err;
}

int cpu_discover(struct machine *m, struct diag *d)
{
	hwloc_topology_t t = load(m->sys);
	char online[4096];
	int err = 0;

	m->topology = t;
	if (!sys_readf(m->sys, online, sizeof(online), "/sys/devices/system/cpu/online"))
		err = cpulist_parse(online, &m->online, d);
	else if (t)
		err = list_from_bitmap(hwloc_topology_get_topology_cpuset(t), &m->online);
	if (err)
		return diag_prefix(d, err, "/sys/devices/system/cpu/online");
	if (m->sys->live) {
		err = read_affinity(&m->allowed);
		if (!err)
			err = read_memory_allowed(m->sys, &m->memory_allowed);
	} else if (t)
		err = list_from_bitmap(hwloc_topology_get_allowed_cpuset(t), &m->allowed);
	if (!err && t) {
		m->sockets = count(t, HWLOC_OBJ_PACKAGE);
		m->cores = count(t, HWLOC_OBJ_CORE);
		m->nodes = count(t, HWLOC_OBJ_NUMANODE);
		m->smt = count(t, HWLOC_OBJ_PU) > m->cores && m->cores;
		err = read_nodes(m, t);
		if (!err)
			err = read_caches(m, t);
	}
	return err ? diag_errno(d, err, "CPU topology") : 0;
}

void cpu_free(struct machine *m)
{
	if (m->topology)
		hwloc_topology_destroy(m->topology);
	for (unsigned i = 0; m->node && i < m->nodes; i++) {
		cpulist_free(&m->node[i].cpus);
		free(m->node[i].distance);
	}
	free(m->node);
	for (size_t i = 0; i < m->n_caches; i++)
		cpulist_free(&m->caches[i].cpus);
	free(m->caches);
	cpulist_free(&m->online);
	cpulist_free(&m->allowed);
	cpulist_free(&m->memory_allowed);
}

int machine_topology_xml(const struct machine *m, char **xml, size_t *len)
{
	char *text;
	int n;

	if (!m->topology)
		return -ENOENT;
	if (hwloc_topology_export_xmlbuffer(m->topology, &text, &n, 0))
		return -errno;
	*xml = strdup(text);
	*len = *xml ? strlen(*xml) : 0;
	hwloc_free_xmlbuffer(m->topology, text);
	return *xml ? 0 : -ENOMEM;
}

static hwloc_obj_t find_cpu(const struct machine *m, unsigned cpu)
{
	return m->topology ? hwloc_get_pu_obj_by_os_index(m->topology, cpu) : NULL;
}

int machine_siblings(const struct machine *m, unsigned cpu, struct cpulist *list)
{
	hwloc_obj_t pu = find_cpu(m, cpu), core;

	if (!pu)
		return -ENOENT;
	core = hwloc_get_ancestor_obj_by_type(m->topology, HWLOC_OBJ_CORE, pu);
	return list_from_bitmap(core ? core->cpuset : pu->cpuset, list);
}

int machine_cache_siblings(const struct machine *m, unsigned cpu, struct cpulist *list)
{
	const struct machine_cache *last = NULL;

	for (size_t i = 0; i < m->n_caches; i++)
		if (cpulist_has(&m->caches[i].cpus, cpu) &&
		    (!last || m->caches[i].level > last->level))
			last = &m->caches[i];
	if (!last)
		return -ENOENT;
	*list = (struct cpulist){0};
	for (size_t i = 0; i < last->cpus.n; i++)
		if (cpulist_add(list, last->cpus.cpu[i]))
			return -ENOMEM;
	return 0;
}

static const struct machine_node *find_node(const struct machine *m, unsigned cpu)
{
	for (unsigned i = 0; i < m->nodes; i++)
		if (cpulist_has(&m->node[i].cpus, cpu))
			return &m->node[i];
	return NULL;
}

int machine_node_cpus(const struct machine *m, unsigned cpu, struct cpulist *list)
{
	const struct machine_node *node = find_node(m, cpu);

	*list = (struct cpulist){0};
	for (size_t i = 0; node && i < node->cpus.n; i++)
		if (cpulist_add(list, node->cpus.cpu[i]))
			return -ENOMEM;
	return node ? 0 : -ENOENT;
}

int machine_node_of_cpu(const struct machine *m, unsigned cpu)
{
	const struct machine_node *node = find_node(m, cpu);

	return node ? (int)node->id : -1;
}
