// SPDX-License-Identifier: Apache-2.0
/* Which interface the person at the machine would lose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "gate/management.h"
#include "sys/genl.h"
#include "sys/sys.h"
#include "sys/sys_memory.h"

#define ROUTE_HEAD \
	"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
#define TCP_HEAD                                                                              \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  " \
	"timeout inode\n"

/* eth0: 192.0.2.2/24 and the default route; eth1: 198.51.100.1/24; eth2: nothing. */
static struct sys *host(void)
{
	struct sys *s = sys_memory_new();

	unsetenv("SSH_CONNECTION");
	sys_memory_file(s, "/sys/class/net/lo/mtu", 0644, "65536");
	sys_memory_file(s, "/sys/class/net/eth0/mtu", 0644, "1500");
	sys_memory_file(s, "/sys/class/net/eth1/mtu", 0644, "1500");
	sys_memory_file(s, "/sys/class/net/eth2/mtu", 0644, "1500");
	sys_memory_file(s, "/proc/net/route", 0444,
			ROUTE_HEAD "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
				   "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
				   "eth1\t006433C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
	return s;
}

static void refused(struct sys *s, const char *dev, const char *why)
{
	struct diag d = {""};

	assert_int_equal(net_may_configure(s, dev, &d), -EBUSY);
	if (!strstr(d.text, why))
		fail_msg("\"%s\" does not say \"%s\"", d.text, why);
}

static void allowed(struct sys *s, const char *dev)
{
	struct diag d = {""};

	if (net_may_configure(s, dev, &d))
		fail_msg("%s: %s", dev, d.text);
}

static void default_route(void **state)
{
	struct sys *s = host();

	refused(s, "eth0", "default route");
	allowed(s, "eth1");
	allowed(s, "eth2");
	allowed(s, "lo");
	sys_close(s);
}

static void default_route_ipv6(void **state)
{
	struct sys *s = host();

	sys_memory_file(
		s, "/proc/net/ipv6_route", 0444,
		/* what every kernel shows: unreachable, and on lo */
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth2\n");
	refused(s, "eth2", "default route");
	allowed(s, "lo");
	allowed(s, "eth1");
	sys_close(s);
}

/* A port, a VLAN's parent, and what is below both. */
static void below_others(void **state)
{
	struct sys *s = host();
	struct diag d = {""};

	sys_memory_link(s, "/sys/class/net/eth2/upper_bond0", "../bond0");
	sys_memory_link(s, "/sys/class/net/bond0/upper_bond0.7", "../bond0.7");
	sys_memory_link(s, "/sys/class/net/bond0.7/lower_bond0", "../bond0");
	allowed(s, "eth2");
	sys_memory_file(s, "/proc/net/route", 0444,
			ROUTE_HEAD
			"bond0.7\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	refused(s, "eth2", "lies below bond0.7");
	refused(s, "bond0", "lies below bond0.7");
	allowed(s, "eth0");
	assert_int_equal(net_may_configure(s, "eth9", &d), -ENODEV);
	sys_close(s);
}

/* 198.51.100.1:22 to 198.51.100.9 */
static void ssh_on_its_port(void **state)
{
	struct sys *s = host();

	sys_memory_file(s, "/proc/net/tcp", 0444,
			TCP_HEAD "   0: 016433C6:0016 096433C6:C001 01 00000000:00000000 "
				 "02:000A 00000000     0        0 4242 2 0 20 4 30 10 -1\n");
	refused(s, "eth1", "ssh session");
	allowed(s, "eth2");
	/* merely listening, or closed */
	sys_memory_file(s, "/proc/net/tcp", 0444,
			TCP_HEAD "   0: 016433C6:0016 00000000:0000 0A 00000000:00000000 "
				 "00:0000 00000000     0        0 4242 2 0 20 4 30 10 -1\n");
	allowed(s, "eth1");
	sys_close(s);
}

/* Port 2222, told by the process; over IPv6 with a mapped address. */
static void ssh_on_another_port(void **state)
{
	struct sys *s = host();

	sys_memory_file(s, "/proc/net/tcp6", 0444,
			TCP_HEAD "   0: 0000000000000000FFFF0000016433C6:08AE "
				 "0000000000000000FFFF0000096433C6:C001 01 00000000:00000000 "
				 "02:000A 00000000     0        0 4242 2 0 20 4 30 10 -1\n");
	allowed(s, "eth1");
	sys_memory_file(s, "/proc/300/comm", 0444, "sshd-session\n");
	sys_memory_link(s, "/proc/300/fd/4", "socket:[4242]");
	refused(s, "eth1", "ssh session");
	sys_close(s);
}

static void ssh_by_environment(void **state)
{
	struct sys *s = host();

	setenv("SSH_CONNECTION", "198.51.100.9 50000 198.51.100.1 2222", 1);
	refused(s, "eth1", "ssh session");
	allowed(s, "eth2");
	unsetenv("SSH_CONNECTION");
	sys_close(s);
}

/*
 * Recorded with RTM_GETROUTE on Linux 6.18: eth0, eth1, eth2 have the numbers 3, 5, 7.
 *   default via 203.0.113.9 dev eth2 table 1000
 *   default via 192.0.2.1 dev eth0
 *   10.0.0.0/8 nexthop via 198.51.100.2 dev eth1 nexthop via 203.0.113.2 dev eth2
 *   unreachable 10.9.0.0/16
 *   fe80::/64 dev eth1 (number 5)
 *   local 198.51.100.1 dev eth1 table local
 */
enum { OTHER_TABLE, MAIN_DEFAULT, MULTIPATH, UNREACHABLE, LINK_LOCAL, LOCAL };
static const char *const recorded[] = {
	[OTHER_TABLE] = "02000000fc0300010000000008000f00e803000008000500cb0071090800040007000000",
	[MAIN_DEFAULT] = "02000000fe0300010000000008000f00fe00000008000500c00002010800040003000000",
	[MULTIPATH] = "02080000fe0300010000000008000f00fe000000080001000a000000240009001000000005"
		      "00000008000500c6336402100000000700000008000500cb007102",
	[UNREACHABLE] = "02100000fe0300070000000008000f00fe000000080001000a090000",
	[LINK_LOCAL] = "0a400000fe0200010000000008000f00fe00000014000100fe8000000000000000000000000"
		       "0000008000600000100000800040005000000",
	[LOCAL] = "02200000ff02fe020000000008000f00ff00000008000100c633640108000700c6336401080004"
		  "0005000000",
};
static unsigned left_out; /* bit: this one is not there */
static size_t cut;	  /* only so many bytes of each message; 0: all */
static int answers;	  /* -errno instead */

static int answer_routes(struct sys *s, const struct genl_request *r, struct genl_replies *replies,
			 char *words, size_t size)
{
	int err = answers;

	if (strcmp(r->family, GENL_ROUTE))
		return -ENOENT;
	for (size_t i = 0; !err && i < sizeof(recorded) / sizeof(*recorded); i++) {
		size_t len = strlen(recorded[i]) / 2;
		char bytes[256];

		for (size_t k = 0; k < len; k++)
			sscanf(recorded[i] + 2 * k, "%2hhx", (unsigned char *)&bytes[k]);
		if (!(left_out & 1u << i))
			err = genl_replies_add(replies, bytes, cut && cut < len ? cut : len);
	}
	return err;
}

/* The main table by /proc alone knows eth0's default route, and the first hop of two. */
static struct sys *host_with_tables(void)
{
	struct sys *s = host();

	left_out = 0;
	cut = 0;
	answers = 0;
	sys_memory_file(s, "/sys/class/net/lo/ifindex", 0444, "1");
	sys_memory_file(s, "/sys/class/net/eth0/ifindex", 0444, "3");
	sys_memory_file(s, "/sys/class/net/eth1/ifindex", 0444, "5");
	sys_memory_file(s, "/sys/class/net/eth2/ifindex", 0444, "7");
	sys_memory_file(s, "/sys/class/net/eth3/ifindex", 0444, "9");
	sys_memory_file(s, "/sys/class/net/bonding_masters", 0644, "");
	sys_memory_file(s, "/proc/net/route", 0444,
			ROUTE_HEAD "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
				   "eth1\t0000000A\t026433C6\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n");
	sys_memory_on_genl(s, answer_routes);
	return s;
}

static void default_route_of_another_table(void **state)
{
	struct sys *s = host_with_tables();

	refused(s, "eth2", "default route");
	refused(s, "eth0", "default route");
	allowed(s, "eth1");
	allowed(s, "eth3");
	left_out = 1u << OTHER_TABLE;
	allowed(s, "eth2");
	sys_close(s);
}

static void second_hop_of_a_route(void **state)
{
	struct sys *s = host_with_tables();

	left_out = 1u << OTHER_TABLE;
	setenv("SSH_CONNECTION", "10.1.1.1 50000 198.51.100.1 2222", 1);
	refused(s, "eth1", "ssh session");
	refused(s, "eth2", "ssh session");
	allowed(s, "eth3");
	left_out |= 1u << MULTIPATH;
	allowed(s, "eth2");
	unsetenv("SSH_CONNECTION");
	sys_close(s);
}

/* A kernel that does not tell is no permission, a recording that has no answer is none asked; a
 * message that ends too early is refused or, where it ends between attributes, no worse. */
static void routes_untold(void **state)
{
	struct sys *s = host_with_tables();
	struct diag d = {""};

	answers = -EPERM;
	assert_int_equal(net_may_configure(s, "eth3", &d), -EPERM);
	answers = -ENODATA;
	allowed(s, "eth3");
	refused(s, "eth0", "default route");
	answers = 0;
	left_out = ~(1u << MULTIPATH);
	for (cut = 1; cut < strlen(recorded[MULTIPATH]) / 2; cut++)
		if (net_may_configure(s, "eth3", &d))
			assert_non_null(strstr(d.text, "cannot be read"));
	cut = 11;
	assert_int_equal(net_may_configure(s, "eth3", &d), -EBADMSG);
	cut = 0;
	sys_close(s);
}

/* Routes that cannot be read are no permission. */
static void unreadable(void **state)
{
	for (unsigned long n = 1;; n++) {
		struct sys *s = host();
		struct diag d = {""};
		unsigned long calls;

		sys_memory_fail(s, n, -EIO, FAULT_ONCE);
		assert_int_not_equal(net_may_configure(s, "eth0", &d), 0);
		assert_true(strlen(d.text) > 0);
		calls = sys_memory_calls(s);
		sys_close(s);
		if (calls < n)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_route),
		cmocka_unit_test(default_route_ipv6),
		cmocka_unit_test(below_others),
		cmocka_unit_test(ssh_on_its_port),
		cmocka_unit_test(ssh_on_another_port),
		cmocka_unit_test(ssh_by_environment),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(default_route_of_another_table),
		cmocka_unit_test(second_hop_of_a_route),
		cmocka_unit_test(routes_untold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
