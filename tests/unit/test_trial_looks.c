// SPDX-License-Identifier: Apache-2.0
/* What a run knows of its looks before, between and after an interruption. What a look itself finds
 * is the analysis's business (test_analysis_precision.c). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/jsonio.h"
#include "trial/run_private.h"

static struct experiment e = {.blocks_min = 10, .blocks = 30};
static struct plan plan = {.e = &e, .n_run = 4};

static json_t *look(int blocks, int forecast)
{
	json_t *j = json_pack("{s:i, s:b, s:s}", "blocks", blocks, "met", 0, "sentence", "s");

	if (forecast)
		json_object_set_new(j, "forecast", json_integer(forecast));
	return j;
}

static size_t looks_of_run(const struct run *run)
{
	return json_array_size(jsonio_at(run->json, "precision.looks"));
}

static void test_begin(void **state)
{
	struct run run = {.plan = &plan, .json = json_object()};

	assert_int_equal(looks_begin(&run), 0);
	assert_int_equal(run.blocks, 30);
	assert_int_equal(run.aim, 10); /* the first look, until there is a better guess */
	assert_int_equal(json_array_size(jsonio_at(run.json, "precision.at")), 4);
	assert_true(json_is_null(jsonio_at(run.json, "precision.asked")));
	assert_int_equal(looks_of_run(&run), 0);
	json_decref(run.json);
}

/* Looks of blocks that are made again are made again; what is left says how far it will probably
 * go. */
static void test_resumed(void **state)
{
	static const struct {
		uint64_t first_block, aim;
		size_t kept;
	} rows[] = {{12, 15, 1}, {15, 15, 1}, {16, 20, 2}, {10, 10, 0}, {25, 30, 3}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct run run = {.plan = &plan, .json = json_object()};
		json_t *looks;

		assert_int_equal(looks_begin(&run), 0);
		json_object_set_new(run.json, "precision_met", json_true());
		looks = jsonio_at(run.json, "precision.looks");
		json_array_append_new(looks, look(10, 14));
		json_array_append_new(looks, look(15, 18));
		json_array_append_new(looks, look(20, 0)); /* not to be said */
		run.first_block = rows[i].first_block;
		assert_int_equal(looks_begin(&run), 0);
		assert_int_equal(looks_of_run(&run), rows[i].kept);
		assert_int_equal(run.aim, rows[i].aim);
		assert_null(json_object_get(run.json, "precision_met"));
		json_decref(run.json);
	}
}

static void test_another_design(void **state)
{
	struct experiment other = e;
	struct run run = {.plan = &plan, .json = json_object()};
	struct diag d = {""};

	assert_int_equal(looks_same_design(run.json, &e, &d), 0); /* of before there were looks */
	assert_int_equal(looks_begin(&run), 0);
	assert_int_equal(looks_same_design(run.json, &e, &d), 0);
	other.precision = 0.02;
	assert_int_equal(looks_same_design(run.json, &other, &d), -EINVAL);
	assert_non_null(strstr(d.text, "blocks and precision"));
	other = e;
	other.blocks_min = 15;
	assert_int_equal(looks_same_design(run.json, &other, &d), -EINVAL);
	json_decref(run.json);
}

/* Between looks nothing is read and nothing is written: the directory does not even exist. */
static void test_no_look(void **state)
{
	struct run run = {.plan = &plan, .json = json_object(), .dir = {.path = "/nowhere"}};
	struct diag d = {""};

	assert_int_equal(looks_begin(&run), 0);
	for (uint64_t blocks = 0; blocks <= 30; blocks++) {
		int err = looks_take(&run, blocks, &d);

		if (blocks == 10 || blocks == 15 || blocks == 20 || blocks == 30)
			assert_int_equal(err, -ENOENT);
		else
			assert_int_equal(err, 0);
	}
	assert_int_equal(run.blocks, 30);
	json_decref(run.json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_another_design),
		cmocka_unit_test(test_no_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
