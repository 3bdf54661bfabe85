// SPDX-License-Identifier: Apache-2.0
/*
 * Round trips, at closed and at open loop. Nothing is allocated here. One time stamp is taken for
 * each piece of data that comes; at closed loop it is also the one of the next request, which
 * leaves at once. Every round trip of the window is recorded; a UDP request whose response does not
 * come within --timeout is counted as lost, never sent again, and a response that comes later is
 * told by its generation and counted as late.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "crew.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static inline uint32_t in_flight(const struct worker *w)
{
	return w->n_slots - w->n_free;
}

static inline struct flow *flow_of(const struct worker *w, uint32_t slot)
{
	return w->n_flows == 1 ? w->flow[0] : w->flow[slot / w->l->depth]; /* a division is slow */
}

/* The in-flight counter is kept apart from the latencies: time-weighted, by its own sum. */
static inline void weigh_in_flight(struct worker *w, uint64_t now)
{
	w->inflight_integral += (now - w->inflight_last_ns) * in_flight(w);
	w->inflight_last_ns = now;
}

static inline void tell(struct worker *w)
{
	atomic_store_explicit(&w->progress, w->done_total, memory_order_relaxed);
	atomic_store_explicit(&w->waiting, in_flight(w), memory_order_relaxed);
}

static inline uint32_t take_free(struct worker *w)
{
	uint32_t slot = w->free[w->free_at];

	if (unlikely(++w->free_at == w->n_slots))
		w->free_at = 0;
	w->n_free--;
	return slot;
}

static inline void give_back(struct worker *w, uint32_t slot)
{
	uint32_t at = w->free_at + w->n_free;

	w->free[at >= w->n_slots ? at - w->n_slots : at] = slot;
	w->n_free++;
}

/* Send the request of a slot that take_free() gave. */
static inline int send_request(struct worker *w, uint32_t slot, uint64_t now, uint64_t intended)
{
	struct slot *s = &w->slot[slot];
	struct flow *f = flow_of(w, slot);
	char *buf = NULL;
	uint32_t at;

	s->sent_ns = now;
	s->intended_ns = intended;
	s->busy = true;
	w->starts.n++;
	w->remaining--;
	if (f->tcp) {
		at = f->fifo_at + f->in_flight;
		f->fifo[at >= w->l->depth ? at - w->l->depth : at] = slot;
	} else {
		const struct message m = {slot, s->generation};

		buf = w->slot_bytes + (size_t)slot * w->l->size;
		memcpy(buf, &m, sizeof(m));
	}
	f->in_flight++;
	if (in_flight(w) > w->inflight_max)
		w->inflight_max = in_flight(w);
	return w->wait->send(w, f, buf, w->l->size);
}

static inline void interval_add(struct worker *w, uint64_t now)
{
	while (unlikely(now >= w->interval_end_ns) && w->interval_at + 1 < INTERVALS_MAX) {
		w->interval_at++;
		w->interval_end_ns += INTERVAL_NS;
	}
	w->interval[w->interval_at]++;
}

static inline void release(struct worker *w, struct flow *f, uint32_t slot)
{
	w->slot[slot].busy = false;
	w->slot[slot].generation++;
	f->in_flight--;
	give_back(w, slot);
}

/* At closed loop the window cuts off what is still out; at open loop each of its arrivals counts.
 */
static inline void complete(struct worker *w, struct flow *f, uint32_t slot, uint64_t now)
{
	const struct slot *s = &w->slot[slot];
	bool open = w->o->rate > 0;

	if (open) {
		hist_add(&w->latency, now - s->intended_ns);
		hist_add(&w->service, now - s->sent_ns);
	} else if (likely(w->counting)) {
		hist_add(&w->latency, now - s->sent_ns);
	}
	if (likely(w->counting)) {
		w->done++;
		w->bytes_window += w->l->response_size;
		interval_add(w, now);
	}
	w->done_total++;
	release(w, f, slot);
}

