// SPDX-License-Identifier: Apache-2.0
/* Every check with a record that conforms and with one that violates it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

static const char conforming[] =
	"{'trial':'t1','status':'valid','load':{'engine':'io_uring','iodepth':16,'numjobs':1,"
	"'bs':4096,'rate_iops':null,'open_loop':false,'runtime_ns':1000000000},"
	"'placement':{'cpus':'0-1'},'counts':{'io':160000,'bytes':655360000},"
	"'metrics':{'iops':160000,'latency_mean_ns':100000,'latency_p50_ns':98000,"
	"'latency_p99_ns':200000,'latency_max_ns':400000},'latency':{'count':160000},"
	"'evidence':{'counters':{'device_interrupts':150000,'device_ios':160000,"
	"'task_cpu_ns':900000000},'absent':{},'window_ns':1010000000},"
	"'timing':{'measured_ns':1000000000}}";
static const char open_loop[] =
	"{'trial':'t2','status':'valid','load':{'engine':'io_uring','iodepth':64,'numjobs':1,"
	"'bs':4096,'rate_iops':2000,'open_loop':true,'runtime_ns':1000000000},"
	"'placement':{'cpus':'0'},'counts':{'io':2000,'bytes':8192000,"
	"'arrivals':2003,'never_started':0},'latency':{'count':2003},'metrics':{'iops':1990,"
	"'service_mean_ns':100000,'in_flight_mean':0.2},'evidence':{'counters':{},'counts':{'io':"
	"2003},"
	"'absent':{'device_ios':'iostats is off'}},'timing':{'measured_ns':1000000000}}";

static json_t *load(const char *text)
{
	_free_ char *copy = strdup(text);
	json_t *j;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	j = json_loads(copy, 0, NULL);
	assert_non_null(j);
	return j;
}

static const char *result_of(const json_t *checks, const char *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach (checks, i, one)
		if (!strcmp(jsonio_string(one, "id", ""), id)) {
			assert_true(jsonio_string(one, "sentence", "")[0] != '\0');
			return jsonio_string(one, "result", "?");
		}
	return "no such check";
}

static void test_each(void **state)
{
	static const struct {
		const char *id, *record, *object, *member;
		double violating;
		const char *spoils, *spares; /* metrics; NULL: not looked at */
	} rows[] = {
		{"littles_law", conforming, "metrics", "latency_mean_ns", 106000, "latency_p99_ns",
		 "iops"},
		{"littles_law", conforming, "metrics", "iops", 150000, "latency_p50_ns", NULL},
		{"littles_law", open_loop, "metrics", "in_flight_mean", 0.3, "service_p99_ns",
		 "iops"},
		{"bytes_match", conforming, "counts", "bytes", 655359488, "iops", NULL},
		{"histogram_count", conforming, "latency", "count", 159999, "latency_p50_ns",
		 "iops"},
		{"percentile_order", conforming, "metrics", "latency_p99_ns", 90000,
		 "latency_p50_ns", "iops"},
		{"percentile_order", conforming, "metrics", "latency_max_ns", 99000,
		 "latency_max_ns", "iops"},
		{"interrupts_bounded", conforming, "evidence.counters", "device_interrupts", 200000,
		 "interrupts_per_io", "iops"},
		{"cpu_time_bounded", conforming, "evidence.counters", "task_cpu_ns", 2.5e9,
		 "cpu_ns_per_io_task", "iops"},
		{"runtime_as_asked", conforming, "timing", "measured_ns", 0.9e9, "iops", NULL},
		{"open_loop_rate", open_loop, "metrics", "iops", 1800, "latency_p99_ns", "iops"},
		/* those inside the window only: the slowest are missing */
		{"histogram_count", open_loop, "latency", "count", 2000, "latency_p999_ns", "iops"},
		{"open_loop_complete", open_loop, "counts", "never_started", 1, "latency_p99_ns",
		 "service_p99_ns"},
		{"device_ios", conforming, "evidence.counters", "device_ios", 150000, "iops", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_json_ json_t *trial = load(rows[i].record);
		_json_ json_t *before = check_trial(trial);
		_json_ json_t *after = NULL;

		assert_string_equal(result_of(before, rows[i].id), "pass");
		json_object_set_new(jsonio_at(trial, rows[i].object), rows[i].member,
				    json_real(rows[i].violating));
		after = check_trial(trial);
		if (strcmp(result_of(after, rows[i].id), "fail"))
			fail_msg("row %zu: %s does not fail", i, rows[i].id);
		assert_non_null(check_spoiled(after, rows[i].spoils));
		if (rows[i].spares)
			assert_null(check_spoiled(after, rows[i].spares));
		assert_string_equal(
			check_status(after),
			rows[i].spares || !strcmp(rows[i].id, "littles_law") ? "valid" : "invalid");
	}
}

static void test_conforming(void **state)
{
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
	json_object_set_new(closed, "status", json_string("failed"));
	json_decref(a);
	a = check_trial(closed);
	assert_int_equal(json_array_size(a), 0);
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
		cmocka_unit_test(test_conforming),
		cmocka_unit_test(test_passthrough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
