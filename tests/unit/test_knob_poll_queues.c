// SPDX-License-Identifier: Apache-2.0
/*
 * nvme.poll_queues on a controller in memory whose driver behaves as Linux': unbinding takes every
 * file of the controller away, binding makes them anew with the driver's defaults and as many poll
 * queues as the module parameter says. While call N fails, for every N, the controller comes back
 * whole: its poll queues, its module parameter, and the scheduler that the administrator chose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/diag.h"
#include "knob/poll_queues.h"
#include "knob/transaction.h"
#include "knob_machine.h"

#define PCI	  "0000:01:00.0"
#define DEVICE	  "/sys/bus/pci/devices/" PCI
#define DRIVER	  "/sys/bus/pci/drivers/nvme/"
#define PARAMETER "/sys/module/nvme/parameters/poll_queues"
#define DISK	  "/sys/block/nvme3n1/"
#define DEFAULTS  4 /* queues with a vector */

static unsigned queues_of_device = 8; /* its own limit */

static const char *const made[] = {
	DEVICE "/driver",
	DEVICE "/nvme/nvme3/state",
	DRIVER PCI,
	DISK "queue/scheduler",
	DISK "queue/nomerges",
	"/sys/class/block/nvme3n1/dev",
	"/sys/class/block/nvme3n1/queue/io_poll",
};

static void queue_files(struct sys *s, unsigned index, bool there)
{
	char mq[128], type[128];

	snprintf(mq, sizeof(mq), DEVICE "/nvme/nvme3/nvme3n1/mq/%u/cpu_list", index);
	snprintf(type, sizeof(type), "/sys/kernel/debug/block/nvme3n1/hctx%u/type", index);
	if (!there) {
		sys_memory_remove(s, mq);
		sys_memory_remove(s, type);
		return;
	}
	sys_memory_file(s, mq, 0444, "0");
	sys_memory_file(s, type, 0444, index < DEFAULTS ? "default" : "poll");
}

static int on_unbind(struct sys *s, const char *path, const char *value)
{
	if (strcmp(value, PCI) || !sys_memory_content(s, DEVICE "/driver"))
		return -ENODEV;
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		sys_memory_remove(s, made[i]);
	for (unsigned i = 0; i < 64; i++)
		queue_files(s, i, false);
	return 0;
}

static int on_bind(struct sys *s, const char *path, const char *value)
{
	unsigned asked = (unsigned)atoi(sys_memory_content(s, PARAMETER));

	if (strcmp(value, PCI) || sys_memory_content(s, DEVICE "/driver"))
		return -ENODEV;
	if (asked > queues_of_device - 1)
		asked = queues_of_device - 1;
	sys_memory_link(s, DEVICE "/driver", "../../../bus/pci/drivers/nvme");
	sys_memory_link(s, DRIVER PCI, DEVICE);
	sys_memory_file(s, DEVICE "/nvme/nvme3/state", 0444, "live");
	sys_memory_file(s, DISK "queue/scheduler", 0644, "[none] mq-deadline");
	sys_memory_on_write(s, DISK "queue/scheduler", sys_memory_choose);
	sys_memory_file(s, DISK "queue/nomerges", 0644, "0");
	sys_memory_file(s, "/sys/class/block/nvme3n1/dev", 0444, "259:0");
	sys_memory_file(s, "/sys/class/block/nvme3n1/queue/io_poll", 0444, asked ? "1" : "0");
	for (unsigned i = 0; i < DEFAULTS + asked; i++)
		queue_files(s, i, true);
	return 0;
}

static struct sys *nvme_new(void)
{
	struct sys *s = machine_new();

