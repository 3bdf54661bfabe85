// SPDX-License-Identifier: Apache-2.0
/* What a host does during a trial, on a machine in memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/jsonio.h"
#include "sys/kmsg.h"
#include "sys/sys.h"
#include "sys/sys_memory.h"
#include "trial/host_watch.h"

#define CLOCK	 "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define THROTTLE "/sys/devices/system/cpu/cpu1/thermal_throttle/"

static struct fixture {
	struct sys *sys;
	struct machine m;
	struct machine_disk disk;
	struct machine_vector vectors[2];
	struct machine_fact fact;
	struct cpulist cpus;
} f;

static int setup(void **state)
{
	memset(&f, 0, sizeof(f));
	f.sys = sys_memory_new();
	f.vectors[0].irq = 41;
	f.vectors[1].irq = 42;
	f.disk = (struct machine_disk){
		.name = "vdx", .controller = "virtio1", .vectors = f.vectors, .n_vectors = 2};
	f.fact = (struct machine_fact){.name = "host.hypervisor", .why = "bare metal"};
	f.m = (struct machine){
		.sys = f.sys, .disks = &f.disk, .n_disks = 1, .facts = &f.fact, .n_facts = 1};
	return cpulist_parse("1", &f.cpus, NULL);
}

static int teardown(void **state)
{
	sys_close(f.sys);
	cpulist_free(&f.cpus);
	return 0;
}

static void file(const char *path, const char *content)
{
	sys_memory_file(f.sys, path, 0644, content);
}

static void fill(void)
{
	file(CLOCK, "tsc\n");
	file(THROTTLE "core_throttle_count", "3\n");
	file(THROTTLE "package_throttle_count", "10\n");
	file("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "100\n");
	file("/proc/irq/41/smp_affinity_list", "0-1\n");
	file("/proc/irq/42/smp_affinity_list", "1\n");
}

static void test_still(void **state)
{
	struct host_watch *w;
	_json_ json_t *host = NULL;

	fill();
	w = host_watch_begin(&f.m, &(struct machine_subject){.disk = &f.disk}, &f.cpus);
	file("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "900\n");
	host = host_watch_end(w);
	host_watch_free(w);
	assert_true(json_is_null(json_object_get(host, "hypervisor")));
	assert_int_equal((int)jsonio_number(host, "throttle_events"), 0); /* CPU 0 is not ours */
	assert_string_equal(jsonio_string(host, "clock_source.before", ""), "tsc");
	assert_string_equal(jsonio_string(host, "clock_source.after", ""), "tsc");
	assert_int_equal((int)jsonio_number(host, "affinity.vectors"), 2);
	assert_int_equal(json_array_size(jsonio_at(host, "affinity.changed")), 0);
	/* neither NVMe nor a live kernel */
	assert_non_null(strstr(jsonio_string(host, "absent.smart", ""), "no NVMe drive"));
	assert_non_null(strstr(jsonio_string(host, "absent.kernel_log", ""), "/dev/kmsg"));
	assert_null(json_object_get(host, "smart"));
}

static void test_moves(void **state)
{
	struct host_watch *w;
	_json_ json_t *host = NULL;
	const json_t *moved;

	fill();
	f.fact.value = (char *)(uintptr_t) "KVM";
	w = host_watch_begin(&f.m, &(struct machine_subject){.disk = &f.disk}, &f.cpus);
	file(CLOCK, "hpet\n");
	file(THROTTLE "core_throttle_count", "5\n");
	file(THROTTLE "package_throttle_count", "11\n");
	file("/proc/irq/42/smp_affinity_list", "0\n");
	host = host_watch_end(w);
	host_watch_free(w);
	assert_string_equal(jsonio_string(host, "hypervisor", ""), "KVM");
	assert_int_equal((int)jsonio_number(host, "throttle_events"), 3);
	assert_string_equal(jsonio_string(host, "clock_source.after", ""), "hpet");
	moved = json_array_get(jsonio_at(host, "affinity.changed"), 0);
	assert_int_equal(json_array_size(jsonio_at(host, "affinity.changed")), 1);
	assert_string_equal(jsonio_string(moved, "irq", ""), "42");
	assert_string_equal(jsonio_string(moved, "before", ""), "1");
	assert_string_equal(jsonio_string(moved, "after", ""), "0");
}

