// SPDX-License-Identifier: Apache-2.0
/* From the workers' books to one JSON object. What does not exist is absent, not 0. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "iomodes_version.h"

/* All workers together. */
struct sum {
	uint64_t done, done_total, lost, late, strays, empty_polls, begin_ns, end_ns;
	uint64_t bytes_in, bytes_out, bytes_window, inflight_max;
	struct starts starts;
	double inflight_mean;
	struct hist latency, service;
};

static void add(struct sum *s, const struct worker *w)
{
	s->done += w->done;
	s->done_total += w->done_total;
	s->lost += w->lost;
	s->late += w->late;
	s->strays += w->strays;
	s->empty_polls += w->empty_polls;
	s->bytes_in += w->bytes_in;
	s->bytes_out += w->bytes_out;
	s->bytes_window += w->bytes_window;
	s->inflight_max += w->inflight_max;
	starts_sum(&s->starts, &w->starts);
	s->begin_ns = w->begin_ns < s->begin_ns ? w->begin_ns : s->begin_ns;
	s->end_ns = w->end_ns > s->end_ns ? w->end_ns : s->end_ns;
	if (w->end_ns > w->begin_ns)
		s->inflight_mean += (double)w->inflight_window / (double)(w->end_ns - w->begin_ns);
	hist_merge(&s->latency, &w->latency);
	hist_merge(&s->service, &w->service);
}

static struct sum *sum_up(const struct side *side)
{
	struct sum *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->begin_ns = UINT64_MAX;
	hist_init(&s->latency);
	hist_init(&s->service);
	for (uint32_t i = 0; i < side->crew.n; i++)
		add(s, &side->crew.worker[i]);
	return s;
}

static json_t *open_loop_json(const struct side *side, const struct sum *s)
{
	const struct options *o = side->o;
	double seconds = (double)(s->end_ns - s->begin_ns) * 1e-9;

	if (!(o->rate > 0))
		return json_null();
	return starts_json(&s->starts, o->rate, o->rate_process, s->done, seconds);
}

static json_t *intervals_json(const struct side *side, uint64_t window_ns)
{
	json_t *list = json_array();
	uint64_t n = window_ns / INTERVAL_NS; /* a remainder would look like a collapse */

	for (uint64_t i = 0; i < n && i < INTERVALS_MAX; i++) {
		uint64_t done = 0;

		for (uint32_t k = 0; k < side->crew.n; k++)
			done += side->crew.worker[k].interval[i];
		json_array_append_new(list, json_integer((json_int_t)done));
	}
	return json_pack("{s:i, s:o}", "length_ns", (int)INTERVAL_NS, "transactions", list);
}

/* Of what was asked, so many are in the histogram: the lost and the never started stand above. */
static json_t *percentiles_json(const struct sum *s)
{
	static const struct {
		const char *name;
		double q;
	} rows[] = {{"p50_ns", 0.5},
		    {"p90_ns", 0.9},
		    {"p99_ns", 0.99},
		    {"p999_ns", 0.999},
		    {"p9999_ns", 0.9999}};
	uint64_t n = s->latency.count, all = n + s->lost + s->starts.never;
	json_t *out = json_object();

	for (size_t i = 0; n && i < ARRAY_SIZE(rows); i++)
		if (hist_supports(n, rows[i].q) && rows[i].q * (double)all <= (double)n)
			json_object_set_new(out, rows[i].name,
					    json_real(hist_quantile(&s->latency, rows[i].q)));
	return out;
}

static json_t *flows_json(const struct side *side, const json_t *server)
{
	json_t *list = json_array(), *theirs = json_object_get(server, "flows");

	for (uint32_t i = 0; i < side->load.flows; i++)
		json_array_append_new(list, json_pack("{s:i, s:i, s:o, s:O?}", "index", (int)i,
						      "source_port", (int)side->flow[i].source_port,
						      "client", placement_json(&side->flow[i].seen),
						      "server", json_array_get(theirs, i)));
	return list;
}

static void put_counts(json_t *out, const struct side *side, const struct sum *s)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{"window_ns", s->end_ns - s->begin_ns},
		{"transactions", s->done},
		{"transactions_total", s->done_total},
		{"lost", s->lost},
		{"late_responses", s->late},
		{"strays", s->strays},
		{"bytes", s->bytes_window},
		{"bytes_sent", s->bytes_out},
		{"bytes_received", s->bytes_in},
		{"empty_polls", s->empty_polls},
		{"packets_received", side_packets(side)},
		{"retransmissions", side_retransmitted(side)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		json_object_set_new(out, rows[i].name, json_integer((json_int_t)rows[i].n));
}

static void put_latencies(json_t *out, const struct side *side, const struct sum *s)
{
	if (side->load.pattern == PATTERN_STREAM)
		return;
	json_object_set_new(out, "latency", hist_json(&s->latency));
	json_object_set_new(out, "rtt_percentiles", percentiles_json(s));
	json_object_set_new(out, "in_flight",
			    json_pack("{s:f, s:I}", "mean", s->inflight_mean, "max",
				      (json_int_t)s->inflight_max));
	json_object_set_new(out, "intervals", intervals_json(side, s->end_ns - s->begin_ns));
	if (side->o->rate > 0)
		json_object_set_new(out, "service", hist_json(&s->service));
}

json_t *report_result(const struct side *side, const struct outcome *o)
{
	_free_ struct sum *s = sum_up(side);
	double seconds;
	json_t *out;

	if (!s)
		return NULL;
	out = json_pack("{s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O}", "tool",
			"netloop", "schema", 1, "version", IOMODES_VERSION, "commit",
			IOMODES_COMMIT, "options", options_json(side->o), "flags", side_flags(side),
			"system_calls", side_calls(side), "zerocopy", side_zerocopy(side),
			"napi_ids", side_napi_ids(side), "flows", flows_json(side, o->server),
			"open_loop", open_loop_json(side, s), "tasks", side->tasks);
	put_counts(out, side, s);
	put_latencies(out, side, s);
	seconds = (double)(s->end_ns - s->begin_ns) * 1e-9;
	json_object_set_new(out, "transactions_per_s", json_real((double)s->done / seconds));
	json_object_set_new(out, "control_packets", json_integer((json_int_t)o->control_packets));
	json_object_set(out, "server", (json_t *)o->server);
	json_object_set_new(out, "memory", side_memory(side));
	return out;
}
