// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's side of network modes, asked on sockets, epoll instances and rings that are closed
 * again. That an option is taken proves only that it is known: with a device without NAPI it does
 * nothing (net.napi), and counters decide in each trial.
 */
#include "machine/capability_net.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/machine.h"
#include "sys/netns.h"
#include "sys/sys.h"

#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif

/* <linux/eventpoll.h>, Linux 6.9 */
struct epoll_busy_poll {
	uint32_t usecs;
	uint16_t budget;
	uint8_t prefer, pad;
};
#define GET_EPOLL_PARAMS _IOR(0x8A, 0x02, struct epoll_busy_poll)

/* <linux/io_uring.h>, Linux 6.9 */
enum { REGISTER_NAPI = 27 };
struct ring_napi {
	uint32_t busy_poll_us;
	uint8_t prefer, opcode, pad[2];
	uint64_t reserved;
};

static void ask_option(const struct machine *m, const char *name, int option, const char *what,
		       const char *since, struct capability_answer *a)
{
	_fd_ int fd = -1;
	int one = 1;

	if (capability_replay(m, name, a))
		return;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, option, &one, sizeof(one))) {
		int err = errno;

		capability_set(a, false, err == EPERM ? "run with CAP_NET_ADMIN" : since,
			       "the kernel refuses %s: %s", what, strerror(err));
	} else {
		capability_set(a, true, NULL, "the kernel accepts %s", what);
	}
}

void capability_net_busy_poll(const struct machine *m, const struct machine_subject *subject,
			      struct capability_answer *a)
{
	ask_option(m, "net.busy_poll", SO_BUSY_POLL, "SO_BUSY_POLL",
		   "a kernel with CONFIG_NET_RX_BUSY_POLL (Linux 3.11)", a);
}

void capability_net_prefer_busy_poll(const struct machine *m, const struct machine_subject *subject,
				     struct capability_answer *a)
{
	ask_option(m, "net.prefer_busy_poll", SO_PREFER_BUSY_POLL, "SO_PREFER_BUSY_POLL",
		   "Linux 5.11 or later", a);
}

void capability_net_zerocopy(const struct machine *m, const struct machine_subject *subject,
			     struct capability_answer *a)
{
	ask_option(m, "net.zerocopy", SO_ZEROCOPY, "SO_ZEROCOPY", "Linux 4.14 or later", a);
}

void capability_net_epoll_params(const struct machine *m, const struct machine_subject *subject,
				 struct capability_answer *a)
{
	struct epoll_busy_poll params;
	_fd_ int fd = -1;

	if (capability_replay(m, "net.epoll_params", a))
		return;
	fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0 || ioctl(fd, GET_EPOLL_PARAMS, &params))
		capability_set(a, false, "Linux 6.9 or later",
			       "the kernel refuses EPIOCGPARAMS: %s", strerror(errno));
	else
		capability_set(a, true, NULL, "the kernel answers EPIOCGPARAMS");
}

void capability_net_namespaces(const struct machine *m, const struct machine_subject *subject,
			       struct capability_answer *a)
{
	struct diag d = {""};
	_fd_ int fd = -1;
	int err;

	if (capability_replay(m, "net.namespaces", a))
		return;
	err = netns_create(&fd, &d);
	if (err)
		capability_set(a, false, err == -EPERM ? "run as root" : NULL, "%s", d.text);
	else
		capability_set(a, true, NULL, "a network namespace can be made");
}

void capability_ring_napi(const struct machine *m, const struct machine_subject *subject,
			  struct capability_answer *a)
{
	struct io_uring_params p = {0};
	struct ring_napi napi = {.busy_poll_us = 1};
	_fd_ int fd = -1;

	if (capability_replay(m, "io_uring.napi", a))
		return;
	fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	if (fd < 0)
		capability_set(a, false, NULL, "the kernel refuses io_uring_setup(2): %s",
			       strerror(errno));
	else if (syscall(SYS_io_uring_register, fd, REGISTER_NAPI, &napi, 1))
		capability_set(a, false, errno == EINVAL ? "Linux 6.9 or later" : NULL,
			       "the kernel refuses IORING_REGISTER_NAPI: %s", strerror(errno));
	else
		capability_set(a, true, NULL, "the kernel accepts IORING_REGISTER_NAPI");
}
