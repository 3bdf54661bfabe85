// SPDX-License-Identifier: Apache-2.0
/*
 * iperf3, as installed: one client against a one-off server (-s -1), a bulk stream. It knows no
 * ramp that every version counts right (--omit was wrong until 3.14), so that its whole test is
 * measured, slow start included.
 *
 * Its exit status says nothing before 3.14: a refused connection, a busy server and one that died
 * all end with 0. The report decides: no "error", both sums of the end there, bytes received. The
 * figures are the receiver's: what the sender has sent may still be on the way.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "adapter/args.h"
#include "adapter/extract.h"
#include "adapter/metrics.h"
#include "adapter/registry.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

#define SECOND_NS	   1000000000u
#define CONNECT_TIMEOUT_MS 3000

/* What a mode may add; the rest would change which figures there are, or where they go. */
static const struct {
	const char *name;
	bool has_value;
} allowed[] = {
	{"congestion", true},	 {"dscp", true},   {"no-delay", false},
	{"set-mss", true},	 {"window", true}, {"zerocopy", false},
	{"skip-rx-copy", false}, {"gsro", false},  {"dont-fragment", false},
};

static bool is_off(const char *value)
{
	return !strcmp(value, "0") || !strcmp(value, "false");
}

static int add_options(struct args *a, const struct workload_job *job, struct diag *d)
{
	for (size_t i = 0; i < job->n_options; i++) {
		const struct workload_option *o = &job->options[i];
		size_t k = 0;

		while (k < ARRAY_SIZE(allowed) && strcmp(allowed[k].name, o->name))
			k++;
		if (k == ARRAY_SIZE(allowed))
			return diag_set(d, -EPERM,
					"iperf3: the mode's option %s is not on the list of those "
					"that a mode may set",
					o->name);
		if (allowed[k].has_value)
			args_add(a, "--%s=%s", o->name, o->value);
		else if (!is_off(o->value))
			args_add(a, "--%s", o->name);
	}
	return 0;
}

static int check_job(const struct workload_job *job, struct diag *d)
{
	const struct workload_net *net = job->net;

	if (!net || !net->address || strcmp(net->pattern, "stream"))
		return diag_set(
			d, -EINVAL,
			"iperf3 measures the pattern stream between two ends, nothing else");
	if (!job->runtime_ns || job->runtime_ns % SECOND_NS)
		return diag_set(d, -EINVAL,
				"iperf3 measures whole seconds: give a runtime of 1s, 2s, …");
	if (net->rate_per_s > 0 && strcmp(net->protocol, "udp"))
		return diag_set(d, -EINVAL, "iperf3 takes a rate for udp alone");
	return 0;
}

static int iperf3_argv(const struct workload_job *job, char ***argv, struct diag *d)
{
	const struct workload_net *net = job->net;
	struct args a;
	int err = check_job(job, d);

	if (!err)
		err = args_init(&a);
	if (err)
		return err;
	args_add(&a, "%s", job->program);
	args_add(&a, "--client=%s", net->address);
	args_add(&a, "--port=%u", net->port);
	args_add(&a, "--json");
	args_add(&a, "--connect-timeout=%d", CONNECT_TIMEOUT_MS);
	args_add(&a, "--interval=0"); /* wakes up for nothing else */
	args_add(&a, "--time=%llu", (unsigned long long)(job->runtime_ns / SECOND_NS));
	if (net->flows > 1)
		args_add(&a, "--parallel=%llu", (unsigned long long)net->flows);
	if (net->request_bytes)
		args_add(&a, "--length=%llu", (unsigned long long)net->request_bytes);
	if (!strcmp(net->protocol, "udp")) {
		args_add(&a, "--udp");
		/* bits a second of each flow; its own default would be 1 Mb/s */
		args_add(&a, "--bitrate=%.0f",
			 net->rate_per_s > 0 ? net->rate_per_s * 8 * (double)net->request_bytes /
						       (double)(net->flows ? net->flows : 1)
					     : 0.0);
	}
	err = add_options(&a, job, d);
	if (err) {
		free(a.argv);
		return err;
	}
	return args_end(&a, "iperf3", argv, d);
}

/* It ends after one test. One that nobody comes to would wait for ever: the harness has a deadline.
 */
