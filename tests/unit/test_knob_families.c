// SPDX-License-Identifier: Apache-2.0
/* Each family's own code, on a machine in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/diag.h"
#include "knob/transaction.h"
#include "knob_machine.h"

static struct sys *s;
static char value[KNOB_VALUE_MAX];
static struct diag d;

static int setup(void **state)
{
	s = machine_new();
	return 0;
}

static int teardown(void **state)
{
	sys_close(s);
	return 0;
}

static const char *get(const char *knob, const char *instance)
{
	return knob_get(s, knob_find(knob), instance, value, &d) ? "error" : value;
}

static int set(const char *knob, const char *instance, const char *to)
{
	return knob_set(s, knob_find(knob), instance, to, &d);
}

static void registry_is_whole(void **state)
{
	size_t n;
	const struct knob *const *all = knob_all(&n);

	assert_true(n > 25);
	for (size_t i = 0; i < n; i++) {
		assert_non_null(all[i]->get);
		assert_non_null(all[i]->set);
		assert_non_null(all[i]->same);
		assert_true(strlen(all[i]->doc) > 10);
		assert_true(!(all[i]->flags & KNOB_HELD) == !all[i]->hold);
		if (i)
			assert_true(strcmp(all[i - 1]->name, all[i]->name) < 0);
		for (const char *const *name = all[i]->disturbs; name && *name; name++)
			assert_non_null(knob_find(*name));
	}
}

static void block(void **state)
{
	assert_string_equal(get("block.scheduler", "loop9"), "mq-deadline");
	assert_int_equal(set("block.scheduler", "loop9", "cfq"), -EINVAL);
	assert_non_null(strstr(d.text, "block.scheduler of loop9"));
	assert_non_null(strstr(d.text, "\"cfq\""));
	assert_string_equal(get("block.iosched", "loop9"), "read_expire=123");
	assert_int_equal(set("block.iosched", "loop9", "read_expire=9"), 0);
	assert_string_equal(sys_memory_content(s, QUEUE "iosched/read_expire"), "9");
	assert_int_equal(set("block.iosched", "loop9", "../nomerges=2"), -EINVAL);
	assert_int_equal(set("block.io_poll", "loop9", "1"), -EROFS);
	assert_int_equal(knob_get(s, knob_find("block.rq_affinity"), "loop9", value, &d), -ENOENT);
	assert_int_equal(set("block.nomerges", "../loop9", "1"), -EINVAL);
}

/* The head has the files, too (6.1), and a write to them would succeed without effect. */
static void multipath_head_is_refused(void **state)
{
	_free_ char **list = NULL;

	sys_memory_file(s, "/sys/block/nvme0n1/queue/nomerges", 0644, "0");
	sys_memory_file(s, "/sys/block/nvme0c1n1/queue/nomerges", 0644, "0");
	assert_int_equal(set("block.nomerges", "nvme0n1", "2"), -EOPNOTSUPP);
	assert_non_null(strstr(d.text, "nvme0c1n1"));
	assert_int_equal(set("block.nomerges", "nvme0c1n1", "2"), 0);
	assert_int_equal(knob_instances(s, knob_find("block.nomerges"), &list), 0);
	for (size_t i = 0; list[i]; i++)
		assert_string_not_equal(list[i], "nvme0n1");
}

static void irq(void **state)
{
	assert_string_equal(get("irq.affinity", "0000:00:01.0:balloon-a"), "0-1");
	assert_int_equal(set("irq.affinity", "ttyS0:ttyS0", "1"), 0);
	assert_string_equal(sys_memory_content(s, "/proc/irq/26/smp_affinity_list"), "1");
	assert_true(knob_find("irq.affinity")->same("0,1", "0-1"));
	assert_false(knob_find("irq.affinity")->same("0", "0-1"));
	/* read-only since 6.12, EIO before */
	assert_int_equal(set("irq.affinity", "0000:00:02.0:disk-req.0", "1"), -EOPNOTSUPP);
	assert_non_null(strstr(d.text, "managed"));
	sys_memory_file(s, "/proc/irq/36/smp_affinity_list", 0644, "0-1");
	sys_memory_on_write(s, "/proc/irq/36/smp_affinity_list", refuse_eio);
	assert_int_equal(set("irq.affinity", "0000:00:02.0:disk-req.0", "1"), -EOPNOTSUPP);
	assert_int_equal(set("irq.affinity", "0000:00:01.0:balloon-a", "one"), -EINVAL);
	assert_int_equal(set("irq.affinity", "0000:00:09.0:nobody", "1"), -ENOENT);
}

