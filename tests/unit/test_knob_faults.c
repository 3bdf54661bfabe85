// SPDX-License-Identifier: Apache-2.0
/*
 * The restore contract while call N fails, for every N until the scenario gets through untouched:
 * reads, writes, lists, ioctls, sockets and the journal's own writes, fsyncs and removals. Whatever
 * happens, either the machine is as it was, or the status names exactly what is not, and a restore
 * on the healthy system brings all of it back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/diag.h"
#include "base/jsonio.h"
#include "knob/transaction.h"
#include "knob_machine.h"

static const char *const scenario[] = {
	"block.scheduler:loop9=bfq",
	"block.nr_requests:loop9=32",
	"block.nomerges:loop9=2",
	"sysctl.vm.stat_interval=30",
	"thp.enabled=never",
	"irq.affinity:0000:00:01.0:balloon-a=1",
	"nvme.interrupt-coalescing:nvme0=11,200",
	"nvme.vector-coalescing:nvme0:1=0",
	"cpu.idle=0",
};

static struct knob_setting *settings(size_t *n)
{
	struct knob_setting *list = calloc(ARRAY_SIZE(scenario), sizeof(*list));
	struct diag d;

	*n = ARRAY_SIZE(scenario);
	for (size_t i = 0; i < *n; i++)
		assert_int_equal(knob_parse_setting(scenario[i], NULL, &list[i], &d), 0);
	return list;
}

/* Everything the journal may name, and its value on the healthy machine. */
static const struct {
	const char *knob, *instance;
} owned[] = {
	{"block.scheduler", "loop9"},
	{"block.nr_requests", "loop9"},
	{"block.iosched", "loop9"},
	{"block.wbt_lat_usec", "loop9"},
	{"block.nomerges", "loop9"},
	{"sysctl.vm.stat_interval", ""},
	{"thp.enabled", ""},
	{"irq.affinity", "0000:00:01.0:balloon-a"},
	{"irqbalance.running", ""},
	{"nvme.interrupt-coalescing", "nvme0"},
	{"nvme.vector-coalescing", "nvme0:1"},
};

static void values(struct sys *s, char v[ARRAY_SIZE(owned)][KNOB_VALUE_MAX])
{
	struct diag d;

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		if (knob_get(s, knob_find(owned[i].knob), owned[i].instance, v[i], &d))
			strcpy(v[i], "(unreadable)");
}

static bool names(const json_t *list, const char *knob, const char *instance)
{
	const json_t *e;
	size_t i;

	json_array_foreach (list, i, e)
		if (!strcmp(jsonio_string(e, "knob", ""), knob) &&
		    !strcmp(jsonio_string(e, "instance", ""), instance))
			return true;
	return false;
}

static char before[ARRAY_SIZE(owned)][KNOB_VALUE_MAX], now[ARRAY_SIZE(owned)][KNOB_VALUE_MAX];

/* The list names what differs, all of it, and nothing else. */
static size_t assert_names_exactly(struct sys *s, const json_t *list)
{
	size_t differ = 0;

	values(s, now);
	for (size_t i = 0; i < ARRAY_SIZE(owned); i++) {
		bool differs = strcmp(before[i], now[i]) != 0;

		differ += differs;
		if (differs != names(list, owned[i].knob, owned[i].instance))
			fail_msg("%s %s: was \"%s\", is \"%s\", %s in the list", owned[i].knob,
				 owned[i].instance, before[i], now[i], differs ? "not" : "yet");
	}
	assert_int_equal(differ, json_array_size(list));
	return differ;
}

static json_t *status(struct sys *s, struct memory_store *store)
{
	struct journal j = {
		.store = &store->store, .find = knob_find, .copy_fd = -1, .boot = BOOT_ID};
	json_t *left = json_array();
	struct diag d;

	assert_int_equal(journal_load(&j, &d), 0);
	assert_int_equal(restore_inspect(s, &j, left), 0);
	assert_int_equal(j.damaged, 0);
	journal_clear(&j);
	return left;
}

struct outcome {
	int open, apply, restore, close;
	size_t residue;
};

static struct outcome run(struct sys *s, struct memory_store *store)
{
	struct session_options o = {.copy_fd = -1, .store = &store->store};
	struct knob_session *session = NULL;
	struct outcome out = {0};
	struct diag d = {""};
	size_t n;
	_free_ struct knob_setting *list = settings(&n);
	_json_ json_t *residue = NULL, *log = NULL;

