// SPDX-License-Identifier: Apache-2.0
/*
 * The hot loop. Nothing is allocated here, and no engine is told from another: each pass hands a
 * batch of slots to the engine and gets completions back. One time stamp is taken before a batch is
 * submitted and one after completions came back, so at most two an I/O; every I/O is recorded with
 * the stamps of its own batches.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "threads.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Without latencies the clock is read only so often that a pass of it stays below this. */
#define COARSE_NS     20000
#define COARSE_PASSES 64

static bool stopped(const struct worker *w)
{
	return atomic_load_explicit(&w->threads->stop, memory_order_relaxed);
}

static inline uint32_t in_flight(const struct worker *w)
{
	return w->depth - w->n_free;
}

/* The in-flight counter is kept apart from the latencies: time-weighted, by its own sum. */
static inline void weigh_in_flight(struct worker *w, uint64_t now)
{
	w->inflight_integral += (now - w->inflight_last_ns) * in_flight(w);
	w->inflight_last_ns = now;
}

__attribute__((noinline, cold)) static void io_failed(struct worker *w, const struct io *io,
						      int32_t result)
{
	const char *path = w->n_targets ? w->target[io->file].path : "nop";
	const char *what = io->dir == DIR_READ ? "read" : "write";
	unsigned long long at = io->offset;

	w->errors++;
	atomic_store(&w->threads->stop, true);
	if (w->err)
		return;
	w->err = result < 0 ? result : -EIO;
	if (result == -EOPNOTSUPP && w->o->hipri)
		diag_set(&w->d, w->err,
			 "%s: IORING_SETUP_IOPOLL: %s at byte %llu: Operation not supported: the "
			 "device has no poll queues (queue/io_poll is 0; nvme.poll_queues)",
			 path, what, at);
	else if (result == -EINVAL)
		diag_set(&w->d, w->err,
			 "%s: %s of %u bytes at byte %llu: Invalid argument (with --direct, --bs "
			 "and --offset must be multiples of the device's block)",
			 path, what, w->bs, at);
	else if (result < 0)
		diag_errno(&w->d, w->err, "%s: %s of %u bytes at byte %llu", path, what, w->bs, at);
	else if (w->engine == &engine_passthrough)
		diag_set(&w->d, w->err, "%s: %s at byte %llu: NVMe status %#x", path, what, at,
			 (unsigned)result);
	else
		diag_set(&w->d, w->err, "%s: %s at byte %llu: %d of %u bytes came", path, what, at,
			 result, w->bs);
}

static inline void interval_add(struct worker *w, uint64_t now, unsigned n)
{
	while (unlikely(now >= w->interval_end_ns) && w->interval_at + 1 < INTERVALS_MAX) {
		w->interval_at++;
		w->interval_end_ns += INTERVAL_NS;
	}
	w->interval[w->interval_at] += n;
}

/* --test-delay: a slowdown of known size for the tests of regression detection. Burnt per
 * completion and part of its latency, as if the kernel had taken that much longer. Returns the new
 * time. */
__attribute__((noinline, cold)) static uint64_t burn(const struct worker *w, unsigned n,
						     uint64_t now)
{
	uint64_t start = clock_ns(), until = start + n * w->o->test_delay_ns;

	while (clock_ns() < until)
		;
	return now ? now + (clock_ns() - start) : 0;
}

/* Take `n` completions into the books; the good ones are added to `ios_of`, by direction. */
__attribute__((always_inline)) static inline void
account(struct worker *w, unsigned n, uint64_t now, uint64_t ios_of[DIRS], bool lat, bool open)
{
	const struct completion *done = w->done;
	uint32_t *free = w->free + w->n_free;
	const struct io *ios = w->io;
	int32_t expect = w->expect;
	uint32_t good = n, writes = 0;

	if (unlikely(w->o->test_delay_ns))
		now = burn(w, n, now);
	w->n_free += n;
	for (unsigned i = 0; i < n; i++) {
		const struct io *io = &ios[done[i].slot];

		free[i] = done[i].slot;
		if (unlikely(done[i].result != expect)) {
			io_failed(w, io, done[i].result);
			good--;
			continue;
		}
		writes += io->dir;
		if (open) {
			hist_add(&w->lat[io->dir], now - io->intended_ns);
			hist_add(&w->service, now - io->submitted_ns);
		} else if (lat) {
			hist_add(&w->lat[io->dir], now - io->submitted_ns);
		}
	}
	ios_of[DIR_READ] += good - writes;
	ios_of[DIR_WRITE] += writes;
}

