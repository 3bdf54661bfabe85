// SPDX-License-Identifier: Apache-2.0
#include "analysis/kind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonio.h"
#include "base/num.h"

static const struct kind_axis block_axes[] = {
	{.key = "rw"},
	{.key = "bs", .label = "block size", .unit = "bytes"},
	{.key = "iodepth", .label = "depth", .unit = "", .closed_only = true},
	{.key = "numjobs", .label = "number of jobs", .unit = ""},
	{.key = "open_loop"},
	{.key = "rate_iops", .label = "rate", .unit = "1/s", .open_only = true},
	{.key = "rate_share", .label = "rate", .unit = "1/s", .open_only = true},
	{.key = "dsync"},
	{.key = "rwmixread"},
	{.key = "fio_job"}, /* a job file holds the rest of its load */
	{NULL},
};

static const struct kind_axis net_axes[] = {
	{.key = "pattern"},
	{.key = "protocol"},
	{.key = "request_bytes", .label = "request size", .unit = "bytes"},
	{.key = "response_bytes", .label = "response size", .unit = "bytes"},
	{.key = "depth", .label = "depth", .unit = "", .closed_only = true},
	{.key = KIND_SIZE, .label = "message size", .unit = "bytes"},
	{.key = "flows", .label = "number of flows", .unit = ""},
	{.key = "queue"},
	{.key = "steer"},
	{.key = "open_loop"},
	{.key = "rate_per_s", .label = "rate", .unit = "1/s", .open_only = true},
	{.key = "rate_share", .label = "rate", .unit = "1/s", .open_only = true},
	{NULL},
};

enum { BLOCK, NET_RR, NET_STREAM };
static const struct kind kinds[] = {
	[BLOCK] = {.name = "block",
		   .event = "I/O",
		   .count = "io",
		   .rate = "iops",
		   .latency = "latency_p50_ns",
		   .tail = "latency_p99_ns",
		   .prefix = "latency_",
		   .cpu = "cpu_ns_per_io_task",
		   .left = "cpu_left_per_io",
		   .interrupts = "interrupts_per_io",
		   .column = {{"iops", false},
			      {"latency_p50_ns", false},
			      {"latency_p99_ns", false},
			      {"latency_p999_ns", false},
			      {"cpu_ns_per_io_task", false},
			      {"cpu_left_per_io", true},
			      {"corunner_lost_per_io", false},
			      {"interrupts_per_io", false}},
		   .axis = block_axes},
	[NET_RR] = {.name = "net_rr",
		    .event = "transaction",
		    .count = "transaction",
		    .rate = "transactions_per_s",
		    .latency = "rtt_p50_ns",
		    .tail = "rtt_p99_ns",
		    .prefix = "rtt_",
		    .cpu = "cpu_ns_per_transaction_task",
		    .left = "cpu_left_per_transaction",
		    .interrupts = "interrupts_per_packet",
		    .column = {{"transactions_per_s", false},
			       {"rtt_p50_ns", false},
			       {"rtt_p99_ns", false},
			       {"rtt_p999_ns", false},
			       {"cpu_ns_per_transaction_task", false},
			       {"server_cpu_ns_per_transaction", false},
			       {"cpu_left_per_transaction", true},
			       {"interrupts_per_packet", false},
			       {"net_rx_softirqs_per_packet", false}},
		    .axis = net_axes},
	[NET_STREAM] = {.name = "net_stream",
			.event = "packet",
			.count = "packet",
			.rate = "throughput_bytes_per_s",
			.latency = "throughput_bytes_per_s",
			.tail = "throughput_bytes_per_s",
			.prefix = "rtt_",
			.cpu = "cpu_ns_per_packet_task",
			.interrupts = "interrupts_per_packet",
			.column = {{"throughput_bytes_per_s", false},
				   {"packets_per_s", false},
				   {"cpu_ns_per_packet_task", false},
				   {"interrupts_per_packet", false},
				   {"net_rx_softirqs_per_packet", false}},
			.axis = net_axes},
};

