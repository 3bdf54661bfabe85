// SPDX-License-Identifier: Apache-2.0
/* preadv2(2), pwritev2(2): one I/O at a time, the caller sleeps in it. */
#include <errno.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "worker.h"

static int open_sync(struct worker *w, struct diag *d)
{
	return 0;
}

static int sleep_ns(struct worker *w, uint64_t ns)
{
	struct timespec ts = clock_timespec(ns);

	w->calls[CALL_NANOSLEEP]++;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
	return 0;
}

static int exchange(struct worker *w, unsigned n, unsigned min, uint64_t timeout_ns)
{
	int flags = w->o->hipri ? RWF_HIPRI : 0;

	if (!n)
		return min && timeout_ns && timeout_ns != WAIT_FOREVER ? sleep_ns(w, timeout_ns)
								       : 0;
	for (unsigned i = 0; i < n; i++) {
		const struct io *io = &w->io[w->batch[i]];
		struct iovec iov = {io->buf, w->bs};
		int fd = w->target[io->file].gate.fd;
		ssize_t got;

		do {
			w->calls[io->dir == DIR_READ ? CALL_PREADV2 : CALL_PWRITEV2]++;
			got = io->dir == DIR_READ ? preadv2(fd, &iov, 1, (off_t)io->offset, flags)
						  : pwritev2(fd, &iov, 1, (off_t)io->offset, flags);
		} while (got < 0 && errno == EINTR);
		w->done[i] = (struct completion){w->batch[i], got < 0 ? -errno : (int32_t)got};
	}
	return (int)n;
}

static void close_sync(struct worker *w)
{
}

static void report_sync(const struct worker *w, json_t *flags)
{
	if (w->o->hipri)
		json_object_set_new(flags, "rwf_hipri", json_true());
}

const struct engine_ops engine_sync = {
	.name = "sync",
	.uses = ENGINE_HIPRI | ENGINE_DEPTH_ONE,
	.open = open_sync,
	.exchange = exchange,
	.close = close_sync,
	.report = report_sync,
};
