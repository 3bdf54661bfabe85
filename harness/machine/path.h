/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a completion: device -> node -> hardware queue -> vector -> the CPU it interrupts ->
 * NAPI instance or hardware context -> the CPUs that this serves. A view of struct machine: nothing
 * is read again.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include "machine/machine.h"

struct path {
	const char
		*device; /* disk, or interface; a hidden path of a multipath head by its own name */
	const char *head;		     /* that head; "" otherwise */
	int node;			     /* of the device; -1 unknown */
	char queue[32];			     /* "hctx 3 read", "rx-0" */
	char context[32];		     /* "hctx 3", "NAPI #0"; "" when it is not told */
	const struct machine_vector *vector; /* NULL: none (polled), or not known */
	const char *how;		     /* the vector is known by; why there is none */
	int interrupt_node;		     /* of the first CPU it interrupts; -1: unknown */
	unsigned distance; /* from the device's node to there, as the firmware says; 0: not told */
	/* CPUs that submit to the queue (disk), that it sends for (XPS) or hands packets on to
	 * (RPS), else those it interrupts. Borrowed, may be NULL. */
	const struct cpulist *serves;
};

/* Of every disk with queues and every interface with vectors or NAPI instances, in the order of
 * the machine. *paths is allocated, and points into `m`. -ENOMEM. */
int path_list(const struct machine *m, struct path **paths, size_t *n);
/* [{"device", "head", "node", "queue", "vector", "irq", "affinity", "interrupts", "interrupt_node",
 * "distance", "context", "serves", "known_by"}]; new reference. */
json_t *path_json(const struct path *paths, size_t n);
