// SPDX-License-Identifier: Apache-2.0
#include "placement/role.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/suggest.h"

#define LIST_PREFIX "cpus:"

#define ROLE(role, where_thread, where_interrupt, where_memory, text)                            \
	{                                                                                        \
		.name = role, .doc = text, .thread = where_thread, .interrupt = where_interrupt, \
		.memory = where_memory                                                           \
	}

static const struct placement_role roles[] = {
	ROLE(PLACEMENT_DEFAULT, PLACEMENT_HOME, PLACEMENT_ON_THREAD, PLACEMENT_AT_DEVICE,
	     "thread, memory and interrupts on the device's node, each thread on the CPU that its "
	     "queue's vector interrupts"),
	{.name = "same-cpu",
	 .doc = "all on one CPU: every thread, its interrupts, SQ and NAPI threads",
	 .shape = PLACEMENT_ONE_CPU,
	 .thread = PLACEMENT_HOME,
	 .interrupt = PLACEMENT_ON_THREAD,
	 .memory = PLACEMENT_AT_DEVICE},
	{.name = "steered",
	 .doc = "of a network: as local, and each end sends by one queue (XPS), RPS and RFS off",
	 .thread = PLACEMENT_HOME,
	 .interrupt = PLACEMENT_ON_THREAD,
	 .memory = PLACEMENT_AT_DEVICE,
	 .steer = PLACEMENT_STEERED},
	{.name = "full",
	 .doc = "of a network: as steered, and every flow arrives on that queue: flow, queue, "
		"vector, CPU, thread and memory together",
	 .thread = PLACEMENT_HOME,
	 .interrupt = PLACEMENT_ON_THREAD,
	 .memory = PLACEMENT_AT_DEVICE,
	 .steer = PLACEMENT_FULL},
	ROLE("smt-sibling", PLACEMENT_HOME, PLACEMENT_ON_SIBLING, PLACEMENT_AT_DEVICE,
	     "interrupts on the other thread of the core"),
	ROLE("same-cache", PLACEMENT_HOME, PLACEMENT_IN_CACHE, PLACEMENT_AT_DEVICE,
	     "interrupts on another core that shares the last-level cache"),
	ROLE("same-node", PLACEMENT_HOME, PLACEMENT_ON_NODE, PLACEMENT_AT_DEVICE,
	     "interrupts on the thread's node, in another last-level cache"),
	ROLE("remote-node", PLACEMENT_AWAY, PLACEMENT_ON_THREAD, PLACEMENT_AT_THREAD,
	     "thread, memory and interrupts together on a node that is not the device's"),
	ROLE("remote-thread", PLACEMENT_AWAY, PLACEMENT_AT_HOME, PLACEMENT_AT_DEVICE,
	     "only the thread on another node"),
	ROLE("remote-memory", PLACEMENT_HOME, PLACEMENT_ON_THREAD, PLACEMENT_FAR_FROM_DEVICE,
	     "only the memory on another node"),
	ROLE("remote-interrupt", PLACEMENT_HOME, PLACEMENT_AT_AWAY, PLACEMENT_AT_DEVICE,
	     "only the interrupts on another node"),
	ROLE("remote-thread-memory", PLACEMENT_AWAY, PLACEMENT_AT_HOME, PLACEMENT_AT_THREAD,
	     "only the interrupts on the device's node"),
	ROLE("remote-thread-interrupt", PLACEMENT_AWAY, PLACEMENT_ON_THREAD, PLACEMENT_AT_DEVICE,
	     "only the memory on the device's node"),
	ROLE("remote-interrupt-memory", PLACEMENT_HOME, PLACEMENT_AT_AWAY,
	     PLACEMENT_FAR_FROM_DEVICE, "only the thread on the device's node"),
	{.name = "spread",
	 .doc = "threads over all nodes and cores, or a network's queues over the CPUs of its "
		"node",
	 .shape = PLACEMENT_SPREAD,
	 .thread = PLACEMENT_HOME,
	 .interrupt = PLACEMENT_SPREAD_OVER,
	 .memory = PLACEMENT_AT_DEVICE},
	{.name = "os-default",
	 .doc = "nothing pinned or bound, no vector moved: as most people run",
	 .shape = PLACEMENT_UNPINNED},
};

static const struct placement_role listed = {
	.name = "cpus",
	.doc = "the CPUs that are named, cpus:3,1: threads take them in that order, of a network "
	       "the "
	       "client, then the server",
	.shape = PLACEMENT_LIST,
};

const struct placement_role *placement_roles(size_t *n)
{
	*n = ARRAY_SIZE(roles);
	return roles;
}

/* "9,1-2": who is named first is taken first. The text has been parsed as a list. */
static int keep_order(const char *text, struct placement_spec *spec)
{
	size_t n = 0;
	char *end;

	spec->order = calloc(spec->cpus.n, sizeof(*spec->order));
	for (const char *at = text; spec->order && *at; at = *end ? end + 1 : end) {
		unsigned first = (unsigned)strtoul(at, &end, 10), last = first;

		if (*end == '-')
			last = (unsigned)strtoul(end + 1, &end, 10);
		for (unsigned cpu = first; cpu <= last && n < spec->cpus.n; cpu++) {
			bool again = false;

			for (size_t i = 0; i < n; i++)
				again |= spec->order[i] == cpu;
			if (!again)
				spec->order[n++] = cpu;
		}
		if (end == at)
			break;
	}
	return spec->order ? 0 : -ENOMEM;
}

static int parse_list(const char *text, struct placement_spec *spec, struct diag *d)
{
	int err = cpulist_parse(text, &spec->cpus, d);

	if (!err && !spec->cpus.n)
		err = diag_set(d, -EINVAL, "\"" LIST_PREFIX "\" names no CPU");
	if (!err)
		err = keep_order(text, spec);
	if (!err)
		spec->role = &listed;
	return err;
}

int placement_spec_parse(const char *text, struct placement_spec *spec, struct diag *d)
{
	const char *names[ARRAY_SIZE(roles)];
	char hint[160];

	*spec = (struct placement_spec){0};
	snprintf(spec->text, sizeof(spec->text), "%s", text);
	if (!strncmp(text, LIST_PREFIX, strlen(LIST_PREFIX)))
		return parse_list(text + strlen(LIST_PREFIX), spec, d);
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		names[i] = roles[i].name;
		if (!strcmp(text, roles[i].name)) {
			spec->role = &roles[i];
			return 0;
		}
	}
	return diag_set(d, -EINVAL, "unknown placement \"%s\"%s", text,
			suggest_text(text, names, ARRAY_SIZE(names), hint, sizeof(hint)));
}

void placement_spec_free(struct placement_spec *spec)
{
	cpulist_free(&spec->cpus);
	free(spec->order);
	spec->order = NULL;
}
