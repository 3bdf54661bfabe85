// SPDX-License-Identifier: Apache-2.0
/* netloop serve: one run, one client, then the end. */
#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "control/control.h"
#include "door.h"
#include "iomodes_version.h"
#include "place.h"
#include "side.h"

#define PARK_NS	  5000000000u
#define STREAM_NS 2000000000u /* for what a stream still has on its way */
#define QUIET_NS  20000000u   /* UDP: nothing more comes */

struct server {
	struct side side;
	struct wire wire;
	struct address address;
	int listener;
	bool loaded, started, stepping, ended;
	uint64_t step_ns; /* how long the step was to take */
};

static int listen_at(struct server *s, struct diag *d)
{
	const struct options *o = s->side.o;
	const int one = 1;
	int err = address_parse(o->bind, o->port, true, &s->address, d);

	if (err)
		return err;
	s->listener = socket(s->address.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0)
		return diag_errno(d, -errno, "socket");
	/* past what a finished run left in TIME_WAIT; a listener of somebody else still refuses */
	if (setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		return diag_errno(d, -errno, "SO_REUSEADDR");
	if (bind(s->listener, (void *)&s->address.sa, s->address.len) || listen(s->listener, 64))
		return diag_errno(d, -errno, "%s port %llu", o->bind, (unsigned long long)o->port);
	if (getsockname(s->listener, (void *)&s->address.sa, &s->address.len))
		return diag_errno(d, -errno, "getsockname");
	return 0;
}

static int say_listening(const struct server *s, struct diag *d)
{
	printf("{\"address\":\"%s\",\"commit\":\"%s\",\"port\":%u,\"tool\":\"netloop\",\"version\":"
	       "\"%s\"}\n",
	       s->address.text, IOMODES_COMMIT, address_port(&s->address.sa), IOMODES_VERSION);
	if (fflush(stdout))
		return diag_errno(d, -errno, "standard output");
	return s->side.stops.control_fd < 0
		       ? 0
		       : control_send(s->side.stops.control_fd, CONTROL_READY, d);
}

static int cmd_load(struct server *s, const json_t *asked, struct diag *d)
{
	int err;

	if (s->loaded)
		return diag_set(d, -EPROTO, "\"load\" came twice");
	err = load_from_json(json_object_get(asked, "load"), s->side.o, &s->side.load, d);
	if (!err)
		err = side_alloc_flows(&s->side, d);
	s->loaded = !err;
	return err;
}

static struct flow *asked_flow(struct server *s, const json_t *asked, bool open, struct diag *d)
{
	json_t *at = json_object_get(asked, "index");
	json_int_t i = json_integer_value(at);

	if (!s->loaded || s->started || !json_is_integer(at) || i < 0 ||
	    i >= (json_int_t)s->side.load.flows || (s->side.flow[i].fd >= 0) != open) {
		diag_set(d, -EPROTO, "a flow that cannot be meant");
		return NULL;
	}
	return &s->side.flow[i];
}

static int cmd_flow(struct server *s, const json_t *asked, struct diag *d)
{
	struct flow *f = asked_flow(s, asked, false, d);

	return !f ? -EPROTO
		  : place_accept(&s->wire, &s->side.stops, &s->side.load, s->listener, &s->address,
				 asked, f, d);
}

static int cmd_drop(struct server *s, const json_t *asked, struct diag *d)
{
	struct flow *f = asked_flow(s, asked, true, d);

	if (!f)
		return -EPROTO;
	close(f->fd);
	f->fd = -1;
	return 0;
}

static int cmd_start(struct server *s, const json_t *asked, struct diag *d)
{
	for (uint32_t i = 0; s->loaded && i < s->side.load.flows; i++)
		if (s->side.flow[i].fd < 0)
			return diag_set(d, -EPROTO, "flow %u is not open", i);
	if (!s->loaded || s->started)
		return diag_set(d, -EPROTO, "\"start\" came at the wrong time");
	close(s->listener); /* one run, one client */
	s->listener = -1;
	s->started = true;
	return side_start(&s->side, false, d);
}

static void run_worker(struct worker *w, enum step step)
{
	server_run(w);
}

static int cmd_step(struct server *s, const json_t *asked, struct diag *d)
{
	json_int_t ns = json_integer_value(json_object_get(asked, "length_ns"));

	if (!s->started || s->stepping || ns < 0)
		return diag_set(d, -EPROTO, "\"step\" came at the wrong time");
	s->stepping = true;
	s->step_ns = (uint64_t)ns;
	s->side.crew.run = run_worker;
	s->side.stops.parked_fd = s->side.crew.parked_fd; /* too early: a thread gave up */
	side_begin(&s->side, STEP_MEASURE);
	return 0;
}

static uint64_t received(const struct server *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->side.crew.n; i++)
		n += atomic_load_explicit(&s->side.crew.worker[i].progress, memory_order_relaxed);
	return n;
}

/* A stream is over at its sender: let what is on its way come in. TCP loses nothing, so all of it;
 * UDP until it is quiet. */
static void let_in(struct server *s, uint64_t bytes)
{
	uint64_t end = clock_ns() + STREAM_NS, quiet = clock_ns(), last = 0;
	const struct timespec pause = {.tv_nsec = 1000000};

	while (clock_ns() < end) {
		uint64_t now = received(s);

		if (now >= bytes)
			return;
		if (now != last)
			quiet = clock_ns();
		else if (!s->side.load.tcp && clock_ns() - quiet > QUIET_NS)
			return;
		last = now;
		nanosleep(&pause, NULL);
	}
}

