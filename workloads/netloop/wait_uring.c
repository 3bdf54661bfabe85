// SPDX-License-Identifier: Apache-2.0
/*
 * An io_uring: a receive is always posted for each flow, a message is sent by an entry of its own,
 * and one io_uring_enter(2) does both and waits. io_uring-napi polls the flows' NAPI instances
 * while it waits (IORING_REGISTER_NAPI, Linux 6.9).
 */
#include <errno.h>
#include <linux/time_types.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "loop/enter.h"
#include "loop/uring.h"
#include "uapi.h"
#include "worker.h"

#define SETUP	       (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define ENTRIES_MAX    4096u
#define UDP_POSTED     64u /* most receives posted for a UDP flow */
#define TCP_BYTES      (64u << 10)
#define TCP_BULK_BYTES (256u << 10)
#define TRIES	       1000 /* to hand entries over; the kernel takes all of them at once */

enum { TAG_RECEIVE, TAG_SEND, TAG_STREAM };

/* A receive that is posted, or whose data is being looked at. */
struct posted {
	struct flow *flow;
	char *buf;
	bool posted;
};

struct state {
	struct uring u;
	struct posted *posted;
	struct netloop_ring_napi napi;
	char *arena;
	size_t arena_bytes;
	uint32_t n_posted, each; /* bytes of a buffer */
	int32_t now;		 /* the receive that is being looked at, or -1 */
	int streamed;		 /* result of the last send of a stream */
	bool has_streamed;
};

static uint64_t tag(unsigned kind, uint32_t index)
{
	return (uint64_t)kind << 32 | index;
}

/* Hand the filled entries over; wait for `min` completions if any, at most `timeout_ns`. */
static int enter(struct worker *w, struct state *s, unsigned min, uint64_t timeout_ns)
{
	struct __kernel_timespec ts = {.tv_sec = (int64_t)(timeout_ns / 1000000000u),
				       .tv_nsec = (long long)(timeout_ns % 1000000000u)};
	struct ring_wait arg = {.ts = (uint64_t)(uintptr_t)&ts};
	bool timed = min && timeout_ns != WAIT_FOREVER;
	struct uring *u = &s->u;
	uint32_t n;
	long ret;

	__atomic_store_n(u->sq_ktail, u->sq_tail, __ATOMIC_RELEASE);
	n = u->sq_tail - __atomic_load_n(u->sq_khead, __ATOMIC_RELAXED);
	w->calls[CALL_IO_URING_ENTER]++;
	ret = ring_enter(u->enter_fd, n, min,
			 u->enter_flags | IORING_ENTER_GETEVENTS |
				 (timed ? IORING_ENTER_EXT_ARG : 0),
			 timed ? &arg : NULL, timed ? sizeof(arg) : 0);
	if (ret >= 0 || ret == -EINTR || ret == -ETIME || ret == -EAGAIN || ret == -EBUSY)
		return 0;
	return (int)ret;
}

/* Room for `n` entries that must stay together. */
static int make_room(struct worker *w, struct state *s, uint32_t n)
{
	const struct uring *u = &s->u;

	for (int tries = 0; tries < TRIES; tries++) {
		uint32_t used = u->sq_tail - __atomic_load_n(u->sq_khead, __ATOMIC_ACQUIRE);
		int err = 0;

		if (used + n <= u->sq_mask + 1)
			return 0;
		err = enter(w, s, 0, 0);
		if (err)
			return err;
	}
	return -EBUSY;
}

static void put(struct state *s, uint8_t op, const struct flow *f, const char *buf, uint32_t len,
		uint32_t msg_flags, uint8_t flags, uint64_t data)
{
	struct io_uring_sqe *sqe = uring_sqe(&s->u, s->u.sq_tail++);

	*sqe = (struct io_uring_sqe){
		.opcode = op,
		.flags = flags,
		.fd = f->fd,
		.addr = (uint64_t)(uintptr_t)buf,
		.len = len,
		.msg_flags = msg_flags,
		.user_data = data,
	};
}

static void post(struct state *s, uint32_t i)
{
	struct posted *p = &s->posted[i];

	p->posted = true;
	put(s, IORING_OP_RECV, p->flow, p->buf, s->each, 0, 0, tag(TAG_RECEIVE, i));
}

