// SPDX-License-Identifier: Apache-2.0
/* Where the kernel threads of NAPI may run, under the restore contract. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/diag.h"
#include "base/jsonio.h"
#include "net_session.h"

#define ONLINE "/sys/devices/system/cpu/online"

/* Where the thread of eth5's instance may run; "": it has none. */
static const char *allowed(unsigned napi)
{
	static char list[64];
	char path[64];
	const char *text, *found;

	snprintf(path, sizeof(path), "/proc/%d/status", fake[ETH].napi[napi].pid);
	text = fake[ETH].napi[napi].pid ? sys_memory_content(fake[ETH].sys, path) : NULL;
	found = text ? strstr(text, "Cpus_allowed_list:\t") : NULL;
	snprintf(list, sizeof(list), "%.*s", found ? (int)strcspn(found + 19, "\n") : 0,
		 found ? found + 19 : "");
	return list;
}

/* An administrator has it threaded. */
static struct sys *threaded(struct memory_store *store)
{
	struct sys *s = net_machine_new();

	sys_memory_file(s, ONLINE, 0444, "0-3");
	on_threaded(s, ETH5 "threaded", "1");
	store_init(store, s);
	return s;
}

static void finish(struct sys *s, struct knob_session *session, struct memory_store *store)
{
	struct diag d = {""};

	if (session_close(session, &d))
		fail_msg("%s", d.text);
	assert_false(store->there);
	free(store->text);
	sys_close(s);
}

static void pins(void **state)
{
	for (int named = 0; named < 2; named++) {
		struct memory_store store;
		struct sys *s = threaded(&store);
		struct knob_session *session = open_session(s, &store);
		_free_ char *before = net_text(s), *after = NULL;
		struct diag d = {""};

		no_netdev = named; /* then they are found by name, the lowest id first */
		if (apply(session,
			  TEXTS("napi.thread-cpus:eth5#0=1", "napi.thread-cpus:eth5#3=2,3"), &d))
			fail_msg("%s", d.text);
		assert_string_equal(allowed(0), "1");
		assert_string_equal(allowed(1), "0-3");
		assert_string_equal(allowed(3), "2-3");
		if (session_restore(session, &d))
			fail_msg("%s", d.text);
		assert_string_equal(allowed(0), "0-3");
		assert_string_equal(allowed(3), "0-3");
		after = net_text(s);
		assert_string_equal(before, after);
		finish(s, session, &store);
	}
}

/* Ours: they come with net.threaded, and go with it (since 6.17) or are parked. */
static void comes_and_goes(void **state)
{
	for (int parked = 0; parked < 2; parked++) {
		struct memory_store store;
		struct sys *s = net_machine_new();
		struct knob_session *session;
		struct diag d = {""};

		store_init(&store, s);
		session = open_session(s, &store);
		parks = parked;
		if (apply(session, TEXTS("net.threaded:eth5=1"), &d) ||
		    apply(session, TEXTS("napi.thread-cpus:eth5#2=1"), &d))
			fail_msg("%s", d.text);
		assert_string_equal(allowed(2), "1");
		if (session_restore(session, &d))
			fail_msg("%s", d.text);
		assert_string_equal(allowed(2), parked ? "0-3" : "");
		assert_string_equal(sys_memory_content(s, ETH5 "threaded"), "0");
		finish(s, session, &store);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *setting, *words;
	} rows[] = {
		{"napi.thread-cpus:eth5#4=1", "eth5 has 4 NAPI instances"},
		{"napi.thread-cpus:veth0@server#0=1", "the instance has no thread"},
		{"napi.thread-cpus:eth5#2=1", "the instance has no thread"}, /* another's number */
		{"napi.thread-cpus:eth5#0=x", "x"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct memory_store store;
		struct sys *s = threaded(&store);
		struct knob_session *session = open_session(s, &store);
		char path[64];
		struct diag d = {""};

		snprintf(path, sizeof(path), "/proc/%d/comm", fake[ETH].napi[2].pid);
		sys_memory_file(s, path, 0444, "bash");
		if (!apply(session, TEXTS(rows[i].setting), &d) || !strstr(d.text, rows[i].words))
			fail_msg("%s: %s", rows[i].setting, d.text);
		assert_string_equal(allowed(0), "0-3");
		finish(s, session, &store);
	}
}

/* What is allowed and not there cannot be given back: the kernel keeps to what is online. */
static void offline(void **state)
{
	struct memory_store store;
	struct sys *s = threaded(&store);
	struct knob_session *session;
	struct diag d = {""};

	sys_memory_file(s, ONLINE, 0444, "0-1");
	session = open_session(s, &store);
	if (apply(session, TEXTS("napi.thread-cpus:eth5#1=0"), &d))
		fail_msg("%s", d.text);
	assert_string_equal(allowed(1), "0");
	if (session_restore(session, &d))
		fail_msg("%s", d.text);
	assert_string_equal(allowed(1), "0-1");
	finish(s, session, &store);
}

/* kill -9 of all of us at any call, or one that fails: the next start lets the threads go. */
static void sweep(enum memory_fault kind)
{
	unsigned long calls = ~0UL;

	for (unsigned long n = 1; n <= calls; n++) {
		struct memory_store store;
		struct sys *s = threaded(&store);
		struct session_options o = {.copy_fd = -1, .store = &store.store};
		struct knob_session *session = NULL;
		struct diag d = {""};

		sys_memory_fail(s, n, -EIO, kind);
		if (!session_open(s, &o, &session, &d)) {
			apply(session, TEXTS("napi.thread-cpus:eth5#1=1"), &d);
			session_close(session, &d);
		}
		if (sys_memory_calls(s) < n)
			calls = 0;
		sys_memory_fail(s, 0, 0, FAULT_ONCE);
		session = open_session(s, &store);
		if (strcmp(allowed(1), "0-3"))
			fail_msg("call %lu: it may run on %s", n, allowed(1));
		finish(s, session, &store);
		assert_true(n < 1000);
		if (!calls)
			assert_true(n > 20);
	}
}

static void dies(void **state)
{
	sweep(FAULT_DEAD);
}

static void fails(void **state)
{
	sweep(FAULT_ONCE);
	sweep(FAULT_AFTER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pins),	   cmocka_unit_test(comes_and_goes),
		cmocka_unit_test(refused), cmocka_unit_test(offline),
		cmocka_unit_test(dies),	   cmocka_unit_test(fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
