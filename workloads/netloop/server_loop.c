// SPDX-License-Identifier: Apache-2.0
/* The server's side: answer every request, or take a stream in, until told to park. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "worker.h"

static void took(struct worker *w, struct flow *f, uint32_t messages)
{
	w->messages_in += messages;
	f->messages_in += messages;
}

static void answer(struct worker *w, struct flow *f, char *buf)
{
	int err = w->wait->send(w, f, buf, w->l->response_size);

	if (__builtin_expect(err != 0, 0))
		worker_fail(w, err, "send");
}

void server_data(struct worker *w, struct flow *f, char *buf, uint32_t len)
{
	const struct load *l = w->l;
	bool stream = l->pattern == PATTERN_STREAM;

	w->bytes_in += len;
	f->bytes_in += len;
	if (stream) {
		w->last_ns = clock_ns();
		if (!w->first_ns)
			w->first_ns = w->last_ns;
	}
	if (!f->tcp) {
		if (__builtin_expect(len != l->size, 0)) {
			w->strays++;
			w->bytes_in -= len;
			f->bytes_in -= len;
			return;
		}
		took(w, f, 1);
		if (!stream)
			answer(w, f, buf); /* the request's number goes back with it */
		return;
	}
	for (f->partial += len; f->partial >= l->size; f->partial -= l->size) {
		took(w, f, 1);
		if (!stream)
			answer(w, f, buf);
	}
}

void server_run(struct worker *w)
{
	while (!worker_stopped(w)) {
		int n = w->wait->receive(w, WAIT_FOREVER);

		if (__builtin_expect(n < 0, 0))
			worker_fail(w, n, "receive");
		atomic_store_explicit(&w->progress, w->bytes_in, memory_order_relaxed);
	}
	zerocopy_drain(w);
}
