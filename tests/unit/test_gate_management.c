// SPDX-License-Identifier: Apache-2.0
/* Which interface the person at the machine would lose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "gate/management.h"
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
		cmocka_unit_test(default_route),       cmocka_unit_test(default_route_ipv6),
		cmocka_unit_test(below_others),	       cmocka_unit_test(ssh_on_its_port),
		cmocka_unit_test(ssh_on_another_port), cmocka_unit_test(ssh_by_environment),
		cmocka_unit_test(unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
