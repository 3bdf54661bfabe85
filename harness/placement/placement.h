/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CPUs the workers, the SQ thread, NAPI threads and the orchestrator run on, which CPUs are
 * interrupted, and which node has the memory: functions of `struct machine` alone.
 *
 * Without a name (placement_resolve, placement_resolve_net) threads are placed by the rule of
 * "local" and nothing else is touched: a worker sits on a CPU that its queue's vector interrupts,
 * on the device's node, and off CPU 0 where there is a choice. A named one (placement_make) is kept
 * whole or refused: its vectors are moved where they can be, and where the kernel manages them the
 * threads are chosen to match.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include "base/num.h"
#include "machine/machine.h"

struct diag;
struct placement_role;
struct placement_spec;

/* One vector to be moved. */
struct placement_move {
	char vector[128]; /* instance of knob irq.affinity */
	char cpus[64];
};

enum { PLACEMENT_CLIENT, PLACEMENT_SERVER, PLACEMENT_ENDS };

struct placement {
	struct cpulist workers; /* one CPU per job while there are enough, else shared; of a
				   network: the client's CPU; unpinned: all that may be used */
	struct cpulist server;	/* the other end's CPU; empty without a network */
	bool has_sq;		/* a CPU of its own for the SQ thread was found */
	unsigned sq_cpu;
	unsigned orchestrator_cpu;
	bool orchestrator_shares; /* no CPU was left outside the measured ones */
	/* Below: of a named placement only; role NULL otherwise. */
	const struct placement_role *role;
	char name[64]; /* as the experiment names it */
	bool unpinned; /* threads run where the scheduler puts them */
	/* CPUs that the vectors in use interrupt: of the disk, or of the client, and of the
	 * server. Empty and interrupts_known: there are no vectors. */
	struct cpulist interrupts[PLACEMENT_ENDS];
	bool interrupts_known;
	int memory[PLACEMENT_ENDS];   /* node the memory is bound to, -1: not bound */
	int napi_cpu[PLACEMENT_ENDS]; /* of NAPI threads, -1: none asked for */
	struct placement_move *moves;
	size_t n_moves;
	/* Names of the vectors that stay where they are and complete what the threads submit. */
	char (*met)[64];
	size_t n_met;
	bool away_from_thread; /* interrupts come to other CPUs than the thread's, by intent */
};

/* `jobs` workers, at most one a CPU. `disk` may be NULL. -ENODEV when no CPU may be used. */
int placement_resolve(const struct machine *m, const struct machine_disk *disk, unsigned jobs,
		      bool wants_sq, struct placement *p, struct diag *d);
/* Both ends of a network, each on a CPU of its own, on `node` (-1: any). -ENODEV when there are no
 * two. On two CPUs the client has CPU 0. */
int placement_resolve_net(const struct machine *m, int node, struct placement *p, struct diag *d);

struct placement_request {
	const struct machine *machine;
	const struct placement_spec *spec;
	const struct machine_disk *disk;	       /* of a block device */
	const struct machine_nic *nic[PLACEMENT_ENDS]; /* of a network; NULL: without vectors */
	bool net;
	unsigned jobs;
	bool wants_sq, wants_napi;
	/* os-default: movable vectors go to the CPU where they are now; else no vector is touched.
	 */
	bool vectors_back;
	bool reads; /* reads only: where the device has read queues they are used */
};

/* Why a placement is not possible here. */
struct placement_refusal {
	char code[24]; /* "one-node": one word for tests and records */
	char text[320], remedy[160];
};

/* -ENOTSUP with the refusal; -ENOMEM. */
int placement_make(const struct placement_request *r, struct placement *p,
		   struct placement_refusal *why);

void placement_free(struct placement *p);
/* Append every CPU that is measured: workers, SQ thread, server. */
int placement_measured(const struct placement *p, struct cpulist *cpus);
/* {"rule", "workers", "server", "sq_cpu", "orchestrator_cpu", "node"}, and of a named one "name",
 * "interrupts", "memory_node", "moves", "unpinned" …; new reference. */
json_t *placement_json(const struct placement *p, const struct machine *m);
/* "threads 4 interrupts 4 memory 1 orchestrator 1" of a named one. Returns `out`. */
const char *placement_text(const struct placement *p, char *out, size_t size);
