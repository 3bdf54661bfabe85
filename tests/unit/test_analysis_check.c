// SPDX-License-Identifier: Apache-2.0
/* Every check with a record that conforms and with one that violates it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analysis/check.h"
#include "check_fixture.h"

/* A number of a conforming record is replaced. */
static const struct {
	const char *id, *record, *object, *member;
	double violating;
	const char *spoils, *spares; /* metrics; spares NULL: the whole trial is invalid */
} rows[] = {
	{"littles_law", conforming, "metrics", "latency_mean_ns", 106000, "latency_p99_ns", "iops"},
	{"littles_law", conforming, "load", "iodepth", 17, "latency_p50_ns", "iops"},
	{"littles_law", open_loop, "metrics", "in_flight_mean", 0.3, "service_p99_ns", "iops"},
	{"littles_law", fio, "metrics", "latency_mean_ns", 132000, "latency_p99_ns", "iops"},
	{"littles_law", net, "metrics", "rtt_mean_ns", 90000, "rtt_p99_ns", "transactions_per_s"},
	{"littles_law", net_open, "metrics", "in_flight_mean", 0.6, "rtt_p50_ns",
	 "transactions_per_s"},
	{"bytes_match", conforming, "counts", "bytes", 655359488, "iops", NULL},
	{"rate_matches", fio, "metrics", "iops", 7800, "iops", "latency_p50_ns"},
	{"rate_matches", stream, "metrics", "throughput_bytes_per_s", 1.1e9,
	 "throughput_bytes_per_s", "cpu_ns_per_io_task"},
	{"histogram_count", conforming, "latency", "count", 159999, "latency_p50_ns", "iops"},
	{"histogram_count", net, "latency", "count", 80001, "rtt_p50_ns", "transactions_per_s"},
	{"histogram_count", fio_open, "service", "count", 1999, "service_p99_ns", "iops"},
	/* those inside the window only: the slowest are missing */
	{"histogram_count", open_loop, "latency", "count", 2000, "latency_p999_ns", "iops"},
	{"percentile_order", conforming, "metrics", "latency_p99_ns", 90000, "latency_p50_ns",
	 "iops"},
	{"percentile_order", conforming, "metrics", "latency_max_ns", 99000, "latency_max_ns",
	 "iops"},
	{"percentile_order", net, "metrics", "rtt_min_ns", 98001, "rtt_p50_ns",
	 "transactions_per_s"},
	/* 18.7 seconds: what fio 3.33 says with sqthread_poll=1 */
	{"clat_above_lat", fio, "clat", "mean_ns", 18.7e9, "clat_mean_ns", "latency_p50_ns"},
	{"clat_above_lat", fio, "slat", "mean_ns", 3000, "slat_mean_ns", "latency_mean_ns"},
	/* limited in rate, its whole latency goes by another name */
	{"clat_above_lat", fio_open, "clat", "mean_ns", 18.7e9, "clat_mean_ns", "service_p50_ns"},
	{"clat_above_lat", fio_open, "slat", "mean_ns", 3000, "slat_mean_ns", "service_mean_ns"},
	{"interrupts_bounded", conforming, "evidence.counters", "device_interrupts", 200000,
	 "interrupts_per_io", "iops"},
	{"interrupts_bounded", net, "evidence.counters", "device_interrupts", 337000,
	 "interrupts_per_packet", "transactions_per_s"},
	{"cpu_time_bounded", conforming, "evidence.counters", "task_cpu_ns", 2.5e9,
	 "cpu_ns_per_io_task", "iops"},
	{"cpu_time_bounded", conforming, "metrics", "cpu_ns_per_io_task", 13000,
	 "cpu_ns_per_io_task", "iops"},
	{"cpu_time_bounded", net, "metrics", "cpu_ns_per_transaction_task", 26000,
	 "cpu_ns_per_transaction_task", "transactions_per_s"},
	{"runtime_as_asked", conforming, "load", "runtime_ns", 0.9e9, "iops", NULL},
	{"runtime_as_asked", fio, "load", "runtime_ns", 1.1e9, "iops", NULL},
	{"open_loop_rate", open_loop, "load", "rate_iops", 2100, "latency_p99_ns", "iops"},
	{"open_loop_rate", open_loop, "load", "rate_iops", 1800, "latency_p99_ns", "iops"},
	{"open_loop_rate", fio_open, "load", "rate_iops", 2100, "service_p99_ns", "iops"},
	/* the reads make up for the writes in the sum, and in nothing else */
	{"open_loop_rate", fio_rates, "workload_report.directions.write", "iops", 250,
	 "service_p99_ns", "iops"},
	{"open_loop_rate", fio_rates, "workload_report.directions.read", "iops", 800,
	 "service_p99_ns", "iops"},
	{"open_loop_rate", net_open, "load", "rate_per_s", 5200, "rtt_p99_ns",
	 "transactions_per_s"},
	{"open_loop_complete", open_loop, "counts", "never_started", 1, "latency_p99_ns",
	 "service_p99_ns"},
	{"open_loop_complete", net_open, "counts", "never_started", 1, "rtt_p99_ns",
	 "service_p99_ns"},
	{"starts_on_time", open_loop, "metrics", "service_p50_ns", 48000, "latency_p99_ns",
	 "service_p99_ns"},
	{"starts_on_time", net_open, "metrics", "service_p50_ns", 60000, "rtt_p99_ns",
	 "transactions_per_s"},
	{"device_ios", conforming, "evidence.counters", "device_ios", 158000, "iops", NULL},
	{"device_ios", fio, "evidence.counters", "device_ios", 0, "latency_p50_ns", NULL},
	{"packets_accounted", net, "evidence.counts", "packet", 158000, "rtt_p50_ns", NULL},
	{"lost_accounted", net, "counts", "lost", 0, "transactions_per_s", NULL},
	{"host_steal", conforming, "evidence.counters", "steal_ns", 3e7, "iops", NULL},
	/* of 2.02 s of CPU time, 0.36 s beside the workload: past what the ticks scatter */
	{"host_foreign_cpu", conforming, "evidence.counters", "cpu_busy_ns", 1.3e9, "iops", NULL},
	{"host_throttled", conforming, "host", "throttle_events", 1, "iops", NULL},
	{"drive_health", conforming, "host.smart.nvme0.after", "thermal_1_transitions", 8, "iops",
	 NULL},
	{"drive_health", conforming, "host.smart.nvme0.after", "critical_warning", 2, "iops", NULL},
	{"host_link", net, "evidence.counters", "net_drops", 1, "rtt_p50_ns", NULL},
	{"host_link", net, "evidence.counters", "net_link_changes", 1, "rtt_p50_ns", NULL},
};
/* Where a word, not a number, is what violates it. */
static const struct {
	const char *id, *object, *member, *json;
} replaced[] = {
	{"clock_stable", "host.clock_source", "after", "'hpet'"},
	{"host_kernel_log", "host.kernel_log", "lines",
	 "[{'level':4,'text':'nvme nvme0: I/O 12 QID 1 timeout, aborting'}]"},
	/* what was overwritten may have been anything; what was not kept was a warning */
	{"host_kernel_log", "host.kernel_log", "lost", "1"},
	{"host_kernel_log", "host.kernel_log", "more_warnings", "2"},
	{"host_affinity", "host.affinity", "changed", "[{'irq':'41','before':'0','after':'1'}]"},
};