/* A driver reload gives the vector another number: its name still finds it. */
static void irq_survives_renumbering(void **state)
{
	sys_memory_file(s, "/proc/interrupts", 0444,
			"     CPU0  CPU1\n 55:  0  0 PCI-MSI  1-edge  balloon-a\n");
	sys_memory_file(s, "/sys/bus/pci/devices/0000:00:01.0/msi_irqs/55", 0444, "");
	sys_memory_file(s, "/proc/irq/55/smp_affinity_list", 0644, "0");
	assert_int_equal(set("irq.affinity", "0000:00:01.0:balloon-a", "1"), 0);
	assert_string_equal(sys_memory_content(s, "/proc/irq/55/smp_affinity_list"), "1");
	sys_memory_file(s, "/proc/interrupts", 0444,
			"     CPU0  CPU1\n 5:  0  0 IO-APIC  1-edge  twin\n 6:  0  0 IO-APIC  "
			"2-edge  twin\n");
	assert_int_equal(set("irq.affinity", "twin:twin", "1"), -ENOTUNIQ);
}

static void nvme(void **state)
{
	assert_string_equal(get("nvme.interrupt-coalescing", "nvme0"), "1,0");
	assert_int_equal(set("nvme.interrupt-coalescing", "nvme0", "11,200"), 0);
	assert_int_equal(sys_memory_nvme_value(s, "/dev/nvme0", 0x08, 0), 0x020a);
	assert_string_equal(get("nvme.interrupt-coalescing", "nvme0"), "11,200");
	assert_int_equal(set("nvme.interrupt-coalescing", "nvme0", "11,250"), -EINVAL);
	assert_int_equal(set("nvme.interrupt-coalescing", "nvme0", "0,100"), -EINVAL);
	assert_int_equal(set("nvme.vector-coalescing", "nvme0:1", "0"), 0);
	assert_int_equal(sys_memory_nvme_value(s, "/dev/nvme0", 0x09, 1), 0x10001);
	assert_string_equal(get("nvme.vector-coalescing", "nvme0:1"), "0");
	assert_int_equal(set("nvme.vector-coalescing", "nvme0", "0"), -EINVAL);
	assert_int_equal(set("nvme.vector-coalescing", "nvme0:7", "0"), -EOPNOTSUPP);
	assert_non_null(strstr(d.text, "(0x002)"));
	sys_memory_nvme(s, "/dev/nvme0", 0x08, 0, 0, false);
	assert_int_equal(set("nvme.interrupt-coalescing", "nvme0", "2,100"), -EOPNOTSUPP);
	assert_non_null(strstr(d.text, "Feature Not Changeable (0x10e)"));
	assert_false(sys_memory_nvme_saved(s));
}

static void cpu(void **state)
{
	assert_string_equal(get("cpu.idle", ""), "2000000000");
	assert_string_equal(get("cpu.turbo", ""), "error");
	sys_memory_file(s, "/sys/devices/system/cpu/intel_pstate/no_turbo", 0644, "1");
	assert_string_equal(get("cpu.turbo", ""), "0");
	assert_int_equal(set("cpu.turbo", "", "1"), 0);
	assert_string_equal(sys_memory_content(s, "/sys/devices/system/cpu/intel_pstate/no_turbo"),
			    "0");
	sys_memory_file(s, "/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", 0644,
			"schedutil");
	assert_string_equal(get("cpu.governor", "3"), "schedutil");
	assert_int_equal(set("cpu.governor", "3x", "performance"), -EINVAL);
}

static char *journaled; /* of the last apply() */

static int apply(struct memory_store *store, const char *setting, char **during)
{
	struct session_options o = {.copy_fd = -1, .store = &store->store};
	_free_ struct knob_setting *one = calloc(1, sizeof(*one));
	struct knob_session *session;
	int err;

	assert_int_equal(knob_parse_setting(setting, NULL, one, &d), 0);
	assert_int_equal(session_open(s, &o, &session, &d), 0);
	err = session_apply(session, one, 1, &d);
	*during = machine_text(s);
	free(journaled);
	journaled = strndup(store->text, store->len);
	assert_int_equal(session_close(session, &d), 0);
	return err;
}

/* The daemon is frozen by itself, and goes on when the vector is back; its list is for who names
 * it. */
