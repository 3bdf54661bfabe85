/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine and this target can do, as `requires:` of a mode asks for it. A capability's
 * value is text, "1" or "0", and "unknown" where
 * only the live machine could tell; when a mode needs another value the reason and what would
 * help are printed. One row per capability in capability.c.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct machine;
struct machine_disk;

struct capability_answer {
	char value[64];
	char reason[256]; /* why it is as it is: "no poll queues: nvme.poll_queues=0" */
	char remedy[256]; /* what would make it available, or "" */
};

struct capability {
	const char *name; /* "block.io_poll", "io_uring.hybrid_iopoll", "nvme.char_device" … */
	const char *doc;
	bool of_disk; /* asks about a device; else about the host alone */
	/* `disk` is the target's device, NULL for a capability of the host alone. */
	void (*probe)(const struct machine *m, const struct machine_disk *disk,
		      struct capability_answer *answer);
};

const struct capability *capability_all(size_t *n);
const struct capability *capability_find(const char *name);
/* {"value", "reason", "remedy"}. New reference. */
json_t *capability_json(const struct capability_answer *answer);
