// SPDX-License-Identifier: Apache-2.0
/* What a spinner beside the load says of it, against what it does alone on the same host. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/jsonio.h"
#include "trial/trial_record.h"

static json_t *spun(double window_ns, double cpu_ns, double work)
{
	return json_pack("{s:f, s:[{s:i, s:f, s:f}]}", "window_ns", window_ns, "per_cpu", "cpu", 1,
			 "cpu_ns", cpu_ns, "work", work);
}

static void is_near(double value, double wanted)
{
	if (!(fabs(value - wanted) < 1e-9 * fabs(wanted) + 1e-12))
		fail_msg("%g, not %g", value, wanted);
}

/* Others of the host have a fifth of the CPU with the load and without: not the mode's doing. */
static void test_corunner(void **state)
{
	static const struct {
		double cpu_ns, work, share, per_io;
	} cases[] = {
		{0.8e9, 800, 0, 0},	   /* as much as alone */
		{0.4e9, 400, 0.5, 0.4e6},  /* half of it */
		{0.8e9, 600, 0.25, 0.2e6}, /* as long, and slower: its caches were cold */
		{0.9e9, 900, 0, 0},	   /* the others slept */
		{0, 0, 1, 0.8e6},	   /* nothing */
	};
	_json_ json_t *alone = spun(2e9, 1.6e9, 1600);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *beside = spun(1e9, cases[i].cpu_ns, cases[i].work);
		_json_ json_t *record = json_pack("{s:{}, s:{s:{s:i}}}", "metrics", "evidence",
						  "counts", "io", 1000);

		trial_record_spinner(record, beside, alone, true);
		is_near(jsonio_number(record, "metrics.corunner_lost_share"), cases[i].share);
		is_near(jsonio_number(record, "metrics.corunner_lost_per_io"), cases[i].per_io);
		assert_true(isnan(jsonio_number(record, "metrics.cpu_left_per_io")));
		assert_true(jsonio_number(record, "spinner.window_ns") == 1e9);
	}
}

static void test_cpu_left(void **state)
{
	_json_ json_t *alone = spun(2e9, 2e9, 2000), *beside = spun(1e9, 0.5e9, 400);
	_json_ json_t *record =
		json_pack("{s:{}, s:{s:{s:i}}}", "metrics", "evidence", "counts", "io", 1000);

	trial_record_spinner(record, beside, alone, false);
	is_near(jsonio_number(record, "metrics.cpu_left_per_io"), 0.4e9 / 1000);
	assert_true(isnan(jsonio_number(record, "metrics.corunner_lost_share")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corunner),
		cmocka_unit_test(test_cpu_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