static void test_words(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(replaced); i++) {
		_json_ json_t *trial = load(conforming);
		_json_ json_t *before = check_trial(trial);
		_json_ json_t *after = NULL;

		assert_string_equal(result_of(before, replaced[i].id), "pass");
		json_object_set_new(jsonio_at(trial, replaced[i].object), replaced[i].member,
				    load(replaced[i].json));
		after = check_trial(trial);
		assert_string_equal(result_of(after, replaced[i].id), "fail");
		assert_string_equal(check_status(after), "invalid");
	}
}

/* 600 Poisson arrivals may be 560; a clock's may not. */
static void test_poisson(void **state)
{
	static const struct {
		const char *process, *result;
		double rate;
	} cases[] = {{"poisson", "pass", 560},
		     {"constant", "fail", 560},
		     {"poisson", "fail", 500},
		     {"poisson", "pass", 640},
		     {"poisson", "fail", 800}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *trial = load(fio_open);
		json_t *asked = json_object_get(trial, "load");
		_json_ json_t *checks = NULL;

		json_object_set_new(asked, "rate_process", json_string(cases[i].process));
		json_object_set_new(asked, "rate_iops", json_integer(600));
		json_object_set_new(json_object_get(trial, "metrics"), "iops",
				    json_real(cases[i].rate));
		checks = check_trial(trial);
		if (strcmp(result_of(checks, "open_loop_rate"), cases[i].result))
			fail_msg("case %zu: not %s", i, cases[i].result);
	}
}

/* What is due while every slot is busy waits for the target; what is due while one is free waits
 * for the generator. */
