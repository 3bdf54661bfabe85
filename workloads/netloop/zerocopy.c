// SPDX-License-Identifier: Apache-2.0
/* Completions of MSG_ZEROCOPY (Linux 4.14): ranges of send numbers on the socket's error queue. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <linux/errqueue.h> /* wants struct timespec */

#include "base/clock.h"
#include "worker.h"

#define DRAIN_NS \
	100000000u /* UDP: the kernel may hold the last buffers back till the next packet */

static void take(struct worker *w, const struct sock_extended_err *e)
{
	uint32_t n;

	if (e->ee_origin != SO_EE_ORIGIN_ZEROCOPY || e->ee_errno)
		return;
	n = e->ee_data - e->ee_info + 1;
	w->zc_done += n;
	if (e->ee_code & SO_EE_CODE_ZEROCOPY_COPIED)
		w->zc_copied += n;
}

int zerocopy_reap(struct worker *w, struct flow *f)
{
	char control[256];
	int taken = 0;

	for (;;) {
		struct msghdr msg = {.msg_control = control, .msg_controllen = sizeof(control)};

		w->calls[CALL_RECVMSG_ERRQUEUE]++;
		if (recvmsg(f->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return errno == EAGAIN || errno == EINTR ? taken : -errno;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			if ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
			    (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR))
				take(w, (const void *)CMSG_DATA(c));
		}
		taken++;
	}
}

void zerocopy_drain(struct worker *w)
{
	uint64_t end = clock_ns() + DRAIN_NS;

	while (w->l->zerocopy && w->zc_done < w->zc_sent && clock_ns() < end) {
		const struct timespec pause = {.tv_nsec = 200000};

		for (uint32_t i = 0; i < w->n_flows; i++)
			zerocopy_reap(w, w->flow[i]);
		if (w->zc_done < w->zc_sent)
			nanosleep(&pause, NULL);
	}
}
