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
	struct cpulist workers; /* one CPU per job while there are enough, else shared */
	bool has_sq;		/* a CPU of its own for the SQ thread was found */
	unsigned sq_cpu;
	unsigned orchestrator_cpu;
	bool orchestrator_shares; /* no CPU was left outside the measured ones */
};

/* `jobs` workers, at most one a CPU. `disk` may be NULL. -ENODEV when no CPU may be used. */
int placement_resolve(const struct machine *m, const struct machine_disk *disk, unsigned jobs,
		      bool wants_sq, struct placement *p, struct diag *d);
void placement_free(struct placement *p);
/* {"rule", "workers", "sq_cpu", "orchestrator_cpu", "node"}; new reference. */
json_t *placement_json(const struct placement *p, const struct machine *m);