static void test_late_starts(void **state)
{
	static const struct {
		double service_p50, late_starts;
		const char *result, *words;
	} cases[] = {
		{98000, 0, "pass", "98000 ns from when it was sent"},
		{30000, 50, "fail", "the generator itself was late"},
		{30000, 4500, "pass", "of the arrivals, which waited"},
		{98000, 4500, "pass", "89.9 %"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *trial = load(net_open);
		_json_ json_t *checks = NULL;
		const json_t *one;
		size_t k;

		json_object_set_new(json_object_get(trial, "metrics"), "service_p50_ns",
				    json_real(cases[i].service_p50));
		json_object_set_new(jsonio_at(trial, "workload_report.open_loop"), "late_starts",
				    json_real(cases[i].late_starts));
		checks = check_trial(trial);
		assert_string_equal(result_of(checks, "starts_on_time"), cases[i].result);
		json_array_foreach (checks, k, one)
			if (!strcmp(jsonio_string(one, "id", ""), "starts_on_time") &&
			    !strstr(jsonio_string(one, "sentence", ""), cases[i].words))
				fail_msg("case %zu: %s", i, jsonio_string(one, "sentence", ""));
	}
}

/* Between two I/Os a foreign loop works for itself; what it cannot do is have more in flight. */
static void test_foreign_loop(void **state)
{
	_json_ json_t *trial = load(fio), *tcp = load(net);
	_json_ json_t *slow = NULL, *packets = NULL;

	json_object_set_new(json_object_get(trial, "metrics"), "latency_mean_ns",
			    json_integer(80000));
	slow = check_trial(trial);
	assert_string_equal(result_of(slow, "littles_law"), "pass");
	json_object_set_new(json_object_get(tcp, "load"), "protocol", json_string("tcp"));
	json_object_set_new(jsonio_at(tcp, "evidence.counts"), "packet", json_integer(90000));
	packets = check_trial(tcp);
	assert_string_equal(result_of(packets, "packets_accounted"), "not_applicable");
}

/* A job that thinks between its I/Os is far below its depth, and never above it. */
static void test_depth_bound(void **state)
{
	static const struct {
		const char *bound;
		int mean_ns;
		const char *result;
	} cases[] = {{NULL, 20000, "fail"},
		     {"thinktime", 20000, "pass"},
		     {"thinktime", 130000, "pass"},
		     {"thinktime", 140000, "fail"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *trial = load(fio);
		_json_ json_t *checks = NULL;

		json_object_set_new(json_object_get(trial, "metrics"), "latency_mean_ns",
				    json_integer(cases[i].mean_ns));
		if (cases[i].bound)
			json_object_set_new(json_object_get(trial, "load"), "depth_bound",
					    json_string(cases[i].bound));
		checks = check_trial(trial);
		if (strcmp(result_of(checks, "littles_law"), cases[i].result))
			fail_msg("case %zu: not %s", i, cases[i].result);
	}
}

/* fio's counters cover its whole life, so that the requests they are held against do, too. */
static void test_interrupts_of_a_life(void **state)
{
	static const struct {
		int interrupts;
		const char *result;
	} cases[] = {{10200, "pass"}, {10300, "fail"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *trial = load(fio);
		json_t *evidence = json_object_get(trial, "evidence");
		json_t *counters = json_object_get(evidence, "counters");
		_json_ json_t *checks = NULL;

		json_object_del(counters, "device_ios"); /* queue/iostats is 0 */
		json_object_set_new(counters, "device_interrupts",
				    json_integer(cases[i].interrupts));
		/* 8000 of them after a warm-up */
		json_object_set_new(evidence, "counts", json_pack("{s:i}", "io", 9600));
		checks = check_trial(trial);
		if (strcmp(result_of(checks, "interrupts_bounded"), cases[i].result))
			fail_msg("case %zu: not %s", i, cases[i].result);
	}
}

static void test_each(void **state)
{
	size_t n;
	const struct check *all = check_all(&n);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_json_ json_t *trial = load(rows[i].record);
		_json_ json_t *before = check_trial(trial);
		_json_ json_t *after = NULL;
		bool spoils_all;

		if (strcmp(result_of(before, rows[i].id), "pass"))
			fail_msg("row %zu: %s does not pass before", i, rows[i].id);
		json_object_set_new(jsonio_at(trial, rows[i].object), rows[i].member,
				    json_real(rows[i].violating));
		after = check_trial(trial);
		if (strcmp(result_of(after, rows[i].id), "fail"))
			fail_msg("row %zu: %s does not fail", i, rows[i].id);
		assert_non_null(check_spoiled(after, rows[i].spoils));
		if (rows[i].spares && check_spoiled(after, rows[i].spares))
			fail_msg("row %zu: %s spoils %s", i, rows[i].id, rows[i].spares);
		spoils_all = !rows[i].spares;
		assert_string_equal(check_status(after), spoils_all ? "invalid" : "valid");
	}
	for (size_t c = 0; c < n; c++) {
		bool seen = false;

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			seen |= !strcmp(rows[i].id, all[c].id);
		for (size_t i = 0; i < ARRAY_SIZE(replaced); i++)
			seen |= !strcmp(replaced[i].id, all[c].id);
		if (!seen)
			fail_msg("no record here violates %s", all[c].id);
	}
}

static void test_conforming(void **state)
{
	static const char *const others[] = {fio, net, net_open, stream, fio_open, fio_rates};
	_json_ json_t *closed = load(conforming), *open = load(open_loop), *bare = json_object();
	_json_ json_t *a = check_trial(closed);
	_json_ json_t *b = check_trial(open);
	_json_ json_t *c = check_trial(bare);
	const json_t *one;
	size_t i, n;

	check_all(&n);
	assert_int_equal(json_array_size(a), n);
	assert_string_equal(check_status(a), "valid");
	assert_string_equal(check_status(b), "valid");
	json_array_foreach (a, i, one)
		assert_string_not_equal(jsonio_string(one, "result", ""), "fail");
	json_array_foreach (b, i, one)
		assert_string_not_equal(jsonio_string(one, "result", ""), "fail");
	json_array_foreach (c, i, one) /* nothing to look at is no pass */
		assert_string_equal(jsonio_string(one, "result", ""), "not_applicable");
	json_array_foreach (b, i, one)
		if (!strcmp(jsonio_string(one, "id", ""), "device_ios"))
			assert_string_equal(jsonio_string(one, "sentence", ""), "iostats is off");
	for (size_t k = 0; k < ARRAY_SIZE(others); k++) {
		_json_ json_t *trial = load(others[k]);
		_json_ json_t *checks = check_trial(trial);

		json_array_foreach (checks, i, one)
			if (!strcmp(jsonio_string(one, "result", ""), "fail"))
				fail_msg("record %zu: %s: %s", k, jsonio_string(one, "id", "?"),
					 jsonio_string(one, "sentence", ""));
	}
	json_object_set_new(closed, "status", json_string("failed"));
	json_decref(a);
	a = check_trial(closed);
	assert_int_equal(json_array_size(a), 0);
}

/* Sequential I/Os become one request each handful: merged is not missing. */
static void test_merged(void **state)
{
	_json_ json_t *trial = load(conforming);
	json_t *counters = jsonio_at(trial, "evidence.counters");
	_json_ json_t *few = NULL, *merged = NULL;

	json_object_set_new(counters, "device_ios", json_integer(20000));
	json_object_set_new(counters, "device_interrupts", json_integer(20000));
	json_object_set_new(counters, "device_merges", json_integer(100000));
	few = check_trial(trial);
	assert_string_equal(result_of(few, "device_ios"), "fail");
	json_object_set_new(counters, "device_merges", json_integer(140000));
	merged = check_trial(trial);
	assert_string_equal(result_of(merged, "device_ios"), "pass");
}

/* Diskstats do not see NVMe passthrough: neither check may take their 0 for the truth. */
static void test_passthrough(void **state)
{
	_json_ json_t *trial = load(conforming);
	json_t *load = json_object_get(trial, "load");
	_json_ json_t *unseen = NULL, *seen = NULL;

	json_object_set_new(load, "engine", json_string("io_uring-passthrough"));
	json_object_set_new(load, "iostats_passthrough", json_integer(0));
	json_object_set_new(jsonio_at(trial, "evidence.counters"), "device_ios", json_integer(0));
	unseen = check_trial(trial);
	assert_string_equal(result_of(unseen, "device_ios"), "not_applicable");
	assert_string_equal(result_of(unseen, "interrupts_bounded"), "pass");
	json_object_set_new(load, "iostats_passthrough", json_integer(1));
	seen = check_trial(trial);
	assert_string_equal(result_of(seen, "device_ios"), "fail");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_poisson),
		cmocka_unit_test(test_late_starts),
		cmocka_unit_test(test_foreign_loop),
		cmocka_unit_test(test_depth_bound),
		cmocka_unit_test(test_interrupts_of_a_life),
		cmocka_unit_test(test_conforming),
		cmocka_unit_test(test_passthrough),
		cmocka_unit_test(test_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
