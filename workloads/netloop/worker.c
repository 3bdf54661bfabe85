// SPDX-License-Identifier: Apache-2.0
/* What a worker needs before it runs, and the socket calls that most ways of waiting share. */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "crew.h"

#define RECEIVE_TCP	 (256u << 10)
#define RECEIVE_UDP	 65536u
#define SLOT_BYTES_MAX	 (256ull << 20)
#define ZEROCOPY_PENDING 32 /* completions are taken off when so many may be due */

static int pin(const struct worker *w, struct diag *d)
{
	const struct cpulist *list = &w->o->cpus;
	unsigned cpu;
	cpu_set_t set;

	if (!list->n)
		return 0;
	cpu = list->cpu[w->index % list->n];
	if (cpu >= CPU_SETSIZE)
		return diag_set(d, -EINVAL, "--cpus-allowed: CPU %u is above %d", cpu,
				CPU_SETSIZE - 1);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return diag_errno(d, -errno, "--cpus-allowed %s", w->o->cpus_text);
	return 0;
}

static void fill(struct worker *w, char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
		uint64_t word = rng_next(&w->rng);

		memcpy(at + i, &word, bytes - i < sizeof(word) ? bytes - i : sizeof(word));
	}
}

static int alloc_slots(struct worker *w, struct diag *d)
{
	const struct load *l = w->l;
	bool stream = l->pattern == PATTERN_STREAM;

	w->n_slots = stream ? 0 : w->n_flows * l->depth;
	if ((uint64_t)w->n_slots * l->size > SLOT_BYTES_MAX && !l->tcp)
		return diag_set(d, -EINVAL,
				"%u requests of %u bytes in flight need more than 256 MiB",
				w->n_slots, l->size);
	w->slot = calloc(w->n_slots + 1, sizeof(*w->slot));
	w->free = calloc(w->n_slots + 1, sizeof(*w->free));
	w->slot_bytes = l->tcp ? NULL : malloc((size_t)w->n_slots * l->size + 1);
	w->interval = calloc(INTERVALS_MAX, sizeof(*w->interval));
	if (!w->slot || !w->free || (!l->tcp && !w->slot_bytes) || !w->interval)
		return diag_set(d, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < w->n_flows && !stream; i++) {
		w->flow[i]->fifo = calloc(l->depth, sizeof(uint32_t));
		if (!w->flow[i]->fifo)
			return diag_set(d, -ENOMEM, "out of memory");
	}
	if (w->slot_bytes)
		fill(w, w->slot_bytes, (size_t)w->n_slots * l->size);
	/* first the first slot of each flow, then the second ... */
	for (uint32_t i = 0; i < w->n_slots; i++)
		w->free[i] = i % w->n_flows * l->depth + i / w->n_flows;
	w->n_free = w->n_slots;
	return 0;
}

int worker_alloc(struct worker *w, struct diag *d)
{
	const struct load *l = w->l;
	size_t most = l->size > l->response_size ? l->size : l->response_size;
	int err = pin(w, d);

	if (err)
		return err;
	rng_seed(&w->rng, w->o->randseed + w->index * 0x9e3779b97f4a7c15u);
	w->buf_bytes = l->tcp ? RECEIVE_TCP : RECEIVE_UDP;
	w->buf = calloc(1, w->buf_bytes);
	w->payload = malloc(most);
	if (!w->buf || !w->payload)
		return diag_set(d, -ENOMEM, "out of memory");
	fill(w, w->payload, most);
	return w->client ? alloc_slots(w, d) : 0;
}

void worker_free(struct worker *w)
{
	for (uint32_t i = 0; i < w->n_flows; i++)
		free(w->flow[i]->fifo);
	free(w->slot);
	free(w->free);
	free(w->slot_bytes);
	free(w->interval);
	free(w->buf);
	free(w->payload);
}

void worker_reset(struct worker *w)
{
	memset(w->calls, 0, sizeof(w->calls));
	w->empty_polls = w->strays = 0;
	w->bytes_in = w->bytes_out = w->messages_in = w->messages_out = w->bytes_window = 0;
	w->zc_sent = w->zc_done = w->zc_copied = 0;
	w->done = w->done_total = w->lost = w->late = 0;
	w->inflight_integral = w->inflight_window = w->inflight_max = 0;
	w->starts = (struct starts){0};
	w->first_ns = w->last_ns = 0;
	hist_init(&w->latency);
	hist_init(&w->service);
	if (w->interval)
		memset(w->interval, 0, INTERVALS_MAX * sizeof(*w->interval));
	w->interval_at = 0;
	for (uint32_t i = 0; i < w->n_flows; i++) {
		struct flow *f = w->flow[i];

		f->bytes_in = f->bytes_out = f->messages_in = 0;
		f->before = flow_segments(f);
	}
}

