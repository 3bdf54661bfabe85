// SPDX-License-Identifier: Apache-2.0
/*
 * Our own network loop (workloads/netloop): the client's report is one JSON object that holds the
 * server's, too. The mode's options go to the client, which tells the server.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/adapter.h"
#include "adapter/args.h"
#include "adapter/extract.h"
#include "adapter/metrics.h"
#include "adapter/registry.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/hist.h"

static void add_load(struct args *a, const struct workload_job *job)
{
	const struct workload_net *net = job->net;
	bool stream = !strcmp(net->pattern, "stream");

	args_add(a, "--server=%s", net->address);
	args_add(a, "--port=%u", net->port);
	args_add(a, "--protocol=%s", net->protocol);
	args_add(a, "--pattern=%s", net->pattern);
	if (net->request_bytes)
		args_add(a, "--size=%llu", (unsigned long long)net->request_bytes);
	if (net->response_bytes && !stream)
		args_add(a, "--response-size=%llu", (unsigned long long)net->response_bytes);
	if (net->depth > 1)
		args_add(a, "--depth=%llu", (unsigned long long)net->depth);
	if (net->flows)
		args_add(a, "--flows=%llu", (unsigned long long)net->flows);
	if (job->numjobs)
		args_add(a, "--numjobs=%llu", (unsigned long long)job->numjobs);
	args_add(a, "--ramp-time=%lluns", (unsigned long long)job->ramp_ns);
	args_add(a, "--runtime=%lluns", (unsigned long long)job->runtime_ns);
	if (net->rate_per_s > 0) {
		args_add(a, "--rate=%.17g", net->rate_per_s);
		args_add(a, "--rate-process=%s", job->poisson ? "poisson" : "constant");
	}
	args_add(a, "--randseed=%llu", (unsigned long long)job->seed);
	if (net->napi_id)
		args_add(a, "--napi-id=%u", net->napi_id);
	if (net->server_napi_id)
		args_add(a, "--server-napi-id=%u", net->server_napi_id);
	if (net->source_ports)
		args_add(a, "--source-ports=%u", net->source_ports);
	if (net->source_port)
		args_add(a, "--source-port=%u", net->source_port);
	if (job->cpus)
		args_add(a, "--cpus-allowed=%s", job->cpus);
	if (job->control_fd >= 0)
		args_add(a, "--control-fd=%d", job->control_fd);
}

static int begin(const struct workload_job *job, struct args *a, struct diag *d)
{
	const struct workload_net *net = job->net;

	if (!net || !net->address || !net->protocol || !net->pattern)
		return diag_set(d, -EINVAL,
				"netloop needs a network load: protocol, pattern and the "
				"server's address");
	return args_init(a);
}

static int netloop_argv(const struct workload_job *job, char ***argv, struct diag *d)
{
	struct args a;
	int err = begin(job, &a, d);

	if (err)
		return err;
	args_add(&a, "%s", job->program);
	args_add(&a, "run");
	add_load(&a, job);
	for (size_t i = 0; i < job->n_options; i++)
		args_add(&a, "--%s=%s", job->options[i].name, job->options[i].value);
	return args_end(&a, "netloop", argv, d);
}

static int netloop_server_argv(const struct workload_job *job, char ***argv, struct diag *d)
{
	struct args a;
	int err = begin(job, &a, d);

	if (err)
		return err;
	args_add(&a, "%s", job->program);
	args_add(&a, "serve");
	args_add(&a, "--bind=%s", job->net->address);
	args_add(&a, "--port=%u", job->net->port);
	if (job->net->server_cpus)
		args_add(&a, "--cpus-allowed=%s", job->net->server_cpus);
	if (job->net->server_control_fd >= 0)
		args_add(&a, "--control-fd=%d", job->net->server_control_fd);
	return args_end(&a, "netloop", argv, d);
}

static bool is_stream(const json_t *report)
{
	return !strcmp(jsonio_string(report, "options.pattern", ""), "stream");
}

/* Of what was asked in the window, the share whose round trip is in the histogram: what was lost or
 * never started would stand above that quantile. */
static double answered_share(const json_t *report, const struct hist *h)
{
	double missing = jsonio_number(report, "lost");
	double never = jsonio_number(report, "open_loop.never_started");

	missing += never > 0 ? never : 0;
	return missing > 0 ? (double)h->count / ((double)h->count + missing) : 1;
}

