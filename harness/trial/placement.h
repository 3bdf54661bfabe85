/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CPUs the workers, the SQ thread and the orchestrator run on. The rule here is "local": a
 * worker sits on a CPU that its queue's vector interrupts, on the device's node, and off CPU 0
 * where there is a choice. Managed vectors cannot be moved, so threads follow vectors.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include "base/num.h"
#include "machine/machine.h"

struct diag;

struct placement {
	struct cpulist workers; /* one CPU per job while there are enough, else shared; of a
				   network: the client's CPU */
	struct cpulist server;	/* the other end's CPU; empty without a network */
	bool has_sq;		/* a CPU of its own for the SQ thread was found */
	unsigned sq_cpu;
	unsigned orchestrator_cpu;
	bool orchestrator_shares; /* no CPU was left outside the measured ones */
};

/* `jobs` workers, at most one a CPU. `disk` may be NULL. -ENODEV when no CPU may be used. */
int placement_resolve(const struct machine *m, const struct machine_disk *disk, unsigned jobs,
		      bool wants_sq, struct placement *p, struct diag *d);
/* Both ends of a network, each on a CPU of its own, on `node` (-1: any). -ENODEV when there are no
 * two. On two CPUs the client has CPU 0. */
int placement_resolve_net(const struct machine *m, int node, struct placement *p, struct diag *d);
void placement_free(struct placement *p);
/* Append every CPU that is measured: workers, SQ thread, server. */
int placement_measured(const struct placement *p, struct cpulist *cpus);
/* {"rule", "workers", "server", "sq_cpu", "orchestrator_cpu", "node"}; new reference. */
json_t *placement_json(const struct placement *p, const struct machine *m);
