/* SPDX-License-Identifier: Apache-2.0 */
/* An io_uring by raw system calls: set up, entered, reaped. Used by three engines. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "uapi.h"
#include "worker.h"

struct ring {
	int fd, enter_fd; /* enter_fd: index when the ring itself is registered */
	uint32_t enter_flags;
	uint32_t sq_mask, cq_mask, sq_tail, cq_head; /* our copies */
	uint32_t *sq_ktail, *sq_khead, *sq_kflags;
	uint32_t *cq_khead, *cq_ktail;
	char *sqes, *cqes;
	uint32_t sqe_shift, cqe_shift; /* log2 of an entry's bytes */
	bool sqpoll, looks_enter;      /* a mere look needs the kernel: IOPOLL, DEFER_TASKRUN */
	uint32_t min_wait_usec;
	uint32_t setup, features;
	uint8_t opcode[DIRS];
	uint8_t sqe_flags;
	void *sq_map, *cq_map, *sqe_map;
	size_t sq_map_bytes, cq_map_bytes, sqe_map_bytes;
};

/* `extra`: set-up flags the engine itself needs (SQE128 …). *ring is w->state afterwards. */
int ring_open(struct worker *w, uint32_t extra, struct diag *d);
void ring_close(struct worker *w);
/* Set-up flags, features, registered things and the SQ thread, as the kernel has them. */
void ring_report(const struct worker *w, json_t *flags);
/* Publish the `n` entries filled at sq_tail, wait, reap: the second half of an exchange. */
int ring_exchange(struct worker *w, unsigned n, unsigned min, uint64_t timeout_ns);

static inline void *ring_sqe(struct ring *r, uint32_t at)
{
	return r->sqes + ((size_t)(at & r->sq_mask) << r->sqe_shift);
}
