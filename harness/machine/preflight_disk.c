// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"
#include "machine/preflight_private.h"
#include "sys/sys.h"

/* A device with hardware queues of its own and no head: what knobs are set on. */
static bool measurable(const struct machine_disk *disk)
{
	return !disk->virtual_device && disk->n_hctx;
}

PREFLIGHT_CHECK(preflight_scheduler)
{
	for (size_t i = 0; i < m->n_disks; i++) {
		const char *disk = m->disks[i].name;
		char text[256], mend[160], *open, *close;
		int err;

		if (!measurable(&m->disks[i]) ||
		    sys_readf(m->sys, text, sizeof(text), "/sys/block/%s/queue/scheduler", disk))
			continue;
		open = strchr(text, '[');
		close = open ? strchr(open, ']') : NULL;
		if (!close || !strncmp(open, "[none]", 6))
			continue;
		snprintf(mend, sizeof(mend), "echo none > /sys/block/%s/queue/scheduler", disk);
		err = preflight_add(
			found, self, SEVERITY_MEDIUM,
			"the scheduler's lock and dispatch are in every I/O; polled "
			"modes lose most. Modes that name a scheduler set it themselves",
			mend, "%s uses the I/O scheduler %.*s", disk, (int)(close - open - 1),
			open + 1);
		if (err)
			return err;
	}
	return 0;
}

PREFLIGHT_CHECK(preflight_rq_affinity)
{
	for (size_t i = 0; i < m->n_disks; i++) {
		const char *disk = m->disks[i].name;
		char mend[160];
		int64_t value;
		int err;

		if (!measurable(&m->disks[i]) ||
		    sys_readf_i64(m->sys, &value, "/sys/block/%s/queue/rq_affinity", disk) ||
		    value == 1)
			continue;
		snprintf(mend, sizeof(mend), "echo 1 > /sys/block/%s/queue/rq_affinity", disk);
		err = preflight_add(found, self, SEVERITY_LOW,
				    value == 2 ? "every completion is sent to the submitting CPU, "
						 "with an interrupt between CPUs where it differs"
					       : "completions run on whichever CPU took the "
						 "interrupt",
				    mend, "%s has rq_affinity %lld, the default is 1", disk,
				    (long long)value);
		if (err)
			return err;
	}
	return 0;
}

PREFLIGHT_CHECK(preflight_iostats)
{
	for (size_t i = 0; i < m->n_disks; i++) {
		const char *disk = m->disks[i].name;
		char mend[160];
		int64_t on;
		int err;

		if (!measurable(&m->disks[i]) ||
		    sys_readf_i64(m->sys, &on, "/sys/block/%s/queue/iostats", disk) || on)
			continue;
		snprintf(mend, sizeof(mend), "echo 1 > /sys/block/%s/queue/iostats", disk);
		err = preflight_add(found, self, SEVERITY_LOW,
				    "device I/O counts are missing from the proof of every mode",
				    mend, "%s has iostats off", disk);
		if (err)
			return err;
	}
	return 0;
}

PREFLIGHT_CHECK(preflight_poll_queues)
{
	for (size_t i = 0; i < m->n_disks; i++) {
		const struct machine_disk *disk = &m->disks[i];
		int64_t polls;
		int err;

		if (strcmp(disk->driver, "nvme") || !measurable(disk) ||
		    sys_readf_i64(m->sys, &polls, "/sys/block/%s/queue/io_poll", disk->name) ||
		    polls)
			continue;
		err = preflight_add(found, self, SEVERITY_MEDIUM,
				    "the iopoll rows, the main question, are unsupported on it",
				    "echo 'options nvme poll_queues=2' > "
				    "/etc/modprobe.d/nvme-poll.conf (then reboot)",
				    "%s has no poll queues: nvme.poll_queues=%s", disk->name,
				    machine_fact(m, "nvme.poll_queues", "0"));
		if (err)
			return err;
	}
	return 0;
}

PREFLIGHT_CHECK(preflight_link)
{
	for (size_t i = 0; i < m->n_disks; i++) {
		const struct machine_disk *d = &m->disks[i];
		int err;

		if (!d->link_speed[0] || !d->link_speed_max[0] ||
		    (!strcmp(d->link_speed, d->link_speed_max) &&
		     !strcmp(d->link_width, d->link_width_max)))
			continue;
		err = preflight_add(found, self, SEVERITY_MEDIUM,
				    "bandwidth is capped by the slot, not by the drive",
				    "(reseat the drive or move it to another slot)",
				    "%s runs at %s x%s, it can do %s x%s", d->name, d->link_speed,
				    d->link_width, d->link_speed_max, d->link_width_max);
		if (err)
			return err;
	}
	return 0;
}

PREFLIGHT_CHECK(preflight_apst)
{
	const char *us = machine_fact(m, "nvme.apst_max_latency_us", NULL);
	bool nvme = false;

	for (size_t i = 0; i < m->n_disks; i++)
		nvme = nvme || !strcmp(m->disks[i].driver, "nvme");
	if (!nvme || !us || !strtoul(us, NULL, 10))
		return 0;
	return preflight_add(found, self, SEVERITY_LOW,
			     "after a pause the first I/Os pay the drive's way out of a power "
			     "state: low rates and cold starts look slow",
			     "(boot with nvme_core.default_ps_max_latency_us=0)",
			     "NVMe drives may enter power states with up to %s us latency", us);
}
