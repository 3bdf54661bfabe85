/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel interfaces of busy polling that Debian 12's headers (Linux 6.1) lack. */
#pragma once
#include <stdint.h>
#include <sys/ioctl.h>

/* Busy polling of an epoll instance, Linux 6.9 (include/uapi/linux/eventpoll.h). */
struct netloop_epoll_params {
	uint32_t busy_poll_usecs;
	uint16_t busy_poll_budget;
	uint8_t prefer_busy_poll;
	uint8_t pad; /* must be 0 */
};
#define NETLOOP_EPIOCSPARAMS _IOW(0x8A, 0x01, struct netloop_epoll_params)
#define NETLOOP_EPIOCGPARAMS _IOR(0x8A, 0x02, struct netloop_epoll_params)

/* Busy polling of a ring, Linux 6.9 (include/uapi/linux/io_uring.h). The kernel writes the values
 * that held before into the same struct. */
struct netloop_ring_napi {
	uint32_t busy_poll_to; /* us */
	uint8_t prefer_busy_poll;
	uint8_t pad[3];
	uint64_t resv;
};
#define NETLOOP_REGISTER_NAPI 27
