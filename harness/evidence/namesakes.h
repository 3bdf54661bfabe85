/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces that have the name of one of the target's and live in another network namespace. The
 * tracepoint napi:napi_poll names the interface and nothing else that tells them apart, so what
 * they poll would count as the target's. Internal to evidence/.
 *
 * Found through the processes in those namespaces (/proc/PID/net/dev is the process's own): one
 * that nobody lives in is not seen. "lo" has no NAPI instance and is left out.
 */
#pragma once
#include "evidence/evidence.h"
#include <stdint.h>

struct namesakes {
	struct namesake {
		char netns[40]; /* "net:[4026532201]" */
		char dev[16];
		int pid;	  /* a process that lives there */
		uint64_t packets; /* received and sent */
	} * item;
	size_t n;
};

/* What there is now; freed with namesakes_free(), also after an error. -ENODATA, -ENODEV: as
 * net_ends(). Who may not look into a process's namespace (EACCES) does not see its interfaces. */
int namesakes_read(const struct evidence_scope *scope, struct namesakes *found, struct diag *d);
/* The first that moved packets between the two; NULL: none did. */
const struct namesake *namesakes_moved(const struct namesakes *before,
				       const struct namesakes *after);
void namesakes_free(struct namesakes *found);
