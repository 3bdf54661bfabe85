/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of a job: set up, entered, reaped. Used by three engines. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "loop/uring.h"
#include "worker.h"

struct ring {
	struct uring u;
	bool sqpoll, looks_enter; /* a mere look needs the kernel: IOPOLL, DEFER_TASKRUN */
	uint32_t min_wait_usec;
	uint8_t opcode[DIRS];
	uint8_t sqe_flags;
};

/* `extra`: set-up flags the engine itself needs (SQE128 …). *ring is w->state afterwards. */
int ring_open(struct worker *w, uint32_t extra, struct diag *d);
void ring_close(struct worker *w);
/* Set-up flags, features, registered things and the SQ thread, as the kernel has them. */
void ring_report(const struct worker *w, json_t *flags);
/* Publish the `n` entries filled at sq_tail, wait, reap: the second half of an exchange. */
int ring_exchange(struct worker *w, unsigned n, unsigned min, uint64_t timeout_ns);
