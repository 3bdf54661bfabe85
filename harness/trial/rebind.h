/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Poll queues for a whole run: the NVMe controllers behind the target are bound anew with some
 * (knob nvme.poll_queues), before anything else is looked at, because a rebind renumbers interrupts
 * and may rename devices; and given back at the end of the run. One plot of the plan, not a row.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct diag;
struct knob_session;
struct machine;
struct machine_disk;

#define REBIND_MAX 16
struct rebind {
	unsigned asked; /* poll queues a controller shall have */
	bool done;	/* it has happened; `after` counts */
	char why[160];	/* n == 0: why there is nothing to do */
	size_t n;
	struct {
		char pci[32], before[16], after[16];
	} controller[REBIND_MAX];
	char wwid[128]; /* of the target's disk: it has to be the same one afterwards */
};

/* Which controllers behind `disk` have no poll queues. 0 with r->n == 0 and r->why: nothing to do.
 * -EBUSY names what uses one of them. Changes nothing. */
int rebind_plan(const struct machine *m, const struct machine_disk *disk, unsigned asked,
		struct rebind *r, struct diag *d);
/* Do it. It stays until session_close(); the machine has to be discovered anew. */
int rebind_apply(struct knob_session *session, struct rebind *r, struct diag *d);
/* Note in the discovered machine what will be, or has been, done; and, once done, refuse (-ENODEV)
 * when `disk` is not the one it was. */
int rebind_note(const struct rebind *r, struct machine *m, const struct machine_disk *disk,
		struct diag *d);
/* New reference; null without a rebind. */
json_t *rebind_json(const struct rebind *r);