const struct kind *kind_of(const json_t *load)
{
	const char *pattern = jsonio_string(load, "pattern", NULL);

	if (!pattern)
		return &kinds[BLOCK];
	return &kinds[strcmp(pattern, "stream") ? NET_RR : NET_STREAM];
}

bool kind_is_network(const struct kind *kind)
{
	return kind != &kinds[BLOCK];
}

const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static bool equal_sizes(const json_t *load)
{
	double request = jsonio_number(load, "request_bytes");

	return request > 0 && request == jsonio_number(load, "response_bytes");
}

double kind_axis_level(const struct kind_axis *axis, const json_t *load, double rate)
{
	if (!strcmp(axis->key, "rate_share")) /* is a rate once it was calibrated */
		return rate;
	if (!strcmp(axis->key, KIND_SIZE))
		return equal_sizes(load) ? jsonio_number(load, "request_bytes") : NAN;
	return jsonio_number(load, axis->key);
}

bool kind_axis_holds(const char *axis, const char *member, const json_t *load)
{
	if (strcmp(axis, KIND_SIZE))
		return !strcmp(axis, member);
	return equal_sizes(load) &&
	       (!strcmp(member, "request_bytes") || !strcmp(member, "response_bytes"));
}

/* Written as a truth value or as 0 and 1. */
bool kind_open_loop(const json_t *load)
{
	const json_t *open = json_object_get(load, "open_loop");

	return json_is_true(open) || json_integer_value(open) == 1;
}

static const char *bytes_text(const json_t *load, const char *key, char *out, size_t size)
{
	double bytes = jsonio_number(load, key);

	*out = '\0';
	if (bytes > 0 && bytes < 1e15)
		num_bytes_text((uint64_t)bytes, out, size);
	return out;
}

static size_t add_count(char *out, size_t size, const char *before, double n, double above,
			const char *after)
{
	int len;

	if (!(n > above))
		return 0;
	len = snprintf(out, size, ", %s%.0f%s", before, n, after);
	return len > 0 && (size_t)len < size ? (size_t)len : 0;
}

const char *kind_load_text(const json_t *load, double rate, char *out, size_t size)
{
	const struct kind *k = kind_of(load);
	bool open = kind_open_loop(load);
	char a[32], b[32];
	size_t n;
	int len;

	if (k == &kinds[BLOCK])
		len = snprintf(out, size, "%s%s%s", jsonio_string(load, "rw", ""),
			       *bytes_text(load, "bs", a, sizeof(a)) ? " " : "", a);
	else if (k == &kinds[NET_RR]) /* without sizes where those are the axis */
		len = snprintf(out, size, "%s %s%s%s%s%s", jsonio_string(load, "protocol", ""),
			       jsonio_string(load, "pattern", ""),
			       *bytes_text(load, "request_bytes", a, sizeof(a)) ? " " : "", a,
			       *bytes_text(load, "response_bytes", b, sizeof(b)) ? "/" : "", b);
	else
		len = snprintf(out, size, "%s stream %s", jsonio_string(load, "protocol", ""),
			       bytes_text(load, "request_bytes", a, sizeof(a)));
	n = len < 0 || (size_t)len >= size ? size - 1 : (size_t)len;
	if (!open) {
		n += add_count(out + n, size - n, "depth ", jsonio_number(load, "iodepth"), 0, "");
		n += add_count(out + n, size - n, "depth ", jsonio_number(load, "depth"), 0, "");
	}
	n += add_count(out + n, size - n, "", jsonio_number(load, "numjobs"), 1, " jobs");
	n += add_count(out + n, size - n, "", jsonio_number(load, "flows"), 1, " flows");
	n += add_count(out + n, size - n, "queue ", jsonio_number(load, "queue"), -1,
		       json_object_get(load, "steer") ? " by rule" : "");
	if (open && rate > 0)
		snprintf(out + n, size - n, ", open loop at %.0f/s", rate);
	else if (open)
		snprintf(out + n, size - n, ", open loop");
	return out;
}