	sys_memory_file(s, DEVICE "/class", 0444, "0x010802");
	sys_memory_file(s, PARAMETER, 0644, "0");
	sys_memory_file(s, DRIVER "unbind", 0200, "");
	sys_memory_file(s, DRIVER "bind", 0200, "");
	sys_memory_on_write(s, DRIVER "unbind", on_unbind);
	sys_memory_on_write(s, DRIVER "bind", on_bind);
	sys_memory_file(s, "/proc/77/mountinfo", 0444, "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	queues_of_device = 8;
	assert_int_equal(on_bind(s, "", PCI), 0);
	sys_memory_choose(s, DISK "queue/scheduler", "mq-deadline"); /* the administrator's */
	return s;
}

static void assert_as_before(struct sys *s)
{
	char value[KNOB_VALUE_MAX];
	struct diag d = {""};

	if (knob_get(s, knob_find("nvme.poll_queues"), PCI, value, &d))
		fail_msg("%s", d.text);
	assert_string_equal(value, "0");
	assert_string_equal(sys_memory_content(s, PARAMETER), "0");
	assert_string_equal(sys_memory_content(s, DISK "queue/scheduler"), "none [mq-deadline]");
	assert_string_equal(sys_memory_content(s, DISK "queue/nomerges"), "0");
}

static int apply(struct knob_session *session, const char *text, struct diag *d)
{
	_free_ struct knob_setting *one = calloc(1, sizeof(*one));
	int err = knob_parse_setting(text, NULL, one, d);

	return err ? err : session_apply(session, one, 1, d);
}

/* A run as it is: rebind, two trials of their own knobs, end. */
static int run(struct sys *s, struct memory_store *store, struct diag *d)
{
	struct session_options o = {.copy_fd = -1, .store = &store->store};
	struct knob_session *session = NULL;
	struct diag last;
	int err = session_open(s, &o, &session, d), closed;

	if (err)
		return err;
	err = apply(session, "nvme.poll_queues:" PCI "=2", d);
	if (!err)
		session_keep(session, true);
	for (int i = 0; !err && i < 2; i++) {
		err = apply(session, "block.scheduler:nvme3n1=none", d);
		if (!err)
			err = apply(session, "sysctl.vm.stat_interval=30", d);
		if (!err)
			err = session_restore(session, d);
	}
	closed = session_close(session, &last);
	return err ? err : closed;
}

static void test_round_trip(void **state)
{
	struct sys *s = nvme_new();
	struct memory_store store;
	struct session_options o = {.copy_fd = -1, .store = &store.store};
	struct knob_session *session;
	char value[KNOB_VALUE_MAX];
	struct diag d = {""};
	_json_ json_t *log = NULL;

	store_init(&store, s);
	assert_int_equal(session_open(s, &o, &session, &d), 0);
	if (apply(session, "nvme.poll_queues:" PCI "=2", &d))
		fail_msg("%s", d.text);
	assert_int_equal(knob_get(s, knob_find("nvme.poll_queues"), PCI, value, &d), 0);
	assert_string_equal(value, "2");
	assert_string_equal(sys_memory_content(s, PARAMETER), "0");
	/* the new queue has the administrator's scheduler, not the driver's */
	assert_string_equal(sys_memory_content(s, DISK "queue/scheduler"), "none [mq-deadline]");

	session_keep(session, true);
	json_decref(session_take_log(session));
	assert_int_equal(apply(session, "block.scheduler:nvme3n1=none", &d), 0);
	assert_int_equal(apply(session, "sysctl.vm.stat_interval=30", &d), 0);
	assert_int_equal(session_restore(session, &d), 0);
	log = session_take_log(session);
	assert_int_equal(json_array_size(log), 2); /* the trial's own knobs and no others */
	assert_string_equal(sys_memory_content(s, "/proc/sys/vm/stat_interval"), "1");
	assert_string_equal(sys_memory_content(s, DISK "queue/scheduler"), "none [mq-deadline]");
	assert_int_equal(knob_get(s, knob_find("nvme.poll_queues"), PCI, value, &d), 0);
	assert_string_equal(value, "2"); /* what is kept stays */
	assert_true(store.there);

	assert_int_equal(session_close(session, &d), 0);
	assert_as_before(s);
	assert_false(store.there);
	free(store.text);
	sys_close(s);
}

/* Every value that may be wrong while call N fails is put right by the next start. */
static void fail_everywhere(enum memory_fault kind)
{
	for (unsigned long n = 1;; n++) {
		struct sys *s = nvme_new();
		struct memory_store store;
		struct diag d = {""};
		struct session_options o = {.copy_fd = -1, .store = &store.store};
		struct knob_session *session = NULL;
		unsigned long calls;

		store_init(&store, s);
		sys_memory_fail(s, n, -EIO, kind);
		run(s, &store, &d);
		calls = sys_memory_calls(s);
		sys_memory_fail(s, 0, 0, FAULT_ONCE);
		if (session_open(s, &o, &session, &d))
			fail_msg("call %lu: %s", n, d.text);
		assert_int_equal(session_close(session, &d), 0);
		if (strcmp(sys_memory_content(s, DISK "queue/scheduler"), "none [mq-deadline]"))
			fail_msg("call %lu: the scheduler is lost; %s", n, d.text);
		assert_as_before(s);
		assert_string_equal(sys_memory_content(s, "/proc/sys/vm/stat_interval"), "1");
		free(store.text);
		sys_close(s);
		if (calls < n)
			break;
	}
}

static void test_call_fails(void **state)
{
	fail_everywhere(FAULT_ONCE);
}

static void test_call_fails_after(void **state)
{
	fail_everywhere(FAULT_AFTER);
}

/* As kill -9: from call N on nothing of ours happens any more. */
static void test_dies(void **state)
{
	fail_everywhere(FAULT_DEAD);
}

static void test_fewer_than_asked(void **state)
{
	struct sys *s = nvme_new();
	struct memory_store store;
	struct session_options o = {.copy_fd = -1, .store = &store.store};
	struct knob_session *session;
	char value[KNOB_VALUE_MAX];
	struct diag d = {""};

	store_init(&store, s);
	queues_of_device = 1;
	assert_int_equal(session_open(s, &o, &session, &d), 0);
	assert_int_equal(apply(session, "nvme.poll_queues:" PCI "=2", &d), 0);
	assert_int_equal(knob_get(s, knob_find("nvme.poll_queues"), PCI, value, &d), 0);
	assert_string_equal(value, "0");
	assert_int_equal(session_close(session, &d), 0);
	assert_as_before(s);
	free(store.text);
	sys_close(s);
}

static void refused(struct sys *s, const char *reason)
{
	struct diag d = {""};

	assert_int_equal(poll_queues_free(s, PCI, &d), -EBUSY);
	assert_non_null(strstr(d.text, reason));
	assert_int_equal(knob_set(s, knob_find("nvme.poll_queues"), PCI, "2", &d), -EBUSY);
	assert_string_equal(sys_memory_content(s, PARAMETER), "0");
	assert_non_null(sys_memory_content(s, DEVICE "/driver"));
}

static void test_in_use(void **state)
{
	struct sys *s = nvme_new();
	struct diag d = {""};

	assert_int_equal(poll_queues_free(s, PCI, &d), 0);
	sys_memory_file(s, "/proc/77/mountinfo", 0444,
			"1 1 259:0 / /srv rw - ext4 /dev/nvme3n1 rw\n");
	refused(s, "mounted on /srv");
	sys_memory_file(s, "/proc/77/mountinfo", 0444, "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	sys_memory_file(s, "/sys/class/block/nvme3n1/holders/dm-0", 0444, "");
	refused(s, "held by dm-0");
	sys_memory_remove(s, "/sys/class/block/nvme3n1/holders/dm-0");
	sys_memory_link(s, "/proc/77/fd/5", "/dev/nvme3n1p2");
	refused(s, "open in process 77");
	sys_memory_link(s, "/proc/77/fd/5", "/dev/ng3n1");
	refused(s, "open in process 77");
	sys_memory_link(s, "/proc/77/fd/5", "/dev/nvme3n10"); /* another namespace's */
	assert_int_equal(poll_queues_free(s, PCI, &d), 0);
	sys_close(s);
}

/* Whatever a new queue has by default is snapshotted: a new row of the block family belongs into
 * the list of what a rebind disturbs. */
static void test_disturbs_all_of_the_block_family(void **state)
{
	const struct knob *k = knob_find("nvme.poll_queues");
	size_t n;
	const struct knob *const *all = knob_all(&n);

	for (size_t i = 0; i < n; i++) {
		bool listed = false;

		if (all[i]->scope != KNOB_BLOCK || (all[i]->flags & KNOB_READ_ONLY))
			continue;
		for (const char *const *name = k->disturbs; *name; name++)
			listed |= !strcmp(*name, all[i]->name);
		if (!listed)
			fail_msg("%s is lost by a rebind", all[i]->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_call_fails),
		cmocka_unit_test(test_call_fails_after),
		cmocka_unit_test(test_dies),
		cmocka_unit_test(test_fewer_than_asked),
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_disturbs_all_of_the_block_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