__attribute__((noinline, cold)) static void engine_failed(struct worker *w, int err)
{
	if (!w->err)
		w->err = diag_errno(&w->d, err, "engine %s", w->engine->name);
	atomic_store(&w->threads->stop, true);
}

/* Clock reads without latencies: seldom enough to cost nothing, often enough to end in time. */
struct coarse {
	uint32_t passes, left;
	uint64_t last_ns;
};

static inline uint64_t coarse_clock(struct coarse *c)
{
	uint64_t now;

	if (likely(c->left)) {
		c->left--;
		return c->last_ns;
	}
	now = clock_ns();
	if (now - c->last_ns > COARSE_NS)
		c->passes /= 2;
	else if (c->passes < COARSE_PASSES)
		c->passes = c->passes * 2 + 1;
	c->left = c->passes;
	c->last_ns = now;
	return now;
}

/* Fill the batch from the free slots. */
__attribute__((always_inline)) static inline unsigned take(struct worker *w)
{
	unsigned n = w->n_free < w->batch_submit ? w->n_free : w->batch_submit;
	const uint32_t *free;

	if (unlikely(n > w->remaining))
		n = (unsigned)w->remaining;
	w->remaining -= n;
	w->n_free -= n;
	free = w->free + w->n_free;
	for (unsigned i = 0; i < n; i++)
		w->batch[i] = free[i];
	pattern_fill(w, n);
	return n;
}

/* Closed loop: whatever is free is submitted again at once. */
__attribute__((always_inline)) static inline void run_closed(struct worker *w, uint64_t deadline,
							     bool lat)
{
	struct coarse coarse = {.last_ns = w->begin_ns};
	uint64_t now = w->begin_ns;

	while (likely(!stopped(w)) && now < deadline) {
		uint32_t before = in_flight(w), min = 0;
		unsigned n = take(w);
		int got;

		if (!w->n_free || !w->remaining) /* no more to submit: wait for a batch */
			min = in_flight(w) < w->complete_min ? in_flight(w) : w->complete_min;
		if (unlikely(!in_flight(w)))
			break; /* number_ios reached */
		if (lat) {
			now = clock_ns();
			w->inflight_integral += (now - w->inflight_last_ns) * before;
			w->inflight_last_ns = now;
			for (unsigned i = 0; i < n; i++)
				w->io[w->batch[i]].submitted_ns = now;
		}
		if (in_flight(w) > w->inflight_max)
			w->inflight_max = in_flight(w);
		got = w->engine->exchange(w, n, min, WAIT_FOREVER);
		if (unlikely(got < 0)) {
			engine_failed(w, got);
			break;
		}
		now = !lat ? coarse_clock(&coarse) : got ? clock_ns() : now;
		if (lat)
			weigh_in_flight(w, now);
		account(w, (unsigned)got, now, w->ios, lat, false);
		interval_add(w, now, (unsigned)got);
	}
}

static void run_closed_lat(struct worker *w, uint64_t deadline)
{
	run_closed(w, deadline, true);
}

static void run_closed_bare(struct worker *w, uint64_t deadline)
{
	run_closed(w, deadline, false);
}

/* Start what is due by now; returns how many. Late: it was due while all slots were busy. */
static unsigned take_due(struct worker *w, struct arrivals *a, uint64_t now)
{
	unsigned n = 0;

	while ((uint64_t)a->due <= now && w->n_free && arrivals_left(a, w->remaining)) {
		uint32_t slot = w->free[--w->n_free];
		struct io *io = &w->io[slot];

		io->intended_ns = (uint64_t)a->due;
		io->submitted_ns = now;
		w->batch[n++] = slot;
		starts_delay(&w->starts, a, now);
		w->starts.n++;
		w->remaining--;
		a->due += arrivals_gap(a);
	}
	a->blocked = (uint64_t)a->due <= now && !w->n_free;
	pattern_fill(w, n);
	return n;
}

/* Start what is due, then wait for a completion, the next start or `end`. Returns the number of
 * completions, accounted in `ios_of`, or -errno; *now is the stamp of the latest of both. */
