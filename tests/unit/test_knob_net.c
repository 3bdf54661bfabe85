// SPDX-License-Identifier: Apache-2.0
/* Network knobs on drivers with bad habits, and the restore contract while call N fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/diag.h"
#include "base/jsonio.h"
#include "net_session.h"

static const char *get(struct sys *s, const char *text)
{
	static char value[KNOB_VALUE_MAX];
	const struct knob *k;
	const char *instance;
	struct diag d = {""};

	if (knob_parse_name(text, &k, &instance, &d) || knob_get(s, k, instance, value, &d))
		fail_msg("%s: %s", text, d.text);
	return value;
}

/* As apply and restore go: `seen` holds while it is applied, and afterwards all is as before. */
static void round_trip(const char *const *texts, const char *const *seen)
{
	struct sys *s = net_machine_new();
	_free_ char *before = net_text(s), *after = NULL;
	struct memory_store store;
	struct knob_session *session;
	struct diag d = {""};

	store_init(&store, s);
	session = open_session(s, &store);
	if (apply(session, texts, &d))
		fail_msg("%s: %s", texts[0], d.text);
	for (; *seen; seen += 2)
		assert_string_equal(get(s, seen[0]), seen[1]);
	if (session_restore(session, &d))
		fail_msg("%s", d.text);
	after = net_text(s);
	assert_string_equal(before, after);
	assert_int_equal(session_close(session, &d), 0);
	assert_false(store.there);
	free(store.text);
	sys_close(s);
}

/* It is refused with these words, as what the device does not do, and nothing is changed. */
static void refused(const char *const *texts, int expected, const char *words)
{
	struct sys *s = net_machine_new();
	_free_ char *before = net_text(s), *after = NULL;
	struct memory_store store;
	struct knob_session *session;
	struct diag d = {""};

	store_init(&store, s);
	session = open_session(s, &store);
	assert_int_equal(apply(session, texts, &d), expected);
	if (!strstr(d.text, words))
		fail_msg("\"%s\" does not say \"%s\"", d.text, words);
	assert_int_equal(session_close(session, &d), 0);
	after = net_text(s);
	assert_string_equal(before, after);
	free(store.text);
	sys_close(s);
}

static void coalescing(void **state)
{
	/* a value is taken only with adaptive off, and switching adaptive changes the value */
	round_trip(TEXTS("net.rx-usecs:eth5=50", "net.adaptive-rx:eth5=0"),
		   TEXTS("net.rx-usecs:eth5", "50", "net.adaptive-rx:eth5", "0",
			 "net.coalescing:eth5", "adaptive-rx=0 rx-usecs=50 rx-frames=32"));
	/* with adaptive left on it is off only meanwhile */
	round_trip(TEXTS("net.rx-frames:eth5=4"),
		   TEXTS("net.rx-frames:eth5", "4", "net.adaptive-rx:eth5", "1"));
	round_trip(TEXTS("net.coalescing:eth5=rx-frames=1 rx-usecs=2"),
		   TEXTS("net.coalescing:eth5", "adaptive-rx=1 rx-usecs=2 rx-frames=1"));
}

static void refusals(void **state)
{
	refused(TEXTS("net.adaptive-rx:eth5=0", "net.rx-usecs:eth5=51"), -EOPNOTSUPP,
		"took rx-usecs=51 and has 52");
	refused(TEXTS("net.tx-usecs:eth5=5"), -EOPNOTSUPP, "no such coalescing parameter");
	refused(TEXTS("net.coalescing:eth5=tx-usecs=5"), -EOPNOTSUPP,
		"cannot modify an unsupported parameter");
	refused(TEXTS("net.coalescing:eth5=rx-usec=5"), -EINVAL, "did you mean \"rx-usecs\"?");
	refused(TEXTS("net.rx-usecs:veth0@server=5"), -EOPNOTSUPP,
		"the driver has no coalescing parameter");
	refused(TEXTS("net.channels:eth5=9"), -EOPNOTSUPP,
		"requested channel count exceeds maximum");
	refused(TEXTS("napi.threaded:eth5#0=2"), -EOPNOTSUPP, "integer out of range");
	refused(TEXTS("net.lro:eth5=on"), -EOPNOTSUPP, "off-wanted-on");
	refused(TEXTS("net.ntuple:eth5=on"), -EOPNOTSUPP, "fixed to \"off\"");
	refused(TEXTS("net.gro:eth5=maybe"), -EINVAL, "\"on\" or \"off\" is expected");
	refused(TEXTS("napi.threaded:eth5#4=1"), -ENOENT, "eth5 has 4 NAPI instances");
	refused(TEXTS("net.gro:veth0@client=on"), -ENODEV, "no namespace");
	refused(TEXTS("net.rps-cpus:eth5=1"), -EINVAL, "receive queue");
}

