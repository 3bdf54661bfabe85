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
#include "base/jsonio.h"
#include "mode/mode.h"
#include "record/verdict.h"
#include "trial/proof.h"

static void test_shipped(void **state)
{
	static const struct {
		enum mode_target target;
		const char *mode, *workload;
		bool expected;
		int vectors; /* 1: has some, -1: none, 0: not known yet */
	} cases[] = {
		{MODE_BLOCK, "sync", "ioloop", false, 0},
		{MODE_BLOCK, "sync", "fio", false, 0},
		{MODE_BLOCK, "aio", "fio", false, 0},
		/* fio's flags are the kernel's to tell; our own loop fails on a refusal */
		{MODE_BLOCK, "defer-taskrun", "fio", true, 0},
		{MODE_BLOCK, "defer-taskrun", "ioloop", false, 0},
		{MODE_BLOCK, "iopoll", "fio", true, 0},
		{MODE_BLOCK, "iopoll", "ioloop", false, 0},
		{MODE_BLOCK, "passthrough", "fio", true, 0},
		/* counts the system calls of the application */
		{MODE_BLOCK, "sqpoll", "ioloop", true, 0},
		{MODE_BLOCK, "sqpoll", "fio", true, 0},
		/* counts polls without work */
		{MODE_NET, "busy-poll", "netloop", true, 0},
		{MODE_NET, "busy-poll", "netloop", true, 1},
		/* without vectors these alone tell an interrupt from a timer */
		{MODE_NET, "interrupt", "netloop", true, -1},
		{MODE_NET, "interrupt", "netloop", true, 0},
		{MODE_NET, "interrupt", "netloop", false, 1},
		{MODE_NET, "defer-20", "netloop", false, 1},
		{MODE_NET, "threaded", "netloop", false, -1},
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
		_json_ json_t *known = json_pack("{s:s}", "workload", cases[i].workload);

		if (cases[i].vectors)
			json_object_set_new(known, "has_interrupts",
					    json_integer(cases[i].vectors > 0));
		if (proof_is_expected(m, cases[i].workload, known) != cases[i].expected)
			fail_msg("%s by %s", cases[i].mode, cases[i].workload);
	}
	modes_free(&modes);
}

/* One that failed is tried again, unless it could not but fail. */
static void test_lost(void **state)
{
	static const struct {
		const char *status, *verdict;
		bool lost;
	} cases[] = {{"failed", "unproven", true},
		     {"failed", "unsupported", false},
		     {"valid", "not_in_force", false},
		     {"invalid", "unproven", false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *record = json_pack("{s:s, s:{s:s}}", "status", cases[i].status,
						  "verdict", "mode", cases[i].verdict);

		assert_int_equal(proof_is_lost(record), cases[i].lost);
	}
}

/* 50 system calls of its start and end are nothing among enough I/Os, and all there is among few.
 */
static void test_short(void **state)
{
	static const struct {
		const char *verdict;
		int ios;
		bool is_short;
	} cases[] = {{"not_in_force", 78, true},   {"not_in_force", 499, true},
		     {"not_in_force", 500, false}, {"not_in_force", 0, false},
		     {"in_force", 78, false},	   {"unproven", 78, false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *record = json_pack("{s:s, s:{s:s}, s:{s:{s:i}}}", "status", "valid",
						  "verdict", "mode", cases[i].verdict, "evidence",
						  "counts", "io", cases[i].ios);

		assert_int_equal(proof_is_short(record), cases[i].is_short);
	}
}

/* What became of sends that the kernel never answered nobody knows: they are not "not copied". */
static void test_zerocopy(void **state)
{
	static const struct {
		double share;
		const char *verdict;
	} cases[] = {{1, "in_force"}, {0.001, "not_in_force"}};
	const struct denominators over = {.packet = 2000, .second = 1, .transaction = 1000};
	const struct mode *m;
	char dir[4096];
	struct modes modes;
	struct diag d = {""};

	snprintf(dir, sizeof(dir), "%s/configs/modes", getenv("IOMODES_SOURCE") ?: ".");
	if (modes_load(dir, &modes, &d))
		fail_msg("%s", d.text);
	m = modes_find(&modes, MODE_NET, "zerocopy");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *evidence = json_pack(
			"{s:{s:i, s:f, s:i}}", "counters", "zerocopy_sends", 1000,
			"zerocopy_completion_share", cases[i].share, "zerocopy_copied", 0);
		_json_ json_t *verdict = verdict_evaluate(m->expect, m->n_expect, m->grade,
							  evidence, &over, NULL, NULL);

		assert_string_equal(jsonio_string(verdict, "mode", ""), cases[i].verdict);
	}
	modes_free(&modes);
}

/* On a card nothing that is counted tells suspension from deferral with preferred polling. */
static void test_suspension(void **state)
{
	static const struct {
		bool vectors;
		double polled, softirqs;
		const char *verdict, *grade;
	} cases[] = {{false, 9000, 2000, "in_force", "counter"},
		     {false, 9000, 20000, "not_in_force", "counter"},
		     {true, 9000, 20000, "in_force", "accepted"},
		     {true, 900, 20000, "not_in_force", "counter"}};
	const struct denominators over = {.packet = 10000, .second = 1, .transaction = 5000};
	static const char *const names[] = {"suspend-10", "suspend-20"};
	char dir[4096];
	struct modes modes;
	struct diag d = {""};

	snprintf(dir, sizeof(dir), "%s/configs/modes", getenv("IOMODES_SOURCE") ?: ".");
	if (modes_load(dir, &modes, &d))
		fail_msg("%s", d.text);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const struct mode *m = modes_find(&modes, MODE_NET, names[i % 2]);
		double factor = i % 2 ? 1 : 2; /* its timer is half as long */
		_json_ json_t *evidence = json_pack(
			"{s:{s:i, s:i, s:f, s:f, s:i}}", "counters", "flow_ends_without_napi", 0,
			"flow_ends_on_other_napi", 0, "busy_poll_rx_packets", cases[i / 2].polled,
			"net_rx_softirqs_per_napi", factor * cases[i / 2].softirqs,
			"device_interrupts", 10);
		_json_ json_t *load =
			json_pack("{s:s, s:i, s:i}", "pattern", "rr", "response_bytes", 16,
				  "has_interrupts", cases[i / 2].vectors);
		_json_ json_t *verdict = verdict_evaluate(m->expect, m->n_expect, m->grade,
							  evidence, &over, load, NULL);

		assert_string_equal(jsonio_string(verdict, "mode", ""), cases[i / 2].verdict);
		assert_string_equal(jsonio_string(verdict, "grade", ""), cases[i / 2].grade);
	}
	modes_free(&modes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped), cmocka_unit_test(test_zerocopy),
		cmocka_unit_test(test_suspension), cmocka_unit_test(test_lost),
		cmocka_unit_test(test_short)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