static int put_hist(const json_t *report, const char *member, const char *prefix, bool least,
		    json_t *metrics, struct diag *d)
{
	const json_t *source = json_object_get(report, member);
	_free_ struct hist *h = malloc(sizeof(*h));
	int err;

	if (!json_is_object(source))
		return 0;
	if (!h)
		return -ENOMEM;
	err = hist_from_json(source, h, d);
	if (err)
		return err;
	metrics_put_hist(metrics, prefix, h, answered_share(report, h));
	if (least && h->count)
		metrics_put(metrics, "rtt_min_ns", (double)h->min_ns);
	return 0;
}

/* CPU time of all tasks of one end; NAN when one of them is not known. */
static double tasks_ns(const json_t *tasks)
{
	double all = 0;
	json_t *task;
	size_t i;

	if (!json_array_size(tasks))
		return NAN;
	json_array_foreach (tasks, i, task)
		all += jsonio_number(task, "cpu_ns");
	return all;
}

static double both(const json_t *report, const char *member)
{
	return jsonio_number(report, member) +
	       jsonio_number(json_object_get(report, "server"), member);
}

static double packets(const json_t *report)
{
	return jsonio_number(report, "packets_received") +
	       jsonio_number(report, "server.packets_received") +
	       jsonio_number(report, "control_packets");
}

static void put_cpu(const json_t *report, double total, json_t *metrics)
{
	double client = tasks_ns(json_object_get(report, "tasks"));
	double server = tasks_ns(jsonio_at(report, "server.tasks"));
	double all = client + server;

	if (is_stream(report)) {
		metrics_put(metrics, "cpu_ns_per_packet_task", all / packets(report));
		return;
	}
	metrics_put(metrics, "cpu_ns_per_transaction_task", all / total);
	metrics_put(metrics, "server_cpu_ns_per_transaction", server / total);
}

/* A call that was never made is not in the list: that is a count of 0. */
static double calls(const json_t *report, const char *name)
{
	const json_t *ends[] = {json_object_get(report, "system_calls"),
				jsonio_at(report, "server.system_calls")};
	double all = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		double n = jsonio_number(ends[i], name);

		if (!json_is_object(ends[i]))
			return NAN;
		all += isnan(n) ? 0 : n;
	}
	return all;
}

static void put_counters(const json_t *report, json_t *counters)
{
	static const char *const zerocopy[][2] = {{"zerocopy_sends", "zerocopy.sends"},
						  {"zerocopy_completions", "zerocopy.completions"},
						  {"zerocopy_copied", "zerocopy.copied"}};
	double sends;

	metrics_put(counters, "system_calls", calls(report, "total"));
	metrics_put(counters, "io_uring_enter_calls", calls(report, "io_uring_enter"));
	metrics_put(counters, "epoll_wait_calls", calls(report, "epoll_wait"));
	metrics_put(counters, "empty_polls", both(report, "empty_polls"));
	metrics_put(counters, "retransmissions", both(report, "retransmissions"));
	/* a server may send without it: then only the client's are there */
	for (size_t i = 0; i < ARRAY_SIZE(zerocopy); i++) {
		double server = jsonio_number(json_object_get(report, "server"), zerocopy[i][1]);

		metrics_put(counters, zerocopy[i][0],
			    jsonio_number(report, zerocopy[i][1]) + (isnan(server) ? 0 : server));
	}
	sends = jsonio_number(counters, "zerocopy_sends");
	if (sends > 0)
		metrics_put(counters, "zerocopy_completion_share",
			    jsonio_number(counters, "zerocopy_completions") / sends);
}

static json_t *count(double n)
{
	return json_integer((json_int_t)n);
}