/* Nothing is there to be read: everything has a reason, nothing is 0. */
static void test_absent(void **state)
{
	static const char *const names[] = {"throttle_events", "affinity", "clock_source", "smart",
					    "kernel_log"};
	struct host_watch *w;
	_json_ json_t *host = NULL;

	f.disk.n_vectors = 0;
	snprintf(f.disk.controller, sizeof(f.disk.controller), "nvme0"); /* fails: no such page */
	w = host_watch_begin(&f.m, &(struct machine_subject){.disk = &f.disk}, &f.cpus);
	host = host_watch_end(w);
	host_watch_free(w);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_null(json_object_get(host, names[i]));
		if (!*jsonio_string(json_object_get(host, "absent"), names[i], ""))
			fail_msg("%s is absent without a reason", names[i]);
	}
	assert_non_null(strstr(jsonio_string(host, "absent.smart", ""), "SMART log of nvme0"));
}

static void test_allow_list(void **state)
{
	static const struct {
		struct kmsg_line line;
		bool allowed;
	} cases[] = {
		{{.level = 6, .text = "loop0: detected capacity change from 0 to 8"}, true},
		{{.level = 6, .user = true, .text = "anything a program says"}, true},
		{{.level = 6, .text = "eth1: renamed from veth3"}, true},
		{{.level = 4, .text = "nvme nvme0: I/O 12 QID 1 timeout, aborting"}, false},
		{{.level = 3, .text = "I/O error, dev loop0, sector 8 op 0x0:(READ)"}, false},
		{{.level = 2, .text = "CPU0: Core temperature above threshold"}, false},
		{{.level = 4, .text = "clocksource: timekeeping watchdog: tsc unstable"}, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (host_log_allowed(&cases[i].line) != cases[i].allowed)
			fail_msg("%s", cases[i].line.text);
}

/* A pipe in packet mode: a write is a record, as a read of /dev/kmsg is one. */
static void test_log(void **state)
{
	static const char *const first[] = {
		"4,1,10,-;nvme nvme0: I/O 12 QID 1 timeout\n", "6,2,11,-;audit: nothing\n",
		"no record at all", "5,3,12,-;odd \xff\n", "30,4,13,-;systemd[1]: Started.\n"};
	_json_ json_t *none = NULL, *log = NULL;
	int fd[2];

	assert_int_equal(pipe2(fd, O_DIRECT | O_NONBLOCK), 0);
	assert_true(fcntl(fd[1], F_SETPIPE_SZ, 1 << 20) > 0);
	none = host_log_json(fd[0]);
	assert_int_equal(json_array_size(json_object_get(none, "lines")), 0);
	assert_int_equal((int)jsonio_number(none, "lost"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		assert_true(write(fd[1], first[i], strlen(first[i])) > 0);
	for (int i = 0; i < 40; i++) { /* more than are kept, warnings at the end */
		const char *text = i < 35 ? "6,5,20,-;more\n" : "3,5,20,-;worse\n";

		assert_true(write(fd[1], text, strlen(text)) > 0);
	}
	log = host_log_json(fd[0]);
	assert_int_equal((int)jsonio_number(log, "lost"), 1);
	assert_int_equal((int)jsonio_number(log, "allowed"), 2);
	assert_int_equal(json_array_size(json_object_get(log, "lines")), 32);
	assert_int_equal((int)jsonio_number(log, "more"), 10);
	assert_int_equal((int)jsonio_number(log, "more_warnings"), 5);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_still, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absent, setup, teardown),
		cmocka_unit_test(test_allow_list),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