static void irqbalance(void **state)
{
	_free_ char *before = machine_text(s), *during = NULL, *after = NULL, *told = NULL;
	struct memory_store store;

	store_init(&store, s);
	assert_int_equal(apply(&store, "irq.affinity:0000:00:01.0:balloon-a=1", &during), 0);
	assert_non_null(strstr(during, "banned=26 nvme"));
	assert_non_null(strstr(during, "(irqbalance) T"));
	/* restored in reverse: it goes on last */
	assert_true(strstr(journaled, "irqbalance.running") < strstr(journaled, "irq.affinity"));
	after = machine_text(s);
	assert_string_equal(before, after);

	assert_int_equal(apply(&store, "irqbalance.banned:0000:00:01.0:balloon-a=1", &told), 0);
	assert_non_null(strstr(told, "banned=26 29 "));
	assert_non_null(strstr(told, "(irqbalance) S"));
	free(after);
	after = machine_text(s);
	assert_string_equal(before, after);

	/* who is stopped is not asked: it would not answer, and dies of it when it goes on */
	assert_int_equal(set("irqbalance.running", "", "0"), 0);
	assert_string_equal(get("irqbalance.banned", "0000:00:01.0:balloon-a"), "error");
	assert_non_null(strstr(d.text, "is stopped"));
	free(during);
	assert_int_equal(apply(&store, "irq.affinity:0000:00:01.0:balloon-a=1", &during), 0);
	assert_non_null(strstr(sys_memory_content(s, "/proc/77/stat"), "(irqbalance) T"));
	free(store.text);
	free(journaled);
	journaled = NULL;
}

/* Somebody else has moved our vector: a conflict, but not where irqbalance runs, whose it is then.
 */
static void moved_by_others(void **state)
{
	static const char vector[] = "0000:00:01.0:balloon-a";
	struct memory_store store;

	for (int goes = 0; goes < 2; goes++) {
		struct session_options o = {.copy_fd = -1, .store = &store.store};
		_free_ struct knob_setting *one = calloc(1, sizeof(*one));
		struct knob_session *session;

		store_init(&store, s);
		assert_int_equal(set("irq.affinity", vector, "0-3"), 0);
		assert_int_equal(
			knob_parse_setting("irq.affinity:0000:00:01.0:balloon-a=1", NULL, one, &d),
			0);
		assert_int_equal(session_open(s, &o, &session, &d), 0);
		assert_int_equal(session_apply(session, one, 1, &d), 0);
		assert_int_equal(set("irq.affinity", vector, "2"), 0);
		if (goes)
			assert_int_equal(set("irqbalance.running", "", "1"), 0);
		assert_int_equal(session_close(session, &d), goes ? 0 : -EUCLEAN);
		if (!goes)
			assert_non_null(strstr(d.text, "conflict"));
		assert_string_equal(get("irq.affinity", vector), "2");
		assert_string_equal(get("irqbalance.running", ""), "1");
		free(store.text);
	}
}

static void settings_as_people_write_them(void **state)
{
	_free_ struct knob_setting *one = calloc(1, sizeof(*one));

	assert_int_equal(knob_parse_setting("block.nomerges=2", "loop9", one, &d), 0);
	assert_string_equal(one->instance, "loop9");
	assert_int_equal(knob_parse_setting("block.nomerges=2", NULL, one, &d), -EINVAL);
	assert_int_equal(knob_parse_setting("nvme.interrupt-coalescing=2,100", "nvme3n1", one, &d),
			 0);
	assert_string_equal(one->instance, "nvme3");
	assert_int_equal(knob_parse_setting("block.shceduler=none", "loop9", one, &d), -EINVAL);
	assert_non_null(strstr(d.text, "did you mean \"block.scheduler\""));
	assert_int_equal(knob_parse_setting("thp.enabled", NULL, one, &d), -EINVAL);
	assert_int_equal(knob_parse_setting("thp.enabled:x=never", NULL, one, &d), -EINVAL);
	assert_int_equal(knob_parse_setting("thp.enabled=a\nb", NULL, one, &d), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registry_is_whole),
		cmocka_unit_test_setup_teardown(block, setup, teardown),
		cmocka_unit_test_setup_teardown(multipath_head_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(irq, setup, teardown),
		cmocka_unit_test_setup_teardown(irq_survives_renumbering, setup, teardown),
		cmocka_unit_test_setup_teardown(nvme, setup, teardown),
		cmocka_unit_test_setup_teardown(cpu, setup, teardown),
		cmocka_unit_test_setup_teardown(irqbalance, setup, teardown),
		cmocka_unit_test_setup_teardown(moved_by_others, setup, teardown),
		cmocka_unit_test(settings_as_people_write_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
