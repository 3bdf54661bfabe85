// SPDX-License-Identifier: Apache-2.0
/* From the workers' books to one JSON object. What does not exist is absent, not 0. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "iomodes_version.h"
#include "loop/pages.h"
#include "threads.h"

static const char *const call_names[CALLS] = {
	[CALL_IO_URING_ENTER] = "io_uring_enter",
	[CALL_IO_SUBMIT] = "io_submit",
	[CALL_IO_GETEVENTS] = "io_getevents",
	[CALL_PREADV2] = "preadv2",
	[CALL_PWRITEV2] = "pwritev2",
	[CALL_NANOSLEEP] = "clock_nanosleep",
};

/* All workers together. */
struct sum {
	uint64_t ios[DIRS], ios_total, calls[CALLS], begin_ns, end_ns;
	uint64_t inflight_max, errors;
	struct starts starts;
	double inflight_mean;
	struct hist lat[DIRS], all, service;
};

static struct sum *sum_up(const struct threads *t)
{
	struct sum *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->begin_ns = UINT64_MAX;
	hist_init(&s->all);
	hist_init(&s->service);
	for (int i = 0; i < DIRS; i++)
		hist_init(&s->lat[i]);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct worker *w = &t->worker[i];

		for (int k = 0; k < DIRS; k++) {
			s->ios[k] += w->ios[k];
			hist_merge(&s->lat[k], &w->lat[k]);
			hist_merge(&s->all, &w->lat[k]);
		}
		for (int k = 0; k < CALLS; k++)
			s->calls[k] += w->calls[k];
		hist_merge(&s->service, &w->service);
		s->ios_total += w->ios_total;
		s->begin_ns = w->begin_ns < s->begin_ns ? w->begin_ns : s->begin_ns;
		s->end_ns = w->end_ns > s->end_ns ? w->end_ns : s->end_ns;
		starts_sum(&s->starts, &w->starts);
		s->inflight_max += w->inflight_max;
		if (w->end_ns > w->begin_ns)
			s->inflight_mean +=
				(double)w->inflight_window / (double)(w->end_ns - w->begin_ns);
		s->errors += w->errors;
	}
	return s;
}

static json_t *count_json(const struct threads *t, const struct sum *s, enum direction dir)
{
	json_t *out = json_object();

	json_object_set_new(out, "ios", json_integer((json_int_t)s->ios[dir]));
	json_object_set_new(out, "bytes", json_integer((json_int_t)(s->ios[dir] * t->o->bs)));
	if (t->o->lat)
		json_object_set_new(out, "latency", hist_json(&s->lat[dir]));
	return out;
}

static json_t *open_loop_json(const struct threads *t, const struct sum *s)
{
	double seconds = (double)(s->end_ns - s->begin_ns) * 1e-9;
	json_t *out;

	if (!t->o->rate_iops)
		return json_null();
	out = starts_json(&s->starts, t->o->rate_iops * t->n, t->o->rate_process,
			  s->ios[DIR_READ] + s->ios[DIR_WRITE], seconds);
	json_object_set_new(out, "wait", json_string(t->o->spin ? "spin" : "sleep"));
	return out;
}

static json_t *intervals_json(const struct threads *t, uint64_t window_ns)
{
	json_t *list = json_array();
	/* only whole ones: a remainder would look like a collapse */
	uint64_t n = window_ns / INTERVAL_NS;

	for (uint64_t i = 0; i < n && i < INTERVALS_MAX; i++) {
		uint64_t ios = 0;

		for (uint32_t k = 0; k < t->n; k++)
			ios += t->worker[k].interval[i];
		json_array_append_new(list, json_integer((json_int_t)ios));
	}
	return json_pack("{s:i, s:o}", "length_ns", (int)INTERVAL_NS, "ios", list);
}

static json_t *calls_json(const struct sum *s)
{
	json_t *out = json_object();
	uint64_t total = 0;

	for (int i = 0; i < CALLS; i++) {
		total += s->calls[i];
		if (s->calls[i])
			json_object_set_new(out, call_names[i],
					    json_integer((json_int_t)s->calls[i]));
	}
	json_object_set_new(out, "total", json_integer((json_int_t)total));
	return out;
}

