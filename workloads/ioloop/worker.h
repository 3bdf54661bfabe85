/* SPDX-License-Identifier: Apache-2.0 */
/* One job: a thread with its own ring, buffers and statistics. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "base/rng.h"
#include "engine.h"
#include "gate/gate.h"
#include "loop/arrivals.h"
#include "options.h"
#include "record/hist.h"

enum direction { DIR_READ, DIR_WRITE, DIRS };

#define INTERVAL_NS   100000000u
#define INTERVALS_MAX 36000 /* one hour; later I/Os are in the totals only */

/* System calls the loop makes, counted where they are made. */
enum call {
	CALL_IO_URING_ENTER,
	CALL_IO_SUBMIT,
	CALL_IO_GETEVENTS,
	CALL_PREADV2,
	CALL_PWRITEV2,
	CALL_NANOSLEEP,
	CALLS,
};

/* One slot: an I/O in flight, or free. */
struct io {
	uint64_t offset;
	char *buf;
	uint64_t submitted_ns, intended_ns;
	uint32_t file;
	uint32_t dir;
};

struct target {
	struct gate_target gate;
	const char *path;
	uint64_t base, blocks; /* first byte used, blocks of --bs from there */
};

struct threads;

struct worker {
	/* read by the hot loop, never written by another thread */
	const struct options *o;
	const struct engine_ops *engine;
	void *state; /* the engine's */
	const struct target *target;
	uint32_t n_targets, index;
	uint32_t depth, batch_submit, complete_min;
	int32_t expect; /* result of a whole I/O */
	uint32_t bs;
	struct threads *threads;

	/* hot */
	struct io *io;
	uint32_t *free, *batch;
	struct completion *done;
	uint32_t n_free, next_file;
	struct rng rng;
	uint64_t *next_block; /* sequential: by target */
	uint64_t remaining;   /* I/Os still to be submitted in this leg */

	/* statistics of the leg */
	uint64_t begin_ns, end_ns, origin_ns; /* origin: the window's, common to all jobs */
	uint64_t ios[DIRS], ios_total, errors, calls[CALLS];
	struct hist lat[DIRS], service;
	uint64_t inflight_last_ns, inflight_integral; /* I/O * ns */
	uint32_t inflight_max;
	uint64_t inflight_window; /* as it was when the window ended */
	struct starts starts;	  /* open loop */
	uint64_t *interval, interval_end_ns;
	uint32_t interval_at;

	/* slow path */
	char *arena;
	size_t arena_bytes;
	pthread_t thread;
	pid_t tid;
	int err; /* with the sentence in d */
	struct diag d;
} __attribute__((aligned(64)));

/* One stretch of the loop: ramp or window. `deadline_ns` 0: none; `number_ios` 0: no bound.
 * Returns with nothing in flight; w->err tells a failure. */
void loop_run(struct worker *w, uint64_t deadline_ns, uint64_t number_ios);
/* Statistics back to their beginning. */
void loop_reset(struct worker *w);

/* Set direction, target and offset of the slots in w->batch[0..n). Part of the hot loop. */
static inline void pattern_fill(struct worker *w, unsigned n)
{
	const struct options *o = w->o;
	const struct target *t = w->target;
	uint32_t file = w->next_file, n_targets = w->n_targets, bs = w->bs;
	bool random = o->random, mixed = o->reads && o->writes;
	struct rng rng = w->rng; /* a copy: the compiler keeps it in registers */

	for (unsigned i = 0; i < n; i++) {
		struct io *io = &w->io[w->batch[i]];
		uint64_t block;

		if (random) {
			block = rng_below(&rng, t[file].blocks);
		} else {
			block = w->next_block[file];
			w->next_block[file] = block + 1 == t[file].blocks ? 0 : block + 1;
		}
		io->file = file;
		io->offset = t[file].base + block * bs;
		if (mixed)
			io->dir = rng_below(&rng, 100) < o->rwmixread ? DIR_READ : DIR_WRITE;
		if (n_targets > 1 && ++file == n_targets)
			file = 0;
	}
	w->next_file = file;
	w->rng = rng;
}

/* Allocate and touch everything a worker needs, in its own thread, on its own memory node. */
int worker_alloc(struct worker *w, struct diag *d);
void worker_free(struct worker *w);
