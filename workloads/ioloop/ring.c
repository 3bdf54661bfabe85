// SPDX-License-Identifier: Apache-2.0
/* io_uring_setup(2), io_uring_register(2), mmap; once per job. */
#include "ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Every set-up flag we may ask for, with what a person needs to know when it is refused. */
static const struct {
	uint32_t bit;
	const char *name, *needs;
} setup_flags[] = {
	{IORING_SETUP_HYBRID_IOPOLL, "IORING_SETUP_HYBRID_IOPOLL", "Linux 6.13 and IOPOLL"},
	{IORING_SETUP_IOPOLL, "IORING_SETUP_IOPOLL", "Linux 5.1"},
	{IORING_SETUP_SQ_AFF, "IORING_SETUP_SQ_AFF", "an online CPU and SQPOLL"},
	{IORING_SETUP_DEFER_TASKRUN, "IORING_SETUP_DEFER_TASKRUN", "Linux 6.1 and no SQPOLL"},
	{IORING_SETUP_COOP_TASKRUN, "IORING_SETUP_COOP_TASKRUN", "Linux 5.19 and no SQPOLL"},
	{IORING_SETUP_SQPOLL, "IORING_SETUP_SQPOLL", "Linux 5.11, no DEFER or COOP_TASKRUN"},
	{IORING_SETUP_SINGLE_ISSUER, "IORING_SETUP_SINGLE_ISSUER", "Linux 6.0"},
	{IORING_SETUP_NO_SQARRAY, "IORING_SETUP_NO_SQARRAY", "Linux 6.6"},
	{IORING_SETUP_SQE128, "IORING_SETUP_SQE128", "Linux 5.19"},
	{IORING_SETUP_CQE32, "IORING_SETUP_CQE32", "Linux 5.19"},
};

static const struct {
	uint32_t bit;
	const char *name;
} features[] = {
	{IORING_FEAT_SINGLE_MMAP, "SINGLE_MMAP"},
	{IORING_FEAT_NODROP, "NODROP"},
	{IORING_FEAT_SQPOLL_NONFIXED, "SQPOLL_NONFIXED"},
	{IORING_FEAT_EXT_ARG, "EXT_ARG"},
	{IORING_FEAT_NATIVE_WORKERS, "NATIVE_WORKERS"},
	{IORING_FEAT_REG_REG_RING, "REG_REG_RING"},
	{IORING_FEAT_MIN_TIMEOUT, "MIN_TIMEOUT"},
};

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

static int set_up(const struct options *o, uint32_t depth, uint32_t flags,
		  struct io_uring_params *p)
{
	long fd;

	memset(p, 0, sizeof(*p));
	p->flags = flags;
	p->sq_thread_cpu = flags & IORING_SETUP_SQ_AFF ? (uint32_t)o->sq_cpu : 0;
	p->sq_thread_idle = (uint32_t)(o->sq_idle_ns / 1000000);
	fd = syscall(__NR_io_uring_setup, depth, p);
	return fd < 0 ? -errno : (int)fd;
}

/* Which flag is it? The one without which the kernel would have agreed. Nothing is retried for
 * use: the set-up has failed, this only finds the words. */
static int refused(const struct options *o, uint32_t flags, int err, struct diag *d)
{
	char names[256] = "", needs[256] = "";
	struct io_uring_params p;

	if (err == -EPERM)
		return diag_errno(d, err,
				  "io_uring_setup refused (sysctl kernel.io_uring_disabled, or a "
				  "seccomp filter)");
	for (size_t i = 0; i < ARRAY_SIZE(setup_flags) && err == -EINVAL; i++) {
		size_t at = strlen(names), len = strlen(needs);
		int fd;

		if (!(flags & setup_flags[i].bit))
			continue;
		fd = set_up(o, 4, flags & ~setup_flags[i].bit, &p);
		if (fd < 0)
			continue;
		close(fd);
		snprintf(names + at, sizeof(names) - at, "%s%s", at ? " or " : "",
			 setup_flags[i].name);
		snprintf(needs + len, sizeof(needs) - len, "%s%s", len ? "; " : "",
			 setup_flags[i].needs);
	}
	if (names[0])
		return diag_set(d, err, "%s refused by io_uring_setup: %s (needs %s)", names,
				strerror(-err), needs);
	for (size_t i = 0; i < ARRAY_SIZE(setup_flags); i++)
		if (flags & setup_flags[i].bit)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), " %s",
				 setup_flags[i].name);
	return diag_set(d, err, "a ring of %llu entries with flags%s refused by io_uring_setup: %s",
			(unsigned long long)o->iodepth, names[0] ? names : " 0", strerror(-err));
}

