// SPDX-License-Identifier: Apache-2.0
/* The hot half of the ring: submit, wait, reap. */
#include <errno.h>
#include <linux/time_types.h>

#include "base/clock.h"
#include "loop/enter.h"
#include "ring.h"
#include "threads.h"

static inline uint32_t ready(const struct ring *r)
{
	return uring_ready(&r->u);
}

static inline unsigned reap(struct worker *w, struct ring *r)
{
	uint32_t head = r->u.cq_head, n = uring_ready(&r->u);
	struct completion *done = w->done;

	for (uint32_t i = 0; i < n; i++) {
		const struct io_uring_cqe *cqe = uring_cqe(&r->u, head + i);

		done[i] = (struct completion){(uint32_t)cqe->user_data, cqe->res};
	}
	if (n)
		uring_seen(&r->u, n);
	return n;
}

/* io_uring_enter(2) with min-wait or time-out, IORING_ENTER_EXT_ARG (Linux 5.11). */
static long enter_timed(struct ring *r, unsigned n, unsigned min, uint64_t timeout_ns)
{
	struct __kernel_timespec ts = {.tv_sec = (int64_t)(timeout_ns / 1000000000u),
				       .tv_nsec = (long long)(timeout_ns % 1000000000u)};
	struct ring_wait arg = {.min_wait_usec = r->min_wait_usec};

	if (timeout_ns != WAIT_FOREVER)
		arg.ts = (uint64_t)(uintptr_t)&ts;
	return ring_enter(r->u.enter_fd, n, min,
			  r->u.enter_flags | IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
			  sizeof(arg));
}

/* The SQ thread takes entries by itself, unless it has gone to sleep. Waiting is looking: a wait in
 * the kernel would be the system call that this mode is there to avoid. */
static int exchange_sqpoll(struct worker *w, struct ring *r, unsigned n, unsigned min,
			   uint64_t timeout_ns)
{
	uint64_t end = timeout_ns == WAIT_FOREVER || !timeout_ns ? 0 : clock_ns() + timeout_ns;

	if (n) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST); /* the tail before the flag */
		if (__atomic_load_n(r->u.sq_kflags, __ATOMIC_RELAXED) & IORING_SQ_NEED_WAKEUP) {
			long ret = ring_enter(r->u.enter_fd, n, 0,
					      r->u.enter_flags | IORING_ENTER_SQ_WAKEUP, NULL, 0);

			w->calls[CALL_IO_URING_ENTER]++;
			if (ret < 0 && ret != -EINTR)
				return (int)ret;
		}
	}
	while (timeout_ns && ready(r) < min) {
		__builtin_ia32_pause();
		if (end && clock_ns() >= end)
			break;
		if (atomic_load_explicit(&w->threads->stop, memory_order_relaxed) && min > 1)
			min = 1; /* a batch that may never fill must not keep us */
	}
	return (int)reap(w, r);
}

/* After EAGAIN, EBUSY: short of memory or room. A completion makes some; the caller reaps it and
 * comes again. Nothing of ours in the kernel: nothing will change. */
__attribute__((noinline, cold)) static int await_room(struct worker *w, struct ring *r,
						      uint32_t pending, int err)
{
	long ret;

	if (ready(r))
		return 0;
	if (w->depth - w->n_free <= pending)
		return err;
	w->calls[CALL_IO_URING_ENTER]++;
	ret = ring_enter(r->u.enter_fd, 0, 1, r->u.enter_flags | IORING_ENTER_GETEVENTS, NULL, 0);
	return ret < 0 && ret != -EINTR ? (int)ret : 0;
}

int ring_exchange(struct worker *w, unsigned n, unsigned min, uint64_t timeout_ns)
{
	struct ring *r = w->state;
	uint32_t pending;

	__atomic_store_n(r->u.sq_ktail, r->u.sq_tail, __ATOMIC_RELEASE);
	if (r->sqpoll)
		return exchange_sqpoll(w, r, n, min, timeout_ns);
	/* what the kernel has not taken yet: an earlier refusal may have left some behind */
	pending = r->u.sq_tail - __atomic_load_n(r->u.sq_khead, __ATOMIC_RELAXED);
	while (pending || min || (timeout_ns != WAIT_FOREVER && r->looks_enter)) {
		bool timed = min && (r->min_wait_usec || timeout_ns != WAIT_FOREVER);
		bool get = min || timeout_ns != WAIT_FOREVER;
		long ret;

		w->calls[CALL_IO_URING_ENTER]++;
		if (timed)
			ret = enter_timed(r, pending, min, timeout_ns);
		else
			ret = ring_enter(r->u.enter_fd, pending, min,
					 r->u.enter_flags | (get ? IORING_ENTER_GETEVENTS : 0),
					 NULL, 0);
		if (ret < 0) {
			if (ret == -EINTR)
				continue;
			if (ret == -ETIME)
				break;
			if (ret != -EAGAIN && ret != -EBUSY)
				return (int)ret;
			ret = await_room(w, r, pending, (int)ret);
			if (ret < 0)
				return (int)ret;
			break;
		}
		/* a short submission did not wait: the rest now */
		pending -= (uint32_t)ret;
		if (!pending)
			break;
	}
	return (int)reap(w, r);
}
