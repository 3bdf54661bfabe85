/* SPDX-License-Identifier: Apache-2.0 */
/* An engine is a way to have I/Os done: how they are submitted and how completions come back. */
#pragma once
#include <jansson.h>
#include <stdint.h>

struct diag;
struct worker;

/* One completion: what read(2) would return, or -errno, or a positive NVMe status. */
struct completion {
	uint32_t slot;
	int32_t result;
};

enum {
	ENGINE_RING = 1,      /* an io_uring: its set-up flags mean something */
	ENGINE_IOPOLL = 2,    /* has files, buffers and polling to offer to a ring */
	ENGINE_HIPRI = 4,     /* --hipri means something */
	ENGINE_DEPTH_ONE = 8, /* each I/O blocks */
	ENGINE_NO_FILE = 16,  /* needs no target */
};

#define WAIT_FOREVER UINT64_MAX

struct engine_ops {
	const char *name;
	unsigned uses;
	/* In the worker's thread. A refusal names the flag and what it needs. */
	int (*open)(struct worker *w, struct diag *d);
	/*
	 * Submit the `n` slots of w->batch, then wait until at least `min` I/Os are complete, at
	 * most `timeout_ns` (WAIT_FOREVER; 0 looks once). Completions go to w->done. Returns their
	 * number (0 on time-out), or -errno when the engine itself failed. Allocates nothing.
	 */
	int (*exchange)(struct worker *w, unsigned n, unsigned min, uint64_t timeout_ns);
	void (*close)(struct worker *w);
	/* What the kernel really accepted, into `flags`; `calls` by name of the system call. */
	void (*report)(const struct worker *w, json_t *flags);
};

/* NULL with the nearest right name. "libaio", "psync" … of fio are understood. */
const struct engine_ops *engine_find(const char *name, struct diag *d);

extern const struct engine_ops engine_sync, engine_aio, engine_io_uring, engine_passthrough,
	engine_nop;