static void *map(int fd, size_t bytes, uint64_t offset)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		       (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

static int map_rings(struct ring *r, const struct io_uring_params *p, struct diag *d)
{
	char *sq, *cq;

	r->sqe_shift = p->flags & IORING_SETUP_SQE128 ? 7 : 6;
	r->cqe_shift = p->flags & IORING_SETUP_CQE32 ? 5 : 4;
	r->sq_map_bytes = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	r->cq_map_bytes = p->cq_off.cqes + ((size_t)p->cq_entries << r->cqe_shift);
	r->sqe_map_bytes = (size_t)p->sq_entries << r->sqe_shift;
	if (p->flags & IORING_SETUP_NO_SQARRAY) /* sq_off.array means nothing */
		r->sq_map_bytes = r->cq_map_bytes;
	sq = r->sq_map = map(r->fd, r->sq_map_bytes, IORING_OFF_SQ_RING);
	cq = r->cq_map = map(r->fd, r->cq_map_bytes, IORING_OFF_CQ_RING);
	r->sqes = r->sqe_map = map(r->fd, r->sqe_map_bytes, IORING_OFF_SQES);
	if (!sq || !cq || !r->sqes)
		return diag_errno(d, -errno, "io_uring: cannot map the ring");
	r->sq_khead = (uint32_t *)(sq + p->sq_off.head);
	r->sq_ktail = (uint32_t *)(sq + p->sq_off.tail);
	r->sq_kflags = (uint32_t *)(sq + p->sq_off.flags);
	r->sq_mask = p->sq_entries - 1;
	r->cq_khead = (uint32_t *)(cq + p->cq_off.head);
	r->cq_ktail = (uint32_t *)(cq + p->cq_off.tail);
	r->cqes = cq + p->cq_off.cqes;
	r->cq_mask = p->cq_entries - 1;
	/* entry i of the index array is i for good: entries are used in ring order */
	for (uint32_t i = 0; !(p->flags & IORING_SETUP_NO_SQARRAY) && i < p->sq_entries; i++)
		((uint32_t *)(sq + p->sq_off.array))[i] = i;
	return 0;
}

static int ring_register(const struct ring *r, unsigned op, const void *arg, unsigned n)
{
	long ret = syscall(__NR_io_uring_register, r->fd, op, arg, n);

	return ret < 0 ? -errno : (int)ret;
}

static int register_files(struct worker *w, struct ring *r, struct diag *d)
{
	int fds[OPT_STRS_MAX], err;

	for (uint32_t i = 0; i < w->n_targets; i++)
		fds[i] = w->target[i].gate.fd;
	err = ring_register(r, IORING_REGISTER_FILES, fds, w->n_targets);
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
	err = ring_register(r, IORING_REGISTER_BUFFERS, iov, w->depth);
	if (err < 0)
		return diag_errno(d, err, "IORING_REGISTER_BUFFERS refused%s",
				  err == -ENOMEM ? " (RLIMIT_MEMLOCK)" : "");
	return 0;
}

static int register_ring(struct ring *r, struct diag *d)
{
	struct io_uring_rsrc_update up = {.offset = UINT32_MAX, .data = (uint64_t)r->fd};
	int err = ring_register(r, IORING_REGISTER_RING_FDS, &up, 1);

	if (err != 1)
		return diag_errno(d, err < 0 ? err : -EIO,
				  "IORING_REGISTER_RING_FDS refused (needs Linux 5.18)");
	r->enter_fd = (int)up.offset;
	r->enter_flags |= IORING_ENTER_REGISTERED_RING;
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
		err = register_ring(r, d);
	return err;
}

int ring_open(struct worker *w, uint32_t extra, struct diag *d)
{
	struct ring *r = aligned_alloc(64, (sizeof(*r) + 63) / 64 * 64);
	uint32_t flags = wanted_flags(w->o, extra);
	struct io_uring_params p;
	int err;

	if (!r)
		return diag_set(d, -ENOMEM, "out of memory");
	memset(r, 0, sizeof(*r));
	w->state = r;
	r->fd = set_up(w->o, w->depth, flags, &p);
	if (r->fd < 0)
		return refused(w->o, flags, r->fd, d);
	r->enter_fd = r->fd;
	r->setup = p.flags;
	r->features = p.features;
	r->sqpoll = w->o->sqpoll;
	r->looks_enter = !r->sqpoll && (w->o->hipri || w->o->defer_taskrun);
	if (w->o->min_wait_ns && !(p.features & IORING_FEAT_MIN_TIMEOUT))
		return diag_set(d, -EINVAL,
				"--min-wait: IORING_FEAT_MIN_TIMEOUT is absent (needs Linux 6.12)");
	r->min_wait_usec = (uint32_t)(w->o->min_wait_ns / 1000);
	if (w->o->rate_iops && !(p.features & IORING_FEAT_EXT_ARG))
		return diag_set(d, -EINVAL,
				"--rate-iops: IORING_FEAT_EXT_ARG is absent (needs Linux 5.11)");
	err = map_rings(r, &p, d);
	if (!err)
		err = register_all(w, r, d);
	return err;
}

void ring_close(struct worker *w)
{
	struct ring *r = w->state;

	if (!r)
		return;
	if (r->sq_map)
		munmap(r->sq_map, r->sq_map_bytes);
	if (r->cq_map)
		munmap(r->cq_map, r->cq_map_bytes);
	if (r->sqe_map)
		munmap(r->sqe_map, r->sqe_map_bytes);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
	w->state = NULL;
}

/* fdinfo shows the SQ thread: "SqThread:\t1234", "SqThreadCpu:\t1" (-1: none). */
static void report_sq_thread(const struct ring *r, json_t *flags)
{
	_file_ FILE *f = NULL;
	char path[64], line[128];
	int value;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", r->fd);
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
	json_t *setup = json_array(), *feat = json_array(), *reg = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(setup_flags); i++)
		if (r->setup & setup_flags[i].bit)
			json_array_append_new(setup, json_string(setup_flags[i].name));
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (r->features & features[i].bit)
			json_array_append_new(feat, json_string(features[i].name));
	if (w->o->registerfiles)
		json_array_append_new(reg, json_string("files"));
	if (w->o->fixedbufs)
		json_array_append_new(reg, json_string("buffers"));
	if (w->o->registerring)
		json_array_append_new(reg, json_string("ring"));
	json_object_set_new(flags, "setup", setup);
	json_object_set_new(flags, "features", feat);
	json_object_set_new(flags, "registered", reg);
	json_object_set_new(flags, "sq_entries", json_integer(r->sq_mask + 1));
	json_object_set_new(flags, "cq_entries", json_integer(r->cq_mask + 1));
	if (r->min_wait_usec)
		json_object_set_new(flags, "min_wait_usec", json_integer(r->min_wait_usec));
	if (r->sqpoll)
		report_sq_thread(r, flags);
}
