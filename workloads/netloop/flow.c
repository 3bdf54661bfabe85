// SPDX-License-Identifier: Apache-2.0
#include "flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "wait.h"

int address_parse(const char *text, uint64_t port, bool no_wildcard, struct address *a,
		  struct diag *d)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	const struct sockaddr_in *in = (const void *)&a->sa;
	const struct sockaddr_in6 *in6 = (const void *)&a->sa;
	struct addrinfo *found = NULL;
	char service[8];
	int err;

	snprintf(service, sizeof(service), "%u", (unsigned)port);
	snprintf(a->text, sizeof(a->text), "%s", text);
	err = getaddrinfo(text, service, &hints, &found);
	if (err)
		return diag_set(d, -EINVAL,
				"'%s' is no numeric address (as 192.0.2.1 or fe80::1%%eth1)", text);
	memcpy(&a->sa, found->ai_addr, found->ai_addrlen);
	a->len = found->ai_addrlen;
	freeaddrinfo(found);
	if (no_wildcard &&
	    ((a->sa.ss_family == AF_INET && in->sin_addr.s_addr == INADDR_ANY) ||
	     (a->sa.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))))
		return diag_set(
			d, -EINVAL,
			"--bind %s: every interface of the machine; give the one address to "
			"serve on",
			text);
	return 0;
}

uint16_t address_port(const struct sockaddr_storage *sa)
{
	return ntohs(sa->ss_family == AF_INET ? ((const struct sockaddr_in *)sa)->sin_port
					      : ((const struct sockaddr_in6 *)sa)->sin6_port);
}

void address_set_port(struct address *a, uint16_t port)
{
	if (a->sa.ss_family == AF_INET)
		((struct sockaddr_in *)&a->sa)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&a->sa)->sin6_port = htons(port);
}

/* Set it, then look whether it holds: some kernels take a value and clamp it. */
static int set_option(int fd, int option, const char *name, const char *needs, int value,
		      struct diag *d)
{
	socklen_t len = sizeof(int);
	int now = -1;

	if (setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)))
		return diag_errno(d, -errno, "%s = %d refused by the kernel (needs %s)", name,
				  value, needs);
	if (getsockopt(fd, SOL_SOCKET, option, &now, &len))
		return errno == ENOPROTOOPT ? 0 : /* SO_BUSY_POLL_BUDGET can only be set */
			       diag_errno(d, -errno, "%s cannot be read back", name);
	if (now != value)
		return diag_set(d, -EINVAL, "%s: %d was set, the kernel says %d", name, value, now);
	return 0;
}

int flow_options(int fd, const struct load *l, struct diag *d)
{
	const int one = 1;
	int err = 0;

	if (l->tcp && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		return diag_errno(d, -errno, "TCP_NODELAY refused");
	if (l->zerocopy)
		err = set_option(fd, SO_ZEROCOPY, "SO_ZEROCOPY", "Linux 4.14; UDP: 5.0", 1, d);
	if (!(l->wait->uses & WAIT_SOCKET_POLLS))
		return err;
	if (!err && l->prefer_busy_poll)
		err = set_option(fd, SO_PREFER_BUSY_POLL, "SO_PREFER_BUSY_POLL",
				 "Linux 5.11 and CAP_NET_ADMIN", 1, d);
	if (!err && l->busy_poll_budget)
		err = set_option(fd, SO_BUSY_POLL_BUDGET, "SO_BUSY_POLL_BUDGET",
				 "Linux 5.11, and CAP_NET_ADMIN to raise it",
				 (int)l->busy_poll_budget, d);
	if (!err && l->busy_poll_usecs)
		err = set_option(fd, SO_BUSY_POLL, "SO_BUSY_POLL",
				 "CONFIG_NET_RX_BUSY_POLL; older kernels: CAP_NET_ADMIN",
				 (int)l->busy_poll_usecs, d);
	return err;
}

struct placement flow_placement(int fd)
{
	struct placement p = {.cpu = -1};
	socklen_t len = sizeof(p.napi_id);

	if (getsockopt(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &p.napi_id, &len))
		p.napi_id = 0;
	len = sizeof(p.cpu);
	if (getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &p.cpu, &len))
		p.cpu = -1;
	return p;
}

struct segments flow_segments(const struct flow *f)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (!f->tcp || getsockopt(f->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return (struct segments){0};
	return (struct segments){info.tcpi_segs_in, info.tcpi_total_retrans};
}

/* Datagrams that do not fit the path's MTU come in fragments, each a packet of its own. */
static uint64_t fragments(const struct flow *f, uint32_t bytes)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	bool six = !getsockname(f->fd, (void *)&sa, &len) && sa.ss_family == AF_INET6;
	uint32_t ip = six ? 40 : 20, each;
	int mtu = 0;

	len = sizeof(mtu);
	if (getsockopt(f->fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU : IP_MTU, &mtu,
		       &len) ||
	    mtu < 576 || bytes + 8 + ip <= (uint32_t)mtu)
		return 1;
	each = ((uint32_t)mtu - ip - (six ? 8 : 0)) / 8 * 8;
	return (bytes + 8 + each - 1) / each;
}

uint64_t flow_packets(const struct flow *f, const struct load *l, uint32_t message_bytes)
{
	if (l->tcp) /* the kernel counts them in 32 bits */
		return (uint32_t)(f->after.in - f->before.in);
	return f->messages_in * fragments(f, message_bytes);
}

int flow_await(int fd, uint64_t deadline_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		uint64_t now = clock_ns();
		int n = poll(&p, 1,
			     deadline_ns > now ? (int)((deadline_ns - now) / 1000000 + 1) : 0);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (clock_ns() >= deadline_ns)
			return -ETIMEDOUT;
	}
}

json_t *placement_json(const struct placement *p)
{
	json_t *out = json_pack("{s:I}", "napi_id", (json_int_t)p->napi_id);

	if (p->cpu >= 0)
		json_object_set_new(out, "cpu", json_integer(p->cpu));
	return out;
}
