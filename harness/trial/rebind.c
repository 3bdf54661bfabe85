// SPDX-License-Identifier: Apache-2.0
#include "trial/rebind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "knob/poll_queues.h"
#include "knob/transaction.h"
#include "machine/machine.h"
#include "sys/sys.h"

#define KNOB "nvme.poll_queues"

static int add(const struct machine *m, const char *pci, struct rebind *r, struct diag *d)
{
	char value[KNOB_VALUE_MAX];
	int err;

	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->controller[i].pci, pci))
			return 0;
	if (r->n == REBIND_MAX)
		return diag_set(d, -E2BIG, "more than %d controllers", REBIND_MAX);
	err = knob_get(m->sys, knob_find(KNOB), pci, value, d);
	if (!err && strcmp(value, "0"))
		return 0;
	if (!err)
		err = poll_queues_free(m->sys, pci, d);
	if (err)
		return err;
	snprintf(r->controller[r->n].pci, sizeof(r->controller[0].pci), "%s", pci);
	snprintf(r->controller[r->n].before, sizeof(r->controller[0].before), "%.15s", value);
	r->n++;
	return 0;
}

int rebind_plan(const struct machine *m, const struct machine_disk *disk, unsigned asked,
		struct rebind *r, struct diag *d)
{
	const struct machine_disk *paths[REBIND_MAX];
	size_t n = machine_paths(m, disk, paths, REBIND_MAX);
	int err = 0;

	*r = (struct rebind){.asked = asked};
	snprintf(r->wwid, sizeof(r->wwid), "%s", disk->wwid);
	if (n > REBIND_MAX)
		return diag_set(d, -E2BIG, "%s has more than %d paths", disk->name, REBIND_MAX);
	for (size_t i = 0; !err && i < n; i++) {
		if (strcmp(paths[i]->driver, "nvme") || !paths[i]->pci[0]) {
			snprintf(r->why, sizeof(r->why), "%s is not on an NVMe controller",
				 paths[i]->name);
			r->n = 0;
			return 0;
		}
		err = add(m, paths[i]->pci, r, d);
	}
	if (!err && !r->n)
		snprintf(r->why, sizeof(r->why), "%s has poll queues", disk->name);
	if (err)
		r->n = 0;
	return err ? diag_prefix(d, err, "allow_rebind") : 0;
}

int rebind_apply(struct knob_session *session, struct rebind *r, struct diag *d)
{
	_free_ struct knob_setting *list = calloc(r->n + 1, sizeof(*list));
	int err;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++) {
		list[i].knob = knob_find(KNOB);
		snprintf(list[i].instance, sizeof(list[i].instance), "%s", r->controller[i].pci);
		snprintf(list[i].value, sizeof(list[i].value), "%u", r->asked);
	}
	err = session_apply(session, list, r->n, d);
	if (err)
		return err;
	session_keep(session, true);
	r->done = true;
	return 0;
}

int rebind_note(const struct rebind *r, struct machine *m, const struct machine_disk *disk,
		struct diag *d)
{
	m->rebind = (struct machine_rebind){
		.asked = r->n ? r->asked : 0, .done = r->done, .disk = disk};
	if (r->done && strcmp(disk->wwid, r->wwid))
		return diag_set(d, -ENODEV,
				"after the rebind the target's name leads to another disk (%s, was "
				"%s); name it by /dev/disk/by-id",
				disk->wwid, r->wwid);
	return 0;
}

json_t *rebind_json(const struct rebind *r)
{
	json_t *list;

	if (!r || !r->n)
		return json_null();
	list = json_array();
	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s}", "controller", r->controller[i].pci,
						"poll_queues_before", r->controller[i].before));
	return json_pack("{s:I, s:b, s:o}", "poll_queues", (json_int_t)r->asked, "done", r->done,
			 "controllers", list);
}
