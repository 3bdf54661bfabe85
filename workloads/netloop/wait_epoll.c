// SPDX-License-Identifier: Apache-2.0
/*
 * epoll_wait(2), level-triggered; and the same without ever sleeping. Busy polling belongs to the
 * epoll instance (EPIOCSPARAMS), so all its flows should share one NAPI instance.
 *
 * epoll-spin: with time-out 0 the kernel returns before it would poll (ep_poll() in
 * fs/eventpoll.c), so packets would come by interrupt only. Where busy polling is asked for, the
 * time-out is therefore 1 ns: the kernel polls for busy-poll-usecs and comes back. It polls that
 * long whatever the time-out; so at open loop a client that never sleeps has it poll a microsecond
 * at a time, or every request that is due meanwhile would leave late. A poll that finds nothing
 * makes the epoll instance forget which NAPI instance it polls (ep_busy_loop()), until an event
 * comes by interrupt or by the deferral timer; a socket that is added reminds it, so one is, each
 * time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "uapi.h"
#include "worker.h"

#define EVENTS		     64
#define PASSES		     256
#define OPEN_LOOP_POLL_USECS 1u

struct epoll {
	int fd;
	bool spins, polls;
	struct netloop_epoll_params params;
	uint32_t reminder; /* the flow whose NAPI instance is polled next */
	struct epoll_event event[EVENTS];
};

static int watch(struct worker *w, struct flow *f, int op, uint32_t events)
{
	const struct epoll *e = w->state;
	struct epoll_event ev = {.events = events, .data.ptr = f};

	return epoll_ctl(e->fd, op, f->fd, &ev) ? -errno : 0;
}

static int set_params(struct worker *w, struct epoll *e, struct diag *d)
{
	const struct load *l = w->l;
	struct netloop_epoll_params p = {.busy_poll_usecs = l->busy_poll_usecs,
					 .busy_poll_budget = l->busy_poll_budget,
					 .prefer_busy_poll = l->prefer_busy_poll};

	if (e->spins && w->client && w->o->rate > 0 && p.busy_poll_usecs > OPEN_LOOP_POLL_USECS)
		p.busy_poll_usecs = OPEN_LOOP_POLL_USECS;
	e->polls = p.busy_poll_usecs || p.busy_poll_budget || p.prefer_busy_poll;
	if (!e->polls)
		return 0;
	if (ioctl(e->fd, NETLOOP_EPIOCSPARAMS, &p))
		return diag_errno(
			d, -errno,
			"EPIOCSPARAMS {usecs %u, budget %u, prefer %u} refused (needs Linux "
			"6.9 with CONFIG_NET_RX_BUSY_POLL; a budget above 64 needs "
			"CAP_NET_ADMIN)",
			p.busy_poll_usecs, p.busy_poll_budget, p.prefer_busy_poll);
	if (ioctl(e->fd, NETLOOP_EPIOCGPARAMS, &e->params))
		return diag_errno(d, -errno, "EPIOCGPARAMS");
	if (memcmp(&e->params, &p, sizeof(p)))
		return diag_set(d, -EINVAL,
				"EPIOCSPARAMS {usecs %u, budget %u, prefer %u} was set, the kernel "
				"says {%u, %u, %u}",
				p.busy_poll_usecs, p.busy_poll_budget, p.prefer_busy_poll,
				e->params.busy_poll_usecs, e->params.busy_poll_budget,
				e->params.prefer_busy_poll);
	return 0;
}

static int open_with(struct worker *w, bool spins, struct diag *d)
{
	bool stream = w->client && w->l->pattern == PATTERN_STREAM;
	struct epoll *e = w->state = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return diag_set(d, -ENOMEM, "out of memory");
	e->spins = spins;
	e->fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->fd < 0)
		return diag_errno(d, -errno, "epoll_create1");
	err = set_params(w, e, d);
	for (uint32_t i = 0; !err && i < w->n_flows; i++) {
		err = watch(w, w->flow[i], EPOLL_CTL_ADD, EPOLLIN | (stream ? EPOLLOUT : 0));
		if (err)
			diag_errno(d, err, "epoll_ctl");
	}
	return err;
}

static int open_epoll(struct worker *w, struct diag *d)
{
	return open_with(w, false, d);
}

static int open_spin(struct worker *w, struct diag *d)
{
	return open_with(w, true, d);
}

static void close_epoll(struct worker *w)
{
	struct epoll *e = w->state;

	if (e && e->fd >= 0)
		close(e->fd);
	free(e);
	w->state = NULL;
}

/* Several datagrams may be there; TCP gives all it has at once. */
static int drain(struct worker *w, struct flow *f)
{
	uint32_t most = f->tcp ? 1 : w->l->depth, got = 0;

	do {
		int n = worker_receive(w, f, MSG_DONTWAIT);

		if (n < 0)
			return n;
		if (!n)
			break;
		got++;
	} while (got < most && (!w->client || f->in_flight));
	return (int)got;
}

static int room(struct worker *w, struct flow *f)
{
	int err = worker_flush(w, f);

	if (err || f->owed)
		return err;
	f->out_armed = false;
	w->calls[CALL_EPOLL_CTL]++;
	return watch(w, f, EPOLL_CTL_MOD, EPOLLIN);
}

