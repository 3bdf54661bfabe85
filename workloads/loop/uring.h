/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring by raw system calls (io_uring_setup(2), io_uring_register(2), mmap): the part that
 * every own loop needs, whatever it submits. Set up once, by one thread; nothing is retried with
 * fewer flags.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/uapi.h"

struct diag;

struct uring {
	int fd, enter_fd; /* enter_fd: index when the ring itself is registered */
	uint32_t enter_flags;
	uint32_t sq_mask, cq_mask, sq_tail, cq_head; /* our copies */
	uint32_t *sq_ktail, *sq_khead, *sq_kflags;
	uint32_t *cq_khead, *cq_ktail;
	char *sqes, *cqes;
	uint32_t sqe_shift, cqe_shift; /* log2 of an entry's bytes */
	uint32_t setup, features;
	void *sq_map, *cq_map, *sqe_map;
	size_t sq_map_bytes, cq_map_bytes, sqe_map_bytes;
};

/* `wanted`: flags, sq_thread_cpu and sq_thread_idle. A refusal names the flag that the kernel would
 * not have; -errno. `u` may be closed whatever came back. */
int uring_open(struct uring *u, uint32_t entries, const struct io_uring_params *wanted,
	       struct diag *d);
void uring_close(struct uring *u);
/* io_uring_register(2): its value, or -errno. */
int uring_register(const struct uring *u, unsigned op, void *arg, unsigned n);
/* IORING_REGISTER_RING_FDS (Linux 5.18): enter without looking the descriptor up. */
int uring_register_ring(struct uring *u, struct diag *d);
/* "setup", "features", "sq_entries", "cq_entries", as the kernel has them. */
void uring_report(const struct uring *u, json_t *flags);

static inline void *uring_sqe(const struct uring *u, uint32_t at)
{
	return u->sqes + ((size_t)(at & u->sq_mask) << u->sqe_shift);
}

static inline const struct io_uring_cqe *uring_cqe(const struct uring *u, uint32_t at)
{
	return (const void *)(u->cqes + ((size_t)(at & u->cq_mask) << u->cqe_shift));
}

/* Completions that wait to be reaped from cq_head on. */
static inline uint32_t uring_ready(const struct uring *u)
{
	return __atomic_load_n(u->cq_ktail, __ATOMIC_ACQUIRE) - u->cq_head;
}

/* Give `n` reaped completions back to the kernel. */
static inline void uring_seen(struct uring *u, uint32_t n)
{
	u->cq_head += n;
	__atomic_store_n(u->cq_khead, u->cq_head, __ATOMIC_RELEASE);
}
