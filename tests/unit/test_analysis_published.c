// SPDX-License-Identifier: Apache-2.0
/* Published ratios beside ours: only of rows in force, against the row that the source names. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "analysis/published.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

static json_t *row(const char *mode, const char *state, double rate, double published)
{
	return json_pack("{s:s, s:s, s:{s:{s:f}}, s:{s:s, s:s, s:{s:f, s:f}}}", "mode", mode,
			 "state", state, "metrics", "transactions_per_s", "value", rate,
			 "published", "source", "a letter", "baseline", "interrupt", "ratios",
			 "transactions_per_s", published, "rtt_p99_ns", 0.5);
}

static double ours(const json_t *group, int at)
{
	return jsonio_number(json_array_get(json_object_get(group, "rows"), (size_t)at),
			     "published.ours.transactions_per_s");
}

static void test_ratios(void **state)
{
	_json_ json_t *group =
		json_pack("{s:[o, o, o, {s:s, s:s}]}", "rows", row("interrupt", "measured", 200, 1),
			  row("suspend-20", "measured", 300, 1.16),
			  row("full-busy", "not_in_force", 900, 1.18), "mode", "threaded", "state",
			  "measured");

	published_beside_ours(group);
	assert_true(ours(group, 0) == 1);
	assert_true(ours(group, 1) == 1.5);
	/* what was not in force is no result, and what we did not measure is no number */
	assert_true(isnan(ours(group, 2)));
	assert_null(jsonio_at(json_array_get(json_object_get(group, "rows"), 1),
			      "published.ours.rtt_p99_ns"));
	/* a row of which nothing was published gets nothing */
	assert_null(
		json_object_get(json_array_get(json_object_get(group, "rows"), 3), "published"));
}

static void test_no_baseline(void **state)
{
	_json_ json_t *group =
		json_pack("{s:[o, o]}", "rows", row("interrupt", "not_in_force", 200, 1),
			  row("suspend-20", "measured", 300, 1.16));

	published_beside_ours(group);
	assert_true(isnan(ours(group, 1)));
	assert_string_equal(jsonio_string(json_array_get(json_object_get(group, "rows"), 1),
					  "published.source", ""),
			    "a letter");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ratios),
		cmocka_unit_test(test_no_baseline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
