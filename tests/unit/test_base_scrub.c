// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/scrub.h"

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
	char whole[] = "a b"; /* nothing to take out, no newline: not a byte more */

	scrub_cmdline(line);
	assert_string_equal(line, "BOOT_IMAGE= root= quiet nvme.poll_queues=4 rd.luks.name=\n");
	scrub_cmdline(whole);
	assert_string_equal(whole, "a b");
}

static void behind_an_underscore(void **state)
{
	struct scrub s = {0};

	scrub_learn(&s, SCRUB_SERIAL, "S64HNX0T");
	check(&s, "/dev/disk/by-id/nvme-Maker_SSD_S64HNX0T_1",
	      "/dev/disk/by-id/nvme-Maker_SSD_SERIAL1_1");
	scrub_free(&s);
}

/* Versions of three numbers, times, PCI addresses and our own namespaces are no addresses. */
static void addresses(void **state)
{
	struct scrub s = {.everything = true};

	check(&s, "peer 10.1.2.3, again 10.1.2.3:5201.", "peer 198.19.0.1, again 198.19.0.1:5201.");
	check(&s, "from fe80::e299:48ff:fe2e:80%eth0 to 2a02:8070::1",
	      "from 2001:db8::2%eth0 to 2001:db8::3");
	check(&s,
	      "6.18.44 12:34:56 0000:00:02.0 127.0.0.1 198.18.0.2 ::1 :: 0.0.0.0 fio-3.33 "
	      "1.2.3.4.5",
	      "6.18.44 12:34:56 0000:00:02.0 127.0.0.1 198.18.0.2 ::1 :: 0.0.0.0 fio-3.33 "
	      "1.2.3.4.5");
	check(&s, "/home/ann.b/x and /home/ann.b", "/home/user1/x and /home/user1");
	scrub_free(&s);
	check(&s, "10.1.2.3", "10.1.2.3"); /* not asked for */
	scrub_free(&s);
}

/* Under a salt: the same token whatever came before, another one under another salt, and one
 * token for both cases of a MAC address. */
static void salted(void **state)
{
	struct scrub a = {.salt = "one", .everything = true},
		     b = {.salt = "one", .everything = true},
		     c = {.salt = "two", .everything = true};
	struct scrub *all[] = {&a, &b, &c};
	char *out[3];
	size_t len;

	scrub_learn(&b, SCRUB_SERIAL, "other");
	for (size_t i = 0; i < 3; i++) {
		scrub_learn(all[i], SCRUB_SERIAL, "S64HNX0T");
		scrub_learn(all[i], SCRUB_HOST, "alpha");
		assert_int_equal(scrub_text(all[i], "S64HNX0T alpha 10.1.2.3", 23, &out[i], &len),
				 0);
	}
	assert_string_equal(out[0], out[1]);
	assert_string_not_equal(out[0], out[2]);
	assert_null(strstr(out[0], "alpha"));
	free(out[0]);
	free(out[1]);
	free(out[2]);
	assert_int_equal(scrub_text(&a, "E2:99:48:ff:2e:80 e2:99:48:ff:2e:80", 35, out, &len), 0);
	assert_memory_equal(out[0], out[0] + 18, 17);
	free(out[0]);
	scrub_free(&a);
	scrub_free(&b);
	scrub_free(&c);
	assert_int_equal(scrub_salt(&a), 0);
	assert_int_equal(strlen(a.salt), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_value_same_token),
		cmocka_unit_test(short_values_only_alone),
		cmocka_unit_test(patterns),
		cmocka_unit_test(command_line),
		cmocka_unit_test(behind_an_underscore),
		cmocka_unit_test(addresses),
		cmocka_unit_test(salted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
