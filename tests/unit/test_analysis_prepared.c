// SPDX-License-Identifier: Apache-2.0
/* A drive that was never steady is said to be so. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <string.h>

#include "analysis/prepared.h"
#include "analysis/steady.h"
#include "base/cleanup.h"

static void is_text(json_t *prepared, const char *words)
{
	_json_ json_t *owned = prepared;
	char text[512];

	assert_string_equal(prepared_text(owned, text, sizeof(text)), words);
}

static json_t *rounds(const double *y, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_real(y[i]));
	return json_pack("{s:s, s:i, s:o, s:o}", "level", "pts", "bytes_written", 48 << 20,
			 "rounds", list, "steady", steady_json(y, n));
}

static void test_text(void **state)
{
	static const double level[] = {100, 100, 100, 100, 100},
			    falling[] = {500, 400, 300, 200, 100};
	_json_ json_t *unsteady = rounds(falling, 5);
	char text[512];

	is_text(NULL, "");
	is_text(json_null(), "");
	is_text(json_pack("{s:s, s:i}", "level", "fill", "bytes_written", 24 << 20),
		"fill, 24.0 MiB written");
	is_text(rounds(level, 5), "pts, 48.0 MiB written, steady after 5 rounds");
	prepared_text(unsteady, text, sizeof(text));
	assert_non_null(strstr(text, "NOT steady after 5 rounds"));
	assert_non_null(strstr(text, "range"));
	/* does not write past what it is given */
	assert_string_equal(prepared_text(unsteady, text, 6), "pts, ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_text)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
