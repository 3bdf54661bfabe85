// SPDX-License-Identifier: Apache-2.0
#include "side.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "loop/pages.h"
#include "loop/program.h"
#include "loop/tasks.h"

#define SET_UP_NS 10000000000u

static const char *const call_names[CALLS] = {
	[CALL_RECV] = "recv",
	[CALL_SEND] = "send",
	[CALL_EPOLL_WAIT] = "epoll_wait",
	[CALL_EPOLL_CTL] = "epoll_ctl",
	[CALL_IO_URING_ENTER] = "io_uring_enter",
	[CALL_NANOSLEEP] = "clock_nanosleep",
	[CALL_POLL] = "poll",
	[CALL_RECVMSG_ERRQUEUE] = "recvmsg_errqueue",
};

int side_open(struct side *s, const struct options *o, struct diag *d)
{
	int err;

	s->o = o;
	s->load = o->load;
	s->stops = (struct stops){-1, -1, -1};
	err = program_signals(&s->stops.signal_fd, d);
	if (err || o->control_fd == OPTION_UNSET)
		return err;
	s->stops.control_fd = (int)o->control_fd;
	if (fcntl(s->stops.control_fd, F_SETFD, FD_CLOEXEC))
		return diag_errno(d, -errno, "--control-fd %d", s->stops.control_fd);
	return 0;
}

int side_alloc_flows(struct side *s, struct diag *d)
{
	size_t bytes = s->load.flows * sizeof(*s->flow);

	s->flow = aligned_alloc(64, bytes);
	if (!s->flow)
		return diag_set(d, -ENOMEM, "out of memory");
	memset(s->flow, 0, bytes);
	for (uint32_t i = 0; i < s->load.flows; i++) {
		s->flow[i].index = i;
		s->flow[i].fd = -1;
	}
	return 0;
}

