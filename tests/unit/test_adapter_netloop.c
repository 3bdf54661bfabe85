// SPDX-License-Identifier: Apache-2.0
/* The netloop adapter: a network load becomes two command lines, the client's report a record. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/adapter.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

static const struct workload_adapter *netloop(void)
{
	const struct workload_adapter *a = workload_find("netloop");

	assert_non_null(a);
	assert_true(a->controlled && a->token_on_stdin);
	return a;
}

static const struct workload_net net = {
	.protocol = "udp",
	.pattern = "rr",
	.request_bytes = 64,
	.response_bytes = 1000,
	.depth = 8,
	.flows = 4,
	.address = "10.0.0.2",
	.port = 7000,
	.token = "do not tell anybody",
	.server_cpus = "3",
	.server_control_fd = 4,
};

static const struct workload_job plain = {
	.program = "/bin/netloop",
	.numjobs = 2,
	.ramp_ns = 1000,
	.runtime_ns = 2000,
	.seed = 5,
	.cpus = "1-2",
	.control_fd = 3,
	.net = &net,
};

static void expect_argv(const struct workload_job *job, bool server, const char *wanted)
{
	const struct workload_adapter *a = netloop();
	struct diag d = {""};
	char text[2000] = "";
	char **argv = NULL;

	if ((server ? a->server_argv : a->argv)(job, &argv, &d))
		fail_msg("%s", d.text);
	for (size_t i = 0; argv[i]; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 argv[i]);
	free(argv);
	assert_null(strstr(text, net.token)); /* everybody can read a command line */
	assert_string_equal(text, wanted);
}

static void test_argv(void **state)
{
	static const struct workload_option polled[] = {{"wait", "epoll"},
							{"busy-poll-usecs", "64"}};
	struct workload_net more = net;
	struct workload_job job = plain;

	expect_argv(&job, false,
		    "/bin/netloop run --server=10.0.0.2 --port=7000 --protocol=udp --pattern=rr "
		    "--size=64 --response-size=1000 --depth=8 --flows=4 --numjobs=2 "
		    "--ramp-time=1000ns --runtime=2000ns --randseed=5 --cpus-allowed=1-2 "
		    "--control-fd=3");
	expect_argv(&job, true,
		    "/bin/netloop serve --bind=10.0.0.2 --port=7000 --cpus-allowed=3 "
		    "--control-fd=4");
	job.options = polled;
	job.n_options = 2;
	job.poisson = true;
	job.net = &more;
	more.rate_per_s = 20000.5; /* of all flows together, as netloop takes it */
	more.napi_id = 8;
	more.server_napi_id = 9;
	more.source_ports = 2048;
	more.source_port = 5000;
	more.server_cpus = NULL;
	more.server_control_fd = -1;
	expect_argv(&job, false,
		    "/bin/netloop run --server=10.0.0.2 --port=7000 --protocol=udp --pattern=rr "
		    "--size=64 --response-size=1000 --depth=8 --flows=4 --numjobs=2 "
		    "--ramp-time=1000ns --runtime=2000ns --rate=20000.5 --rate-process=poisson "
		    "--randseed=5 --napi-id=8 --server-napi-id=9 --source-ports=2048 "
		    "--source-port=5000 --cpus-allowed=1-2 --control-fd=3 --wait=epoll "
		    "--busy-poll-usecs=64");
	expect_argv(&job, true, "/bin/netloop serve --bind=10.0.0.2 --port=7000");
	more = net;
	more.pattern = "stream";
	more.depth = 1;
	job = plain;
	job.net = &more;
	job.cpus = NULL;
	job.control_fd = -1;
	expect_argv(&job, false,
		    "/bin/netloop run --server=10.0.0.2 --port=7000 --protocol=udp "
		    "--pattern=stream --size=64 --flows=4 --numjobs=2 --ramp-time=1000ns "
		    "--runtime=2000ns --randseed=5");
}

