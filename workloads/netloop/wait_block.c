// SPDX-License-Identifier: Apache-2.0
/* recv(2) that sleeps in the socket (and polls there first, with SO_BUSY_POLL). */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "worker.h"

/* No SO_RCVTIMEO: main wakes a thread whose response is lost (run.c, nudge()). */
static int open_block(struct worker *w, struct diag *d)
{
	return 0;
}

static void sleep_until(struct worker *w, uint64_t timeout_ns)
{
	uint64_t end = clock_ns() + timeout_ns;
	const struct timespec ts = clock_timespec(end);

	w->calls[CALL_NANOSLEEP]++;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* A request or response is still on its way out: wait for either direction. */
static void await_either(struct worker *w, struct flow *f)
{
	struct pollfd p = {.fd = f->fd, .events = POLLIN | POLLOUT};

	w->calls[CALL_POLL]++;
	poll(&p, 1, -1);
}

static int receive(struct worker *w, uint64_t timeout_ns)
{
	struct flow *f = w->flow[0];
	int flags = timeout_ns ? 0 : MSG_DONTWAIT;

	if (timeout_ns && timeout_ns != WAIT_FOREVER && w->client && !f->in_flight) {
		sleep_until(w, timeout_ns);
		return 0;
	}
	if (__builtin_expect(f->owed != 0, 0)) {
		int err;

		if (timeout_ns)
			await_either(w, f);
		err = worker_flush(w, f);
		if (err)
			return err;
		if (f->owed)
			flags = MSG_DONTWAIT;
	}
	return worker_receive(w, f, flags);
}

static void nothing(struct worker *w)
{
}

static void report(const struct worker *w, json_t *flags)
{
}

const struct wait_ops wait_block = {
	.name = "block",
	.uses = WAIT_BLOCKS | WAIT_BUSY_POLLS | WAIT_SOCKET_POLLS,
	.open = open_block,
	.receive = receive,
	.send = worker_send,
	.stream = worker_stream_block,
	.close = nothing,
	.report = report,
};
