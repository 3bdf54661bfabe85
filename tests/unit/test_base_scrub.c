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

struct row {
	const char *in, *want;
};

static void check_rows(struct scrub *s, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(s, rows[i].in, rows[i].want);
}
#define CHECK_ROWS(s, rows) check_rows(s, rows, sizeof(rows) / sizeof(*(rows)))

static void same_value_same_token(void **state)
{
	static const struct row rows[] = {
		{"S64HNX0T\n", "SERIAL1\n"},
		{"a \"S64HNX0T\", eui.S64HNX0T00000002", "a \"SERIAL1\", eui.WWID1"},
		{"nvme-eui.s64hnx0t00000002-part1", "nvme-eui.WWID1-part1"},
		{"wwn-0xS64HNX0T00000002", "wwn-0xWWID1"},
		{"/dev/disk/by-id/nvme-Maker_SSD_S64HNX0T_1",
		 "/dev/disk/by-id/nvme-Maker_SSD_SERIAL1_1"},
		{"nqn.2014.08.org.nvmexpress:144d144dS64HNX0T  Maker SSD",
		 "nqn.2014.08.org.nvmexpress:144d144dSERIAL1  Maker SSD"}, /* glued */
		{"12345678", "SERIAL2"},
		{"912345678 12345678.5", "912345678 SERIAL2.5"}, /* a larger number */
		{"SN42", "SERIAL3"},
		{"SN421 USN42", "SN421 USN42"}, /* other words */
		{"None Default string", "None Default string"},
	};
	struct scrub s = {0};

	scrub_learn(&s, SCRUB_SERIAL, "S64HNX0T");
	scrub_learn(&s, SCRUB_WWID, "eui.S64HNX0T00000002");
	scrub_learn(&s, SCRUB_SERIAL, "S64HNX0T");
	scrub_learn(&s, SCRUB_SERIAL, "12345678");
	scrub_learn(&s, SCRUB_SERIAL, "SN42");
	scrub_learn(&s, SCRUB_SERIAL, "None");
	scrub_learn(&s, SCRUB_SERIAL, "Default string");
	CHECK_ROWS(&s, rows);
	assert_int_equal(scrub_replaced(&s, SCRUB_SERIAL), 3);
	assert_int_equal(scrub_replaced(&s, SCRUB_WWID), 1); /* one, in two forms */
	assert_int_equal(scrub_replaced(&s, SCRUB_HOST), 0);
	scrub_free(&s);
}

/* Of any length and in either case, with and without domain; a short one is also a part of words.
 */
static void host_names(void **state)
{
	static const struct row rows[] = {
		{"vm", "host1"},
		{"<info value=\"vm\"/> a vm here, root@VM: x",
		 "<info value=\"host1\"/> a host1 here, "
		 "root@host1: x"},
		{"vm.swappiness /sys/vm/x kvm vmlinuz vm-1",
		 "vm.swappiness /sys/vm/x kvm vmlinuz vm-1"},
		{"Linux vm.lan 6.1", "Linux host1 6.1"},
		{"srv1.corp.example srv1 SRV1", "host2 host2 host2"},
		{"db7.corp.example", "db7.host3"},
		{"srv1.other.example:22, srv1.local; srv1.json", "host2:22, host2; host2.json"},
		{"srv12 mysrv1", "srv12 mysrv1"},
		{"a 10.1.2.3 b", "a 198.19.0.1 b"}, /* a host that is called by its address */
	};
	struct scrub s = {0};

	scrub_learn(&s, SCRUB_HOST, "vm");
	scrub_learn(&s, SCRUB_HOST, "srv1.corp.example");
	scrub_learn(&s, SCRUB_HOST, "10.1.2.3");
	scrub_learn(&s, SCRUB_HOST, "localhost");
	CHECK_ROWS(&s, rows);
	scrub_free(&s);
}

/* MAC addresses, GUIDs and UUIDs wherever they stand, in every form. */
static void patterns(void **state)
{
	static const struct row rows[] = {
		{"root=UUID=1b4e28ba-2fa1-11d2-883f-0016d3cca427 x 52:54:00:12:34:56\n",
		 "root=UUID=00000000-0000-4000-8000-000000000001 x 02:00:00:00:00:01\n"},
		{"52:54:00:12:34:57 52:54:00:12:34:56", "02:00:00:00:00:02 02:00:00:00:00:01"},
		{"BOOTIF=01-52-54-00-12-34-56", "BOOTIF=01-02-00-00-00-00-01"},
		{"52-54-00-12-34-56 5254.0012.3456 mac=525400123456",
		 "02-00-00-00-00-01 0200.0000.0001 mac=020000000001"},
		{"ifname=eth0:52:54:00:12:34:56", "ifname=eth0:02:00:00:00:00:01"},
		{"MAC=52:54:00:12:34:56:52:54:00:12:34:57:08:00",
		 "MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00"},
		{"00:25:38:5b:21:40:4a:1c", "02:00:00:00:00:00:00:03"}, /* EUI-64 */
		{"0002:c903:00aa:bbcc", "WWID1"},
		{"pod1b4e28ba_2fa1_11d2_883f_0016d3cca427 1b4e28ba2fa111d2883f0016d3cca427",
		 "pod00000000_0000_4000_8000_000000000001 00000000000040008000000000000001"},
		{"0000:00:02.0 00:00:00:00:00:00", "0000:00:02.0 00:00:00:00:00:00"},
		{"12:34:56 2026-11-22 10-20-30 1-3,5-7 ab:cd:ef:01:23",
		 "12:34:56 2026-11-22 10-20-30 1-3,5-7 ab:cd:ef:01:23"},
	};
	struct scrub s = {0};

	CHECK_ROWS(&s, rows);
	scrub_free(&s);
}