static int two_rules(struct sys *s, const char *dev, void *cmd, size_t size)
{
	struct ethtool_rxnfc c;

	memcpy(&c, cmd, size < sizeof(c) ? size : sizeof(c));
	if (c.cmd != ETHTOOL_GRXCLSRLCNT)
		return -EOPNOTSUPP;
	c.rule_cnt = 2;
	memcpy(cmd, &c, sizeof(c));
	return 0;
}

/* An administrator's flow rules would go with their switch. */
static void rules_keep_their_switch(void **state)
{
	for (int there = 0; there < 2; there++) {
		struct sys *s = net_machine_new();
		const struct knob *k = knob_find("net.ntuple");
		struct diag d = {""};

		fake[ETH].feature[2] = (struct fake_feature){"rx-ntuple-filter", false, true, true};
		if (there)
			sys_memory_on_ethtool(s, two_rules);
		assert_int_equal(knob_set(s, k, "eth5", "on", &d), 0);
		assert_int_equal(knob_set(s, k, "eth5", "off", &d), there ? -EBUSY : 0);
		assert_int_equal(fake[ETH].feature[2].active, there);
		if (there)
			assert_non_null(strstr(d.text, "holds 2 flow rules"));
		sys_close(s);
	}
}

/* So may rules and further hash tables with a change of the channels; who changes none is not
 * asked. */
static void steering_keeps_channels(void **state)
{
	const struct knob *k = knob_find("net.channels");

	for (int what = 0; what < 3; what++) {
		struct sys *s = net_machine_new();
		struct diag d = {""};

		if (what == 1)
			sys_memory_on_ethtool(s, two_rules);
		if (what == 2)
			fake_contexts = 1;
		assert_int_equal(knob_set(s, k, "eth5", "4", &d), 0);
		assert_int_equal(knob_set(s, k, "eth5", "combined=2", &d), what ? -EBUSY : 0);
		assert_int_equal(fake[ETH].channels, what ? 4 : 2);
		if (what)
			assert_non_null(strstr(d.text, what == 1 ? "holds 2 flow rules"
								 : "holds 1 hash table beside"));
		sys_close(s);
	}
}

static void kernel_without_settings_of_an_instance(void **state)
{
	struct sys *s = net_machine_new();
	char value[KNOB_VALUE_MAX];
	struct diag d;

	old_kernel = true;
	assert_int_equal(knob_get(s, knob_find("napi.defer-hard-irqs"), "eth5#0", value, &d),
			 -EOPNOTSUPP);
	assert_non_null(strstr(d.text, "since Linux 6.13"));
	sys_close(s);
}

static void management_interface(void **state)
{
	struct sys *s = net_machine_new();
	_free_ char *before = net_text(s), *after = NULL;
	struct memory_store store;
	struct knob_session *session;
	struct diag d;

	sys_memory_file(s, "/proc/net/route", 0444,
			"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
			"eth5\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n");
	store_init(&store, s);
	session = open_session(s, &store);
	assert_int_equal(apply(session, TEXTS("net.gro:veth0@server=off", "net.gro:eth5=off"), &d),
			 -EBUSY);
	assert_non_null(strstr(d.text, "default route"));
	assert_int_equal(session_close(session, &d), 0);
	after = net_text(s);
	assert_string_equal(before, after);
	free(store.text);
	sys_close(s);
}

/* Two of four instances go, with what was set there; the others keep what they had. */
static void channels_remake(void **state)
{
	round_trip(TEXTS("irq.affinity:" PCI5 ":eth5-0=0", "napi.defer-hard-irqs:eth5#1=9",
			 "net.channels:eth5=2"),
		   TEXTS("net.channels:eth5", "combined=2", "irq.affinity:" PCI5 ":eth5-0", "0",
			 "napi.defer-hard-irqs:eth5#0", "3", "napi.defer-hard-irqs:eth5#1", "9"));
	round_trip(TEXTS("net.channels:eth5=combined=1"),
		   TEXTS("irq.affinity:" PCI5 ":eth5-0", "1", "napi.defer-hard-irqs:eth5#0", "3"));
}

