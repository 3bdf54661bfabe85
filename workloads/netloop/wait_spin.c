// SPDX-License-Identifier: Apache-2.0
/* recv(2) with MSG_DONTWAIT, again and again; with SO_BUSY_POLL each of them polls the NAPI
 * instance once. */
#include <sys/socket.h>

#include "base/clock.h"
#include "worker.h"

/* So many empty looks, then the caller may see to other things. */
#define PASSES 2048
/* They take no longer, so that a later end need not be looked for. */
#define PASSES_NS 1000000u

static int open_spin(struct worker *w, struct diag *d)
{
	return 0;
}

static int look(struct worker *w, struct flow *f)
{
	if (__builtin_expect(f->owed != 0, 0)) {
		int err = worker_flush(w, f);

		if (err < 0)
			return err;
	}
	return worker_receive(w, f, MSG_DONTWAIT);
}

static int receive(struct worker *w, uint64_t timeout_ns)
{
	uint64_t end = timeout_ns && timeout_ns < PASSES_NS ? clock_ns() + timeout_ns : 0;
	unsigned passes = timeout_ns ? PASSES : 1;

	while (passes-- && !worker_stopped(w)) {
		int got = 0;

		for (uint32_t i = 0; i < w->n_flows; i++) {
			int n = look(w, w->flow[i]);

			if (n < 0)
				return n;
			got += n;
		}
		if (got || (end && clock_ns() >= end))
			return got;
	}
	return 0;
}

static int await_room(struct worker *w, uint64_t timeout_ns)
{
	return 0;
}

static void nothing(struct worker *w)
{
}

static void report(const struct worker *w, json_t *flags)
{
}

const struct wait_ops wait_spin = {
	.name = "spin",
	.uses = WAIT_BUSY_POLLS | WAIT_SOCKET_POLLS,
	.open = open_spin,
	.receive = receive,
	.send = worker_send,
	.stream = worker_stream_try,
	.await_room = await_room,
	.close = nothing,
	.report = report,
};