static inline void refill(struct worker *w, uint64_t now)
{
	int err;

	if (!w->refill || !w->remaining || !w->n_free)
		return;
	err = send_request(w, take_free(w), now, now);
	if (unlikely(err))
		worker_fail(w, err, "send");
}

static void datagram(struct worker *w, struct flow *f, const char *buf, uint32_t len, uint64_t now)
{
	struct message m;

	memcpy(&m, buf, len < sizeof(m) ? 0 : sizeof(m));
	if (unlikely(len != w->l->response_size || m.slot >= w->n_slots ||
		     flow_of(w, m.slot) != f)) {
		w->strays++;
		return;
	}
	if (unlikely(!w->slot[m.slot].busy || w->slot[m.slot].generation != m.generation)) {
		w->late++;
		return;
	}
	complete(w, f, m.slot, now);
	refill(w, now);
}

void client_data(struct worker *w, struct flow *f, char *buf, uint32_t len)
{
	uint32_t size = w->l->response_size;
	uint64_t now = clock_ns();

	w->now_ns = now;
	weigh_in_flight(w, now);
	w->counting = w->counting && now < w->until_ns;
	w->refill = w->refill && w->counting;
	w->bytes_in += len;
	f->bytes_in += len;
	if (!f->tcp) {
		f->messages_in++;
		datagram(w, f, buf, len, now);
		tell(w);
		return;
	}
	f->partial += len;
	while (f->partial >= size) {
		uint32_t slot = f->fifo[f->fifo_at];

		if (unlikely(!f->in_flight)) {
			worker_fail(w, -EPROTO, "the server sent more than was asked");
			return;
		}
		f->partial -= size;
		f->messages_in++;
		if (unlikely(++f->fifo_at == w->l->depth))
			f->fifo_at = 0;
		complete(w, f, slot, now);
		refill(w, now);
	}
	tell(w);
}

/* UDP: what has been out for longer than --timeout is lost. Returns when the next one would be. */
static uint64_t expire(struct worker *w, uint64_t now)
{
	uint64_t timeout = w->l->timeout_ns, next = UINT64_MAX;

	for (uint32_t i = 0; i < w->n_slots; i++) {
		const struct slot *s = &w->slot[i];

		if (!s->busy)
			continue;
		if (now - s->sent_ns < timeout) {
			next = s->sent_ns + timeout < next ? s->sent_ns + timeout : next;
			continue;
		}
		weigh_in_flight(w, now);
		w->lost++;
		release(w, flow_of(w, i), i);
	}
	atomic_store_explicit(&w->waiting, in_flight(w) + (w->lost != 0), memory_order_relaxed);
	return next;
}

/* Wait for responses, at most until `until` (UINT64_MAX: as long as it takes). Losses are looked
 * for when nothing came, and at most every quarter of the time-out. */
static int await(struct worker *w, uint64_t until, uint64_t *look_ns)
{
	uint64_t now = w->now_ns, timeout = WAIT_FOREVER;
	int n;

	if (!w->l->tcp && *look_ns < until)
		until = *look_ns;
	if (until != UINT64_MAX)
		timeout = until > now ? until - now : 0;
	n = w->wait->receive(w, timeout);
	if (unlikely(n < 0)) {
		worker_fail(w, n, "receive");
		return n;
	}
	if (n == 0)
		w->now_ns = clock_ns();
	if (!w->l->tcp && w->now_ns >= *look_ns) {
		expire(w, w->now_ns);
		*look_ns = w->now_ns + w->l->timeout_ns / 4;
	}
	return n;
}

static void run_closed(struct worker *w, uint64_t *look_ns)
{
	w->now_ns = w->begin_ns;
	while (likely(!worker_stopped(w)) && w->now_ns < w->until_ns) {
		while (w->n_free && w->remaining) {
			int err;

			weigh_in_flight(w, w->now_ns);
			err = send_request(w, take_free(w), w->now_ns, w->now_ns);
			if (unlikely(err)) {
				worker_fail(w, err, "send");
				return;
			}
		}
		if (!in_flight(w))
			return; /* --number reached */
		/* no time-out: responses come, or main finds the server dead */
		if (await(w, UINT64_MAX, look_ns) < 0)
			return;
	}
}

