/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of machine_discover(), one file each. All return 0 or -errno and fill `d`. */
#pragma once
#include "machine/machine.h"

struct interrupt;

/* cpu.c: CPUs, caches, nodes. A topology that hwloc cannot load is no error: m->topology is NULL.
 */
int cpu_discover(struct machine *m, struct diag *d);
void cpu_free(struct machine *m);

/* disk.c: everything below /sys/block. */
int disk_discover(struct machine *m, struct diag *d);
void disk_free(struct machine_disk *disk);
/* PCI address of the function at the end of a device's path, not of a bridge before it; "" when
 * there is none. */
void pci_of_path(const char *path, char *out, size_t size);

/* vector.c: interrupts of a PCI device; `all` are the lines of /proc/interrupts. *vectors is
 * allocated, and counts also after an error. */
int vector_discover(struct sys *s, const char *pci, const struct interrupt *all, size_t n,
		    struct machine_vector **vectors, size_t *n_vectors);
/* One more, known by its number: of a device that is not on PCI. */
int vector_add(struct sys *s, unsigned irq, const struct interrupt *all, size_t n,
	       struct machine_vector **vectors, size_t *n_vectors);
void vector_free(struct machine_vector *vectors, size_t n);
json_t *vectors_json(const struct machine_vector *vectors, size_t n);
json_t *capabilities_json(const struct machine *m, const struct machine_subject *subject);
json_t *text_json(const char *text);
json_t *cpus_json(const struct cpulist *list);

/* nic.c: every interface of our own network namespace */
int nic_discover(struct machine *m, struct diag *d);
/* queue.c: hardware contexts, each matched to one of disk->vectors. */
int queue_discover(struct sys *s, struct machine_disk *disk, struct diag *d);
const char *queue_type_name(enum hctx_type type);
const char *vector_managed_name(const struct machine_vector *v);

/* environment.c */
int environment_read(struct machine *m, struct diag *d);
void environment_free(struct machine *m);
/* Facts that only the live machine can answer, for RECORDED_LIVE: {"name": {"value", "why"}}. */
json_t *environment_live_json(const struct machine *m);

/* What collect keeps of answers that were found by system calls instead of files, or in files that
 * tell too much: {"facts": {...}, "capabilities": {...}, "management": {interface: why}}. */
#define RECORDED_LIVE	  "/machine/live.json"
#define RECORDED_TOPOLOGY "/machine/hwloc.xml"
/* Entry `name` of `section` of RECORDED_LIVE; NULL when there is none. New reference. */
json_t *recorded_live(struct sys *s, const char *section, const char *name);
