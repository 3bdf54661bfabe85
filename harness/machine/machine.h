/* SPDX-License-Identifier: Apache-2.0 */
/* What is in this machine, read-only: one struct, filled by machine_discover(). */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/num.h"

struct diag;
struct sys;

struct machine_node {
	unsigned id;
	struct cpulist cpus;
	uint64_t memory_bytes;
	unsigned *distance; /* to each node of machine.node, as the firmware says; NULL: not told */
};

struct machine_cache {
	unsigned level;
	const char *kind; /* "unified", "data", "instruction" */
	uint64_t bytes;
	struct cpulist cpus; /* that share it */
};

struct machine_vector {
	unsigned irq;	    /* Linux interrupt number; changes over reloads, never a key */
	char name[64];	    /* last column of /proc/interrupts: "nvme0q1", "virtio1-req.0" */
	char instance[128]; /* stable name, the instance of knob irq.affinity */
	char chip[32];	    /* "PCI-MSIX-0000:00:02.0" and the like */
	struct cpulist requested, effective; /* smp_affinity_list, effective_affinity_list */
	enum { VECTOR_MOVABLE, VECTOR_MANAGED, VECTOR_UNKNOWN } managed;
	const char *managed_why; /* how we know (mode bits, debugfs flag, unknown) */
};

enum hctx_type { HCTX_DEFAULT, HCTX_READ, HCTX_POLL, HCTX_UNKNOWN };

struct machine_hctx {
	unsigned index; /* /sys/block/DEV/mq/N */
	enum hctx_type
		type; /* debugfs block/DEV/hctxN/type through a detached mount, else unknown */
	struct cpulist cpus; /* submitting CPUs */
	int vector;	     /* index into the disk's vectors, -1: none (poll) or not known */
};

struct machine_disk {
	char name[64]; /* below /sys/block: "vda", "nvme0n1", hidden paths "nvme0c0n1" too */
	char head[64]; /* hidden path: its multipath head; else "" */
	char driver[64], model[80], firmware[32], serial[64], wwid[128], transport[16];
	char controller[64];		    /* "nvme0", "virtio1", "" */
	char pci[32];			    /* PCI address or "" */
	char link_speed[32], link_width[8]; /* current PCIe link, "" when not PCIe */
	char link_speed_max[32], link_width_max[8];
	char char_device[64]; /* "/dev/ng0n1" or "" */
	int node;	      /* NUMA node, -1 unknown */
	uint64_t bytes;	      /* capacity */
	unsigned major, minor, logical_block, physical_block;
	bool hidden;	     /* multipath path without a device node */
	bool virtual_device; /* loop, zram, dm, md … */
	struct machine_hctx *hctx;
	size_t n_hctx;
	struct machine_vector *vectors;
	size_t n_vectors;
};

struct machine_nic; /* machine/nic.h */

/* What a mode is asked about: a disk, or the interfaces of one network target (a pair: both ends).
 * All members empty: the host alone. Everything is borrowed. */
struct machine_subject {
	const struct machine_disk *disk;
	const struct machine_nic *const *nics;
	size_t n_nics;
};

struct machine_fact {
	const char *name; /* "kernel.release", "cpu.governor" … one table in environment.c */
	char *value;	  /* NULL: not there; then why says so */
	const char *why;
};

/* A rebind of the target's NVMe controllers for the whole run (experiment: allow_rebind). */
struct machine_rebind {
	unsigned asked; /* poll queues asked for; 0: no rebind */
	bool done;	/* else it is still to come, and taken as if it had */
	const struct machine_disk *disk;
};

struct machine {
	struct sys *sys;		/* borrowed */
	void *topology;			/* hwloc_topology_t, NULL when hwloc could not load */
	struct cpulist online, allowed; /* CPUs online; those this process may use */
	struct cpulist memory_allowed;	/* nodes whose memory it may use; empty: not told, all */
	unsigned sockets, cores, nodes;
	bool smt;
	struct machine_node *node; /* `nodes` of them, by id */
	struct machine_cache *caches;
	size_t n_caches;
	struct machine_disk *disks;
	size_t n_disks;
	struct machine_nic **nics; /* of our own network namespace */
	size_t n_nics;
	struct machine_fact *facts;
	size_t n_facts;
	struct machine_rebind rebind; /* set by who rebinds, for capabilities to answer by */
};

int machine_discover(struct sys *s, struct machine **m, struct diag *d);
void machine_free(struct machine *m);
/* As `iomodes probe --json` prints it. New reference. */
json_t *machine_json(const struct machine *m);

const struct machine_disk *machine_disk(const struct machine *m, const char *name);
/* The paths behind a disk: itself, or every hidden path of a multipath head. Returns how many. */
size_t machine_paths(const struct machine *m, const struct machine_disk *disk,
		     const struct machine_disk **paths, size_t max);
const char *machine_fact(const struct machine *m, const char *name, const char *otherwise);
/* SMT siblings of `cpu` (itself among them), CPUs sharing its last cache, CPUs of its node. 0 and a
 * list that the caller frees, or -ENOENT when the topology is not known. */
int machine_siblings(const struct machine *m, unsigned cpu, struct cpulist *list);
int machine_cache_siblings(const struct machine *m, unsigned cpu, struct cpulist *list);
int machine_node_cpus(const struct machine *m, unsigned cpu, struct cpulist *list);
/* -1: not known. */
int machine_node_of_cpu(const struct machine *m, unsigned cpu);
/* The topology as hwloc's XML; the caller frees it with free(). -ENOENT without topology. */
int machine_topology_xml(const struct machine *m, char **xml, size_t *len);
