// SPDX-License-Identifier: Apache-2.0
/* What a second A/A on a machine leaves of the first. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analysis/noise.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

static json_t *noise(const char *identity, const char *run, const char *metric, double floor)
{
	return json_pack("{s:s, s:s, s:s, s:{s:{s:f}}}", "identity", identity, "run", run, "made",
			 "2026", "metrics", metric, "floor", floor);
}

/* That of a network keeps what that of a disk found, with whose it was; a new one replaces. */
static void test_keep(void **state)
{
	_json_ json_t *disk = noise("m", "first", "iops", 0.1);
	_json_ json_t *net = noise("m", "second", "transactions_per_s", 0.2);
	_json_ json_t *again = noise("m", "third", "iops", 0.05);

	noise_keep(disk, NULL);
	noise_keep(net, disk);
	assert_float_equal(jsonio_number(net, "metrics.iops.floor"), 0.1, 0);
	assert_string_equal(jsonio_string(net, "metrics.iops.run", ""), "first");
	assert_string_equal(jsonio_string(net, "metrics.transactions_per_s.run", ""), "second");
	noise_keep(again, net);
	assert_float_equal(jsonio_number(again, "metrics.iops.floor"), 0.05, 0);
	assert_float_equal(jsonio_number(again, "metrics.transactions_per_s.floor"), 0.2, 0);
}

static void test_other_machine(void **state)
{
	_json_ json_t *here = noise("m", "first", "iops", 0.1);
	_json_ json_t *other = noise("n", "second", "transactions_per_s", 0.2);

	noise_keep(other, here);
	assert_null(jsonio_at(other, "metrics.iops"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_other_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
