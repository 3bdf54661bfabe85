/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placements by role, not by CPU number, so that one experiment fits every machine. A role is a row
 * of a table: on whose node the threads are, where the interrupts of their queue come in relation
 * to them, and on which node the memory is. "Home" is the node of the device.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "base/num.h"

struct diag;

enum placement_node { PLACEMENT_ANYWHERE, PLACEMENT_HOME, PLACEMENT_AWAY };

enum placement_interrupt {
	PLACEMENT_FREE,	       /* as it is */
	PLACEMENT_ON_THREAD,   /* the CPU of the thread itself */
	PLACEMENT_ON_SIBLING,  /* the other thread of its core */
	PLACEMENT_IN_CACHE,    /* another core that shares its last-level cache */
	PLACEMENT_ON_NODE,     /* its node, another last-level cache */
	PLACEMENT_AT_HOME,     /* the device's node, wherever the thread is */
	PLACEMENT_AT_AWAY,     /* a node that is not the device's */
	PLACEMENT_SPREAD_OVER, /* a queue each over the CPUs of the node */
};

enum placement_memory {
	PLACEMENT_FIRST_TOUCH, /* nothing bound */
	PLACEMENT_AT_DEVICE,
	PLACEMENT_AT_THREAD,
	PLACEMENT_FAR_FROM_DEVICE,
};

enum placement_shape {
	PLACEMENT_PINNED,
	PLACEMENT_UNPINNED, /* os-default */
	PLACEMENT_ONE_CPU,  /* same-cpu */
	PLACEMENT_SPREAD,
	PLACEMENT_LIST, /* the user's own CPUs */
};

/* Of a network, beyond vectors. */
enum placement_steer {
	PLACEMENT_NOT_STEERED,
	PLACEMENT_STEERED, /* XPS: each end sends by queue 0; RPS and RFS off */
	PLACEMENT_FULL,	   /* and every flow arrives on queue 0 of both ends */
};

struct placement_role {
	const char *name;
	const char *doc;
	enum placement_shape shape;
	enum placement_node thread;
	enum placement_interrupt interrupt;
	enum placement_memory memory;
	enum placement_steer steer;
};

const struct placement_role *placement_roles(size_t *n);

/* What an experiment names: a role, or "cpus:2-3". */
struct placement_spec {
	const struct placement_role *role;
	struct cpulist cpus; /* of PLACEMENT_LIST; owned */
	char text[64];	     /* as it was written, as far as it fits */
	unsigned *order;     /* the same CPUs as they were written, cpus.n of them; owned */
};

/* The one that is meant when none is named; comparisons take it as baseline. */
#define PLACEMENT_DEFAULT "local"

/* -EINVAL names the nearest right word. Freed by placement_spec_free(). */
int placement_spec_parse(const char *text, struct placement_spec *spec, struct diag *d);
void placement_spec_free(struct placement_spec *spec);
