// SPDX-License-Identifier: Apache-2.0
/*
 * io_uring and AIO, asked by making a ring and letting it go. A ring that the kernel accepts proves
 * only that it knows the flag; whether the mode is in force is for the counters of a trial.
 */
#include "machine/capability_live.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/machine.h"

/* Newer than the oldest headers we build with. */
#define SETUP_HYBRID_IOPOLL (1u << 17) /* Linux 6.13 */
#define FEAT_MIN_TIMEOUT    (1u << 15) /* Linux 6.12 */

static int ring_setup(unsigned flags, struct io_uring_params *p)
{
	int fd;

	*p = (struct io_uring_params){.flags = flags};
	fd = (int)syscall(SYS_io_uring_setup, 4, p);
	return fd < 0 ? -errno : fd;
}

static void refused(const struct machine *m, int err, const char *what, const char *since,
		    struct capability_answer *a)
{
	const char *disabled = machine_fact(m, "kernel.io_uring_disabled", "0");
	char remedy[96];

	if (err == -EPERM && strcmp(disabled, "0")) {
		capability_set(a, false, "sysctl kernel.io_uring_disabled=0",
			       "kernel.io_uring_disabled=%s", disabled);
		return;
	}
	snprintf(remedy, sizeof(remedy), "Linux %s or later", since);
	capability_set(a, false, err == -EINVAL || err == -ENOSYS ? remedy : NULL,
		       "the kernel refuses %s: %s", what, strerror(-err));
}

static void ask_flag(const struct machine *m, const char *name, unsigned flags, const char *what,
		     const char *since, struct capability_answer *a)
{
	struct io_uring_params p;
	_fd_ int fd = -1;

	if (capability_replay(m, name, a))
		return;
	fd = ring_setup(flags, &p);
	if (fd < 0)
		refused(m, fd, what, since, a);
	else
		capability_set(a, true, NULL, "the kernel accepts %s", what);
}

void capability_ring(const struct machine *m, const struct machine_subject *subject,
		     struct capability_answer *a)
{
	ask_flag(m, "io_uring.available", 0, "io_uring_setup(2)", "5.1", a);
}

void capability_ring_iopoll(const struct machine *m, const struct machine_subject *subject,
			    struct capability_answer *a)
{
	ask_flag(m, "io_uring.iopoll", IORING_SETUP_IOPOLL, "IORING_SETUP_IOPOLL", "5.1", a);
}

void capability_ring_hybrid_iopoll(const struct machine *m, const struct machine_subject *subject,
				   struct capability_answer *a)
{
	ask_flag(m, "io_uring.hybrid_iopoll", IORING_SETUP_IOPOLL | SETUP_HYBRID_IOPOLL,
		 "IORING_SETUP_HYBRID_IOPOLL", "6.13", a);
}

void capability_ring_sqpoll(const struct machine *m, const struct machine_subject *subject,
			    struct capability_answer *a)
{
	ask_flag(m, "io_uring.sqpoll", IORING_SETUP_SQPOLL, "IORING_SETUP_SQPOLL", "5.13", a);
}

void capability_ring_coop_taskrun(const struct machine *m, const struct machine_subject *subject,
				  struct capability_answer *a)
{
	ask_flag(m, "io_uring.coop_taskrun", IORING_SETUP_COOP_TASKRUN, "IORING_SETUP_COOP_TASKRUN",
		 "5.19", a);
}

void capability_ring_defer_taskrun(const struct machine *m, const struct machine_subject *subject,
				   struct capability_answer *a)
{
	ask_flag(m, "io_uring.defer_taskrun",
		 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		 "IORING_SETUP_DEFER_TASKRUN", "6.1", a);
}

void capability_ring_min_wait(const struct machine *m, const struct machine_subject *subject,
			      struct capability_answer *a)
{
	struct io_uring_params p;
	_fd_ int fd = -1;

	if (capability_replay(m, "io_uring.min_wait", a))
		return;
	fd = ring_setup(0, &p);
	if (fd < 0)
		refused(m, fd, "io_uring_setup(2)", "6.12", a);
	else if (p.features & FEAT_MIN_TIMEOUT)
		capability_set(a, true, NULL, "the kernel has IORING_FEAT_MIN_TIMEOUT");
	else
		capability_set(a, false, "Linux 6.12 or later",
			       "the kernel lacks IORING_FEAT_MIN_TIMEOUT");
}

void capability_ring_passthrough(const struct machine *m, const struct machine_subject *subject,
				 struct capability_answer *a)
{
	enum { OPS = 256 };
	_free_ struct io_uring_probe *probe =
		calloc(1, sizeof(*probe) + OPS * sizeof(struct io_uring_probe_op));
	struct io_uring_params p;
	_fd_ int fd = -1;

	if (capability_replay(m, "io_uring.passthrough", a))
		return;
	fd = ring_setup(0, &p);
	if (fd < 0)
		refused(m, fd, "io_uring_setup(2)", "5.19", a);
	else if (!probe || syscall(SYS_io_uring_register, fd, IORING_REGISTER_PROBE, probe, OPS))
		refused(m, -errno, "IORING_REGISTER_PROBE", "5.6", a);
	else if (probe->ops[IORING_OP_URING_CMD].flags & IO_URING_OP_SUPPORTED)
		capability_set(a, true, NULL, "the kernel has IORING_OP_URING_CMD");
	else
		capability_set(a, false, "Linux 5.19 or later",
			       "the kernel lacks IORING_OP_URING_CMD");
}

void capability_aio(const struct machine *m, const struct machine_subject *subject,
		    struct capability_answer *a)
{
	aio_context_t context = 0;

	if (capability_replay(m, "aio.available", a))
		return;
	if (syscall(SYS_io_setup, 1, &context)) {
		capability_set(a, false,
			       errno == EAGAIN ? "raise sysctl fs.aio-max-nr"
					       : "a kernel with CONFIG_AIO",
			       "io_setup(2): %s", strerror(errno));
		return;
	}
	syscall(SYS_io_destroy, context);
	capability_set(a, true, NULL, "io_setup(2) works");
}
