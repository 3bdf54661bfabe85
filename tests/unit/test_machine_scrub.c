// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "machine/scrub.h"

static void check(struct scrub *s, const char *in, const char *want)
{
	char *out;
	size_t len;

	assert_int_equal(scrub_text(s, in, strlen(in), &out, &len), 0);
	assert_string_equal(out, want);
	assert_int_equal(len, strlen(want));
	free(out);
}

static void same_value_same_token(void **state)
{
	struct scrub s = {0};

	scrub_learn(&s, SCRUB_SERIAL, "S64HNX0T");
	scrub_learn(&s, SCRUB_WWID, "eui.S64HNX0T00000002");
	scrub_learn(&s, SCRUB_SERIAL, "S64HNX0T");
	check(&s, "S64HNX0T\n", "SERIAL1\n");
	check(&s, "a \"S64HNX0T\", eui.S64HNX0T00000002", "a \"SERIAL1\", eui.WWID1");
	check(&s, "S64HNX0TA xS64HNX0T", "S64HNX0TA xS64HNX0T"); /* other words */
	assert_int_equal(scrub_replaced(&s, SCRUB_SERIAL), 1);
	assert_int_equal(scrub_replaced(&s, SCRUB_WWID), 1);
	assert_int_equal(scrub_replaced(&s, SCRUB_HOST), 0);
	scrub_free(&s);
}

static void short_values_only_alone(void **state)
{
	struct scrub s = {0};

	scrub_learn(&s, SCRUB_HOST, "vm");
	check(&s, "vm", "host1");
	check(&s, "<info value=\"vm\"/> a vm here", "<info value=\"host1\"/> a vm here");
	scrub_free(&s);
}

static void patterns(void **state)
{
	struct scrub s = {0};

	check(&s, "root=UUID=1b4e28ba-2fa1-11d2-883f-0016d3cca427 x 52:54:00:12:34:56\n",
	      "root=UUID=00000000-0000-4000-8000-000000000001 x 02:00:00:00:00:01\n");
	check(&s, "52:54:00:12:34:57 52:54:00:12:34:56", "02:00:00:00:00:02 02:00:00:00:00:01");
	check(&s, "0000:00:02.0 00:00:00:00:00:00", "0000:00:02.0 00:00:00:00:00:00");
	scrub_free(&s);
}

static void command_line(void **state)
{
	char line[] = "BOOT_IMAGE=/vmlinuz root=LABEL=home quiet nvme.poll_queues=4 "
		      "rd.luks.name=secret -- --token x\n";

	scrub_cmdline(line);
	assert_string_equal(line, "BOOT_IMAGE= root= quiet nvme.poll_queues=4 rd.luks.name=\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_value_same_token),
		cmocka_unit_test(short_values_only_alone),
		cmocka_unit_test(patterns),
		cmocka_unit_test(command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
