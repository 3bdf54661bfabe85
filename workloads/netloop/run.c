// SPDX-License-Identifier: Apache-2.0
/* netloop run: connect, place the flows, ramp, measure, report. The loop itself: client_loop.c. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "control/control.h"
#include "loop/program.h"
#include "place.h"
#include "report.h"
#include "serve.h"
#include "side.h"

#define TICK_MS	    250		 /* how often a run is looked at for signs of life */
#define MIN_TICK_NS 5000000u	 /* and at most */
#define SETUP_NS    15000000000u /* the server's threads come up */
#define PARK_NS	    10000000000u

struct client {
	struct side side;
	struct wire wire;
	struct address server;
};

static int open_flows(struct client *c, struct diag *d)
{
	int err = side_alloc_flows(&c->side, d);

	for (uint32_t i = 0; !err && i < c->side.load.flows; i++) {
		struct placement theirs;

		err = place_flow(&c->wire, &c->side.stops, c->side.o, &c->server, &c->side.flow[i],
				 &theirs, d);
	}
	return err;
}

static int connect_server(struct client *c, struct diag *d)
{
	const struct options *o = c->side.o;
	int err = address_parse(o->server, o->port, false, &c->server, d);
	int fd = err ? -1 : place_connect(&c->server, &c->side.stops, d);

	if (err || fd < 0)
		return err ? err : fd;
	err = wire_open(&c->wire, fd, "server", d);
	if (!err)
		err = handshake_client(&c->wire, &c->side.stops, c->side.token, d);
	if (!err)
		err = wire_ask(
			&c->wire, &c->side.stops, WIRE_WAIT_NS,
			json_pack("{s:s, s:o}", "cmd", "load", "load", load_json(&c->side.load)),
			NULL, d);
	return err;
}

static int ask(struct client *c, const char *cmd, uint64_t wait_ns, json_t **answer, struct diag *d)
{
	return wire_ask(&c->wire, &c->side.stops, wait_ns, json_pack("{s:s}", "cmd", cmd), answer,
			d);
}

static void run_worker(struct worker *w, enum step step)
{
	const struct options *o = w->o;
	uint64_t length = step == STEP_RAMP ? o->ramp_ns : o->runtime_ns;

	w->remaining = step == STEP_MEASURE && o->number ? o->number : UINT64_MAX;
	if (w->l->pattern == PATTERN_STREAM)
		stream_run(w, length);
	else
		client_run(w, length);
}

/* What tells a dead server from a slow one: nothing is answered, and something is asked. */
struct pulse {
	uint64_t progress, since_ns;
};

static bool is_dead(const struct client *c, struct pulse *p)
{
	uint64_t progress = 0, now = clock_ns();
	uint32_t waiting = 0;

	for (uint32_t i = 0; i < c->side.crew.n; i++) {
		const struct worker *w = &c->side.crew.worker[i];

		progress += atomic_load_explicit(&w->progress, memory_order_relaxed);
		waiting += atomic_load_explicit(&w->waiting, memory_order_relaxed);
	}
	if (progress != p->progress || !waiting || !p->since_ns)
		*p = (struct pulse){progress, now};
	return now - p->since_ns > c->side.o->dead_ns;
}

/* A thread that sleeps in a UDP socket for a response that was lost is to look at the clock; by the
 * socket's own time-out the kernel would set up a timer for each round trip. */
static void nudge(struct client *c)
{
	struct crew *crew = &c->side.crew;

	for (uint32_t i = 0; i < crew->n; i++) {
		struct worker *w = &crew->worker[i];
		uint64_t now = atomic_load_explicit(&w->progress, memory_order_relaxed);

		if (now == w->seen && (w->wait->uses & WAIT_BLOCKS) && !w->l->tcp &&
		    atomic_load_explicit(&w->waiting, memory_order_relaxed))
			crew_wake(crew, i);
		w->seen = now;
	}
}

/* How long until the next look: by half a time-out what is lost is noticed. */
static uint64_t tick_ns(const struct client *c)
{
	uint64_t half = c->side.load.timeout_ns / 2, longest = TICK_MS * 1000000ull;

	return half < longest && !c->side.load.tcp ? (half > MIN_TICK_NS ? half : MIN_TICK_NS)
						   : longest;
}