static void command_line(void **state)
{
	char line[] = "BOOT_IMAGE=/vmlinuz root=LABEL=home quiet nvme.poll_queues=4 "
		      "rd.luks.name=secret BOOTIF=01-52-54-00-12-34-56 inst.ks=http://ks/ "
		      "isolcpus=1-3 foo.size=64k bar=word -- --token x\n";
	char whole[] = "a b"; /* nothing to take out, no newline: not a byte more */

	scrub_cmdline(line);
	assert_string_equal(
		line, "BOOT_IMAGE= root= quiet nvme.poll_queues=4 rd.luks.name= BOOTIF= inst.ks= "
		      "isolcpus=1-3 foo.size=64k bar=\n");
	scrub_cmdline(whole);
	assert_string_equal(whole, "a b");
}

/* Versions of three numbers, times, PCI addresses and our own namespaces are no addresses. */
static void addresses(void **state)
{
	static const struct row rows[] = {
		{"peer 10.1.2.3, again 10.1.2.3:5201.", "peer 198.19.0.1, again 198.19.0.1:5201."},
		{"from fe80::e299:48ff:fe2e:80%eth0 to 2a02:8070::1",
		 "from 2001:db8::0000:0000:0002%eth0 to 2001:db8::0000:0000:0003"},
		{"[2A02:8070::1]:5201 SRC=2a02:8070::1 2a02:8070::/32",
		 "[2001:db8::0000:0000:0003]:5201 SRC=2001:db8::0000:0000:0003 "
		 "2001:db8::0000:0000:0004/32"},
		{"IP6 fe80::1:2.5201 > ::ffff:10.1.2.9: no route",
		 "IP6 2001:db8::0000:0000:0005.5201 > 2001:db8::0000:0000:0006: no route"},
		{"6.18.44 12:34:56 0000:00:02.0 127.0.0.1 198.18.0.2 ::1 :: 0.0.0.0 fio-3.33 "
		 "1.2.3.4.5 std::a 0x2a02",
		 "6.18.44 12:34:56 0000:00:02.0 127.0.0.1 198.18.0.2 ::1 :: 0.0.0.0 fio-3.33 "
		 "1.2.3.4.5 std::a 0x2a02"},
	};
	struct scrub s = {.everything = true};

	CHECK_ROWS(&s, rows);
	scrub_free(&s);
	check(&s, "10.1.2.3", "10.1.2.3"); /* not asked for */
	scrub_free(&s);
}

/* Users by their homes and where they are named, and then wherever their name stands. */
static void people(void **state)
{
	static const struct row rows[] = {
		{"/home/ann.b/x and /home/ann.b", "/home/user1/x and /home/user1"},
		{"/var/lib/ann.b/y by ann.b. annab.b", "/var/lib/user1/y by user1. annab.b"},
		{"/home/j\xc3\xb6rg/x /export/home/ann@corp: z",
		 "/home/user2/x /export/home/user3: z"},
		{"/home/user/x: user-space /Users/eve", "/home/user4/x: user-space /Users/user5"},
		{"audit: acct=\"mallory\" UID=\"trudy\" uid=1000 user=1.2% mallory",
		 "audit: acct=\"user6\" UID=\"user7\" uid=1000 user=1.2% user6"},
		{"eve", "user5"},
	};
	struct scrub s = {.everything = true};

	CHECK_ROWS(&s, rows);
	scrub_free(&s);
	/* of a text that comes later */
	assert_int_equal(scrub_find(&s, "/home/ann.b 10.1.2.3", 20, true), 0);
	assert_int_equal(s.n, 0); /* not asked for */
	s.everything = true;
	assert_int_equal(scrub_find(&s, "/home/ann.b 10.1.2.3", 20, true), 0);
	assert_int_equal(s.count[SCRUB_ADDRESS], 0);
	check(&s, "of ann.b", "of user1");
	scrub_free(&s);
}

static void control_groups(void **state)
{
	static const struct row rows[] = {
		{"0::/user.slice/user-1000.slice/session-3.scope\n", "0::/cgroup1\n"},
		{"\"/system.slice/docker-0123456789abcdef.scope\"", "\"/cgroup2\""},
		{"1:cpu:/docker/0123456789abcdef", "1:cpu:/cgroup3"},
		{"/sys/block/vda /machine.json/x a/docker",
		 "/sys/block/vda /machine.json/x a/docker"},
	};
	struct scrub s = {.everything = true};

	CHECK_ROWS(&s, rows);
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
		cmocka_unit_test(host_names),
		cmocka_unit_test(patterns),
		cmocka_unit_test(command_line),
		cmocka_unit_test(addresses),
		cmocka_unit_test(people),
		cmocka_unit_test(control_groups),
		cmocka_unit_test(salted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
