// SPDX-License-Identifier: Apache-2.0
/* Which trials are tried again, how often, and when it stops. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonio.h"
#include "trial/retry.h"

static struct retry_list list;

static int teardown(void **state)
{
	retry_free(&list);
	return 0;
}

static void note(size_t cell, unsigned block, const char *status, const char *retry_of)
{
	char id[64];
	_json_ json_t *record = NULL;

	snprintf(id, sizeof(id), "run-1/b%02u-o%02zu%s", block, cell, retry_of ? "-t1" : "");
	record = json_pack("{s:s, s:s, s:i, s:i, s:s, s:s, s:{s:s}, s:[{s:s, s:s, s:s}]}", "trial",
			   id, "pass", retry_of ? "retry" : "measure", "block", (int)block, "order",
			   (int)cell, "status", status, "error", "it broke", "verdict", "mode",
			   "in_force", "checks", "id", "device_ios", "result",
			   strcmp(status, "invalid") ? "pass" : "fail", "sentence", "too few");
	if (retry_of)
		json_object_set_new(record, "retry_of", json_string(retry_of));
	assert_int_equal(retry_note(&list, record, cell), 0);
}

/* 10 blocks of 2 cells: 4 more at most. */
static void blocks(const char *const *states_of_0, const char *of_1)
{
	for (unsigned b = 0; b < 10; b++) {
		note(0, b, states_of_0[b], NULL);
		note(1, b, of_1, NULL);
	}
}

static const char *const few[10] = {"valid", "valid", "invalid", "valid", "failed",
				    "valid", "valid", "valid",	 "valid", "valid"};

static void test_mended(void **state)
{
	struct retry_entry *e;

	blocks(few, "valid");
	e = retry_next(&list);
	assert_string_equal(e->id, "b02-o00");
	assert_int_equal(list.budget, 4);
	assert_int_equal(retry_waiting(&list), 2);
	note(0, 2, "valid", "run-1/b02-o00");
	e = retry_next(&list);
	assert_string_equal(e->id, "b04-o00");
	note(0, 4, "invalid", "run-1/b04-o00");
	e = retry_next(&list);
	assert_string_equal(e->id, "b04-o00"); /* once more */
	note(0, 4, "valid", "run-1/b04-o00");
	assert_null(retry_next(&list));
	assert_int_equal(list.made, 3);
	{
		_json_ json_t *j = retry_json(&list);

		assert_int_equal(json_array_size(json_object_get(j, "given_up")), 0);
	}
}

/* All of them once before any twice, and two tries a trial at most. */
static void test_order(void **state)
{
	blocks(few, "valid");
	note(0, 2, "invalid", "run-1/b02-o00");
	assert_string_equal(retry_next(&list)->id, "b04-o00");
	note(0, 4, "invalid", "run-1/b04-o00");
	assert_string_equal(retry_next(&list)->id, "b02-o00");
	note(0, 2, "invalid", "run-1/b02-o00");
	assert_string_equal(retry_next(&list)->id, "b04-o00");
	note(0, 4, "failed", "run-1/b04-o00");
	assert_null(retry_next(&list));
	{
		_json_ json_t *j = retry_json(&list);
		const json_t *up = json_object_get(j, "given_up");

		assert_int_equal(json_array_size(up), 2);
		assert_string_equal(jsonio_string(json_array_get(up, 0), "reason", ""),
				    "device_ios: too few");
		assert_string_equal(jsonio_string(json_array_get(up, 1), "reason", ""), "it broke");
	}
}

static void test_budget(void **state)
{
	static const char *const many[10] = {"invalid", "invalid", "invalid", "invalid", "invalid",
					     "invalid", "valid",   "valid",   "valid",	 "valid"};
	char of[32];

	blocks(many, "valid");
	for (unsigned b = 0; b < 4; b++) {
		snprintf(of, sizeof(of), "run-1/b%02u-o00", b);
		assert_string_equal(retry_next(&list)->id, of + 6);
		note(0, b, "valid", of);
	}
	assert_null(retry_next(&list)); /* two are left, but a fifth of 20 is 4 */
	assert_int_equal(retry_waiting(&list), 0);
}

/* What fails by its nature is not repeated: never when it gave no numbers, once when they were
 * wrong every time. */
static void test_hopeless(void **state)
{
	static const char *const never[10] = {"failed", "failed", "failed", "failed", "failed",
					      "failed", "failed", "failed", "failed", "failed"};

	blocks(never, "invalid");
	assert_string_equal(retry_next(&list)->id, "b00-o01");
	note(1, 0, "invalid", "run-1/b00-o01");
	assert_null(retry_next(&list));
}

static void test_suspect_block(void **state)
{
	static const char *const good[10] = {"valid", "valid", "valid", "valid", "valid",
					     "valid", "valid", "valid", "valid", "valid"};

	blocks(good, "valid");
	assert_null(retry_next(&list));
	retry_spoil_block(&list, 7, "CPU work -12 % off");
	assert_string_equal(retry_next(&list)->id, "b07-o00");
	note(0, 7, "valid", "run-1/b07-o00");
	assert_string_equal(retry_next(&list)->id, "b07-o01");
	note(1, 7, "valid", "run-1/b07-o01");
	retry_spoil_block(&list, 7, "CPU work -12 % off"); /* a resumed run says it again */
	assert_null(retry_next(&list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_mended, teardown),
		cmocka_unit_test_teardown(test_order, teardown),
		cmocka_unit_test_teardown(test_budget, teardown),
		cmocka_unit_test_teardown(test_hopeless, teardown),
		cmocka_unit_test_teardown(test_suspect_block, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