static void put_counts(const json_t *report, json_t *record, json_t *evidence)
{
	double done = jsonio_number(report, "transactions");
	double total = jsonio_number(report, "transactions_total");
	double lost = jsonio_number(report, "lost"), all = packets(report);
	json_t *counts = json_object(), *window = json_object();
	json_t *arrivals = jsonio_at(report, "open_loop.arrivals");
	json_t *never = jsonio_at(report, "open_loop.never_started");

	if (is_stream(report)) {
		json_object_set_new(counts, "byte",
				    count(jsonio_number(report, "server.bytes_received")));
		json_object_set(window, "byte", json_object_get(counts, "byte"));
	} else {
		json_object_set_new(counts, "transaction", count(done));
		json_object_set_new(counts, "sent", count(total + lost));
		json_object_set_new(counts, "lost", count(lost));
		json_object_set_new(counts, "unanswered", count(total - done));
		json_object_set_new(window, "transaction", count(total));
	}
	if (isfinite(all))
		json_object_set_new(window, "packet", count(all));
	if (json_is_integer(arrivals) && json_is_integer(never)) {
		json_object_set(counts, "arrivals", arrivals);
		json_object_set(counts, "never_started", never);
	}
	json_object_set_new(record, "counts", counts);
	json_object_set_new(evidence, "counts", window);
}

static int put_stream(const json_t *report, json_t *metrics, struct diag *d)
{
	double bytes = jsonio_number(report, "server.bytes_received");
	double ns = jsonio_number(report, "server.receive_ns");

	if (!(bytes > 0) || !(ns > 0))
		return diag_set(d, -EPROTO, "netloop: the server received no stream");
	/* the receiver's: what the sender has sent may have been lost */
	metrics_put(metrics, "throughput_bytes_per_s", bytes * 1e9 / ns);
	metrics_put(metrics, "packets_per_s",
		    jsonio_number(report, "server.packets_received") * 1e9 / ns);
	return 0;
}

static int put_round_trips(const json_t *report, json_t *metrics, struct diag *d)
{
	double window = jsonio_number(report, "window_ns");
	double done = jsonio_number(report, "transactions");
	int err = put_hist(report, "latency", "rtt_", true, metrics, d);

	if (!err)
		err = put_hist(report, "service", "service_", false, metrics, d);
	metrics_put(metrics, "transactions_per_s", done * 1e9 / window);
	/* responses received by the client within the window */
	metrics_put(metrics, "throughput_bytes_per_s",
		    jsonio_number(report, "bytes") * 1e9 / window);
	metrics_put(metrics, "in_flight_mean", jsonio_number(report, "in_flight.mean"));
	return err;
}

static void copy_parts(const json_t *report, json_t *record)
{
	static const char *const copied[] = {"latency", "service", "intervals"};
	json_t *client = json_object_get(report, "napi_ids");
	json_t *server = jsonio_at(report, "server.napi_ids");

	for (size_t i = 0; i < ARRAY_SIZE(copied); i++) {
		json_t *part = json_object_get(report, copied[i]);

		if (json_is_object(part))
			json_object_set(record, copied[i], part);
	}
	if (client && server)
		json_object_set_new(record, "incoming_napi_ids",
				    json_pack("{s:O, s:O}", "client", client, "server", server));
}

static int parse_report(const json_t *report, json_t *record, json_t *evidence, struct diag *d)
{
	static const char *const wanted[] = {"window_ns", "transactions", "transactions_total",
					     "lost", "server.bytes_received"};
	json_t *metrics = json_object_get(record, "metrics");
	double total = jsonio_number(report, "transactions_total");
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!(jsonio_number(report, wanted[i]) >= 0))
			return diag_set(d, -EPROTO, "netloop: the report lacks %s", wanted[i]);
	if (!(jsonio_number(report, "window_ns") > 0))
		return diag_set(d, -EPROTO, "netloop: the window is empty");
	err = is_stream(report) ? put_stream(report, metrics, d)
				: put_round_trips(report, metrics, d);
	put_cpu(report, total, metrics);
	put_counters(report, json_object_get(evidence, "counters"));
	copy_parts(report, record);
	put_counts(report, record, evidence);
	return err;
}

static int netloop_parse(const char *text, size_t len, json_t *record, json_t *evidence,
			 struct diag *d)
{
	return extract_own("netloop", text, len, parse_report, record, evidence, d);
}

const struct workload_adapter netloop_adapter = {
	.name = "netloop",
	.program = "netloop",
	.controlled = true,
	.token_on_stdin = true,
	.argv = netloop_argv,
	.server_argv = netloop_server_argv,
	.parse = netloop_parse,
};
