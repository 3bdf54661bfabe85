// SPDX-License-Identifier: Apache-2.0
/* One way, from client to server: as much as goes, or at a given rate. What counts is what the
 * server has received; the client's figures tell what it had to do for it. */
#include <errno.h>

#include "base/clock.h"
#include "worker.h"

#define ROOM_NS 10000000u /* how long a wait for room may take before the clock is looked at */

static void pause_until(struct worker *w, uint64_t due)
{
	const struct timespec ts = clock_timespec(due);

	if (w->wait->uses & (WAIT_BLOCKS | WAIT_RING) || !w->wait->await_room) {
		w->calls[CALL_NANOSLEEP]++;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	} else if (w->wait->await_room(w, 0) >= 0) {
		while (clock_ns() < due && !worker_stopped(w))
			;
	}
}

static void sent(struct worker *w, uint64_t now)
{
	w->messages_out++;
	w->remaining--;
	w->done_total++;
	if (now < w->until_ns) {
		w->done++;
		w->bytes_window += w->l->size;
	}
	atomic_store_explicit(&w->progress, w->done_total, memory_order_relaxed);
}

/* One message of the next flow that has room; 0 when none has. */
static int send_next(struct worker *w, uint32_t *at)
{
	for (uint32_t i = 0; i < w->n_flows; i++) {
		struct flow *f = w->flow[*at];
		int n = w->wait->stream(w, f, w->payload, w->l->size);

		*at = *at + 1 == w->n_flows ? 0 : *at + 1;
		if (n)
			return n;
	}
	return 0;
}

static void send_until(struct worker *w, uint64_t end)
{
	struct arrivals a = {
		.rng = &w->rng,
		.due = (double)w->begin_ns,
		.gap = w->o->rate > 0 ? 1e9 * w->jobs / w->o->rate : 0,
		.poisson = w->o->rate_process[0] == 'p',
		.end_ns = end,
	};
	uint64_t any = UINT64_MAX;
	uint32_t at = 0;

	while (!worker_stopped(w) && w->now_ns < end && w->remaining) {
		int n;

		if (a.gap > 0 && (uint64_t)a.due > w->now_ns) {
			pause_until(w, (uint64_t)a.due < end ? (uint64_t)a.due : end);
			w->now_ns = clock_ns();
			continue;
		}
		n = send_next(w, &at);
		w->now_ns = clock_ns();
		if (n > 0) {
			sent(w, w->now_ns);
			w->starts.n++;
			a.due += arrivals_gap(&a);
		} else if (n == 0) {
			n = w->wait->await_room ? w->wait->await_room(w, ROOM_NS) : 0;
		}
		if (n < 0 && !(n == -EINTR && worker_stopped(w)))
			worker_fail(w, n, "send");
	}
	/* what was due in the window and found no room */
	if (a.gap > 0)
		starts_give_up(&w->starts, &a, &any);
}

void stream_run(struct worker *w, uint64_t length_ns)
{
	w->begin_ns = w->now_ns = clock_ns();
	w->until_ns = length_ns ? w->begin_ns + length_ns : UINT64_MAX;
	atomic_store_explicit(&w->waiting, 1, memory_order_relaxed);
	send_until(w, w->until_ns);
	w->end_ns = clock_ns();
	w->starts.n_window = w->starts.n;
	/* a message that has begun to leave is finished: the server counts whole ones */
	for (uint32_t i = 0; i < w->n_flows; i++) {
		struct flow *f = w->flow[i];

		while (f->owed && !worker_stopped(w)) {
			int n = w->wait->stream(w, f, w->payload, w->l->size);

			if (n > 0)
				sent(w, clock_ns());
			else if (n == 0 && w->wait->await_room)
				n = w->wait->await_room(w, ROOM_NS);
			if (n < 0)
				worker_fail(w, n, "send");
		}
	}
	zerocopy_drain(w);
	atomic_store_explicit(&w->waiting, 0, memory_order_relaxed);
}
