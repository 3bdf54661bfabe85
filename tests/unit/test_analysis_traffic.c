// SPDX-License-Identifier: Apache-2.0
/* What the target's disks did beside what the workload did there: nothing makes up for I/Os that
 * never reached them, and what is split or merged on the way is not missing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <string.h>

#include "analysis/check.h"
#include "analysis/traffic.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

/* 10000 I/Os of the workload in the counters' window, 8000 of them in the timed one. */
static json_t *record(const char *rw, int bs)
{
	return json_pack("{s:s, s:{s:s, s:s, s:i}, s:{s:i, s:I}, s:{s:{s:i}, s:{}, s:{}}}",
			 "status", "valid", "load", "engine", "io_uring", "rw", rw, "bs", bs,
			 "counts", "io", 8000, "bytes", (json_int_t)8000 * bs, "evidence", "counts",
			 "io", 10000, "counters", "absent");
}

/* What a disk counted; the sums as the harness makes them. */
static void counted(json_t *trial, int reads, int read_merges, int read_kib, int writes,
		    int write_kib)
{
	json_t *evidence = json_object_get(trial, "evidence");
	json_t *counters = json_object_get(evidence, "counters");

	json_object_set_new(counters, "device_ios", json_integer(reads + writes));
	json_object_set_new(counters, "device_merges", json_integer(read_merges));
	json_object_set_new(counters, "device_bytes",
			    json_integer((json_int_t)(read_kib + write_kib) * 1024));
	json_object_set_new(evidence, "detail",
			    json_pack("{s:{s:{s:i, s:i, s:i, s:i, s:i, s:i}}}", "disks", "sda",
				      "reads", reads, "read_merges", read_merges, "read_sectors",
				      read_kib * 2, "writes", writes, "write_merges", 0,
				      "write_sectors", write_kib * 2));
}

static void expect(const json_t *trial, const char *result, const char *words)
{
	_json_ json_t *checks = check_trial(trial);
	const json_t *one;
	size_t i;

	json_array_foreach (checks, i, one) {
		if (strcmp(jsonio_string(one, "id", ""), "device_ios"))
			continue;
		if (strcmp(jsonio_string(one, "result", ""), result) ||
		    !strstr(jsonio_string(one, "sentence", ""), words))
			fail_msg("%s: %s", jsonio_string(one, "result", ""),
				 jsonio_string(one, "sentence", ""));
		return;
	}
	fail_msg("no such check");
}

/* As many writes of somebody else as reads came from memory, and as many bytes. */
static void test_hidden_by_others(void **state)
{
	_json_ json_t *reads = record("randread", 4096), *writes = record("write", 4096);

	counted(reads, 10000, 0, 40000, 0, 0);
	expect(reads, "pass", "10000");
	assert_false(traffic_is_foreign(reads));
	counted(reads, 0, 0, 0, 10000, 40000);
	expect(reads, "fail", "the device saw 0 reads");
	counted(reads, 9800, 0, 39200, 300, 1200);
	expect(reads, "fail", "9800 reads");
	counted(writes, 10000, 0, 40000, 0, 0);
	expect(writes, "fail", "the device saw 0 writes");
}

/* Eight of the device's each, by its max_sectors_kb; half of them from memory is still four times
 * as many. */
static void test_split(void **state)
{
	_json_ json_t *trial = record("randread", 1 << 17);

	counted(trial, 80000, 0, 10000 * 128, 0, 0);
	expect(trial, "pass", "80000");
	assert_false(traffic_is_foreign(trial));
	counted(trial, 40000, 0, 5000 * 128, 0, 0);
	expect(trial, "fail", "655360000 bytes");
}

/* The other way round: bytes of somebody else's larger I/Os replace no I/O. */
static void test_merged_and_larger(void **state)
{
	_json_ json_t *trial = record("read", 4096);

	counted(trial, 1000, 9000, 40000, 0, 0);
	expect(trial, "pass", "merged ones included");
	counted(trial, 1000, 0, 40000, 0, 0);
	expect(trial, "fail", "1000 reads");
}

/* Of a mixed load each direction has at least what its timed window had. */
static void test_mixed(void **state)
{
	static const char *const forms[] = {"{'read':{'ios':5600,'bytes':22937600},'write':{"
					    "'ios':2400,'bytes':9830400}}",
					    "{'directions':{'read':{'ios':5600,'bytes':22937600},"
					    "'write':{'ios':2400,'bytes':9830400}}}"};

	for (size_t i = 0; i < 2; i++) {
		_json_ json_t *trial = record("randrw", 4096);
		_free_ char *text = strdup(forms[i]);

		for (char *c = text; *c; c++)
			if (*c == '\'')
				*c = '"';
		json_object_set_new(trial, "workload_report", json_loads(text, 0, NULL));
		counted(trial, 7000, 0, 28000, 3000, 12000);
		expect(trial, "pass", "10000");
		counted(trial, 2000, 0, 8000, 8000, 32000);
		expect(trial, "fail", "2000 reads");
		counted(trial, 6000, 0, 24000, 3000, 12000);
		expect(trial, "fail", "9000 I/Os");
	}
}

static void test_foreign(void **state)
{
	_json_ json_t *trial = record("randread", 4096);
	json_t *counters = jsonio_at(trial, "evidence.counters");

	counted(trial, 10000, 0, 40000, 100, 400);
	assert_false(traffic_is_foreign(trial));
	counted(trial, 10000, 0, 40000, 100, 100 * 64); /* few, and large */
	assert_true(traffic_is_foreign(trial));
	json_object_del(counters, "device_bytes"); /* then by number */
	assert_false(traffic_is_foreign(trial));
	json_object_set_new(counters, "device_ios", json_integer(10300));
	assert_true(traffic_is_foreign(trial));
	json_object_clear(counters);
	assert_false(traffic_is_foreign(trial));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hidden_by_others),  cmocka_unit_test(test_split),
		cmocka_unit_test(test_merged_and_larger), cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