/* The server says nothing while the loop runs, unless something is wrong. */
static int await_parked(struct client *c, struct diag *d)
{
	struct crew *crew = &c->side.crew;
	struct stops stops = c->side.stops;
	struct pulse pulse = {0};

	stops.parked_fd = crew->parked_fd;
	for (;;) {
		_json_ json_t *said = NULL;
		int err = wire_receive(&c->wire, &stops, clock_ns() + tick_ns(c), &said, d);

		if (err == -ECANCELED) {
			crew_parked(crew);
			return crew_error(crew, d);
		}
		if (!err)
			return diag_set(d, -EPROTO, "the server speaks out of turn");
		if (err != -ETIMEDOUT)
			return crew_error(crew, NULL) && err != -EINTR && err != -EREMOTEIO
				       ? diag_prefix(d, err, "the server is gone")
				       : err;
		nudge(c);
		if (is_dead(c, &pulse))
			return diag_set(d, -ETIMEDOUT,
					"the server has answered nothing for %.1f s (--dead-after)",
					(double)c->side.o->dead_ns * 1e-9);
		if (crew_error(crew, NULL) && crew_park(crew, PARK_NS))
			return crew_error(crew, d);
		if (crew_error(crew, NULL))
			return crew_error(crew, d);
	}
}

static uint64_t control_packets(const struct client *c)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(c->wire.fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return 0;
	return (uint64_t)info.tcpi_segs_in + info.tcpi_segs_out;
}

static int step(struct client *c, enum step which, struct diag *d)
{
	const struct options *o = c->side.o;
	uint64_t length = which == STEP_RAMP ? o->ramp_ns : o->runtime_ns, bytes = 0;
	int err = wire_ask(&c->wire, &c->side.stops, WIRE_WAIT_NS,
			   json_pack("{s:s, s:I}", "cmd", "step", "length_ns", (json_int_t)length),
			   NULL, d);

	if (err)
		return err;
	c->side.crew.run = run_worker;
	side_begin(&c->side, which);
	err = await_parked(c, d);
	if (err)
		return err;
	side_end(&c->side);
	for (uint32_t i = 0; i < c->side.load.flows; i++)
		bytes += c->side.flow[i].bytes_out;
	return wire_ask(&c->wire, &c->side.stops, PARK_NS,
			json_pack("{s:s, s:I}", "cmd", "park", "bytes", (json_int_t)bytes), NULL,
			d);
}

/* A flow that was wanted somewhere must still be there. */
static int check_placed(const struct client *c, const json_t *server, struct diag *d)
{
	const struct wanted want = place_wanted(c->side.o);
	json_t *flows = json_object_get(server, "flows");

	for (uint32_t i = 0; i < c->side.load.flows; i++) {
		const struct placement *p = &c->side.flow[i].seen;
		struct placement q = placement_from_json(json_array_get(flows, i));

		if (!place_fits(&want, p, &q))
			return diag_set(d, -ESTALE,
					"flow %u has moved during the run: client NAPI %u CPU %d, "
					"server NAPI %u CPU %d",
					i, p->napi_id, p->cpu, q.napi_id, q.cpu);
	}
	return 0;
}

static int finish(struct client *c, struct outcome *o, struct diag *d)
{
	_json_ json_t *answer = NULL;
	int err = ask(c, "report", WIRE_WAIT_NS, &answer, d);

	if (err)
		return err;
	o->server = json_object_get(answer, "report");
	if (!json_is_object(o->server))
		return diag_set(d, -EPROTO, "the server has no report");
	err = check_placed(c, o->server, d);
	if (!err)
		err = ask(c, "bye", WIRE_WAIT_NS, NULL, d);
	return err ? err : program_print(report_result(&c->side, o), d);
}

static int measure(struct client *c, struct diag *d)
{
	const struct stops *stops = &c->side.stops;
	struct outcome o = {0};
	int err = 0;

	if (c->side.o->ramp_ns)
		err = step(c, STEP_RAMP, d);
	if (!err)
		err = control_exchange(stops->control_fd, CONTROL_READY, CONTROL_GO,
				       stops->signal_fd, d);
	if (err)
		return err;
	o.control_packets = control_packets(c);
	err = step(c, STEP_MEASURE, d);
	if (err)
		return err;
	o.control_packets = control_packets(c) - o.control_packets;
	err = control_exchange(stops->control_fd, CONTROL_DONE, CONTROL_EXIT, stops->signal_fd, d);
	return err ? err : finish(c, &o, d);
}

int run(const struct options *o, struct diag *d)
{
	/* not on the stack: after an error the threads still look at it while main tells why */
	static struct client c;
	int err = token_read(c.side.token, d);

	c.wire.fd = -1;
	if (!err)
		err = side_open(&c.side, o, d);
	if (!err)
		err = connect_server(&c, d);
	if (!err)
		err = open_flows(&c, d);
	if (!err)
		err = side_start(&c.side, true, d);
	if (!err)
		err = ask(&c, "start", SETUP_NS, NULL, d);
	if (!err)
		err = measure(&c, d);
	if (err)
		return err; /* threads may hang in a socket: the process ends without them */
	wire_close(&c.wire);
	side_close(&c.side);
	return 0;
}
