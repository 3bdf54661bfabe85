// SPDX-License-Identifier: Apache-2.0
/* A mode's options for a workload: place-holders, and what a mode may not name. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "trial/mode_argv.h"

static int resolve(const char *name, const char *value, struct mode_argv *out, struct diag *d)
{
	static char key[64], text[64];
	char mode_name[] = "m", workload[] = "fio";
	unsigned cpu = 3;
	struct mode_pair pair = {.name = key, .value = text};
	struct mode_options options = {.workload = workload, .options = {&pair, 1}};
	struct mode mode = {.name = mode_name, .options = &options, .n_options = 1};
	struct placement placement = {.workers = {.cpu = &cpu, .n = 1}, .sq_cpu = 5};
	struct target target = {.char_device = "/dev/ng0n1"};

	snprintf(key, sizeof(key), "%s", name);
	snprintf(text, sizeof(text), "%s", value);
	d->text[0] = '\0';
	return mode_argv_resolve(&mode, "fio", &placement, &target, NULL, out, d);
}

static void test_place_holders(void **state)
{
	struct mode_argv out;
	struct diag d;

	assert_int_equal(resolve("sqthread_poll_cpu", "{sq_cpu}", &out, &d), 0);
	assert_int_equal(out.n, 1);
	assert_string_equal(out.option[0].value, "5");
	assert_null(out.filename);
	assert_int_equal(resolve("filename", "{char_device}", &out, &d), 0);
	assert_int_equal(out.n, 0);
}

/* It would be measured, or written, under the target's name. */
static void test_other_file(void **state)
{
	struct mode_argv out;
	struct diag d;

	assert_int_equal(resolve("filename", "/dev/sda", &out, &d), -EINVAL);
	assert_non_null(strstr(d.text, "mode m, fio: filename=/dev/sda: a mode may name"));
	assert_null(out.filename);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place_holders),
		cmocka_unit_test(test_other_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