static int open_pass(struct worker *w, struct arrivals *a, uint64_t end, uint64_t ios_of[DIRS],
		     uint64_t *now)
{
	bool spin = w->o->spin;
	uint64_t until = end;
	unsigned n;
	int got;

	*now = clock_ns();
	weigh_in_flight(w, *now);
	n = take_due(w, a, *now);
	if (w->n_free && arrivals_left(a, w->remaining) && (uint64_t)a->due < end)
		until = (uint64_t)a->due;
	if (in_flight(w) > w->inflight_max)
		w->inflight_max = in_flight(w);
	got = w->engine->exchange(w, n, spin ? 0 : 1, spin || until <= *now ? 0 : until - *now);
	if (got < 0)
		engine_failed(w, got);
	if (got <= 0)
		return got;
	*now = clock_ns();
	weigh_in_flight(w, *now);
	account(w, (unsigned)got, *now, ios_of, true, true);
	return got;
}

/* Open loop: I/Os start when they are due, whatever has completed. */
static void run_open(struct worker *w, struct arrivals *a)
{
	uint64_t now = w->begin_ns;

	a->rng = &w->rng;
	a->gap = 1e9 / w->o->rate_iops;
	a->poisson = w->o->rate_process[0] == 'p';
	a->due = (double)now + (a->poisson ? arrivals_gap(a) : 0);
	while (!stopped(w) && now < a->end_ns && (w->remaining || in_flight(w))) {
		int got = open_pass(w, a, a->end_ns, w->ios, &now);

		if (got < 0)
			return;
		interval_add(w, now, (unsigned)got);
	}
}

/* The window is over, but what arrived in it and found no free slot is still to start: leaving out
 * just those would cut the tail off. The device gets a while for it; the rest is told. */
static void catch_up(struct worker *w, struct arrivals *a, uint64_t ios_of[DIRS])
{
	uint64_t now = w->end_ns, end = arrivals_grace_end(a, w->begin_ns, w->end_ns);

	while (!stopped(w) && now < end && arrivals_left(a, w->remaining))
		if (open_pass(w, a, end, ios_of, &now) < 0)
			break;
	if (!stopped(w)) /* else there will be no report */
		starts_give_up(&w->starts, a, &w->remaining);
}

/* What is still in flight. Its latencies belong to the books of an open loop, where each arrival of
 * the window counts; at closed loop it is just what the end of the window cut off. */
static void drain(struct worker *w, uint64_t ios_of[DIRS])
{
	bool open = w->o->rate_iops > 0, spin = open && w->o->spin;

	while (in_flight(w)) {
		unsigned min = spin ? 0 : open ? 1 : in_flight(w);
		int got = w->engine->exchange(w, 0, min, spin ? 0 : WAIT_FOREVER);

		if (got < 0) {
			engine_failed(w, got);
			return; /* the kernel ends them when the ring closes */
		}
		if (open)
			account(w, (unsigned)got, clock_ns(), ios_of, true, true);
		else
			account(w, (unsigned)got, 0, ios_of, false, false);
	}
}

void loop_run(struct worker *w, uint64_t deadline_ns, uint64_t number_ios)
{
	struct arrivals a = {.end_ns = deadline_ns ? deadline_ns : UINT64_MAX};
	uint64_t after[DIRS] = {0}; /* completed behind the window: in the total, not in the rate */

	w->remaining = number_ios ? number_ios : UINT64_MAX;
	w->begin_ns = w->inflight_last_ns = clock_ns();
	if (w->o->rate_iops)
		run_open(w, &a);
	else if (w->o->lat)
		run_closed_lat(w, a.end_ns);
	else
		run_closed_bare(w, a.end_ns);
	w->end_ns = clock_ns();
	weigh_in_flight(w, w->end_ns);
	w->inflight_window = w->inflight_integral;
	w->starts.n_window = w->starts.n;
	if (w->o->rate_iops)
		catch_up(w, &a, after);
	drain(w, after);
	w->ios_total = w->ios[DIR_READ] + w->ios[DIR_WRITE] + after[DIR_READ] + after[DIR_WRITE];
}

void loop_reset(struct worker *w)
{
	memset(w->ios, 0, sizeof(w->ios));
	memset(w->calls, 0, sizeof(w->calls));
	w->ios_total = w->errors = 0;
	for (int i = 0; i < DIRS; i++)
		hist_init(&w->lat[i]);
	hist_init(&w->service);
	w->inflight_integral = w->inflight_max = 0;
	w->starts = (struct starts){0};
	memset(w->interval, 0, INTERVALS_MAX * sizeof(*w->interval));
	w->interval_at = 0;
	w->interval_end_ns = w->origin_ns + INTERVAL_NS;
}