static void gro_remakes(void **state)
{
	/* off and on again by the restore: the instance has what it had */
	round_trip(TEXTS("net.gro:veth0@server=off"), TEXTS("net.gro:veth0@server", "off"));
	round_trip(TEXTS("napi.irq-suspend-timeout:veth0@server#0=20000000",
			 "napi.defer-hard-irqs:veth0@server#0=100"),
		   TEXTS("napi.irq-suspend-timeout:veth0@server#0", "20000000"));
	/* on a card it makes nothing anew; LRO is held back while it is on */
	round_trip(TEXTS("net.gro:eth5=off"),
		   TEXTS("net.features:eth5", "rx-gro=off rx-lro=on", "net.lro:eth5", "on"));
}

/* An instance that GRO makes for us is given back clean before GRO goes off: what it leaks would
 * come up again with the next one. */
static void made_by_us(void **state)
{
	struct sys *s = net_machine_new();
	struct memory_store store;
	struct knob_session *session;
	struct diag d = {""};

	fake[VETH].feature[0].wanted = false;
	settle_features(&fake[VETH]);
	fake[VETH].leaked[0] = 0;
	store_init(&store, s);
	session = open_session(s, &store);
	if (apply(session,
		  TEXTS("napi.irq-suspend-timeout:veth0@server#0=20000000",
			"napi.gro-flush-timeout:veth0@server#0=5000", "net.gro:veth0@server=on"),
		  &d))
		fail_msg("%s", d.text);
	assert_string_equal(get(s, "napi.irq-suspend-timeout:veth0@server#0"), "20000000");
	if (session_close(session, &d))
		fail_msg("%s", d.text);
	assert_int_equal(fake[VETH].n_napis, 0);
	assert_int_equal(fake[VETH].leaked[0], 0);
	free(store.text);
	sys_close(s);
}

/* A write to the device overwrites its instances; one of theirs wanted as well comes after it. */
static void device_before_instances(void **state)
{
	round_trip(TEXTS("napi.defer-hard-irqs:eth5#2=5", "net.defer-hard-irqs:eth5=50"),
		   TEXTS("napi.defer-hard-irqs:eth5#0", "50", "napi.defer-hard-irqs:eth5#2", "5",
			 "net.defer-hard-irqs:eth5", "50"));
}

static void masks(void **state)
{
	round_trip(TEXTS("net.rps-cpus:eth5:rx-0=0"), TEXTS("net.rps-cpus:eth5:rx-0", "0"));
	assert_true(knob_find("net.rps-cpus")->same("3", "00000000,00000003"));
	assert_true(knob_find("net.rps-cpus")->same("100000000", "00000001,00000000"));
	assert_false(knob_find("net.rps-cpus")->same("3", "00000003,00000000"));
}

/* The orchestrator dies with everything applied; what follows happens to the namespace. */
static struct sys *die_applied(struct memory_store *store, const char *const *texts)
{
	struct sys *s = net_machine_new();
	struct knob_session *session;
	struct diag d = {""};

	store_init(store, s);
	session = open_session(s, store);
	if (apply(session, texts, &d))
		fail_msg("%s", d.text);
	sys_memory_fail(s, 1, -EIO, FAULT_DEAD);
	session_close(session, &d);
	sys_memory_fail(s, 0, 0, FAULT_ONCE);
	return s;
}

static const char *why_of(const json_t *list, const char *knob)
{
	const json_t *e;
	size_t i;

	json_array_foreach (list, i, e)
		if (!strcmp(jsonio_string(e, "knob", ""), knob))
			return jsonio_string(e, "why", "");
	return "not in the list";
}

static void namespace_gone(void **state)
{
	struct memory_store store;
	struct sys *s = die_applied(
		&store, TEXTS("net.gro:veth0@server=off", "sysctl.vm.stat_interval=30"));
	struct knob_session *session;
	struct diag d;

	sys_netns_drop(s, "server");
	session = open_session(s, &store);
	if (!strstr(why_of(session_recovered(session), "net.gro"), "gone"))
		fail_msg("%s", why_of(session_recovered(session), "net.gro"));
	assert_string_equal(sys_memory_content(s, "/proc/sys/vm/stat_interval"), "1");
	assert_int_equal(session_close(session, &d), 0);
	assert_false(store.there);
	free(store.text);
	sys_close(s);
}

