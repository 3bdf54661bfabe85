// SPDX-License-Identifier: Apache-2.0
/* Which cells of the shipped modes get a proof trial: it costs a run, and shows what nothing else
 * can. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "mode/mode.h"
#include "trial/proof.h"

static void test_shipped(void **state)
{
	static const struct {
		enum mode_target target;
		const char *mode, *workload;
		bool expected;
	} cases[] = {
		{MODE_BLOCK, "sync", "ioloop", false},
		{MODE_BLOCK, "sync", "fio", false},
		{MODE_BLOCK, "aio", "fio", false},
		/* fio's flags are the kernel's to tell; our own loop fails on a refusal */
		{MODE_BLOCK, "defer-taskrun", "fio", true},
		{MODE_BLOCK, "defer-taskrun", "ioloop", false},
		{MODE_BLOCK, "iopoll", "fio", true},
		{MODE_BLOCK, "iopoll", "ioloop", false},
		{MODE_BLOCK, "passthrough", "fio", true},
		/* counts the system calls of the application */
		{MODE_BLOCK, "sqpoll", "ioloop", true},
		{MODE_BLOCK, "sqpoll", "fio", true},
		/* counts polls without work */
		{MODE_NET, "busy-poll", "netloop", true},
	};
	char dir[4096];
	struct modes modes;
	struct diag d = {""};

	snprintf(dir, sizeof(dir), "%s/configs/modes", getenv("IOMODES_SOURCE") ?: ".");
	if (modes_load(dir, &modes, &d))
		fail_msg("%s", d.text);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct mode *m = modes_find(&modes, cases[i].target, cases[i].mode);

		assert_non_null(m);
		if (proof_is_expected(m, cases[i].workload) != cases[i].expected)
			fail_msg("%s by %s", cases[i].mode, cases[i].workload);
	}
	modes_free(&modes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_shipped)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