	out.open = session_open(s, &o, &session, &d);
	if (out.open) {
		assert_true(strlen(d.text) > 0);
		return out;
	}
	out.apply = session_apply(session, list, n, &d);
	if (out.apply)
		assert_true(strlen(d.text) > 0);
	out.restore = session_restore(session, &d);
	residue = session_residue(session);
	out.residue = json_array_size(residue);
	log = session_take_log(session);
	out.close = session_close(session, &d);
	return out;
}

static unsigned long sweep(enum memory_fault kind, int err)
{
	unsigned long left_something = 0;

	for (unsigned long n = 1;; n++) {
		struct sys *s = machine_new();
		_free_ char *text = machine_text(s), *after = NULL;
		_json_ json_t *left = NULL;
		struct memory_store store;
		struct outcome out;
		bool reached;

		store_init(&store, s);
		values(s, before);
		sys_memory_fail(s, n, err, kind);
		out = run(s, &store);
		reached = sys_memory_calls(s) >= n;
		sys_memory_fail(s, 0, 0, FAULT_ONCE);

		left = status(s, &store);
		assert_names_exactly(s, left);
		if (!out.open && !out.close) { /* it said clean, so it is, and nothing is open */
			assert_int_equal(json_array_size(left), 0);
			assert_false(store.there);
		}
		assert_int_equal(sys_memory_held(s), 0);
		left_something += json_array_size(left) != 0;

		/* on the healthy machine everything comes back */
		if (store.there) {
			struct session_options o = {.copy_fd = -1, .store = &store.store};
			struct knob_session *session;
			struct diag d;

			assert_int_equal(session_open(s, &o, &session, &d), 0);
			assert_int_equal(session_close(session, &d), 0);
		}
		assert_false(store.there);
		after = machine_text(s);
		assert_string_equal(text, after);
		assert_false(sys_memory_nvme_saved(s));
		free(store.text);
		sys_close(s);
		if (!reached) {
			assert_int_equal(out.apply, 0);
			print_message(
				"  %lu calls, each failed once; %lu left something for later\n",
				n - 1, left_something);
			return n - 1;
		}
	}
}

static void fails_once(void **state)
{
	/* one failure is never enough to leave anything: restoring tries again at close */
	assert_true(sweep(FAULT_ONCE, -EIO) > 50);
	assert_true(sweep(FAULT_ONCE, -ENOSPC) > 50);
	assert_true(sweep(FAULT_ONCE, -ENOMEM) > 50);
}

static void fails_after_its_effect(void **state)
{
	assert_true(sweep(FAULT_AFTER, -EIO) > 50);
}

/* The process dies there: nothing of its clean-up reaches the machine. */
static void dies(void **state)
{
	assert_true(sweep(FAULT_DEAD, -EIO) > 50);
}

static void writes_stay_refused(void **state)
{
	assert_true(sweep(FAULT_WRITES, -EIO) > 50);
}

/* The session itself names the rest, not only a later status. */
static void residue_is_exact(void **state)
{
	struct session_options o = {.copy_fd = -1};
	size_t n;
	_free_ struct knob_setting *list = settings(&n);

	for (unsigned long at = 0; at < 200; at++) {
		struct sys *s = machine_new();
		struct knob_session *session;
		struct memory_store store;
		_json_ json_t *residue = NULL;
		struct diag d;
		int err;

		store_init(&store, s);
		o.store = &store.store;
		values(s, before);
		assert_int_equal(session_open(s, &o, &session, &d), 0);
		assert_int_equal(session_apply(session, list, n, &d), 0);
		sys_memory_fail(s, at + 1, -EIO, FAULT_WRITES);
		err = session_restore(session, &d);
		residue = session_residue(session);
		sys_memory_fail(s, 0, 0, FAULT_ONCE);
		assert_int_equal(err, json_array_size(residue) ? -EUCLEAN : 0);
		assert_names_exactly(s, residue);
		assert_int_equal(session_close(session, &d), 0);
		free(store.text);
		sys_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fails_once),
		cmocka_unit_test(fails_after_its_effect),
		cmocka_unit_test(dies),
		cmocka_unit_test(writes_stay_refused),
		cmocka_unit_test(residue_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
