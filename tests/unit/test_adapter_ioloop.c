// SPDX-License-Identifier: Apache-2.0
/* The ioloop adapter: a cell becomes a command line, a report becomes a record's fields. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/adapter.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

static const struct workload_adapter *ioloop(void)
{
	const struct workload_adapter *a = workload_find("ioloop");

	assert_non_null(a);
	assert_null(workload_find("iolop"));
	assert_true(a->controlled);
	return a;
}

static const struct workload_job plain = {
	.program = "/bin/ioloop",
	.target = "/data/f",
	.rw = "randread",
	.bs = 4096,
	.iodepth = 16,
	.numjobs = 2,
	.rwmixread = 70,
	.ramp_ns = 1000,
	.runtime_ns = 2000,
	.seed = 5,
	.cpus = "1-2",
	.control_fd = 3,
};

static void expect_argv(const struct workload_job *job, const char *wanted)
{
	struct diag d = {""};
	char text[2000] = "";
	char **argv = NULL;

	if (ioloop()->argv(job, &argv, &d))
		fail_msg("%s", d.text);
	for (size_t i = 0; argv[i]; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 argv[i]);
	free(argv);
	assert_string_equal(text, wanted);
}

static void test_argv(void **state)
{
	static const struct workload_option polled[] = {{"engine", "io_uring"}, {"hipri", "1"}};
	static const struct workload_option passthrough[] = {{"engine", "io_uring-passthrough"}};
	struct workload_job job = plain;

	expect_argv(&job, "/bin/ioloop --filename=/data/f --rw=randread --bs=4096 --iodepth=16 "
			  "--numjobs=2 --ramp-time=1000ns --runtime=2000ns --randseed=5 "
			  "--cpus-allowed=1-2 --cpus-allowed-policy=split --control-fd=3");
	job.options = polled;
	job.n_options = 2;
	job.rate_iops = 5000; /* of all jobs: each gets half */
	job.poisson = true;
	expect_argv(&job, "/bin/ioloop --filename=/data/f --rw=randread --bs=4096 --iodepth=16 "
			  "--numjobs=2 --ramp-time=1000ns --runtime=2000ns --rate-iops=2500 "
			  "--rate-process=poisson --randseed=5 --cpus-allowed=1-2 "
			  "--cpus-allowed-policy=split --control-fd=3 --engine=io_uring --hipri=1");
	job = plain;
	job.target = "/dev/ng0n1";
	job.write_id = "eui.0025";
	job.rw = "randrw";
	job.dsync = true;
	job.cpus = NULL;
	job.control_fd = -1;
	job.options = passthrough;
	job.n_options = 1;
	expect_argv(&job, "/bin/ioloop --filename=/dev/ng0n1 --write-id=eui.0025 --rw=randrw "
			  "--bs=4096 --iodepth=16 --numjobs=2 --rwmixread=70 --sync=dsync "
			  "--ramp-time=1000ns --runtime=2000ns --randseed=5 "
			  "--engine=io_uring-passthrough");
}

static void test_argv_too_long(void **state)
{
	struct workload_option many[100];
	struct workload_job job = plain;
	struct diag d = {""};
	char **argv = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct workload_option){"engine", "sync"};
	job.options = many;
	job.n_options = ARRAY_SIZE(many);
	assert_int_equal(ioloop()->argv(&job, &argv, &d), -E2BIG);
	assert_non_null(strstr(d.text, "too long"));
}

/* Shortened from a report of ioloop: 400 I/Os of 4096 bytes in 0.1 s, every one in 200 or 300 us,
 * 100 of them in the ramp; the SQ thread's time is part of the tasks'. */
#define REPORT                                                                               \
	"{\"window_ns\": 100000000, \"ios\": 400, \"ios_total\": 500, \"bytes\": 1638400,"   \
	"\"errors\": 0, \"in_flight\": {\"mean\": 0.98, \"max\": 1},"                        \
	"\"latency\": {\"bits\": 6, \"count\": 400, \"min_ns\": 200000, \"max_ns\": 300000," \
	"\"sum_ns\": 90000000, \"bins\": {\"199680\": 300, \"301056\": 100}},"               \
	"\"intervals\": {\"length_ns\": 100000000, \"ios\": [400]},"                         \
	"\"system_calls\": {\"total\": 250, \"io_uring_enter\": 240},"                       \
	"\"tasks\": [{\"cpu_ns\": 100000, \"role\": \"main\", \"tid\": 1},"                  \
	"{\"cpu_ns\": 900000, \"role\": \"worker\", \"tid\": 2},"                            \
	"{\"cpu_ns\": 4000000, \"role\": \"sq\", \"tid\": 3}]}"

static int parse(const char *text, json_t **record, json_t **evidence, struct diag *d)
{
	*record = json_pack("{s:{}}", "metrics");
	*evidence = json_pack("{s:{}, s:{}}", "counters", "absent");
	return ioloop()->parse(text, strlen(text), *record, *evidence, d);
}

static void near(const json_t *j, const char *path, double wanted)
{
	double value = jsonio_number(j, path);

	if (!(value > wanted * 0.999 && value < wanted * 1.001))
		fail_msg("%s is %g, not %g", path, value, wanted);
}