static int cmd_park(struct server *s, const json_t *asked, struct diag *d)
{
	int err;

	if (!s->stepping)
		return diag_set(d, -EPROTO, "\"park\" came at the wrong time");
	if (s->side.load.pattern == PATTERN_STREAM)
		let_in(s, (uint64_t)json_integer_value(json_object_get(asked, "bytes")));
	s->stepping = false;
	s->side.stops.parked_fd = -1;
	err = crew_park(&s->side.crew, PARK_NS);
	if (err)
		return diag_set(d, err, "a thread does not park");
	side_end(&s->side);
	return crew_error(&s->side.crew, d);
}

static json_t *flows_json(const struct side *s)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < s->load.flows; i++) {
		json_t *one = placement_json(&s->flow[i].seen);

		json_object_set_new(one, "bytes_received",
				    json_integer((json_int_t)s->flow[i].bytes_in));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *report_json(const struct side *s)
{
	uint64_t in = 0, out = 0, messages = 0, empty = 0, strays = 0, first = UINT64_MAX, last = 0;
	json_t *out_json;

	for (uint32_t i = 0; i < s->crew.n; i++) {
		const struct worker *w = &s->crew.worker[i];

		in += w->bytes_in;
		out += w->bytes_out;
		messages += w->messages_in;
		empty += w->empty_polls;
		strays += w->strays;
		first = w->first_ns && w->first_ns < first ? w->first_ns : first;
		last = w->last_ns > last ? w->last_ns : last;
	}
	out_json = json_pack(
		"{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:O}",
		"version", IOMODES_VERSION, "commit", IOMODES_COMMIT, "jobs", (json_int_t)s->crew.n,
		"messages_received", (json_int_t)messages, "bytes_received", (json_int_t)in,
		"bytes_sent", (json_int_t)out, "empty_polls", (json_int_t)empty, "strays",
		(json_int_t)strays, "packets_received", (json_int_t)side_packets(s), "system_calls",
		side_calls(s), "flags", side_flags(s), "zerocopy", side_zerocopy(s), "napi_ids",
		side_napi_ids(s), "flows", flows_json(s), "tasks", s->tasks);
	if (last > first) /* a stream: from the first byte to the last */
		json_object_set_new(out_json, "receive_ns",
				    json_integer((json_int_t)(last - first)));
	json_object_set_new(out_json, "memory", side_memory(s));
	json_object_set_new(out_json, "retransmissions",
			    json_integer((json_int_t)side_retransmitted(s)));
	return out_json;
}

static int cmd_report(struct server *s, const json_t *asked, struct diag *d)
{
	if (s->stepping || !s->side.tasks)
		return diag_set(d, -EPROTO, "\"report\" came at the wrong time");
	return wire_send(&s->wire, json_pack("{s:o}", "report", report_json(&s->side)), d);
}

static int cmd_bye(struct server *s, const json_t *asked, struct diag *d)
{
	s->ended = true;
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct server *s, const json_t *asked, struct diag *d);
	bool answers; /* by itself */
} commands[] = {
	{"load", cmd_load, false},    {"flow", cmd_flow, true},	 {"drop", cmd_drop, false},
	{"start", cmd_start, false},  {"step", cmd_step, false}, {"park", cmd_park, false},
	{"report", cmd_report, true}, {"bye", cmd_bye, false},
};

static int obey(struct server *s, const json_t *asked, struct diag *d)
{
	const char *name = jsonio_string(asked, "cmd", "");

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int err;

		if (strcmp(commands[i].name, name))
			continue;
		err = commands[i].run(s, asked, d);
		if (!err && !commands[i].answers)
			err = wire_send(&s->wire, json_pack("{s:b}", "ok", 1), d);
		return err;
	}
	return diag_set(d, -EPROTO, "the client asks for \"%.40s\"", name);
}

static int session(struct server *s, struct diag *d)
{
	while (!s->ended) {
		_json_ json_t *asked = NULL;
		uint64_t idle = s->side.o->idle_ns;
		uint64_t end =
			idle ? clock_ns() + idle + (s->stepping ? s->step_ns : 0) : UINT64_MAX;
		int err = wire_receive(&s->wire, &s->side.stops, end, &asked, d);

		if (err == -ECANCELED)
			err = crew_error(&s->side.crew, d);
		if (!err)
			err = obey(s, asked, d);
		if (err)
			return err;
	}
	return 0;
}

int serve(const struct options *o, struct diag *d)
{
	/* not on the stack: after an error the threads still look at it while main tells why */
	static struct server s;
	struct diag ignored;
	int err = token_read(s.side.token, d);

	s.listener = s.wire.fd = -1;
	if (!err)
		err = side_open(&s.side, o, d);
	if (!err)
		err = listen_at(&s, d);
	if (!err)
		err = say_listening(&s, d);
	if (!err)
		err = door_await(s.listener, &s.side.stops, s.side.token, s.side.o->idle_ns,
				 &s.wire, d);
	if (err)
		return err;
	err = session(&s, d);
	if (err && err != -EPIPE) /* the client tells its user why */
		wire_send(&s.wire, json_pack("{s:s}", "error", d->text), &ignored);
	if (err)
		return err; /* threads may still run: the process ends without them */
	wire_close(&s.wire);
	if (s.started)
		side_close(&s.side);
	return 0;
}