static void test_no_network_load(void **state)
{
	struct workload_job job = plain;
	struct diag d = {""};
	char **argv = NULL;

	job.net = NULL;
	assert_int_equal(netloop()->argv(&job, &argv, &d), -EINVAL);
	assert_non_null(strstr(d.text, "needs a network load"));
	assert_int_equal(netloop()->server_argv(&job, &argv, &d), -EINVAL);
}

#define HIST                                                                    \
	"{\"bits\": 6, \"count\": 400, \"min_ns\": 200000, \"max_ns\": 300000," \
	"\"sum_ns\": 90000000, \"bins\": {\"199680\": 300, \"301056\": 100}}"
/* Shortened from a report: 400 round trips of 64 and 1000 bytes in 0.1 s, 4 cut off by the end of
 * the window. */
#define REPORT                                                                                  \
	"{\"options\": {\"pattern\": \"rr\"}, \"window_ns\": 100000000, \"transactions\": 400," \
	"\"transactions_total\": 404, \"lost\": 0, \"bytes\": 400000, \"bytes_sent\": 25856,"   \
	"\"bytes_received\": 404000, \"empty_polls\": 7, \"packets_received\": 404,"            \
	"\"control_packets\": 6, \"retransmissions\": 0, \"open_loop\": null,"                  \
	"\"in_flight\": {\"mean\": 0.98, \"max\": 1}, \"latency\": " HIST ","                   \
	"\"intervals\": {\"length_ns\": 100000000, \"transactions\": [400]},"                   \
	"\"system_calls\": {\"recv\": 404, \"send\": 404, \"total\": 808},"                     \
	"\"zerocopy\": null, \"napi_ids\": [17],"                                               \
	"\"flows\": [{\"client\": {\"napi_id\": 17}, \"server\": {\"napi_id\": 18}}],"          \
	"\"tasks\": [{\"cpu_ns\": 4000, \"role\": \"main\"}, {\"cpu_ns\": 400000}],"            \
	"\"server\": {\"bytes_received\": 25856, \"messages_received\": 404,"                   \
	"\"packets_received\": 404, \"empty_polls\": 3, \"retransmissions\": 0,"                \
	"\"napi_ids\": [18], \"zerocopy\": null,"                                               \
	"\"system_calls\": {\"recv\": 404, \"epoll_wait\": 5, \"send\": 404, \"total\": 813},"  \
	"\"tasks\": [{\"cpu_ns\": 808000, \"role\": \"worker\"}]}}"

static int parse(const char *text, json_t **record, json_t **evidence, struct diag *d)
{
	*record = json_pack("{s:{}}", "metrics");
	*evidence = json_pack("{s:{}, s:{}}", "counters", "absent");
	return netloop()->parse(text, strlen(text), *record, *evidence, d);
}

static void near(const json_t *j, const char *path, double wanted)
{
	double value = jsonio_number(j, path);

	if (!(fabs(value - wanted) <= fabs(wanted) * 0.001))
		fail_msg("%s is %g, not %g", path, value, wanted);
}

