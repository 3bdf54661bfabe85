// SPDX-License-Identifier: Apache-2.0
/* A card that the run had in a namespace, after the run's death: the kernel gives it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/diag.h"
#include "net_session.h"

/* A card in a namespace: when that dies, the kernel gives it back to the machine, under another
 * name perhaps. */
static void card_comes_back(void **state)
{
	struct memory_store store;
	struct sys *s = net_machine_new(), *server = sys_netns(s, "server");
	struct knob_session *session;
	struct diag d = {""};
	_free_ char *before = NULL, *after = NULL;

	sys_memory_remove(s, ETH5 "flags");
	fake[ETH].sys = server;
	net_files(server, &fake[ETH]);
	bus_files(server);
	before = net_text(s);
	store_init(&store, s);
	session = open_session(s, &store);
	if (apply(session,
		  TEXTS("net.adaptive-rx:eth5@server=0", "net.rx-usecs:eth5@server=50",
			"napi.defer-hard-irqs:eth5@server#1=9"),
		  &d))
		fail_msg("%s", d.text);
	sys_memory_fail(s, 1, -EIO, FAULT_DEAD);
	session_close(session, &d);
	sys_memory_fail(s, 0, 0, FAULT_ONCE);
	sys_netns_drop(s, "server");

	/* nowhere to be seen, but plugged in: somebody's namespace has it */
	{
		struct session_options o = {.copy_fd = -1, .store = &store.store};

		assert_int_equal(session_open(s, &o, &session, &d), -EUCLEAN);
		assert_non_null(strstr(d.text, "namespace"));
	}
	fake[ETH].sys = s;
	fake[ETH].name = "dev5";
	net_files(s, &fake[ETH]);
	sys_memory_link(s, "/sys/class/net/dev5/device", "../../../" PCI5);
	sys_memory_link(s, "/sys/class/net/dev5/device/subsystem", "../../../bus/pci");
	session = open_session(s, &store);
	fake[ETH].name = "eth5"; /* for the text alone */
	fake[VETH].sys = NULL;
	after = net_text(s);
	assert_string_equal(before, after);
	assert_int_equal(session_close(session, &d), 0);
	assert_false(store.there);
	free(store.text);
	sys_close(s);
}

/* Both the run and its guardian are dead, and the kernel gave the card back: down, as it does. Its
 * NAPI instances are out of reach so, and stopping their threads would never end. */
/* A vector has a name while the card is up. */
static int on_flags(struct sys *s, const char *path, const char *value)
{
	char text[256];

	sys_memory_file(s, path, 0644, value);
	snprintf(text, sizeof(text),
		 "           CPU0       CPU1       \n 50:  0  0 PCI-MSIX-%s   1-edge  %s\n", PCI5,
		 strtoul(value, NULL, 16) & 1 ? "eth5-0" : "");
	sys_memory_file(s, "/proc/interrupts", 0444, text);
	return 0;
}

static struct sys *card_back_down(struct memory_store *store, char **before)
{
	struct sys *s = net_machine_new(), *server = sys_netns(s, "server");
	struct knob_session *session;
	struct diag d = {""};

	sys_memory_remove(s, ETH5 "flags");
	fake[ETH].sys = server;
	fake[VETH].sys = NULL;
	net_files(server, &fake[ETH]);
	bus_files(server);
	*before = net_text(s);
	store_init(store, s);
	session = open_session(s, store);
	if (apply(session,
		  TEXTS("net.threaded:eth5@server=1", "net.adaptive-rx:eth5@server=0",
			"napi.irq-suspend-timeout:eth5@server#0=20000000",
			"napi.irq-suspend-timeout:eth5@server#1=20000000",
			"irq.affinity:" PCI5 ":eth5-0=0"),
		  &d))
		fail_msg("%s", d.text);
	sys_memory_fail(s, 1, -EIO, FAULT_DEAD);
	session_close(session, &d);
	sys_memory_fail(s, 0, 0, FAULT_ONCE);
	sys_netns_drop(s, "server");
	fake[ETH].sys = s;
	net_files(s, &fake[ETH]);
	sys_memory_file(s, ETH5 "flags", 0644, "0x1002");
	sys_memory_on_write(s, ETH5 "flags", on_flags);
	on_flags(s, ETH5 "flags", "0x1002");
	assert_int_equal(fake[ETH].threaded, 1);
	assert_int_equal(fake[ETH].napi[0].suspend, 20000000);
	return s;
}

