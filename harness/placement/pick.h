/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing CPUs one after the other, and what a disk's queues say of a CPU. */
#pragma once
#include <stdbool.h>
#include "machine/machine.h"
#include "placement/placement.h"
#include "placement/role.h"

#define PICK_NODES_MAX 1024

struct pick {
	const struct machine *m;
	const struct placement_request *r;
	struct placement_refusal *why;
	struct cpulist usable; /* online and allowed */
	struct cpulist taken;  /* by threads */
	struct cpulist busy;   /* by interrupts */
	int err;	       /* -ENOMEM sticks */
};

/* What a candidate must fulfil; `gain` may be raised for the better of two that do. */
typedef bool pick_fits(const struct pick *k, unsigned cpu, const void *arg, int *gain);

int pick_begin(struct pick *k, const struct placement_request *r, struct placement_refusal *why);
void pick_end(struct pick *k);
/* The best usable CPU that no thread has, or -1: first one that no interrupt and no SMT sibling
 * disturbs, then one off CPU 0, then the lowest. It is not taken by this. */
int pick_cpu(struct pick *k, pick_fits *fits, const void *arg);
/* The same, but never a CPU that is interrupted. */
int pick_quiet(struct pick *k, pick_fits *fits, const void *arg);
void pick_take(struct pick *k, unsigned cpu);
void pick_interrupt(struct pick *k, unsigned cpu);
/* For the orchestrator: any CPU left, at worst one that is interrupted; -1: none. */
int pick_orchestrator(struct pick *k);

/* pick_fits: of the node *(const int *)arg, -1 any. */
bool pick_on_node(const struct pick *k, unsigned cpu, const void *arg, int *gain);
/* Is `interrupt` where the relation to `thread` wants it? `home` as in PLACEMENT_AT_HOME. */
bool pick_related(const struct machine *m, enum placement_interrupt relation, unsigned thread,
		  unsigned interrupt, int home);
/* Node ids other than `home`, the farthest first, among equals the lowest; with CPUs that may be
 * used, or (memory) with memory. Returns how many. */
size_t pick_away(const struct pick *k, int home, bool memory, int *nodes, size_t max);
/* How many usable CPUs the node has. */
size_t pick_node_size(const struct pick *k, int node);
/* Can the relation exist at all among the usable CPUs of the node? 0, or -ENOTSUP with the refusal.
 */
int pick_topology(struct pick *k, enum placement_interrupt relation, int node);

/* Fill the refusal; returns -ENOTSUP. */
__attribute__((format(printf, 4, 5))) int pick_refuse(struct pick *k, const char *code,
						      const char *remedy, const char *fmt, ...);

/* No CPU of the node (negative: of another one than `home`) is left to begin with: there is none,
 * or this process may use none. -ENOTSUP. */
int pick_refuse_node(struct pick *k, int node, int home);

/* block.c, net.c */
int placement_block(struct pick *k, struct placement *p);
int placement_net(struct pick *k, struct placement *p);
/* Append a move. */
int placement_add_move(struct placement *p, const struct machine_vector *v,
		       const struct cpulist *cpus);
/* Note a vector that is not moved and serves a thread; once. */
int placement_add_met(struct placement *p, const struct machine_vector *v);