/* Another run's namespace has the same label, and its device the same name: it is not that one. */
static void namespace_of_another_run(void **state)
{
	struct memory_store store;
	struct sys *s = die_applied(&store, TEXTS("net.gro:veth0@server=off")), *server;
	struct knob_session *session;
	struct diag d;

	sys_netns_drop(s, "server");
	server = sys_memory_netns(s, "server");
	fake[VETH].sys = server;
	fake[VETH].feature[0].wanted = false; /* as this run wants it */
	net_files(server, &fake[VETH]);
	sys_memory_file(server, "/sys/class/net/veth0/address", 0444, "52:54:00:00:00:99");
	sys_memory_on_genl(server, fake_genl);
	session = open_session(s, &store);
	assert_non_null(strstr(why_of(session_recovered(session), "net.gro"), "gone"));
	assert_false(fake[VETH].feature[0].wanted);
	assert_int_equal(session_close(session, &d), 0);
	free(store.text);
	sys_close(s);
}

static const char *const scenario[] = {"net.adaptive-rx:eth5=0",
				       "net.rx-usecs:eth5=50",
				       "napi.defer-hard-irqs:eth5#1=9",
				       "napi.irq-suspend-timeout:veth0@server#0=20000000",
				       "net.channels:eth5=2",
				       "net.defer-hard-irqs:eth5=50",
				       "irq.affinity:" PCI5 ":eth5-0=0",
				       "net.rps-cpus:eth5:rx-0=1",
				       "net.gro:eth5=off",
				       NULL};

/* Whatever fails, the next start on a healthy machine has all of it as it was. */
static void sweep(enum memory_fault kind, int err)
{
	for (unsigned long n = 1;; n++) {
		struct sys *s = net_machine_new();
		_free_ char *before = net_text(s), *after = NULL;
		struct memory_store store;
		struct session_options o = {.copy_fd = -1, .store = &store.store};
		struct knob_session *session = NULL;
		struct diag d = {""}, why = {""};
		unsigned long calls;
		int applied = -1, closed = -1;

		store_init(&store, s);
		sys_memory_fail(s, n, err, kind);
		if (!session_open(s, &o, &session, &d)) {
			applied = apply(session, scenario, &why);
			if (applied)
				assert_true(strlen(why.text) > 0);
			closed = session_close(session, &d);
		}
		calls = sys_memory_calls(s);
		sys_memory_fail(s, 0, 0, FAULT_ONCE);
		if (!closed) { /* it said clean, so it is */
			after = net_text(s);
			if (strcmp(before, after))
				fail_msg("call %lu: said clean, but\n%s%s", n, before, after);
			free(after);
			after = NULL;
			assert_false(store.there);
		}
		if (session_open(s, &o, &session, &d))
			fail_msg("call %lu: %s", n, d.text);
		assert_int_equal(session_close(session, &d), 0);
		after = net_text(s);
		if (strcmp(before, after))
			fail_msg("call %lu: was\n%sis\n%s", n, before, after);
		assert_false(store.there);
		free(store.text);
		sys_close(s);
		if (calls < n) {
			if (applied)
				fail_msg("with nothing failing: %s", why.text);
			assert_true(n > 200);
			print_message("  %lu calls, each failed once\n", n - 1);
			return;
		}
	}
}

static void fails_once(void **state)
{
	sweep(FAULT_ONCE, -EIO);
	sweep(FAULT_ONCE, -ENOMEM);
}
static void fails_after_its_effect(void **state)
{
	sweep(FAULT_AFTER, -EIO);
}
static void dies(void **state)
{
	sweep(FAULT_DEAD, -EIO);
}
static void writes_stay_refused(void **state)
{
	sweep(FAULT_WRITES, -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coalescing),
		cmocka_unit_test(refusals),
		cmocka_unit_test(kernel_without_settings_of_an_instance),
		cmocka_unit_test(rules_keep_their_switch),
		cmocka_unit_test(steering_keeps_channels),
		cmocka_unit_test(management_interface),
		cmocka_unit_test(channels_remake),
		cmocka_unit_test(gro_remakes),
		cmocka_unit_test(made_by_us),
		cmocka_unit_test(device_before_instances),
		cmocka_unit_test(masks),
		cmocka_unit_test(namespace_gone),
		cmocka_unit_test(namespace_of_another_run),
		cmocka_unit_test(fails_once),
		cmocka_unit_test(fails_after_its_effect),
		cmocka_unit_test(dies),
		cmocka_unit_test(writes_stay_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
