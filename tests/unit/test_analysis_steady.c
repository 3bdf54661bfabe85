// SPDX-License-Identifier: Apache-2.0
/* SNIA's rule at its edges, and over the intervals of a trial. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "analysis/steady.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

static void near(double a, double b)
{
	if (fabs(a - b) > 1e-9)
		fail_msg("%.12g is not %.12g", a, b);
}

static void test_rule(void **state)
{
	struct steady s;
	/* range exactly 20 %, no slope; then a hair more */
	const double range[] = {90, 110, 100, 110, 90}, wide[] = {89.9, 110, 100, 110.1, 90};
	/* a straight line that rises by 10 % from 95 to 105; then by more, in less than 20 % */
	const double slope[] = {95, 97.5, 100, 102.5, 105}, steep[] = {94, 97, 100, 103, 106};

	steady_judge(range, 5, &s);
	near(s.range, 0.2);
	near(s.slope, 0);
	assert_true(s.reached);
	assert_int_equal(s.round, 5);
	steady_judge(wide, 5, &s);
	assert_false(s.reached);
	steady_judge(slope, 5, &s);
	near(s.slope, 0.1);
	near(s.range, 0.1);
	assert_true(s.reached);
	steady_judge(steep, 5, &s);
	near(s.slope, 0.12);
	assert_false(s.reached);
	{
		const double falling[] = {106, 103, 100, 97, 94};

		steady_judge(falling, 5, &s);
		near(s.slope, 0.12); /* a drive that gets slower, too */
		assert_false(s.reached);
	}
}

/* A drive as it is: fast while its cache lasts, then level. */
static void test_first_window(void **state)
{
	const double y[] = {900, 880, 600, 320, 300, 298, 303, 301, 299, 300};
	struct steady s;

	steady_judge(y, 10, &s);
	assert_true(s.reached);
	assert_int_equal(s.round, 8); /* 320 300 298 303 301: 7 % range, 5 % slope */
	steady_judge(y, 7, &s);
	assert_false(s.reached);
	assert_int_equal(s.round, 7);
	steady_judge(y, 4, &s);
	assert_false(s.reached);
	assert_int_equal(s.round, 0);
	assert_true(isnan(s.range));
}

static void test_most(void **state)
{
	double y[40];
	struct steady s;

	for (size_t i = 0; i < 40; i++)
		y[i] = i < 21 ? 100 * (double)(i + 1) * (double)(i + 1) : 44100;
	steady_judge(y, 40, &s);
	assert_true(s.reached);
	assert_int_equal(s.round, 24); /* 18th on: the squares have become flat enough */
	for (size_t i = 0; i < 40; i++)
		y[i] = i < 25 ? (i % 2 ? 100 : 200) : 100;
	steady_judge(y, 40, &s);
	assert_false(s.reached); /* past 25 rounds nobody looks */
	assert_int_equal(s.round, 25);
}

static void test_json(void **state)
{
	const double y[] = {100, 101, 99, 100, 100}, none[5] = {0};
	_json_ json_t *j = steady_json(y, 5), *few = steady_json(y, 4),
		      *zero = steady_json(none, 5);

	assert_true(json_is_true(json_object_get(j, "reached")));
	assert_non_null(strstr(jsonio_string(j, "sentence", ""), "range 2.0 %"));
	assert_true(json_is_null(few));
	assert_true(json_is_null(zero));
}

static void test_trial(void **state)
{
	_json_ json_t *still = json_pack("{s:{s:[iiiiiiiiiii]}}", "intervals", "ios", 999, 10, 10,
					 11, 9, 10, 10, 9, 11, 10, 10);
	_json_ json_t *falls = json_pack("{s:{s:[iiiii]}}", "intervals", "ios", 20, 16, 12, 11, 10);
	_json_ json_t *bare = json_object();
	_json_ json_t *a = steady_of_trial(still), *b = steady_of_trial(falls);
	_json_ json_t *c = steady_of_trial(bare);

	assert_true(json_is_true(json_object_get(a, "reached"))); /* the odd one is left out */
	assert_true(json_is_false(json_object_get(b, "reached")));
	assert_true(json_is_null(c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule),  cmocka_unit_test(test_first_window),
		cmocka_unit_test(test_most),  cmocka_unit_test(test_json),
		cmocka_unit_test(test_trial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