static json_t *targets_json(const struct threads *t)
{
	const struct worker *w = &t->worker[0];
	json_t *list = json_array();

	for (uint32_t i = 0; i < w->n_targets; i++) {
		const struct target *x = &w->target[i];
		json_t *one =
			json_pack("{s:s, s:I, s:I}", "path", x->path, "offset", (json_int_t)x->base,
				  "size", (json_int_t)(x->blocks * w->bs));

		if (x->gate.device[0])
			json_object_set_new(one, "device", json_string(x->gate.device));
		if (x->gate.id[0])
			json_object_set_new(one, "id", json_string(x->gate.id));
		json_array_append_new(list, one);
	}
	return list;
}

/* What every report begins with. The flags of all jobs are alike; each SQ thread is told. */
static json_t *head_json(const struct threads *t)
{
	json_t *flags = json_object(), *sq = json_array();

	t->worker[0].engine->report(&t->worker[0], flags);
	for (uint32_t i = 0; t->o->sqpoll && i < t->n; i++) {
		_json_ json_t *one = json_object();

		t->worker[i].engine->report(&t->worker[i], one);
		json_array_append_new(sq, json_pack("{s:O?, s:O?}", "tid",
						    json_object_get(one, "sq_thread_tid"), "cpu",
						    json_object_get(one, "sq_thread_cpu")));
	}
	json_object_del(flags, "sq_thread_tid");
	json_object_del(flags, "sq_thread_cpu");
	if (t->o->sqpoll)
		json_object_set(flags, "sq_threads", sq);
	json_decref(sq);
	json_object_set_new(flags, "o_direct", json_boolean(t->o->direct));
	json_object_set_new(flags, "o_dsync", json_boolean(t->o->sync[0] == 'd'));
	return json_pack("{s:s, s:i, s:s, s:s, s:o, s:o, s:o}", "tool", "ioloop", "schema", 1,
			 "version", IOMODES_VERSION, "commit", IOMODES_COMMIT, "options",
			 options_json(t->o), "targets", targets_json(t), "flags", flags);
}

/* The buffers, which the device writes to and reads from. */
static json_t *memory_json(const struct threads *t)
{
	json_t *out = pages_new();

	for (uint32_t i = 0; i < t->n; i++)
		pages_add(out, t->worker[i].arena, t->worker[i].arena_bytes);
	return out;
}

json_t *report_check(const struct threads *t)
{
	json_t *out = head_json(t);

	json_object_set_new(out, "check", json_true());
	return out;
}

json_t *report_result(const struct threads *t, json_t *tasks)
{
	_free_ struct sum *s = sum_up(t);
	json_t *out = s ? head_json(t) : NULL;
	uint64_t ios;

	if (!out)
		return NULL;
	ios = s->ios[DIR_READ] + s->ios[DIR_WRITE];
	json_object_set_new(out, "window_ns", json_integer((json_int_t)(s->end_ns - s->begin_ns)));
	json_object_set_new(out, "ios", json_integer((json_int_t)ios));
	json_object_set_new(out, "ios_total", json_integer((json_int_t)s->ios_total));
	json_object_set_new(out, "bytes", json_integer((json_int_t)(ios * t->o->bs)));
	json_object_set_new(out, "errors", json_integer((json_int_t)s->errors));
	if (t->o->test_delay_ns) /* never to pass for a result */
		json_object_set_new(out, "test_delay_ns",
				    json_integer((json_int_t)t->o->test_delay_ns));
	if (t->o->reads)
		json_object_set_new(out, "read", count_json(t, s, DIR_READ));
	if (t->o->writes)
		json_object_set_new(out, "write", count_json(t, s, DIR_WRITE));
	if (t->o->lat) {
		json_object_set_new(out, "latency", hist_json(&s->all));
		json_object_set_new(out, "in_flight",
				    json_pack("{s:f, s:I}", "mean", s->inflight_mean, "max",
					      (json_int_t)s->inflight_max));
	}
	if (t->o->rate_iops)
		json_object_set_new(out, "service", hist_json(&s->service));
	json_object_set_new(out, "open_loop", open_loop_json(t, s));
	json_object_set_new(out, "intervals", intervals_json(t, s->end_ns - s->begin_ns));
	json_object_set_new(out, "system_calls", calls_json(s));
	json_object_set_new(out, "tasks", json_incref(tasks));
	json_object_set_new(out, "memory", memory_json(t));
	return out;
}
