// SPDX-License-Identifier: Apache-2.0
/* The client's half of opening a flow. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"

#define CONNECT_NS 5000000000u
#define SEEN_MAX   32
#define WHY_NS	   1000000000u /* the server still gets to tell what is wrong */
#define HELLO_NS   200000000u  /* UDP: the ticket is sent again after so long, */
#define HELLOS	   10	       /* so many times */

/* connect(2) with a deadline: 0 or -errno. */
static int connect_in_time(int fd, const struct address *a, uint64_t deadline_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int err = 0;

	if (!connect(fd, (const void *)&a->sa, a->len))
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	while (clock_ns() < deadline_ns) {
		if (poll(&p, 1, 50) <= 0)
			continue;
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
		return -err;
	}
	return -ETIMEDOUT;
}

int place_connect(const struct address *server, const struct stops *s, struct diag *d)
{
	int fd = socket(server->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = fd < 0 ? -errno : connect_in_time(fd, server, clock_ns() + CONNECT_NS);

	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return diag_errno(d, err, "no netloop serve at %s port %u", server->text,
			  address_port(&server->sa));
}

static void any_address(const struct address *server, uint16_t port, struct address *a)
{
	memset(a, 0, sizeof(*a));
	a->sa.ss_family = server->sa.ss_family;
	a->len = server->len;
	address_set_port(a, port);
}

/* A socket from the given source port (0: any), connected for UDP. */
static int source_socket(const struct options *o, const struct address *server, uint16_t port,
			 struct flow *f, struct diag *d)
{
	bool tcp = o->load.tcp;
	struct address any;
	socklen_t len;
	const int one = 1;
	int err;

	f->fd = socket(server->sa.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (f->fd < 0)
		return diag_errno(d, -errno, "socket");
	/* a port that a finished run left in TIME_WAIT may be used again */
	if (tcp && setsockopt(f->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		return diag_errno(d, -errno, "SO_REUSEADDR");
	err = flow_options(f->fd, &o->load, d);
	if (err)
		return err;
	any_address(server, port, &any);
	if (bind(f->fd, (void *)&any.sa, any.len))
		return diag_errno(d, -errno, "source port %u", port);
	if (!tcp && connect(f->fd, (const void *)&server->sa, server->len))
		return diag_errno(d, -errno, "UDP to %s", server->text);
	len = sizeof(any.sa);
	if (getsockname(f->fd, (void *)&any.sa, &len))
		return diag_errno(d, -errno, "getsockname");
	f->source_port = address_port(&any.sa);
	return 0;
}

static int say_ticket_tcp(struct flow *f, const struct address *server, const char *ticket,
			  struct diag *d)
{
	char back[32];
	size_t got = 0;
	int err;

	fcntl(f->fd, F_SETFL, O_NONBLOCK);
	err = connect_in_time(f->fd, server, clock_ns() + CONNECT_NS);
	if (err)
		return diag_errno(d, err, "flow %u from port %u", f->index, f->source_port);
	fcntl(f->fd, F_SETFL, 0);
	if (send(f->fd, ticket, 32, MSG_NOSIGNAL) != 32)
		return diag_errno(d, -errno, "flow %u", f->index);
	while (got < sizeof(back)) {
		ssize_t n = flow_await(f->fd, clock_ns() + WIRE_WAIT_NS)
				    ? -1
				    : recv(f->fd, back + got, sizeof(back) - got, 0);

		if (n <= 0)
			return diag_set(d, -EPIPE, "flow %u: the server does not take it",
					f->index);
		got += (size_t)n;
	}
	return 0;
}

static int say_ticket_udp(struct flow *f, const char *ticket, struct diag *d)
{
	char back[64];

	for (int i = 0; i < HELLOS; i++) {
		if (send(f->fd, ticket, 32, 0) != 32 && errno != ECONNREFUSED)
			return diag_errno(d, -errno, "flow %u", f->index);
		if (flow_await(f->fd, clock_ns() + HELLO_NS) ||
		    recv(f->fd, back, sizeof(back), MSG_DONTWAIT) != 32)
			continue;
		while (recv(f->fd, back, sizeof(back), MSG_DONTWAIT) >= 0)
			; /* of tickets that were sent again */
		return 0;
	}
	return diag_set(
		d, -ETIMEDOUT,
		"flow %u from port %u: no UDP datagram came back in %d tries (dropped on the "
		"way?)",
		f->index, f->source_port, HELLOS);
}

struct placement placement_from_json(const json_t *j)
{
	json_t *cpu = json_object_get(j, "cpu");

	return (struct placement){
		.napi_id = (uint32_t)json_integer_value(json_object_get(j, "napi_id")),
		.cpu = json_is_integer(cpu) ? (int)json_integer_value(cpu) : -1,
	};
}

/* The server did not answer on the flow: what it says on the control connection is the reason. */
static int ask_why(struct wire *w, const struct stops *s, int err, struct diag *d)
{
	_json_ json_t *said = NULL;
	struct diag why = {""};

	if (wire_receive(w, s, clock_ns() + WHY_NS, &said, &why) != -EREMOTEIO)
		return err;
	*d = why;
	return -EREMOTEIO;
}

/* One try from one source port. -EADDRINUSE: that port is not to be had. */
static int try_port(struct wire *w, const struct stops *s, const struct options *o,
		    const struct address *server, uint16_t port, struct flow *f,
		    struct placement *theirs, struct diag *d)
{
	_json_ json_t *ticket = NULL, *placed = NULL;
	const char *text;
	int err = source_socket(o, server, port, f, d);

	if (!err)
		err = wire_ask(w, s, WIRE_WAIT_NS,
			       json_pack("{s:s, s:i, s:i}", "cmd", "flow", "index", (int)f->index,
					 "port", (int)f->source_port),
			       &ticket, d);
	if (err)
		return err;
	text = jsonio_string(ticket, "ticket", "");
	if (strlen(text) != 32)
		return diag_set(d, -EPROTO, "the server's ticket is malformed");
	err = o->load.tcp ? say_ticket_tcp(f, server, text, d) : say_ticket_udp(f, text, d);
	if (err)
		return ask_why(w, s, err, d);
	err = wire_receive(w, s, clock_ns() + WIRE_WAIT_NS, &placed, d);
	if (err)
		return err;
	f->placed = flow_placement(f->fd);
	*theirs = placement_from_json(json_object_get(placed, "placed"));
	return 0;
}

struct wanted place_wanted(const struct options *o)
{
	return (struct wanted){
		.napi_id = (uint32_t)o->napi_id,
		.server_napi_id = (uint32_t)o->server_napi_id,
		.cpu = o->incoming_cpu == OPTION_UNSET ? -1 : (int)o->incoming_cpu,
		.server_cpu =
			o->server_incoming_cpu == OPTION_UNSET ? -1 : (int)o->server_incoming_cpu,
	};
}

bool place_fits(const struct wanted *want, const struct placement *client,
		const struct placement *server)
{
	return (!want->napi_id || want->napi_id == client->napi_id) &&
	       (!want->server_napi_id || want->server_napi_id == server->napi_id) &&
	       (want->cpu < 0 || want->cpu == client->cpu) &&
	       (want->server_cpu < 0 || want->server_cpu == server->cpu);
}

/* What the tries led to, for the sentence that says that none did. */
struct seen {
	struct {
		struct placement client, server;
		unsigned times;
	} kind[SEEN_MAX];
	size_t n;
	unsigned tries, in_use;
};

static void note(struct seen *seen, const struct placement *client, const struct placement *server)
{
	size_t i = 0;

	for (; i < seen->n; i++)
		if (!memcmp(&seen->kind[i].client, client, sizeof(*client)) &&
		    !memcmp(&seen->kind[i].server, server, sizeof(*server)))
			break;
	if (i == SEEN_MAX)
		return;
	seen->n = i == seen->n ? i + 1 : seen->n;
	seen->kind[i].client = *client;
	seen->kind[i].server = *server;
	seen->kind[i].times++;
}

static int not_placed(const struct options *o, const struct flow *f, const struct seen *seen,
		      struct diag *d)
{
	const struct wanted want = place_wanted(o);
	char text[800] = "", wish[160] = "";

#define ADD(to, ...) snprintf(to + strlen(to), sizeof(to) - strlen(to), __VA_ARGS__)
	if (want.napi_id)
		ADD(wish, " client NAPI %u", want.napi_id);
	if (want.cpu >= 0)
		ADD(wish, " client CPU %d", want.cpu);
	if (want.server_napi_id)
		ADD(wish, " server NAPI %u", want.server_napi_id);
	if (want.server_cpu >= 0)
		ADD(wish, " server CPU %d", want.server_cpu);
	for (size_t i = 0; i < seen->n; i++)
		ADD(text, "%s %u times client NAPI %u CPU %d, server NAPI %u CPU %d", i ? ";" : "",
		    seen->kind[i].times, seen->kind[i].client.napi_id, seen->kind[i].client.cpu,
		    seen->kind[i].server.napi_id, seen->kind[i].server.cpu);
	if (seen->in_use)
		ADD(text, "; %u ports were in use", seen->in_use);
#undef ADD
	return diag_set(
		d, -ENOENT,
		"flow %u cannot be placed on%s: %u source ports gave%s (NAPI 0: the packets "
		"pass no NAPI instance)",
		f->index, wish, seen->tries, text);
}

static int drop(struct wire *w, const struct stops *s, struct flow *f, struct diag *d)
{
	close(f->fd);
	f->fd = -1;
	return wire_ask(w, s, WIRE_WAIT_NS,
			json_pack("{s:s, s:i}", "cmd", "drop", "index", (int)f->index), NULL, d);
}

int place_flow(struct wire *w, const struct stops *s, const struct options *o,
	       const struct address *server, struct flow *f, struct placement *theirs,
	       struct diag *d)
{
	const struct wanted want = place_wanted(o);
	struct seen seen = {0};
	bool anywhere = place_fits(&want, &(struct placement){0, -1}, &(struct placement){0, -1});

	f->tcp = o->load.tcp;
	for (; seen.tries < o->source_ports; seen.tries++) {
		/* a flow's tries stay clear of the first ports of its neighbours */
		uint64_t port =
			o->source_port ? o->source_port + f->index + seen.tries * o->flows : 0;
		int err = port > 65535 ? diag_set(d, -ERANGE, "source port %llu",
						  (unsigned long long)port)
				       : try_port(w, s, o, server, (uint16_t)port, f, theirs, d);

		if (err == -EADDRINUSE && o->source_ports > 1) {
			close(f->fd);
			seen.in_use++;
			continue;
		}
		if (err)
			return err;
		if (anywhere || place_fits(&want, &f->placed, theirs))
			return 0;
		note(&seen, &f->placed, theirs);
		err = drop(w, s, f, d);
		if (err)
			return err;
	}
	return not_placed(o, f, &seen, d);
}
