// SPDX-License-Identifier: Apache-2.0
/* A journal found at start: older boots, torn and damaged lines, strangers' lines, conflicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/diag.h"
#include "base/jsonio.h"
#include "knob/transaction.h"
#include "knob_machine.h"

#define STAT	"/proc/sys/vm/stat_interval"
#define STAT_AT "\"knob\":\"sysctl.vm.stat_interval\",\"instance\":\"\""
#define OTHER	"99999999-2222-3333-4444-555555555555"

static struct sys *s;
static struct memory_store store;

static int setup(void **state)
{
	s = machine_new();
	store_init(&store, s);
	return 0;
}

static int teardown(void **state)
{
	free(store.text);
	sys_close(s);
	return 0;
}

/* The persistent twin of a real knob: nothing shipped survives a reboot yet. */
static const struct knob *find_persistent(const char *name)
{
	static struct knob k;

	if (strcmp(name, "sysctl.vm.stat_interval"))
		return NULL;
	k = *knob_find(name);
	k.flags |= KNOB_PERSISTENT;
	return &k;
}

static int open_with(const char *journal, const struct knob *(*find)(const char *), struct diag *d,
		     json_t **report)
{
	struct session_options o = {.copy_fd = -1, .store = &store.store, .find = find};
	struct knob_session *session;
	int err;

	store_set(&store, journal);
	err = session_open(s, &o, &session, d);
	if (!err && report)
		*report = json_deep_copy(session_recovered(session));
	if (!err)
		err = session_close(session, d);
	return err;
}

#define WRITE(boot, original, intended)                                                        \
	"{\"op\":\"write\"," STAT_AT ",\"original\":\"" original "\",\"intended\":\"" intended \
	"\",\"boot\":\"" boot "\",\"n\":1}\n"
#define READ(value) "{\"op\":\"read\"," STAT_AT ",\"value\":\"" value "\",\"n\":2}\n"

static void ours_is_restored(void **state)
{
	_json_ json_t *report = NULL;
	struct diag d;

	sys_memory_file(s, STAT, 0644, "9");
	assert_int_equal(open_with(WRITE(BOOT_ID, "1", "9") READ("9"), NULL, &d, &report), 0);
	assert_string_equal(sys_memory_content(s, STAT), "1");
	assert_string_equal(jsonio_string(json_array_get(report, 0), "why", ""), "restored");
	assert_false(store.there);
}

/* Between the write and its read-back record the kernel may have rounded: anything is ours. */
static void without_readback_anything_is_ours(void **state)
{
	struct diag d;

	sys_memory_file(s, STAT, 0644, "8");
	assert_int_equal(open_with(WRITE(BOOT_ID, "1", "9"), NULL, &d, NULL), 0);
	assert_string_equal(sys_memory_content(s, STAT), "1");
}

static void conflict_is_left_alone(void **state)
{
	struct diag d;

	sys_memory_file(s, STAT, 0644, "44");
	assert_int_equal(open_with(WRITE(BOOT_ID, "1", "9") READ("9"), NULL, &d, NULL), -EUCLEAN);
	assert_non_null(strstr(d.text, "conflict"));
	assert_non_null(strstr(d.text, "\"44\""));
	assert_string_equal(sys_memory_content(s, STAT), "44");
	assert_true(store.there);
}

/* A knob that was only snapshotted is nobody's business: what it is now, we did not do. */
static void watched_only_is_not_touched(void **state)
{
	struct diag d;

	sys_memory_file(s, STAT, 0644, "44");
	assert_int_equal(open_with("{\"op\":\"own\"," STAT_AT
				   ",\"original\":\"1\",\"boot\":\"" BOOT_ID "\",\"n\":0}\n",
				   NULL, &d, NULL),
			 0);
	assert_string_equal(sys_memory_content(s, STAT), "44");
}

static void older_boot_is_moot(void **state)
{
	_json_ json_t *report = NULL;
	struct diag d;

	sys_memory_file(s, STAT, 0644, "9");
	assert_int_equal(open_with(WRITE(OTHER, "1", "9") READ("9"), NULL, &d, &report), 0);
	assert_string_equal(sys_memory_content(s, STAT), "9");
	assert_non_null(strstr(jsonio_string(json_array_get(report, 0), "why", ""), "moot"));
	assert_false(store.there);
}

static void older_boot_restores_persistent(void **state)
{
	struct diag d;

	sys_memory_file(s, STAT, 0644, "9");
	assert_int_equal(open_with(WRITE(OTHER, "1", "9") READ("9"), find_persistent, &d, NULL), 0);
	assert_string_equal(sys_memory_content(s, STAT), "1");
}

static void torn_tail_is_forgiven(void **state)
{
	struct diag d;

	sys_memory_file(s, STAT, 0644, "9");
	assert_int_equal(
		open_with(WRITE(BOOT_ID, "1", "9") READ("9") "{\"op\":\"wri", NULL, &d, NULL), 0);
	assert_string_equal(sys_memory_content(s, STAT), "1");
	assert_int_equal(open_with("", NULL, &d, NULL), 0);
	assert_int_equal(open_with("{", NULL, &d, NULL), 0);
}

/* A damaged line in the middle may have been somebody's original: say so, restore the rest. */
static void damage_is_told(void **state)
{
	struct diag d;

	sys_memory_file(s, STAT, 0644, "9");
	assert_int_equal(open_with("garbage\n" WRITE(BOOT_ID, "1", "9") READ("9"), NULL, &d, NULL),
			 -EUCLEAN);
	assert_non_null(strstr(d.text, "cannot be read"));
	assert_string_equal(sys_memory_content(s, STAT), "1");
}

static void strangers_lines_move_nothing(void **state)
{
	static const char *const lines[] = {
		"{\"op\":\"write\",\"knob\":\"no.such\",\"instance\":\"\",\"original\":\"1\","
		"\"intended\":\"2\",\"n\":0}\n",
		"{\"op\":\"write\",\"knob\":\"block.nomerges\",\"instance\":\"../loop9\","
		"\"original\":\"1\",\"intended\":\"2\",\"n\":0}\n",
		"{\"op\":\"write\",\"knob\":\"sysctl.vm.stat_interval\",\"instance\":\"/etc\","
		"\"original\":\"1\",\"intended\":\"2\",\"n\":0}\n",
		"{\"op\":\"write\"," STAT_AT
		",\"original\":\"1\\n2\",\"intended\":\"2\",\"n\":0}\n",
		"{\"op\":\"write\",\"knob\":\"block.io_poll\",\"instance\":\"loop9\","
		"\"original\":\"1\",\"intended\":\"0\",\"n\":0}\n",
		"{\"op\":\"write\",\"knob\":\"cpu.idle\",\"instance\":\"\",\"original\":\"1\","
		"\"intended\":\"0\",\"n\":0}\n",
	};
	_free_ char *before = machine_text(s);
	struct diag d;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_free_ char *after = NULL;

		assert_int_equal(open_with(lines[i], NULL, &d, NULL), -EUCLEAN);
		after = machine_text(s);
		assert_string_equal(before, after);
	}
	assert_string_equal(sys_memory_content(s, QUEUE "io_poll"), "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ours_is_restored, setup, teardown),
		cmocka_unit_test_setup_teardown(without_readback_anything_is_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(conflict_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(watched_only_is_not_touched, setup, teardown),
		cmocka_unit_test_setup_teardown(older_boot_is_moot, setup, teardown),
		cmocka_unit_test_setup_teardown(older_boot_restores_persistent, setup, teardown),
		cmocka_unit_test_setup_teardown(torn_tail_is_forgiven, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(strangers_lines_move_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
