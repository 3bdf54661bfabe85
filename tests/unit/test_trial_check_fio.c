// SPDX-License-Identifier: Apache-2.0
/* Recorded outputs of fio through its adapter and every check: what cannot be true is found by
 * name. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>

#include "adapter_fixture.h"
#include "analysis/check.h"

/* The record of a recorded output, of a load with a rate or without; the device saw `seen` of its
 * I/Os. */
static json_t *judged_at(bool open_loop, const char *name, double seen, json_t **checks)
{
	json_t *record = empty_record(open_loop), *load = json_object_get(record, "load"),
	       *evidence;
	struct diag d;

	if (parse_fixture(workload_find("fio"), name, record, &d))
		fail_msg("%s: %s", name, d.text);
	json_object_set_new(record, "workload", json_string("fio"));
	json_object_set_new(record, "status", json_string("valid"));
	json_object_set_new(load, "iodepth", json_integer(1));
	json_object_set_new(load, "numjobs", json_integer(1));
	json_object_set_new(load, "bs", json_integer(4096));
	json_object_set_new(load, "runtime_ns", json_integer(300000000));
	json_object_set_new(record, "timing",
			    json_pack("{s:f}", "measured_ns",
				      jsonio_number(record, "workload_report.window_ns")));
	evidence = json_object_get(record, "evidence");
	json_object_set_new(json_object_get(evidence, "counters"), "device_ios",
			    json_real(seen * jsonio_number(record, "counts.io")));
	*checks = check_trial(record);
	return record;
}

static json_t *judged(const char *name, double seen, json_t **checks)
{
	return judged_at(false, name, seen, checks);
}

static const char *result(const json_t *checks, const char *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach (checks, i, one)
		if (!strcmp(jsonio_string(one, "id", ""), id))
			return jsonio_string(one, "result", "?");
	return "no such check";
}

static void only_fails(const json_t *checks, const char *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach (checks, i, one)
		if (!strcmp(jsonio_string(one, "result", ""), "fail") &&
		    (!id || strcmp(jsonio_string(one, "id", ""), id)))
			fail_msg("%s: %s", jsonio_string(one, "id", "?"),
				 jsonio_string(one, "sentence", ""));
	if (id)
		assert_string_equal(result(checks, id), "fail");
}

static void test_sound(void **state)
{
	static const char *const sound[] = {"fio/fio-3.33-randread.out",
					    "fio/fio-3.36-randread.out",
					    "fio/fio-3.42-randread.out"};

	for (size_t i = 0; i < ARRAY_SIZE(sound); i++) {
		_json_ json_t *checks = NULL, *record = judged(sound[i], 1, &checks);

		only_fails(checks, NULL);
		assert_string_equal(result(checks, "littles_law"), "pass");
		assert_string_equal(result(checks, "clat_above_lat"), "pass");
		assert_string_equal(result(checks, "device_ios"), "pass");
		assert_string_equal(result(checks, "rate_matches"), "pass");
		assert_string_equal(result(checks, "histogram_count"), "pass");
		assert_string_equal(check_status(checks), "valid");
	}
}

/* 26 minutes for an I/O at 10,262 of them a second: the part is refused, the row lives. */
static void test_sqpoll(void **state)
{
	_json_ json_t *checks = NULL, *record = judged("fio/fio-3.33-sqpoll.out", 1, &checks);
	_json_ json_t *later_checks = NULL;
	_json_ json_t *later = judged("fio/fio-3.36-sqpoll.out", 1, &later_checks);

	only_fails(checks, "clat_above_lat");
	assert_string_equal(check_status(checks), "valid");
	assert_string_equal(check_spoiled(checks, "clat_mean_ns"), "clat_above_lat");
	assert_null(check_spoiled(checks, "iops"));
	assert_null(check_spoiled(checks, "latency_mean_ns"));
	assert_null(check_spoiled(checks, "latency_p99_ns"));
	only_fails(later_checks, NULL); /* fixed in 3.34 */
	json_decref(later_checks);
	json_decref(later);
	later = judged("fio/fio-3.42-sqpoll.out", 1, &later_checks);
	only_fails(later_checks, NULL);
	assert_string_equal(result(later_checks, "clat_above_lat"), "pass");
}

/* Limited in rate, fio's whole latency is our service time: its parts are held against that. */
static void test_rate(void **state)
{
	static const char *const sound[] = {"fio/fio-3.33-rate.out", "fio/fio-3.42-rate.out"};
	_json_ json_t *bad_checks = NULL;
	_json_ json_t *bad = judged_at(true, "fio/fio-3.33-sqpoll.out", 1, &bad_checks);

	for (size_t i = 0; i < ARRAY_SIZE(sound); i++) {
		_json_ json_t *checks = NULL, *record = judged_at(true, sound[i], 1, &checks);

		assert_string_equal(result(checks, "clat_above_lat"), "pass");
		assert_string_equal(result(checks, "histogram_count"), "pass");
		assert_string_equal(result(checks, "percentile_order"), "pass");
	}
	only_fails(bad_checks, "clat_above_lat");
	assert_string_equal(check_status(bad_checks), "valid");
	assert_null(check_spoiled(bad_checks, "service_p99_ns"));
}

/* A file with nothing in it: not one of its "reads" reached the device. */
static void test_sparse(void **state)
{
	static const char *const sparse[] = {"fio/fio-3.33-sparse.out", "fio/fio-3.42-sparse.out"};

	for (size_t i = 0; i < ARRAY_SIZE(sparse); i++) {
		_json_ json_t *checks = NULL, *record = judged(sparse[i], 0, &checks);

		only_fails(checks, "device_ios");
		assert_string_equal(check_status(checks), "invalid");
		assert_string_equal(check_spoiled(checks, "iops"), "device_ios");
		assert_string_equal(check_spoiled(checks, "latency_p50_ns"), "device_ios");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_sqpoll),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