static int alloc(struct worker *w, struct state *s, struct diag *d)
{
	const struct load *l = w->l;
	uint32_t per_flow = l->tcp ? 1 : l->depth < UDP_POSTED ? l->depth : UDP_POSTED;
	uint32_t most = l->size > l->response_size ? l->size : l->response_size;

	s->n_posted = w->n_flows * per_flow;
	s->each = !l->tcp ? most + 1 : l->pattern == PATTERN_STREAM ? TCP_BULK_BYTES : TCP_BYTES;
	s->arena_bytes = (size_t)s->n_posted * s->each;
	s->posted = calloc(s->n_posted, sizeof(*s->posted));
	s->arena = calloc(1, s->arena_bytes);
	if (!s->posted || !s->arena)
		return diag_set(d, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < s->n_posted; i++) {
		s->posted[i].flow = w->flow[i % w->n_flows];
		s->posted[i].buf = s->arena + (size_t)i * s->each;
	}
	return 0;
}

static int open_ring(struct worker *w, struct diag *d)
{
	struct state *s = w->state = calloc(1, sizeof(*s));
	const struct io_uring_params p = {.flags = SETUP};
	uint32_t entries;
	int err;

	if (!s)
		return diag_set(d, -ENOMEM, "out of memory");
	s->u.fd = -1;
	s->now = -1;
	err = alloc(w, s, d);
	if (err)
		return err;
	entries = 2 * (s->n_posted + w->n_slots);
	entries = entries < 16 ? 16 : entries > ENTRIES_MAX ? ENTRIES_MAX : entries;
	err = uring_open(&s->u, entries, &p, d);
	if (err)
		return err;
	if (!(s->u.features & IORING_FEAT_EXT_ARG) || !(s->u.features & IORING_FEAT_CQE_SKIP))
		return diag_set(d, -EINVAL, "IORING_FEAT_CQE_SKIP is absent (needs Linux 5.17)");
	err = uring_register_ring(&s->u, d);
	for (uint32_t i = 0; !err && i < s->n_posted; i++) {
		err = make_room(w, s, 1);
		if (err)
			diag_errno(d, err, "io_uring_enter");
		else
			post(s, i);
	}
	return err;
}

/* The kernel answers a registration with what held before: the second one reads the first back. */
static int open_napi(struct worker *w, struct diag *d)
{
	const struct netloop_ring_napi want = {.busy_poll_to = w->l->busy_poll_usecs,
					       .prefer_busy_poll = w->l->prefer_busy_poll};
	int err = open_ring(w, d);
	struct state *s = w->state;

	for (int i = 0; i < 2 && !err; i++) {
		s->napi = want;
		err = uring_register(&s->u, NETLOOP_REGISTER_NAPI, &s->napi, 1);
		if (err)
			return diag_errno(
				d, err,
				"IORING_REGISTER_NAPI {usecs %u, prefer %u} refused (needs "
				"Linux 6.9 with CONFIG_NET_RX_BUSY_POLL)",
				want.busy_poll_to, want.prefer_busy_poll);
	}
	if (!err && (s->napi.busy_poll_to != want.busy_poll_to ||
		     s->napi.prefer_busy_poll != want.prefer_busy_poll))
		return diag_set(
			d, -EINVAL,
			"IORING_REGISTER_NAPI {usecs %u, prefer %u} was set, the kernel says "
			"{%u, %u}",
			want.busy_poll_to, want.prefer_busy_poll, s->napi.busy_poll_to,
			s->napi.prefer_busy_poll);
	return err;
}

static void close_ring(struct worker *w)
{
	struct state *s = w->state;

	if (!s)
		return;
	uring_close(&s->u);
	free(s->posted);
	free(s->arena);
	free(s);
	w->state = NULL;
}

static int received(struct worker *w, struct state *s, uint32_t i, int32_t res)
{
	struct posted *p = &s->posted[i];
	int err;

	p->posted = false;
	if (res < 0 && res != -EAGAIN && res != -EINTR && res != -ECANCELED)
		return res;
	if (res == 0 && p->flow->tcp)
		return -EPIPE;
	if (res > 0) {
		s->now = (int32_t)i;
		w->data(w, p->flow, p->buf, (uint32_t)res);
		s->now = -1;
	}
	if (p->posted) /* behind the response that is sent from the same buffer */
		return res > 0;
	err = make_room(w, s, 1);
	if (err)
		return err;
	post(s, i);
	return res > 0;
}