bool worker_stopped(const struct worker *w)
{
	return atomic_load_explicit(&w->crew->stop, memory_order_relaxed);
}

void worker_fail(struct worker *w, int err, const char *what)
{
	if (!w->err && err == -EPIPE)
		w->err = diag_set(&w->d, err, "the %s closed a flow",
				  w->client ? "server" : "client");
	else if (!w->err)
		w->err = diag_errno(&w->d, err, "%s", what);
	atomic_store(&w->crew->stop, true);
}

int worker_receive(struct worker *w, struct flow *f, int flags)
{
	ssize_t n;

	w->calls[CALL_RECV]++;
	n = recv(f->fd, w->buf, w->buf_bytes, flags);
	if (__builtin_expect(n > 0, 1)) {
		w->data(w, f, w->buf, (uint32_t)n);
		return 1;
	}
	if (n == 0)
		return f->tcp ? -EPIPE : 0; /* an empty datagram is none of ours */
	if (errno == EAGAIN || errno == EINTR) {
		w->empty_polls++;
		return 0;
	}
	return -errno;
}

/* One send(2). 0: there is no room. MSG_ZEROCOPY: ENOBUFS says that too many completions wait. */
static ssize_t send_some(struct worker *w, struct flow *f, const char *buf, size_t len, int flags)
{
	flags |= MSG_NOSIGNAL | (w->l->zerocopy ? MSG_ZEROCOPY : 0);
	for (;;) {
		ssize_t n;

		w->calls[CALL_SEND]++;
		n = send(f->fd, buf, len, flags);
		if (n >= 0) {
			w->zc_sent += w->l->zerocopy;
			if (w->l->zerocopy && w->zc_sent - w->zc_done >= ZEROCOPY_PENDING)
				zerocopy_reap(w, f);
			return n;
		}
		if (errno == EAGAIN)
			return 0;
		if (errno == ENOBUFS && w->l->zerocopy && w->zc_sent > w->zc_done) {
			struct pollfd p = {.fd = f->fd}; /* the error queue needs no asking */

			w->calls[CALL_POLL]++;
			poll(&p, 1, 10);
			if (zerocopy_reap(w, f) >= 0 && !worker_stopped(w))
				continue;
		}
		if (errno != EINTR || worker_stopped(w))
			return -errno;
	}
}

int worker_flush(struct worker *w, struct flow *f)
{
	uint32_t most = w->client ? w->l->size : w->l->response_size;

	while (f->owed) {
		size_t want = f->owed < most ? f->owed : most;
		ssize_t n = send_some(w, f, w->payload, want, MSG_DONTWAIT);

		if (n <= 0)
			return (int)n;
		f->owed -= (uint64_t)n;
		if ((size_t)n < want)
			return 0;
	}
	return 0;
}

static int send_datagram(struct worker *w, struct flow *f, const char *buf, uint32_t len)
{
	for (;;) {
		ssize_t n = send_some(w, f, buf, len, MSG_DONTWAIT);
		struct pollfd p = {.fd = f->fd, .events = POLLOUT};

		if (n)
			return n < 0 ? (int)n : 0;
		w->calls[CALL_POLL]++;
		poll(&p, 1, 100);
		if (worker_stopped(w))
			return -EINTR;
	}
}

int worker_send(struct worker *w, struct flow *f, char *buf, uint32_t len)
{
	ssize_t n;

	w->bytes_out += len;
	w->messages_out++;
	f->bytes_out += len;
	if (!f->tcp)
		return send_datagram(w, f, buf, len);
	if (__builtin_expect(f->owed != 0, 0)) {
		f->owed += len; /* behind what waits already */
		return worker_flush(w, f);
	}
	n = send_some(w, f, w->payload, len, MSG_DONTWAIT);
	if (n < 0)
		return (int)n;
	f->owed = len - (uint32_t)n;
	return 0;
}

static int stream(struct worker *w, struct flow *f, char *buf, uint32_t len, int flags)
{
	uint64_t want = f->owed ? f->owed : len;
	ssize_t n = send_some(w, f, buf, want, flags);

	if (n <= 0)
		return (int)n;
	w->bytes_out += (uint64_t)n;
	f->bytes_out += (uint64_t)n;
	f->owed = want - (uint64_t)n; /* of a message that has begun to leave */
	return f->owed ? 0 : (int)len;
}

int worker_stream_block(struct worker *w, struct flow *f, char *buf, uint32_t len)
{
	return stream(w, f, buf, len, 0);
}

int worker_stream_try(struct worker *w, struct flow *f, char *buf, uint32_t len)
{
	return stream(w, f, buf, len, MSG_DONTWAIT);
}