static void test_report(void **state)
{
	_json_ json_t *record = NULL, *evidence = NULL;
	struct diag d = {""};

	if (parse(REPORT, &record, &evidence, &d))
		fail_msg("%s", d.text);
	near(record, "metrics.iops", 4000);
	near(record, "metrics.throughput_bytes_per_s", 16384000);
	near(record, "metrics.latency_mean_ns", 225000);
	near(record, "metrics.latency_p50_ns", 200000); /* never below the least that was seen */
	near(record, "metrics.latency_p99_ns", 300000);
	near(record, "metrics.latency_max_ns", 300000);
	assert_null(jsonio_at(record, "metrics.latency_p999_ns")); /* 400 samples do not carry it */
	near(record, "metrics.in_flight_mean", 0.98);
	/* Per I/O of the whole window that the counters saw: 500. */
	near(record, "metrics.cpu_ns_per_io_task", 10000);
	near(record, "metrics.cpu_ns_per_io_sq_thread", 8000);
	near(record, "metrics.system_calls_per_io", 0.5);
	near(evidence, "counters.system_calls", 250);
	near(evidence, "counters.io_uring_enter_calls", 240);
	near(evidence, "counts.io", 500);
	near(record, "counts.io", 400);
	near(record, "counts.bytes", 1638400);
	near(record, "latency.count", 400);
	near(record, "workload_report.window_ns", 100000000);
	assert_null(jsonio_at(record, "workload_report.latency")); /* once is enough */
}

/* 30 of 430 arrivals were never started: nothing above the 93rd percentile can be stated. */
static void test_never_started(void **state)
{
	static const char *const given[] = {"latency_p50_ns", "latency_p90_ns", "service_p99_ns"};
	_json_ json_t *report = json_loads(REPORT, 0, NULL), *record = NULL, *evidence = NULL;
	_free_ char *text = NULL;
	struct diag d = {""};

	json_object_set(report, "service", json_object_get(report, "latency"));
	json_object_set_new(report, "open_loop",
			    json_pack("{s:i, s:i}", "arrivals", 430, "never_started", 30));
	text = json_dumps(report, 0);
	if (parse(text, &record, &evidence, &d))
		fail_msg("%s", d.text);
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (!json_object_get(json_object_get(record, "metrics"), given[i]))
			fail_msg("%s is missing", given[i]);
	assert_null(jsonio_at(record, "metrics.latency_p99_ns"));
	near(record, "counts.arrivals", 430);
	near(record, "counts.never_started", 30);
}

static void test_bad_reports(void **state)
{
	static const struct {
		const char *text, *say;
	} rows[] = {
		{"", "its output is not JSON"},
		{"ioloop: hello\n", "its output is not JSON: 1:"},
		{"{\"ios\": 1", "its output is not JSON"},
		{REPORT "{}", "its output is not JSON"},
		{"[1, 2]", "lacks window_ns"},
		{"7", "its output is not JSON"},
		{"{}", "lacks window_ns, ios, ios_total or bytes"},
		{"{\"window_ns\": 0, \"ios\": 1, \"ios_total\": 1, \"bytes\": 1}",
		 "lacks window_ns"},
		{"{\"window_ns\": 5, \"ios\": -1, \"ios_total\": 1, \"bytes\": 1}", "lacks"},
		{"{\"window_ns\": 5, \"ios\": \"1\", \"ios_total\": 1, \"bytes\": 1}", "lacks"},
		{"{\"window_ns\": 5, \"ios\": 1, \"ios_total\": 1, \"bytes\": 1, \"ios\": 2}",
		 "duplicate"},
		{"{\"window_ns\": 5, \"ios\": 1, \"ios_total\": 1, \"bytes\": 1, \"latency\": {}}",
		 ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_json_ json_t *record = NULL, *evidence = NULL;
		struct diag d = {""};

		if (!parse(rows[i].text, &record, &evidence, &d))
			fail_msg("taken: %s", rows[i].text);
		if (!*d.text || !strstr(d.text, rows[i].say))
			fail_msg("%s: \"%s\" does not say: %s", rows[i].text, d.text, rows[i].say);
	}
}

/* A report without tasks, latency or in-flight counter: those metrics are left out, not 0. */
static void test_absent_is_left_out(void **state)
{
	_json_ json_t *record = NULL, *evidence = NULL;
	struct diag d = {""};

	if (parse("{\"window_ns\": 1000, \"ios\": 0, \"ios_total\": 0, \"bytes\": 0}", &record,
		  &evidence, &d))
		fail_msg("%s", d.text);
	assert_true(jsonio_number(record, "metrics.iops") == 0);
	assert_int_equal(json_object_size(json_object_get(record, "metrics")), 2);
	assert_int_equal(json_object_size(json_object_get(evidence, "counters")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_argv),	    cmocka_unit_test(test_argv_too_long),
		cmocka_unit_test(test_report),	    cmocka_unit_test(test_never_started),
		cmocka_unit_test(test_bad_reports), cmocka_unit_test(test_absent_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