static bool eth5_is_down(struct sys *s)
{
	return is_down(&fake[ETH]) && !strtol(sys_memory_content(s, ETH5 "ifalias"), NULL, 10) &&
	       strspn(sys_memory_content(s, ETH5 "ifalias"), "\n") ==
		       strlen(sys_memory_content(s, ETH5 "ifalias"));
}

static void card_comes_back_down(void **state)
{
	struct memory_store store;
	_free_ char *before = NULL, *after = NULL;
	struct sys *s = card_back_down(&store, &before);
	struct knob_session *session = open_session(s, &store);
	struct diag d;

	after = net_text(s);
	assert_string_equal(before, after);
	assert_true(eth5_is_down(s));
	assert_int_equal(session_close(session, &d), 0);
	assert_false(store.there);
	free(store.text);
	sys_close(s);
}

/* Somebody took it since: it is not set up, and what is left is told. */
static void card_back_is_taken(void **state)
{
	static const struct {
		const char *file, *content;
	} cases[] = {{ETH5 "ifalias", "uplink to rack 3"}, {ETH5 "master", ""}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct memory_store store;
		struct session_options o = {.copy_fd = -1, .store = &store.store};
		_free_ char *before = NULL;
		struct sys *s = card_back_down(&store, &before);
		struct knob_session *session;
		struct diag d = {""};

		sys_memory_file(s, cases[i].file, 0644, cases[i].content);
		assert_int_equal(session_open(s, &o, &session, &d), -EUCLEAN);
		assert_non_null(strstr(d.text, "is down"));
		assert_true(is_down(&fake[ETH]));
		assert_true(store.there);
		/* what needs no interface that is up is back all the same */
		assert_int_equal(fake[ETH].adaptive, 1);
		assert_int_equal(fake[ETH].threaded, 1);
		free(store.text);
		sys_close(s);
	}
}

/* A restore that fails or is killed anywhere: the next one ends with the card as it was, and down.
 */
static void card_back_down_sweep(enum memory_fault kind)
{
	for (unsigned long n = 1;; n++) {
		struct memory_store store;
		struct session_options o = {.copy_fd = -1, .store = &store.store};
		_free_ char *before = NULL, *after = NULL;
		struct sys *s = card_back_down(&store, &before);
		struct knob_session *session = NULL;
		struct diag d = {""};
		unsigned long calls;

		sys_memory_fail(s, n, -EIO, kind);
		if (!session_open(s, &o, &session, &d))
			session_close(session, &d);
		calls = sys_memory_calls(s);
		sys_memory_fail(s, 0, 0, FAULT_ONCE);
		if (session_open(s, &o, &session, &d))
			fail_msg("call %lu: %s", n, d.text);
		assert_int_equal(session_close(session, &d), 0);
		after = net_text(s);
		if (strcmp(before, after) || !eth5_is_down(s))
			fail_msg("call %lu: was\n%sis (%s)\n%s", n, before,
				 is_down(&fake[ETH]) ? "down" : "up", after);
		free(store.text);
		sys_close(s);
		if (calls < n)
			break;
	}
}

static void card_back_down_and_restore_fails(void **state)
{
	card_back_down_sweep(FAULT_ONCE);
	card_back_down_sweep(FAULT_DEAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(card_comes_back),
		cmocka_unit_test(card_comes_back_down),
		cmocka_unit_test(card_back_is_taken),
		cmocka_unit_test(card_back_down_and_restore_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