static int reap(struct worker *w, struct state *s)
{
	int got = 0;

	while (uring_ready(&s->u)) {
		const struct io_uring_cqe *cqe = uring_cqe(&s->u, s->u.cq_head);
		unsigned kind = (unsigned)(cqe->user_data >> 32);
		uint32_t index = (uint32_t)cqe->user_data;
		int32_t res = cqe->res;
		int n = 0;

		uring_seen(&s->u, 1);
		if (kind == TAG_RECEIVE)
			n = received(w, s, index, res);
		else if (kind == TAG_SEND)
			n = res < 0 ? res : 0; /* seen only when it failed */
		else {
			s->has_streamed = true;
			s->streamed = res;
		}
		if (n < 0)
			return n;
		got += n;
	}
	return got;
}

static int receive(struct worker *w, uint64_t timeout_ns)
{
	struct state *s = w->state;
	int err = enter(w, s, timeout_ns && !uring_ready(&s->u) ? 1 : 0, timeout_ns);

	if (err)
		return err;
	if (!uring_ready(&s->u)) {
		w->empty_polls++;
		return 0;
	}
	return reap(w, s);
}

/* A server's UDP response lies in the buffer of its request: the next receive into it is linked
 * behind the send. */
static int send_ring(struct worker *w, struct flow *f, char *buf, uint32_t len)
{
	struct state *s = w->state;
	bool own = !f->tcp && s->now >= 0 && buf == s->posted[s->now].buf;
	uint8_t flags = IOSQE_CQE_SKIP_SUCCESS | (own ? IOSQE_IO_LINK : 0);
	int err = make_room(w, s, own ? 2 : 1);

	if (err)
		return err;
	w->bytes_out += len;
	w->messages_out++;
	f->bytes_out += len;
	put(s, IORING_OP_SEND, f, f->tcp ? w->payload : buf, len,
	    MSG_NOSIGNAL | (f->tcp ? MSG_WAITALL : 0), flags, tag(TAG_SEND, f->index));
	if (own)
		post(s, (uint32_t)s->now);
	return 0;
}

static int stream_ring(struct worker *w, struct flow *f, char *buf, uint32_t len)
{
	struct state *s = w->state;
	int err = make_room(w, s, 1);

	if (err)
		return err;
	s->has_streamed = false;
	put(s, IORING_OP_SEND, f, buf, len, MSG_NOSIGNAL | (f->tcp ? MSG_WAITALL : 0), 0,
	    tag(TAG_STREAM, 0));
	while (!s->has_streamed) {
		err = enter(w, s, 1, WAIT_FOREVER);
		if (!err)
			err = reap(w, s);
		if (err < 0)
			return err;
		if (!s->has_streamed && worker_stopped(w))
			return -EINTR;
	}
	if (s->streamed < 0)
		return s->streamed;
	w->bytes_out += (uint64_t)s->streamed;
	f->bytes_out += (uint64_t)s->streamed;
	return (uint32_t)s->streamed == len ? (int)len : -EPIPE;
}

static void report(const struct worker *w, json_t *flags)
{
	const struct state *s = w->state;

	uring_report(&s->u, flags);
	if (s->napi.busy_poll_to)
		json_object_set_new(flags, "ring_napi",
				    json_pack("{s:i, s:i}", "busy_poll_usecs",
					      (int)s->napi.busy_poll_to, "prefer_busy_poll",
					      (int)s->napi.prefer_busy_poll));
}

const struct wait_ops wait_io_uring = {
	.name = "io_uring",
	.uses = WAIT_RING,
	.open = open_ring,
	.receive = receive,
	.send = send_ring,
	.stream = stream_ring,
	.close = close_ring,
	.report = report,
};

const struct wait_ops wait_io_uring_napi = {
	.name = "io_uring-napi",
	.uses = WAIT_RING | WAIT_BUSY_POLLS,
	.open = open_napi,
	.receive = receive,
	.send = send_ring,
	.stream = stream_ring,
	.close = close_ring,
	.report = report,
};