static int iperf3_server_argv(const struct workload_job *job, char ***argv, struct diag *d)
{
	struct args a;
	int err = check_job(job, d);

	if (!err)
		err = args_init(&a);
	if (err)
		return err;
	args_add(&a, "%s", job->program);
	args_add(&a, "--server");
	args_add(&a, "--one-off");
	args_add(&a, "--bind=%s", job->net->address);
	args_add(&a, "--port=%u", job->net->port);
	args_add(&a, "--forceflush");
	return args_end(&a, "iperf3", argv, d);
}

/* UDP: what came through, from the sequence numbers; reordering looks like loss. */
static int put_udp(const json_t *received, json_t *record, json_t *counts, json_t *report,
		   struct diag *d)
{
	double packets = jsonio_number(received, "packets");
	double lost = jsonio_number(received, "lost_packets");

	if (!(packets >= 0) || !(lost >= 0) || !(lost <= packets) || packets > 1e15)
		return diag_set(d, -EPROTO, "iperf3: the udp report lacks packets or lost_packets");
	json_object_set_new(counts, "transaction", json_integer((json_int_t)(packets - lost)));
	json_object_set_new(report, "lost_packets", json_integer((json_int_t)lost));
	json_object_set_new(report, "sent_packets", json_integer((json_int_t)packets));
	if (lost > 0)
		json_array_append_new(json_object_get(record, "labels"), json_string("udp_loss"));
	return 0;
}

static void copy_members(const json_t *report, json_t *out)
{
	static const struct {
		const char *from, *to;
	} copied[] = {
		{"start.version", "version"},
		{"start.test_start", "test"},
		{"start.sndbuf_actual", "sndbuf_bytes"},
		{"start.rcvbuf_actual", "rcvbuf_bytes"},
		{"end.sum_sent.retransmits", "retransmits"},
		{"end.sum_sent.bytes", "sent_bytes"},
		{"end.cpu_utilization_percent", "cpu_percent"},
		{"end.sender_tcp_congestion", "sender_congestion"},
		{"end.receiver_tcp_congestion", "receiver_congestion"},
		{"end.sum_received.jitter_ms", "jitter_ms"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(copied); i++) {
		json_t *part = jsonio_at(report, copied[i].from);

		if (part)
			json_object_set(out, copied[i].to, part);
	}
}

static int parse_report(const json_t *report, json_t *record, json_t *evidence, struct diag *d)
{
	const char *error = jsonio_string(report, "error", NULL);
	const json_t *received = jsonio_at(report, "end.sum_received");
	double bytes = jsonio_number(received, "bytes");
	double seconds = jsonio_number(received, "seconds");
	json_t *metrics = json_object_get(record, "metrics"), *out, *counts;
	int err = 0;

	if (error)
		return diag_set(d, -EIO, "iperf3: %.800s", error);
	if (!json_is_object(jsonio_at(report, "end.sum_sent")) || !json_is_object(received))
		return diag_set(d, -EPROTO,
				"iperf3: the report has no end.sum_sent or end.sum_received");
	if (!(bytes > 0) || !(seconds > 0) || bytes > 1e18 || seconds > 1e6)
		return diag_set(d, -EPROTO, "iperf3: nothing was received (%.0f bytes in %.3g s)",
				bytes, seconds);
	counts = json_pack("{s:I}", "byte", (json_int_t)bytes);
	out = json_pack("{s:I}", "window_ns", (json_int_t)(seconds * 1e9));
	if (!strcmp(jsonio_string(report, "start.test_start.protocol", ""), "UDP"))
		err = put_udp(received, record, counts, out, d);
	copy_members(report, out);
	metrics_put(metrics, "throughput_bytes_per_s", bytes / seconds);
	json_object_set_new(evidence, "counts", json_deep_copy(counts));
	json_object_set_new(record, "counts", counts);
	json_object_set_new(record, "workload_report", out);
	return err;
}

static int iperf3_parse(const char *text, size_t len, json_t *record, json_t *evidence,
			struct diag *d)
{
	_json_ json_t *report = NULL;
	int err = extract_foreign("iperf3", text, len, record, &report, d);

	return err ? err : parse_report(report, record, evidence, d);
}

const struct workload_adapter iperf3_adapter = {
	.name = "iperf3",
	.program = "iperf3",
	.controlled = false,
	.argv = iperf3_argv,
	.server_argv = iperf3_server_argv,
	.parse = iperf3_parse,
};
