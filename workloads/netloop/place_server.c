// SPDX-License-Identifier: Apache-2.0
/* The server's half of opening a flow: only who shows the ticket gets in, and each ticket is good
 * for one flow. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/digest.h"
#include "place.h"

#define TICKET_NS 2500000000u
#define SHOW_NS	  500000000u /* a connection that says nothing is let go */

/* The 32 characters a TCP connection begins with, and nothing behind them. */
static int read_ticket(int fd, char ticket[static 33])
{
	uint64_t deadline = clock_ns() + SHOW_NS;
	size_t got = 0;

	while (got < 32) {
		ssize_t n = flow_await(fd, deadline) ? 0 : recv(fd, ticket + got, 32 - got, 0);

		if (n <= 0)
			return -ETIMEDOUT;
		got += (size_t)n;
	}
	ticket[32] = '\0';
	return 0;
}

static int accept_tcp(const struct load *l, int listener, struct flow *f, struct diag *d)
{
	uint64_t deadline = clock_ns() + TICKET_NS;

	while (!flow_await(listener, deadline)) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		char shown[33];

		if (fd < 0)
			continue;
		if (read_ticket(fd, shown) || !digest_equal(shown, f->ticket)) {
			close(fd); /* not the one that was announced */
			continue;
		}
		f->fd = fd;
		if (flow_options(fd, l, d))
			return -EINVAL;
		if (send(fd, f->ticket, 32, MSG_NOSIGNAL) != 32)
			return diag_errno(d, -errno, "flow %u", f->index);
		return 0;
	}
	return diag_set(d, -ETIMEDOUT, "flow %u was announced and did not connect", f->index);
}

/* A socket that takes datagrams from the client's port only, on the port that is served. */
static int open_udp(const struct wire *w, const struct load *l, const struct address *address,
		    uint16_t port, struct flow *f, struct diag *d)
{
	struct address client = {.len = sizeof(client.sa)};
	const int one = 1;
	int err;

	if (getpeername(w->fd, (void *)&client.sa, &client.len))
		return diag_errno(d, -errno, "getpeername");
	address_set_port(&client, port);
	f->fd = socket(address->sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (f->fd < 0)
		return diag_errno(d, -errno, "socket");
	err = flow_options(f->fd, l, d);
	if (err)
		return err;
	/* all flows share the port; a connected socket is found before any other */
	if (setsockopt(f->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(f->fd, (const void *)&address->sa, address->len) ||
	    connect(f->fd, (void *)&client.sa, client.len))
		return diag_errno(d, -errno, "UDP port %u at %s", address_port(&address->sa),
				  address->text);
	return 0;
}

static int accept_udp(struct flow *f, struct diag *d)
{
	uint64_t deadline = clock_ns() + TICKET_NS;
	char shown[64];

	while (!flow_await(f->fd, deadline)) {
		ssize_t n = recv(f->fd, shown, sizeof(shown) - 1, MSG_DONTWAIT);

		if (n != 32)
			continue;
		shown[32] = '\0';
		if (!digest_equal(shown, f->ticket))
			continue;
		if (send(f->fd, f->ticket, 32, 0) != 32)
			return diag_errno(d, -errno, "flow %u", f->index);
		return 0;
	}
	return diag_set(d, -ETIMEDOUT, "flow %u: no UDP datagram of the client came", f->index);
}

int place_accept(struct wire *w, const struct stops *s, const struct load *l, int listener,
		 const struct address *address, const json_t *asked, struct flow *f, struct diag *d)
{
	json_int_t port = json_integer_value(json_object_get(asked, "port"));
	int err;

	if (port < 1 || port > 65535)
		return diag_set(d, -EPROTO, "flow %u: port %lld", f->index, (long long)port);
	f->tcp = l->tcp;
	f->source_port = (uint16_t)port;
	err = wire_nonce(f->ticket, d);
	if (!err && !l->tcp)
		err = open_udp(w, l, address, f->source_port, f, d);
	if (!err)
		err = wire_send(w, json_pack("{s:s}", "ticket", f->ticket), d);
	if (!err)
		err = l->tcp ? accept_tcp(l, listener, f, d) : accept_udp(f, d);
	if (err)
		return err;
	f->placed = flow_placement(f->fd);
	return wire_send(w, json_pack("{s:o}", "placed", placement_json(&f->placed)), d);
}