static void test_report(void **state)
{
	_json_ json_t *record = NULL, *evidence = NULL;
	struct diag d = {""};

	if (parse(REPORT, &record, &evidence, &d))
		fail_msg("%s", d.text);
	near(record, "metrics.transactions_per_s", 4000);
	near(record, "metrics.throughput_bytes_per_s", 4000000);
	near(record, "metrics.rtt_min_ns", 200000);
	near(record, "metrics.rtt_mean_ns", 225000);
	near(record, "metrics.rtt_p50_ns", 200000);
	near(record, "metrics.rtt_p99_ns", 300000);
	near(record, "metrics.rtt_max_ns", 300000);
	assert_null(jsonio_at(record, "metrics.rtt_p999_ns")); /* 400 do not carry it */
	assert_null(jsonio_at(record, "metrics.service_p50_ns"));
	near(record, "metrics.in_flight_mean", 0.98);
	/* of both ends, over the transactions that the counters saw, too */
	near(record, "metrics.cpu_ns_per_transaction_task", 3000);
	near(record, "metrics.server_cpu_ns_per_transaction", 2000);
	near(record, "counts.transaction", 400);
	near(record, "counts.sent", 404);
	near(record, "counts.unanswered", 4);
	near(record, "counts.lost", 0);
	assert_null(jsonio_at(record, "counts.arrivals"));
	near(evidence, "counts.transaction", 404);
	near(evidence, "counts.packet", 814);
	near(evidence, "counters.system_calls", 1621);
	near(evidence, "counters.epoll_wait_calls", 5);
	near(evidence, "counters.io_uring_enter_calls", 0);
	near(evidence, "counters.empty_polls", 10);
	assert_null(jsonio_at(evidence, "counters.zerocopy_copied")); /* not asked for: not 0 */
	near(record, "latency.count", 400);
	near(json_array_get(jsonio_at(record, "workload_report.flows"), 0), "server.napi_id", 18);
	assert_int_equal(json_array_size(jsonio_at(record, "incoming_napi_ids.server")), 1);
	assert_null(jsonio_at(record, "workload_report.latency")); /* once is enough */
}

static char *changed(const char *path, json_t *value)
{
	_json_ json_t *report = json_loads(REPORT, 0, NULL);
	char parent[64] = "";
	const char *dot = strrchr(path, '.');
	char *text;

	if (dot)
		snprintf(parent, sizeof(parent), "%.*s", (int)(dot - path), path);
	json_object_set_new(dot ? jsonio_at(report, parent) : report, dot ? dot + 1 : path, value);
	text = json_dumps(report, 0);
	assert_non_null(text);
	return text;
}

/* 30 lost requests waited longest: nothing above 400/430 can be stated. */
static void test_lost(void **state)
{
	_free_ char *text = changed("lost", json_integer(30));
	_json_ json_t *record = NULL, *evidence = NULL;
	struct diag d = {""};

	if (parse(text, &record, &evidence, &d))
		fail_msg("%s", d.text);
	assert_non_null(jsonio_at(record, "metrics.rtt_p90_ns"));
	assert_null(jsonio_at(record, "metrics.rtt_p99_ns"));
	near(record, "counts.lost", 30);
	near(record, "counts.sent", 434);
}

static void test_open_loop(void **state)
{
	json_t *open = json_pack("{s:i, s:i}", "arrivals", 434, "never_started", 30);
	_json_ json_t *service = json_loads(HIST, 0, NULL), *record = NULL, *evidence = NULL;
	_free_ char *text = changed("open_loop", open), *with = NULL;
	_json_ json_t *report = json_loads(text, 0, NULL);
	struct diag d = {""};

	json_object_set(report, "service", service);
	with = json_dumps(report, 0);
	if (parse(with, &record, &evidence, &d))
		fail_msg("%s", d.text);
	near(record, "metrics.service_p50_ns", 200000);
	assert_null(jsonio_at(record, "metrics.rtt_p99_ns"));
	near(record, "counts.arrivals", 434);
	near(record, "counts.never_started", 30);
	near(record, "service.count", 400);
}

static void test_zerocopy(void **state)
{
	_free_ char *text = changed("zerocopy", json_pack("{s:i, s:i, s:i}", "sends", 404,
							  "completions", 404, "copied", 400));
	_json_ json_t *record = NULL, *evidence = NULL;
	struct diag d = {""};

	if (parse(text, &record, &evidence, &d))
		fail_msg("%s", d.text);
	near(evidence, "counters.zerocopy_sends", 404);
	near(evidence, "counters.zerocopy_completions", 404);
	near(evidence, "counters.zerocopy_copied", 400);
	near(evidence, "counters.zerocopy_completion_share", 1);
}

