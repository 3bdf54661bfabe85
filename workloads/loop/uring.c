// SPDX-License-Identifier: Apache-2.0
#include "loop/uring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"

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

static int set_up(uint32_t entries, uint32_t flags, const struct io_uring_params *wanted,
		  struct io_uring_params *p)
{
	long fd;

	memset(p, 0, sizeof(*p));
	p->flags = flags;
	p->sq_thread_cpu = flags & IORING_SETUP_SQ_AFF ? wanted->sq_thread_cpu : 0;
	p->sq_thread_idle = wanted->sq_thread_idle;
	fd = syscall(__NR_io_uring_setup, entries, p);
	return fd < 0 ? -errno : (int)fd;
}

/* Which flag is it? The one without which the kernel would have agreed. Nothing is retried for
 * use: the set-up has failed, this only finds the words. */
static int refused(uint32_t entries, const struct io_uring_params *wanted, int err, struct diag *d)
{
	char names[256] = "", needs[256] = "";
	uint32_t flags = wanted->flags;
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
		fd = set_up(4, flags & ~setup_flags[i].bit, wanted, &p);
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
	return diag_set(d, err, "a ring of %u entries with flags%s refused by io_uring_setup: %s",
			entries, names[0] ? names : " 0", strerror(-err));
}

static void *map(int fd, size_t bytes, uint64_t offset)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		       (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

static int map_rings(struct uring *u, const struct io_uring_params *p, struct diag *d)
{
	char *sq, *cq;

	u->sqe_shift = p->flags & IORING_SETUP_SQE128 ? 7 : 6;
	u->cqe_shift = p->flags & IORING_SETUP_CQE32 ? 5 : 4;
	u->sq_map_bytes = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	u->cq_map_bytes = p->cq_off.cqes + ((size_t)p->cq_entries << u->cqe_shift);
	u->sqe_map_bytes = (size_t)p->sq_entries << u->sqe_shift;
	if (p->flags & IORING_SETUP_NO_SQARRAY) /* sq_off.array means nothing */
		u->sq_map_bytes = u->cq_map_bytes;
	sq = u->sq_map = map(u->fd, u->sq_map_bytes, IORING_OFF_SQ_RING);
	cq = u->cq_map = map(u->fd, u->cq_map_bytes, IORING_OFF_CQ_RING);
	u->sqes = u->sqe_map = map(u->fd, u->sqe_map_bytes, IORING_OFF_SQES);
	if (!sq || !cq || !u->sqes)
		return diag_errno(d, -errno, "io_uring: cannot map the ring");
	u->sq_khead = (uint32_t *)(sq + p->sq_off.head);
	u->sq_ktail = (uint32_t *)(sq + p->sq_off.tail);
	u->sq_kflags = (uint32_t *)(sq + p->sq_off.flags);
	u->sq_mask = p->sq_entries - 1;
	u->cq_khead = (uint32_t *)(cq + p->cq_off.head);
	u->cq_ktail = (uint32_t *)(cq + p->cq_off.tail);
	u->cqes = cq + p->cq_off.cqes;
	u->cq_mask = p->cq_entries - 1;
	/* entry i of the index array is i for good: entries are used in ring order */
	for (uint32_t i = 0; !(p->flags & IORING_SETUP_NO_SQARRAY) && i < p->sq_entries; i++)
		((uint32_t *)(sq + p->sq_off.array))[i] = i;
	return 0;
}

int uring_register(const struct uring *u, unsigned op, void *arg, unsigned n)
{
	long ret = syscall(__NR_io_uring_register, u->fd, op, arg, n);

	return ret < 0 ? -errno : (int)ret;
}

int uring_register_ring(struct uring *u, struct diag *d)
{
	struct io_uring_rsrc_update up = {.offset = UINT32_MAX, .data = (uint64_t)u->fd};
	int err = uring_register(u, IORING_REGISTER_RING_FDS, &up, 1);

	if (err != 1)
		return diag_errno(d, err < 0 ? err : -EIO,
				  "IORING_REGISTER_RING_FDS refused (needs Linux 5.18)");
	u->enter_fd = (int)up.offset;
	u->enter_flags |= IORING_ENTER_REGISTERED_RING;
	return 0;
}

int uring_open(struct uring *u, uint32_t entries, const struct io_uring_params *wanted,
	       struct diag *d)
{
	struct io_uring_params p;

	memset(u, 0, sizeof(*u));
	u->fd = set_up(entries, wanted->flags, wanted, &p);
	if (u->fd < 0)
		return refused(entries, wanted, u->fd, d);
	u->enter_fd = u->fd;
	u->setup = p.flags;
	u->features = p.features;
	return map_rings(u, &p, d);
}

void uring_close(struct uring *u)
{
	if (u->sq_map)
		munmap(u->sq_map, u->sq_map_bytes);
	if (u->cq_map)
		munmap(u->cq_map, u->cq_map_bytes);
	if (u->sqe_map)
		munmap(u->sqe_map, u->sqe_map_bytes);
	if (u->fd >= 0)
		close(u->fd);
	*u = (struct uring){.fd = -1};
}

void uring_report(const struct uring *u, json_t *flags)
{
	json_t *setup = json_array(), *feat = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(setup_flags); i++)
		if (u->setup & setup_flags[i].bit)
			json_array_append_new(setup, json_string(setup_flags[i].name));
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (u->features & features[i].bit)
			json_array_append_new(feat, json_string(features[i].name));
	json_object_set_new(flags, "setup", setup);
	json_object_set_new(flags, "features", feat);
	json_object_set_new(flags, "sq_entries", json_integer(u->sq_mask + 1));
	json_object_set_new(flags, "cq_entries", json_integer(u->cq_mask + 1));
}