static int deal_out(struct side *s, bool client, struct diag *d)
{
	struct crew *c = &s->crew;

	c->n = s->load.jobs;
	c->worker = aligned_alloc(64, c->n * sizeof(*c->worker));
	if (!c->worker)
		return diag_set(d, -ENOMEM, "out of memory");
	memset(c->worker, 0, c->n * sizeof(*c->worker));
	for (uint32_t i = 0; i < c->n; i++) {
		struct worker *w = &c->worker[i];

		w->o = s->o;
		w->l = &s->load;
		w->wait = s->load.wait;
		w->crew = c;
		w->data = client ? client_data : server_data;
		w->index = i;
		w->jobs = c->n;
		w->client = client;
		w->flow = calloc(s->load.flows / c->n + 1, sizeof(struct flow *));
		if (!w->flow)
			return diag_set(d, -ENOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < s->load.flows; i++) {
		struct worker *w = &c->worker[i % c->n];

		w->flow[w->n_flows++] = &s->flow[i];
	}
	return 0;
}

int side_start(struct side *s, bool client, struct diag *d)
{
	struct pollfd p = {.events = POLLIN};
	int err = deal_out(s, client, d);

	if (!err)
		err = crew_start(&s->crew, d);
	if (err)
		return err;
	p.fd = s->crew.parked_fd;
	if (poll(&p, 1, (int)(SET_UP_NS / 1000000)) <= 0)
		return diag_set(d, -ETIMEDOUT, "a thread does not come up");
	crew_parked(&s->crew);
	return crew_error(&s->crew, d);
}

void side_begin(struct side *s, enum step step)
{
	json_decref(s->tasks_before);
	s->crew.origin_ns = 0;
	for (uint32_t i = 0; i < s->crew.n; i++)
		worker_reset(&s->crew.worker[i]);
	s->tasks_before = crew_tasks(&s->crew);
	crew_step(&s->crew, step);
}

void side_end(struct side *s)
{
	json_t *after = crew_tasks(&s->crew);

	json_decref(s->tasks);
	s->tasks = tasks_difference(s->tasks_before, after);
	json_decref(after);
	for (uint32_t i = 0; i < s->load.flows; i++) {
		s->flow[i].after = flow_segments(&s->flow[i]);
		s->flow[i].seen = flow_placement(s->flow[i].fd);
	}
}

void side_close(struct side *s)
{
	crew_end(&s->crew);
	for (uint32_t i = 0; i < s->load.flows; i++)
		close(s->flow[i].fd);
	for (uint32_t i = 0; i < s->crew.n; i++)
		free(s->crew.worker[i].flow);
	free(s->crew.worker);
	free(s->flow);
	json_decref(s->tasks_before);
	json_decref(s->tasks);
	close(s->stops.signal_fd);
}

json_t *side_calls(const struct side *s)
{
	json_t *out = json_object();
	uint64_t total = 0;

	for (int i = 0; i < CALLS; i++) {
		uint64_t n = 0;

		for (uint32_t k = 0; k < s->crew.n; k++)
			n += s->crew.worker[k].calls[i];
		total += n;
		if (n)
			json_object_set_new(out, call_names[i], json_integer((json_int_t)n));
	}
	json_object_set_new(out, "total", json_integer((json_int_t)total));
	return out;
}

json_t *side_flags(const struct side *s)
{
	const struct load *l = &s->load;
	json_t *flags = json_pack("{s:s}", "wait", l->wait->name);

	l->wait->report(&s->crew.worker[0], flags);
	if (l->wait->uses & WAIT_SOCKET_POLLS && l->busy_poll_usecs)
		json_object_set_new(flags, "so_busy_poll", json_integer(l->busy_poll_usecs));
	if (l->wait->uses & WAIT_SOCKET_POLLS && l->prefer_busy_poll)
		json_object_set_new(flags, "so_prefer_busy_poll", json_true());
	if (l->wait->uses & WAIT_SOCKET_POLLS && l->busy_poll_budget)
		json_object_set_new(flags, "so_busy_poll_budget",
				    json_integer(l->busy_poll_budget));
	return flags;
}

json_t *side_zerocopy(const struct side *s)
{
	json_int_t sent = 0, done = 0, copied = 0;

	if (!s->load.zerocopy)
		return json_null();
	for (uint32_t i = 0; i < s->crew.n; i++) {
		sent += (json_int_t)s->crew.worker[i].zc_sent;
		done += (json_int_t)s->crew.worker[i].zc_done;
		copied += (json_int_t)s->crew.worker[i].zc_copied;
	}
	return json_pack("{s:I, s:I, s:I}", "sends", sent, "completions", done, "copied", copied);
}

uint64_t side_packets(const struct side *s)
{
	bool client = s->crew.worker[0].client;
	uint32_t bytes = client ? s->load.response_size : s->load.size;
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->load.flows; i++)
		n += flow_packets(&s->flow[i], &s->load, bytes);
	return n;
}

uint64_t side_retransmitted(const struct side *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->load.flows; i++)
		n += (uint32_t)(s->flow[i].after.retransmitted - s->flow[i].before.retransmitted);
	return n;
}

json_t *side_napi_ids(const struct side *s)
{
	json_t *out = json_array();

	for (uint32_t i = 0; i < s->load.flows; i++) {
		json_int_t id = s->flow[i].seen.napi_id;
		size_t k = 0;

		while (k < json_array_size(out) && json_integer_value(json_array_get(out, k)) != id)
			k++;
		if (k == json_array_size(out))
			json_array_append_new(out, json_integer(id));
	}
	return out;
}

json_t *side_memory(const struct side *s)
{
	size_t most = s->load.size > s->load.response_size ? s->load.size : s->load.response_size;
	json_t *out = pages_new();

	for (uint32_t i = 0; i < s->crew.n; i++) {
		const struct worker *w = &s->crew.worker[i];

		pages_add(out, w->buf, w->buf_bytes);
		pages_add(out, w->payload, most);
		if (w->slot_bytes)
			pages_add(out, w->slot_bytes, (size_t)w->n_slots * s->load.size);
	}
	return out;
}
