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
struct machine_subject;

struct capability_answer {
	char value[64];
	char reason[256]; /* why it is as it is: "no poll queues: nvme.poll_queues=0" */
	char remedy[256]; /* what would make it available, or "" */
};

enum capability_of { OF_HOST, OF_DISK, OF_NIC };

struct capability {
	const char *name; /* "block.io_poll", "io_uring.hybrid_iopoll", "nvme.char_device" … */
	const char *doc;
	enum capability_of of; /* what it asks about; OF_HOST reads nothing of the subject */
	/* OF_NIC: true only when it is so for every one of the subject's interfaces. */
	void (*probe)(const struct machine *m, const struct machine_subject *subject,
		      struct capability_answer *answer);
};

const struct capability *capability_all(size_t *n);
const struct capability *capability_find(const char *name);
/* Does the row have an answer for this subject? The host's rows have one only for the host. */
bool capability_applies(const struct capability *c, const struct machine_subject *subject);
/* {"value", "reason", "remedy"}. New reference. */
json_t *capability_json(const struct capability_answer *answer);
