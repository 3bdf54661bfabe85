// SPDX-License-Identifier: Apache-2.0
/* Linux AIO by raw system calls: io_submit(2), io_getevents(2) (Linux 2.6). */
#include <errno.h>
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "worker.h"

struct aio {
	aio_context_t context;
	struct iocb *iocb; /* by slot */
	struct iocb **list;
	struct io_event *event;
};

static int open_aio(struct worker *w, struct diag *d)
{
	struct aio *a = calloc(1, sizeof(*a));

	w->state = a;
	if (!a)
		return diag_set(d, -ENOMEM, "out of memory");
	a->iocb = calloc(w->depth, sizeof(*a->iocb));
	a->list = calloc(w->depth, sizeof(*a->list));
	a->event = calloc(w->depth, sizeof(*a->event));
	if (!a->iocb || !a->list || !a->event)
		return diag_set(d, -ENOMEM, "out of memory");
	if (syscall(__NR_io_setup, w->depth, &a->context))
		return diag_errno(d, -errno, "io_setup(%u) refused%s", w->depth,
				  errno == EAGAIN ? " (sysctl fs.aio-max-nr)" : "");
	return 0;
}

static int submit(struct worker *w, struct aio *a, unsigned n)
{
	unsigned sent = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct io *io = &w->io[w->batch[i]];
		struct iocb *cb = &a->iocb[w->batch[i]];

		*cb = (struct iocb){
			.aio_data = w->batch[i],
			.aio_lio_opcode = io->dir == DIR_READ ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE,
			.aio_fildes = (uint32_t)w->target[io->file].gate.fd,
			.aio_buf = (uint64_t)(uintptr_t)io->buf,
			.aio_nbytes = w->bs,
			.aio_offset = (int64_t)io->offset,
		};
		a->list[i] = cb;
	}
	while (sent < n) {
		long ret;

		w->calls[CALL_IO_SUBMIT]++;
		ret = syscall(__NR_io_submit, a->context, (long)(n - sent), a->list + sent);
		if (ret < 0 && errno != EINTR)
			return -errno;
		if (ret > 0)
			sent += (unsigned)ret;
	}
	return 0;
}

static int exchange(struct worker *w, unsigned n, unsigned min, uint64_t timeout_ns)
{
	struct timespec ts = clock_timespec(timeout_ns);
	struct aio *a = w->state;
	long got = 0;
	int err;

	if (n && (err = submit(w, a, n)))
		return err;
	if (!min && timeout_ns == WAIT_FOREVER)
		return 0; /* more will be submitted first */
	do {
		w->calls[CALL_IO_GETEVENTS]++;
		got = syscall(__NR_io_getevents, a->context, (long)min, (long)w->depth, a->event,
			      timeout_ns == WAIT_FOREVER ? NULL : &ts);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	for (long i = 0; i < got; i++)
		w->done[i] =
			(struct completion){(uint32_t)a->event[i].data, (int32_t)a->event[i].res};
	return (int)got;
}

static void close_aio(struct worker *w)
{
	struct aio *a = w->state;

	if (!a)
		return;
	if (a->context)
		syscall(__NR_io_destroy, a->context);
	free(a->iocb);
	free(a->list);
	free(a->event);
	free(a);
	w->state = NULL;
}

static void report_aio(const struct worker *w, json_t *flags)
{
}

const struct engine_ops engine_aio = {
	.name = "aio",
	.open = open_aio,
	.exchange = exchange,
	.close = close_aio,
	.report = report_aio,
};
