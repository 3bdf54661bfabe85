// SPDX-License-Identifier: Apache-2.0
/* The iperf3 adapter: recorded outputs of 3.12 to 3.21, whose exit status is not to be believed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "adapter_fixture.h"

static const char *const versions[] = {"3.12", "3.14", "3.18", "3.21"};

static const struct workload_adapter *iperf3(void)
{
	const struct workload_adapter *a = workload_find("iperf3");

	assert_non_null(a);
	assert_non_null(a->server_argv);
	return a;
}

static int parse(const char *version, const char *what, json_t *record, struct diag *d)
{
	char name[128];

	snprintf(name, sizeof(name), "iperf3/iperf3-%s-%s.out", version, what);
	return parse_fixture(iperf3(), name, record, d);
}

static void good(const char *version, const char *what, bool udp)
{
	_json_ json_t *record = empty_record(false);
	struct diag d;
	double bytes, seconds, sent;

	if (parse(version, what, record, &d))
		fail_msg("%s %s: %s", version, what, d.text);
	bytes = jsonio_number(record, "counts.byte");
	sent = jsonio_number(record, "workload_report.sent_bytes");
	seconds = jsonio_number(record, "workload_report.window_ns") / 1e9;
	assert_true(bytes > 0 && bytes <= sent * 1.001 && fabs(seconds - 1) < 0.1);
	assert_true(fabs(jsonio_number(record, "metrics.throughput_bytes_per_s") * seconds -
			 bytes) < 1e-6 * bytes);
	assert_true(jsonio_number(record, "evidence.counts.byte") == bytes);
	assert_int_equal(!isnan(jsonio_number(record, "counts.transaction")), udp);
}

static void test_versions(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		good(versions[i], "tcp", false);
		good(versions[i], "parallel", false);
		good(versions[i], "udp", true);
		good(versions[i], "udp-unlimited", true);
	}
}

/* What was lost on the way is not throughput. */
static void test_loss(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		_json_ json_t *record = empty_record(false);
		struct diag d;
		double received, sent, lost;

		assert_int_equal(parse(versions[i], "udp-unlimited", record, &d), 0);
		received = jsonio_number(record, "counts.transaction");
		sent = jsonio_number(record, "workload_report.sent_packets");
		lost = jsonio_number(record, "workload_report.lost_packets");
		assert_true(lost > 0 && received + lost == sent);
		/* 3.14's last packets are on the way when the sender counts */
		assert_true(fabs(jsonio_number(record, "counts.byte") - received * 1400) <=
			    16 * 1400);
		assert_true(jsonio_number(record, "counts.byte") <
			    jsonio_number(record, "workload_report.sent_bytes"));
		assert_string_equal(
			json_string_value(json_array_get(json_object_get(record, "labels"), 0)),
			"udp_loss");
	}
}

