/* SPDX-License-Identifier: Apache-2.0 */
/* A way to wait for packets: how a thread learns that data has come, and how it sends. */
#pragma once
#include <jansson.h>
#include <stdint.h>

struct diag;
struct flow;
struct worker;

enum {
	WAIT_BLOCKS = 1,       /* sleeps in one socket: one flow a thread */
	WAIT_RING = 2,	       /* an io_uring */
	WAIT_BUSY_POLLS = 4,   /* options of busy polling mean something */
	WAIT_SOCKET_POLLS = 8, /* ... and are set on each socket */
};

#define WAIT_FOREVER UINT64_MAX

struct wait_ops {
	const char *name, *doc;
	unsigned uses;
	/* In the worker's thread, its flows open. A refusal names the flag and what it needs. */
	int (*open)(struct worker *w, struct diag *d);
	/*
	 * Wait for data, at most `timeout_ns` (WAIT_FOREVER; 0 looks once), and hand what has come
	 * to worker_data(). May return early: a signal, or now and then when it spins. The number
	 * of pieces handed over, or -errno; -EPIPE when the other side has closed a flow.
	 */
	int (*receive)(struct worker *w, uint64_t timeout_ns);
	/* Send one message of `len` bytes. UDP: those at `buf`, which stay as they are until the
	 * response has come. TCP: any (w->payload). What finds no room in a TCP socket is owed and
	 * sent later by receive(). */
	int (*send)(struct worker *w, struct flow *f, char *buf, uint32_t len);
	/* Stream: send what is left of the message that has begun, or the next one of `len` bytes
	 * from w->payload or `buf` (UDP). `len` when it has left, 0 when there is no room, -errno.
	 */
	int (*stream)(struct worker *w, struct flow *f, char *buf, uint32_t len);
	/* Stream: wait until a socket that had no room may have some. NULL: stream() waits. */
	int (*await_room)(struct worker *w, uint64_t timeout_ns);
	void (*close)(struct worker *w);
	/* What the kernel really accepted, into `flags`. */
	void (*report)(const struct worker *w, json_t *flags);
};

/* NULL with the nearest right name. */
const struct wait_ops *wait_find(const char *name, struct diag *d);

extern const struct wait_ops wait_block, wait_epoll, wait_epoll_spin, wait_spin, wait_io_uring,
	wait_io_uring_napi;