/* A thousand sends of which the kernel answered one. */
static void test_zerocopy_unanswered(void **state)
{
	_free_ char *text = changed("zerocopy", json_pack("{s:i, s:i, s:i}", "sends", 1000,
							  "completions", 1, "copied", 0));
	_json_ json_t *record = NULL, *evidence = NULL;
	struct diag d = {""};

	if (parse(text, &record, &evidence, &d))
		fail_msg("%s", d.text);
	near(evidence, "counters.zerocopy_completion_share", 0.001);
}

/* A stream is what the receiver got, over the time it got it in. */
static void test_stream(void **state)
{
	_free_ char *text = changed("options.pattern", json_string("stream")), *with = NULL;
	_json_ json_t *report = json_loads(text, 0, NULL), *record = NULL, *evidence = NULL;
	struct diag d = {""};

	assert_true(parse(text, &record, &evidence, &d) < 0);
	assert_non_null(strstr(d.text, "received no stream"));
	json_decref(record);
	json_decref(evidence);
	json_object_set_new(json_object_get(report, "server"), "receive_ns",
			    json_integer(200000000));
	json_object_del(report, "latency");
	with = json_dumps(report, 0);
	if (parse(with, &record, &evidence, &d))
		fail_msg("%s", d.text);
	near(record, "metrics.throughput_bytes_per_s", 25856 * 5);
	near(record, "metrics.packets_per_s", 404 * 5);
	near(record, "metrics.cpu_ns_per_packet_task", 1212000.0 / 814);
	assert_null(jsonio_at(record, "metrics.transactions_per_s"));
	near(record, "counts.byte", 25856);
	near(evidence, "counts.byte", 25856);
	assert_null(jsonio_at(record, "counts.transaction"));
}

static void test_bad_reports(void **state)
{
	static const struct {
		const char *text, *say;
	} rows[] = {
		{"", "its output is not JSON"},
		{"netloop: hello\n", "its output is not JSON: 1:"},
		{REPORT "{}", "its output is not JSON"},
		{"[1, 2]", "lacks window_ns"},
		{"{}", "lacks window_ns"},
		{"{\"window_ns\": 5}", "lacks transactions"},
		{"{\"window_ns\": 5, \"transactions\": 1, \"transactions_total\": 1, \"lost\": 0}",
		 "lacks server.bytes_received"},
		{"{\"window_ns\": 0, \"transactions\": 1, \"transactions_total\": 1, \"lost\": 0,"
		 "\"server\": {\"bytes_received\": 1}}",
		 "window is empty"},
		{"{\"window_ns\": 5, \"transactions\": -1}", "lacks transactions"},
		{"{\"window_ns\": 5, \"window_ns\": 6}", "duplicate"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_json_ json_t *record = NULL, *evidence = NULL;
		struct diag d = {""};

		if (!parse(rows[i].text, &record, &evidence, &d))
			fail_msg("taken: %s", rows[i].text);
		if (!strstr(d.text, rows[i].say))
			fail_msg("%s: \"%s\" does not say: %s", rows[i].text, d.text, rows[i].say);
	}
}

/* Tasks whose time is not known leave the CPU metrics out. */
static void test_absent_is_left_out(void **state)
{
	_free_ char *text = changed("server.tasks", json_array());
	_json_ json_t *record = NULL, *evidence = NULL;
	struct diag d = {""};

	if (parse(text, &record, &evidence, &d))
		fail_msg("%s", d.text);
	assert_null(jsonio_at(record, "metrics.cpu_ns_per_transaction_task"));
	assert_null(jsonio_at(record, "metrics.server_cpu_ns_per_transaction"));
	assert_non_null(jsonio_at(record, "metrics.transactions_per_s"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_argv),
		cmocka_unit_test(test_no_network_load),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_open_loop),
		cmocka_unit_test(test_zerocopy),
		cmocka_unit_test(test_zerocopy_unanswered),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_bad_reports),
		cmocka_unit_test(test_absent_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
