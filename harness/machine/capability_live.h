/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities that only a system call can tell: capability_live.c. */
#pragma once
#include "machine/capability.h"

#define CAPABILITY_PROBE(name)                                                    \
	void name(const struct machine *m, const struct machine_subject *subject, \
		  struct capability_answer *answer)

CAPABILITY_PROBE(capability_aio);
CAPABILITY_PROBE(capability_ring);
CAPABILITY_PROBE(capability_ring_coop_taskrun);
CAPABILITY_PROBE(capability_ring_defer_taskrun);
CAPABILITY_PROBE(capability_ring_hybrid_iopoll);
CAPABILITY_PROBE(capability_ring_iopoll);
CAPABILITY_PROBE(capability_ring_min_wait);
CAPABILITY_PROBE(capability_ring_passthrough);
CAPABILITY_PROBE(capability_ring_sqpoll);

/* Fill the answer; `remedy` (or NULL) is kept only for a no. */
__attribute__((format(printf, 4, 5))) void capability_set(struct capability_answer *answer,
							  bool yes, const char *remedy,
							  const char *fmt, ...);
/* On a recorded machine: fill the answer from the recording, or with "unknown", and return true. */
bool capability_replay(const struct machine *m, const char *name, struct capability_answer *answer);
