// SPDX-License-Identifier: Apache-2.0
/* iperf3's output, anything at all; and command lines from the same bytes. */
#include "fuzz.h"

static void try_argv(const uint8_t *data, size_t size)
{
	char value[64];
	struct workload_option option[] = {{"congestion", value}, {"zerocopy", value}, {value, "1"}};
	struct workload_net net = {.address = "10.0.0.1", .port = 5300};
	struct workload_job job = {.program = "iperf3", .net = &net, .options = option};
	_free_ char **client = NULL, **server = NULL;
	struct diag d = {""};

	snprintf(value, sizeof(value), "%.*s", size < 60 ? (int)size : 60, (const char *)data);
	job.n_options = size ? data[0] % 4 : 0;
	job.runtime_ns = size > 1 ? data[1] / 32 * 500000000ull : 0;
	net.protocol = size > 2 && data[2] % 2 ? "udp" : "tcp";
	net.pattern = size > 3 && data[3] % 8 ? "stream" : "rr";
	net.flows = size > 4 ? data[4] : 1;
	net.request_bytes = size > 5 ? data[5] : 0;
	net.rate_per_s = size > 6 ? data[6] / 128 * 100.0 : 0;
	PROMISE(!workload_find("iperf3")->argv(&job, &client, &d) || *d.text);
	PROMISE(!workload_find("iperf3")->server_argv(&job, &server, &d) || *d.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_json_ json_t *record = json_pack("{s:{}, s:[], s:{}}", "metrics", "labels", "load");

	try_argv(data, size);
	if (fuzz_parse("iperf3", data, size, record))
		return 0;
	PROMISE(jsonio_number(record, "counts.byte") > 0);
	PROMISE(jsonio_number(record, "metrics.throughput_bytes_per_s") > 0);
	return 0;
}
