// SPDX-License-Identifier: Apache-2.0
/* The cold half of the ring: what ioloop's options ask of it; once per job. */
#include "ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

static uint32_t wanted_flags(const struct options *o, uint32_t extra)
{
	return extra | (o->hipri ? IORING_SETUP_IOPOLL : 0) |
	       (o->hybrid ? IORING_SETUP_HYBRID_IOPOLL : 0) |
	       (o->sqpoll ? IORING_SETUP_SQPOLL : 0) |
	       (o->sq_cpu != OPTION_UNSET ? IORING_SETUP_SQ_AFF : 0) |
	       (o->defer_taskrun ? IORING_SETUP_DEFER_TASKRUN : 0) |
	       (o->single_issuer ? IORING_SETUP_SINGLE_ISSUER : 0) |
	       (o->coop_taskrun ? IORING_SETUP_COOP_TASKRUN : 0) |
	       (o->no_sqarray ? IORING_SETUP_NO_SQARRAY : 0);
}

static int register_files(struct worker *w, struct ring *r, struct diag *d)
{
	int fds[OPT_STRS_MAX], err;

	for (uint32_t i = 0; i < w->n_targets; i++)
		fds[i] = w->target[i].gate.fd;
	err = uring_register(&r->u, IORING_REGISTER_FILES, fds, w->n_targets);
	if (err < 0)
		return diag_errno(d, err, "IORING_REGISTER_FILES refused");
	r->sqe_flags |= IOSQE_FIXED_FILE;
	return 0;
}

/* One buffer per slot, its index is the slot. */
static int register_buffers(struct worker *w, struct ring *r, struct diag *d)
{
	_free_ struct iovec *iov = calloc(w->depth, sizeof(*iov));
	int err;

	if (!iov)
		return diag_set(d, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < w->depth; i++)
		iov[i] = (struct iovec){w->io[i].buf, w->bs};
	err = uring_register(&r->u, IORING_REGISTER_BUFFERS, iov, w->depth);
	if (err < 0)
		return diag_errno(d, err, "IORING_REGISTER_BUFFERS refused%s",
				  err == -ENOMEM ? " (RLIMIT_MEMLOCK)" : "");
	return 0;
}

static int register_all(struct worker *w, struct ring *r, struct diag *d)
{
	const struct options *o = w->o;
	int err = 0;

	if (o->registerfiles)
		err = register_files(w, r, d);
	if (!err && o->fixedbufs)
		err = register_buffers(w, r, d);
	if (!err && o->registerring)
		err = uring_register_ring(&r->u, d);
	return err;
}

int ring_open(struct worker *w, uint32_t extra, struct diag *d)
{
	struct ring *r = aligned_alloc(64, (sizeof(*r) + 63) / 64 * 64);
	struct io_uring_params p = {
		.flags = wanted_flags(w->o, extra),
		.sq_thread_cpu = w->o->sq_cpu != OPTION_UNSET ? (uint32_t)w->o->sq_cpu : 0,
		.sq_thread_idle = (uint32_t)(w->o->sq_idle_ns / 1000000),
	};
	int err;

	if (!r)
		return diag_set(d, -ENOMEM, "out of memory");
	memset(r, 0, sizeof(*r));
	w->state = r;
	err = uring_open(&r->u, w->depth, &p, d);
	if (err)
		return err;
	r->sqpoll = w->o->sqpoll;
	r->looks_enter = !r->sqpoll && (w->o->hipri || w->o->defer_taskrun);
	if (w->o->min_wait_ns && !(r->u.features & IORING_FEAT_MIN_TIMEOUT))
		return diag_set(d, -EINVAL,
				"--min-wait: IORING_FEAT_MIN_TIMEOUT is absent (needs Linux 6.12)");
	r->min_wait_usec = (uint32_t)(w->o->min_wait_ns / 1000);
	if (w->o->rate_iops && !(r->u.features & IORING_FEAT_EXT_ARG))
		return diag_set(d, -EINVAL,
				"--rate-iops: IORING_FEAT_EXT_ARG is absent (needs Linux 5.11)");
	return register_all(w, r, d);
}

void ring_close(struct worker *w)
{
	struct ring *r = w->state;

	if (!r)
		return;
	uring_close(&r->u);
	free(r);
	w->state = NULL;
}

/* fdinfo shows the SQ thread: "SqThread:\t1234", "SqThreadCpu:\t1" (-1: none). */
static void report_sq_thread(const struct ring *r, json_t *flags)
{
	_file_ FILE *f = NULL;
	char path[64], line[128];
	int value;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", r->u.fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "SqThread: %d", &value) == 1 && value >= 0)
			json_object_set_new(flags, "sq_thread_tid", json_integer(value));
		if (sscanf(line, "SqThreadCpu: %d", &value) == 1 && value >= 0)
			json_object_set_new(flags, "sq_thread_cpu", json_integer(value));
	}
}

void ring_report(const struct worker *w, json_t *flags)
{
	const struct ring *r = w->state;
	json_t *reg = json_array();

	uring_report(&r->u, flags);
	if (w->o->registerfiles)
		json_array_append_new(reg, json_string("files"));
	if (w->o->fixedbufs)
		json_array_append_new(reg, json_string("buffers"));
	if (w->o->registerring)
		json_array_append_new(reg, json_string("ring"));
	json_object_set_new(flags, "registered", reg);
	if (r->min_wait_usec)
		json_object_set_new(flags, "min_wait_usec", json_integer(r->min_wait_usec));
	if (r->sqpoll)
		report_sq_thread(r, flags);
}