static int send_due(struct worker *w, struct arrivals *a)
{
	while ((uint64_t)a->due <= w->now_ns && w->n_free && arrivals_left(a, w->remaining)) {
		int err;

		weigh_in_flight(w, w->now_ns);
		starts_delay(&w->starts, a, w->now_ns);
		err = send_request(w, take_free(w), w->now_ns, (uint64_t)a->due);
		if (unlikely(err)) {
			worker_fail(w, err, "send");
			return err;
		}
		a->due += arrivals_gap(a);
		w->now_ns = clock_ns(); /* sending took its time */
	}
	a->blocked = (uint64_t)a->due <= w->now_ns && !w->n_free;
	return 0;
}

/* Send what is due, then wait for a response, the next start or `end`. */
static int open_pass(struct worker *w, struct arrivals *a, uint64_t end, uint64_t *look_ns)
{
	uint64_t until = end;
	int err;

	w->now_ns = clock_ns();
	err = send_due(w, a);
	if (err)
		return err;
	if (w->n_free && arrivals_left(a, w->remaining) && (uint64_t)a->due < end)
		until = (uint64_t)a->due;
	err = await(w, until, look_ns);
	return err < 0 ? err : 0;
}

static void run_open(struct worker *w, struct arrivals *a, uint64_t *look_ns)
{
	w->now_ns = w->begin_ns;
	a->rng = &w->rng;
	a->gap = 1e9 * w->jobs / w->o->rate;
	a->poisson = w->o->rate_process[0] == 'p';
	/* threads of a constant rate take turns */
	a->due = (double)w->begin_ns + (a->poisson ? arrivals_gap(a) : a->gap * w->index / w->jobs);
	while (!worker_stopped(w) && w->now_ns < a->end_ns && (w->remaining || in_flight(w)))
		if (open_pass(w, a, a->end_ns, look_ns))
			return;
}

/* The window is over, but what arrived in it and found no free slot is still to be sent: leaving
 * out just those would cut the tail off. The server gets a while for it; the rest is told. */
static void catch_up(struct worker *w, struct arrivals *a, uint64_t *look_ns)
{
	uint64_t end = arrivals_grace_end(a, w->begin_ns, w->end_ns);

	while (!worker_stopped(w) && w->now_ns < end && arrivals_left(a, w->remaining))
		if (open_pass(w, a, end, look_ns))
			break;
	if (!worker_stopped(w)) /* else there will be no report */
		starts_give_up(&w->starts, a, &w->remaining);
}

void client_run(struct worker *w, uint64_t length_ns)
{
	struct arrivals a;
	uint64_t look_ns;

	w->begin_ns = w->inflight_last_ns = w->now_ns = clock_ns();
	look_ns = w->begin_ns + w->l->timeout_ns / 4;
	w->interval_end_ns = w->crew->origin_ns + INTERVAL_NS;
	/* from when this thread got its CPU: its window is as long as was asked for */
	a = (struct arrivals){.end_ns = length_ns ? w->begin_ns + length_ns : UINT64_MAX};
	w->until_ns = a.end_ns;
	w->counting = true;
	w->refill = !(w->o->rate > 0);
	if (w->o->rate > 0)
		run_open(w, &a, &look_ns);
	else
		run_closed(w, &look_ns);
	w->counting = w->refill = false;
	w->end_ns = w->now_ns = clock_ns();
	weigh_in_flight(w, w->end_ns);
	w->inflight_window = w->inflight_integral;
	w->starts.n_window = w->starts.n;
	if (w->o->rate > 0)
		catch_up(w, &a, &look_ns);
	while (in_flight(w) && !worker_stopped(w))
		if (await(w, UINT64_MAX, &look_ns) < 0)
			break;
	zerocopy_drain(w);
}
