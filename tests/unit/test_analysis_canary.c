// SPDX-License-Identifier: Apache-2.0
/* Which blocks of a run are suspect by its canary, and what follows from it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "analysis/canary.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

static void sample(json_t *canary, int block, bool retry, double spin, double wakeup, double nop)
{
	json_t *one = json_pack("{s:i, s:b}", "block", block, "retry", retry);

	if (spin > 0)
		json_object_set_new(one, "spin_per_s", json_real(spin));
	if (wakeup > 0)
		json_object_set_new(one, "wakeup_p50_ns", json_real(wakeup));
	if (nop > 0)
		json_object_set_new(one, "nop_per_s", json_real(nop));
	json_array_append_new(json_object_get(canary, "samples"), one);
}

static json_t *still(size_t blocks)
{
	json_t *canary = json_pack("{s:n, s:[]}", "hypervisor", "samples");

	for (size_t b = 0; b < blocks; b++)
		sample(canary, (int)b, false, 1000 + (b % 3), 15000 + 100 * (b % 2),
		       9e6 + 1e5 * (b % 2));
	return canary;
}

static void test_still(void **state)
{
	_json_ json_t *canary = still(10);
	_json_ json_t *judged = canary_judge(canary);

	assert_int_equal(json_array_size(json_object_get(judged, "suspect")), 0);
	assert_true(jsonio_number(judged, "medians.spin_per_s") == 1001);
	for (size_t b = 0; b < 10; b++)
		assert_null(canary_objection(canary, judged, b, false));
}

static void test_each_moves(void **state)
{
	static const struct {
		double spin, wakeup, nop;
		const char *words;
	} cases[] = {
		{940, 15000, 9e6, "CPU work -6 %"},    {1060, 15000, 9e6, "CPU work +6 %"},
		{1000, 60000, 9e6, "timer wake-up +"}, {1000, 15000, 8e6, "null loop -1"},
		{500, 90000, 5e6, "null loop"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *canary = still(6);
		_json_ json_t *judged = NULL;
		const char *why;

		sample(canary, 6, false, cases[i].spin, cases[i].wakeup, cases[i].nop);
		judged = canary_judge(canary);
		assert_int_equal(json_array_size(json_object_get(judged, "suspect")), 1);
		why = canary_objection(canary, judged, 6, false);
		assert_non_null(why);
		if (!strstr(why, cases[i].words))
			fail_msg("%s: not in: %s", cases[i].words, why);
		assert_null(canary_objection(canary, judged, 5, false));
		/* a retry is not in the block that it stands for */
		assert_null(canary_objection(canary, judged, 6, true));
		json_object_set_new(canary, "hypervisor", json_string("KVM"));
		assert_null(canary_objection(canary, judged, 6, false));
	}
}

/* Small in ns, large in per cent: a timer's wake-up may go from 2 to 5 us. */
static void test_small(void **state)
{
	_json_ json_t *canary = json_pack("{s:n, s:[]}", "hypervisor", "samples");
	_json_ json_t *judged = NULL;

	for (int b = 0; b < 6; b++)
		sample(canary, b, false, 1000, b == 3 ? 5000 : 2000, 0);
	judged = canary_judge(canary);
	assert_int_equal(json_array_size(json_object_get(judged, "suspect")), 0);
	assert_null(jsonio_at(judged, "medians.nop_per_s"));
}

static void test_few(void **state)
{
	_json_ json_t *canary = json_pack("{s:n, s:[]}", "hypervisor", "samples");
	_json_ json_t *judged = NULL, *none = NULL;

	for (int b = 0; b < CANARY_SAMPLES_MIN - 1; b++)
		sample(canary, b, false, b ? 1000 : 100, 2000, 1);
	judged = canary_judge(canary);
	assert_int_equal(json_array_size(json_object_get(judged, "suspect")), 0);
	none = canary_judge(NULL); /* a run of an older iomodes */
	assert_int_equal(json_array_size(json_object_get(none, "suspect")), 0);
	assert_null(canary_objection(NULL, none, 0, false));
}

static void test_retry(void **state)
{
	_json_ json_t *canary = still(6);
	_json_ json_t *judged = NULL;

	sample(canary, 6, true, 900, 15000, 9e6);
	judged = canary_judge(canary);
	assert_non_null(canary_objection(canary, judged, 2, true));
	assert_null(canary_objection(canary, judged, 2, false));
	assert_null(canary_objection(canary, judged, 6, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_still), cmocka_unit_test(test_each_moves),
		cmocka_unit_test(test_small), cmocka_unit_test(test_few),
		cmocka_unit_test(test_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
