// SPDX-License-Identifier: Apache-2.0
#include "peer/reach.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "sys/netns.h"

#define RETRY_MS 20

struct end {
	struct reach_end *of;
	struct sockaddr_in at;
	int fd;
	bool got;
};

/* Inside the namespace: a socket belongs to the one in which it was made. */
static int open_end(void *arg)
{
	struct end *e = arg;
	socklen_t len = sizeof(e->at);

	e->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (e->fd < 0 || bind(e->fd, (struct sockaddr *)&e->at, sizeof(e->at)) ||
	    getsockname(e->fd, (struct sockaddr *)&e->at, &len))
		return -errno;
	return 0;
}

/* Ours and not a stray one: it comes from the other end's very port. */
static void take(struct end *e, const struct end *other)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char byte;

	while (recvfrom(e->fd, &byte, 1, 0, (struct sockaddr *)&from, &len) >= 0) {
		unsigned id = 0;
		socklen_t size = sizeof(id);

		if (from.sin_addr.s_addr == other->at.sin_addr.s_addr &&
		    from.sin_port == other->at.sin_port)
			e->got = true;
		if (!getsockopt(e->fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &size) && id)
			e->of->napi_id = id;
		len = sizeof(from);
	}
}

static int exchange(struct end e[static 2], unsigned timeout_ms, struct diag *d)
{
	uint64_t deadline = clock_ns() + timeout_ms * 1000000ull;

	while (!e[0].got || !e[1].got) {
		struct pollfd p[2] = {{.fd = e[0].fd, .events = POLLIN},
				      {.fd = e[1].fd, .events = POLLIN}};

		if (clock_ns() > deadline)
			return diag_set(d, -ETIMEDOUT,
					"no packet from the %s to the %s within %u ms",
					e[0].got ? "client" : "server",
					e[0].got ? "server" : "client", timeout_ms);
		/* it may fail as long as a link is not up: that is what is waited for */
		for (int i = 0; i < 2; i++)
			if (!e[!i].got)
				sendto(e[i].fd, "", 1, 0, (struct sockaddr *)&e[!i].at,
				       sizeof(e[!i].at));
		if (poll(p, 2, RETRY_MS) < 0 && errno != EINTR)
			return diag_errno(d, -errno, "waiting for a packet");
		for (int i = 0; i < 2; i++)
			take(&e[i], &e[!i]);
	}
	return 0;
}

int reach_wait(struct reach_end ends[static 2], unsigned timeout_ms, struct diag *d)
{
	struct end e[2];
	int err = 0;

	for (int i = 0; i < 2; i++) {
		e[i] = (struct end){.of = &ends[i], .fd = -1};
		e[i].at.sin_family = AF_INET;
		e[i].at.sin_addr = ends[i].address;
		ends[i].napi_id = 0;
		if (!err)
			err = netns_call(ends[i].netns_fd, open_end, &e[i]);
	}
	err = err ? diag_errno(d, err, "a socket at the end of the pair")
		  : exchange(e, timeout_ms, d);
	for (int i = 0; i < 2; i++)
		if (e[i].fd >= 0)
			close(e[i].fd);
	return err;
}