static void test_errors(void **state)
{
	static const struct {
		const char *what, *words;
	} cases[] = {
		{"refused", "Connection refused"},
		{"busy", "the server is busy running a test"},
		{"server-died", "iperf3: "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
			_json_ json_t *record = empty_record(false);
			struct diag d;

			assert_int_equal(parse(versions[i], cases[k].what, record, &d), -EIO);
			if (!strstr(d.text, cases[k].words))
				fail_msg("%s %s: %s", versions[i], cases[k].what, d.text);
			assert_int_equal(json_object_size(json_object_get(record, "metrics")), 0);
		}
}

static void text_is(const char *text, int err, const char *words)
{
	_json_ json_t *record = empty_record(false);
	struct diag d;

	assert_int_equal(parse_text(iperf3(), text, strlen(text), record, &d), err);
	if (!strstr(d.text, words))
		fail_msg("\"%s\" lacks \"%s\"", d.text, words);
}

#define END(sums)	 "{\n\"start\":{},\"end\":{" sums "}}\n"
#define SUM(name, bytes) "\"" name "\":{\"bytes\":" bytes ",\"seconds\":1}"

static void test_garbage(void **state)
{
	text_is("", -EPROTO, "no JSON report");
	text_is("iperf3: error - unable to connect\n", -EPROTO, "unable to connect");
	text_is("{\n}\n", -EPROTO, "no end.sum_sent");
	text_is(END(""), -EPROTO, "no end.sum_sent");
	text_is(END(SUM("sum_sent", "5")), -EPROTO, "no end.sum_sent or end.sum_received");
	text_is(END(SUM("sum_sent", "5") "," SUM("sum_received", "0")), -EPROTO,
		"nothing was received");
	text_is(END(SUM("sum_sent", "5") "," SUM("sum_received", "-3")), -EPROTO,
		"nothing was received");
	text_is(END(SUM("sum_sent", "5") "," SUM("sum_received", "5")), 0, "");
	text_is(END(SUM("sum_sent", "5") "," SUM("sum_received", "5")) "iperf3: trailing text\n", 0,
		"");
	text_is("{\n\"start\":{\"test_start\":{\"protocol\":\"UDP\"}},\"end\":{" SUM(
			"sum_sent", "5") "," SUM("sum_received", "5") "}}",
		-EPROTO, "lacks packets");
}

static void argv_is(int (*make)(const struct workload_job *, char ***, struct diag *),
		    const struct workload_job *job, const char *wanted)
{
	_free_ char **argv = NULL;
	struct diag d = {""};
	char text[2000] = "";

	if (make(job, &argv, &d))
		fail_msg("%s", d.text);
	for (size_t i = 0; argv[i]; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 argv[i]);
	assert_string_equal(text, wanted);
}

static void argv_fails(const struct workload_job *job, const char *words)
{
	char **argv = NULL;
	struct diag d = {""};

	assert_true(iperf3()->argv(job, &argv, &d) < 0);
	if (!strstr(d.text, words))
		fail_msg("\"%s\" lacks \"%s\"", d.text, words);
}

static void test_argv(void **state)
{
	static const struct workload_option good_options[] = {
		{"zerocopy", "1"}, {"congestion", "reno"}, {"no-delay", "0"}};
	static const struct workload_option logfile[] = {{"logfile", "/etc/passwd"}};
	struct workload_net net = {.protocol = "tcp",
				   .pattern = "stream",
				   .address = "10.0.0.1",
				   .port = 5300,
				   .flows = 2};
	struct workload_job job = {.program = "iperf3",
				   .runtime_ns = 2000000000,
				   .net = &net,
				   .options = good_options,
				   .n_options = 3};

	argv_is(iperf3()->argv, &job,
		"iperf3 --client=10.0.0.1 --port=5300 --json --connect-timeout=3000 --interval=0 "
		"--time=2 --parallel=2 --zerocopy --congestion=reno");
	argv_is(iperf3()->server_argv, &job,
		"iperf3 --server --one-off --bind=10.0.0.1 --port=5300 --forceflush");
	job.n_options = 0;
	net.protocol = "udp";
	net.request_bytes = 1000;
	argv_is(iperf3()->argv, &job,
		"iperf3 --client=10.0.0.1 --port=5300 --json --connect-timeout=3000 --interval=0 "
		"--time=2 --parallel=2 --length=1000 --udp --bitrate=0");
	net.rate_per_s = 500; /* of both flows */
	argv_is(iperf3()->argv, &job,
		"iperf3 --client=10.0.0.1 --port=5300 --json --connect-timeout=3000 --interval=0 "
		"--time=2 --parallel=2 --length=1000 --udp --bitrate=2000000");
	job.options = logfile;
	job.n_options = 1;
	argv_fails(&job, "option logfile is not on the list");
	job.n_options = 0;
	job.runtime_ns = 600000000;
	argv_fails(&job, "whole seconds");
	job.runtime_ns = 1000000000;
	net.pattern = "pingpong";
	argv_fails(&job, "the pattern stream");
	net.pattern = "stream";
	net.protocol = "tcp";
	argv_fails(&job, "a rate for udp alone");
	job.net = NULL;
	argv_fails(&job, "between two ends");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions), cmocka_unit_test(test_loss),
		cmocka_unit_test(test_errors),	 cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_argv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