static int handle(struct worker *w, const struct epoll_event *ev)
{
	struct flow *f = ev->data.ptr;
	int err = 0;

	if (ev->events & EPOLLERR && w->l->zerocopy)
		err = zerocopy_reap(w, f);
	if (err >= 0 && ev->events & EPOLLOUT && f->out_armed)
		err = room(w, f);
	if (err < 0)
		return err;
	if (ev->events & (EPOLLIN | EPOLLHUP) || (ev->events & EPOLLERR && !w->l->zerocopy))
		return drain(w, f);
	return 0;
}

static int wait_events(struct worker *w, struct epoll *e, uint64_t timeout_ns)
{
	struct timespec ts = clock_timespec(timeout_ns);
	int n;

	w->calls[CALL_EPOLL_WAIT]++;
	if (timeout_ns == WAIT_FOREVER || !timeout_ns)
		n = epoll_wait(e->fd, e->event, EVENTS, timeout_ns ? -1 : 0);
	else
		n = epoll_pwait2(e->fd, e->event, EVENTS, &ts, NULL);
	if (n == 0)
		w->empty_polls++;
	return n < 0 ? (errno == EINTR ? 0 : -errno) : n;
}

static int handle_all(struct worker *w, struct epoll *e, int n)
{
	int got = 0;

	for (int i = 0; i < n; i++) {
		int one = handle(w, &e->event[i]);

		if (one < 0)
			return one;
		got += one;
	}
	return got;
}

static int receive(struct worker *w, uint64_t timeout_ns)
{
	struct epoll *e = w->state;
	int n = wait_events(w, e, timeout_ns);

	return n <= 0 ? n : handle_all(w, e, n);
}

static int remind(struct worker *w, struct epoll *e)
{
	struct flow *f = w->flow[e->reminder];
	bool out = f->out_armed || (w->client && w->l->pattern == PATTERN_STREAM);
	int err = watch(w, f, EPOLL_CTL_DEL, 0);

	e->reminder = e->reminder + 1 < w->n_flows ? e->reminder + 1 : 0;
	w->calls[CALL_EPOLL_CTL] += 2;
	return err ? err : watch(w, f, EPOLL_CTL_ADD, EPOLLIN | (out ? EPOLLOUT : 0));
}

/* One look, which polls where that was asked for, and does not sleep. */
static int wait_spinning(struct worker *w, struct epoll *e, bool polls)
{
	int n = wait_events(w, e, polls ? 1 : 0);
	int err = !n && polls ? remind(w, e) : 0;

	return err ? err : n;
}

static int receive_spinning(struct worker *w, uint64_t timeout_ns)
{
	uint64_t end = timeout_ns && timeout_ns != WAIT_FOREVER ? clock_ns() + timeout_ns : 0;
	struct epoll *e = w->state;
	unsigned passes = timeout_ns ? PASSES : 1;

	while (passes-- && !worker_stopped(w)) {
		int n = wait_spinning(w, e, e->polls && timeout_ns);

		if (n)
			return n < 0 ? n : handle_all(w, e, n);
		if (end && clock_ns() >= end)
			break;
	}
	return 0;
}

static int send_epoll(struct worker *w, struct flow *f, char *buf, uint32_t len)
{
	int err = worker_send(w, f, buf, len);

	if (err || !f->owed || f->out_armed)
		return err;
	f->out_armed = true;
	w->calls[CALL_EPOLL_CTL]++;
	return watch(w, f, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static int await_room(struct worker *w, uint64_t timeout_ns)
{
	struct epoll *e = w->state;
	/* what makes room, an ACK, is polled for like any other packet */
	int n = e->spins ? wait_spinning(w, e, e->polls && timeout_ns)
			 : wait_events(w, e, timeout_ns);

	for (int i = 0; i < n; i++) {
		struct flow *f = e->event[i].data.ptr;
		int err = 0;

		if (e->event[i].events & EPOLLERR && w->l->zerocopy)
			err = zerocopy_reap(w, f);
		else if (e->event[i].events & (EPOLLERR | EPOLLHUP | EPOLLIN))
			err = worker_receive(w, f, MSG_DONTWAIT); /* says what is wrong */
		if (err < 0)
			return err;
	}
	return n < 0 ? n : 0;
}

static void report(const struct worker *w, json_t *flags)
{
	const struct epoll *e = w->state;

	if (e->polls)
		json_object_set_new(flags, "epoll_params",
				    json_pack("{s:i, s:i, s:i}", "busy_poll_usecs",
					      (int)e->params.busy_poll_usecs, "busy_poll_budget",
					      (int)e->params.busy_poll_budget, "prefer_busy_poll",
					      (int)e->params.prefer_busy_poll));
	if (e->spins)
		json_object_set_new(flags, "epoll_timeout_ns", json_integer(e->polls ? 1 : 0));
}

const struct wait_ops wait_epoll = {
	.name = "epoll",
	.uses = WAIT_BUSY_POLLS,
	.open = open_epoll,
	.receive = receive,
	.send = send_epoll,
	.stream = worker_stream_try,
	.await_room = await_room,
	.close = close_epoll,
	.report = report,
};

const struct wait_ops wait_epoll_spin = {
	.name = "epoll-spin",
	.uses = WAIT_BUSY_POLLS,
	.open = open_spin,
	.receive = receive_spinning,
	.send = send_epoll,
	.stream = worker_stream_try,
	.await_room = await_room,
	.close = close_epoll,
	.report = report,
};
