// SPDX-License-Identifier: Apache-2.0
/* A window over a recorded machine whose files change between the samples, and over this one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "evidence/evidence.h"
#include "sys/sys.h"

static char root[64];

static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	f = fopen(full, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void put_task_of(const char *pid, const char *tid, const char *name, int switches,
			int cpu_ns, int migrations)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/%s/task/%s/status", pid, tid);
	snprintf(text, sizeof(text),
		 "Name:\t%s\nvoluntary_ctxt_switches:\t%d\nnonvoluntary_ctxt_switches:\t1\n", name,
		 switches);
	put(path, text);
	snprintf(path, sizeof(path), "/proc/%s/task/%s/schedstat", pid, tid);
	snprintf(text, sizeof(text), "%d 5 9\n", cpu_ns);
	put(path, text);
	snprintf(path, sizeof(path), "/proc/%s/task/%s/sched", pid, tid);
	snprintf(text, sizeof(text), "x\nse.nr_migrations   :   %d\n", migrations);
	put(path, text);
	snprintf(path, sizeof(path), "/proc/%s/task/%s/stat", pid, tid);
	snprintf(text, sizeof(text),
		 "%s (%s) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4321 20 21 22 23 24 25 26 "
		 "27 28 29 30 31 32 33 34 35 1 0\n",
		 tid, name);
	put(path, text);
}

static void put_task(const char *tid, const char *name, int switches, int cpu_ns, int migrations)
{
	put_task_of("77", tid, name, switches, cpu_ns, migrations);
}

static void put_ring(int work_us)
{
	char path[128], text[128];

	put("/proc/77/fdinfo/0", "pos: 0\n");
	snprintf(text, sizeof(text),
		 "SqThread:\t79\nSqThreadCpu:\t1\nSqTotalTime:\t%d\nSqWorkTime:\t%d\n", 2 * work_us,
		 work_us);
	put("/proc/77/fdinfo/4", text);
	put("/proc/77/fd/0", "");
	snprintf(path, sizeof(path), "%s/proc/77/fd/4", root);
	unlink(path); /* the second time it is there */
	assert_int_equal(symlink("anon_inode:[io_uring]", path), 0);
}

static void put_before(void)
{
	put("/proc/interrupts", "     CPU0   CPU1\n 36: 4294967290 100 MSI nvme0q1\n 37: 1 1 MSI "
				"eth0\nLOC: 50 60 Local timer interrupts\nERR: 5\n");
	put("/proc/softirqs", "     CPU0   CPU1\n NET_TX: 4 0\n NET_RX: 4294967295 7\n  "
			      "BLOCK: 10 20\n  TIMER: 1 1\n");
	put("/proc/stat", "cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n"
			  "cpu1 100 0 10 500 50 1 2 3 0 0\nintr 5\n");
	put("/proc/schedstat", "version 15\ntimestamp 1\ncpu0 0 0 0 0 0 0 7 8 9\ndomain0 03 1\n"
			       "cpu1 1 0 3 4 5 6 1000 8 9\ndomain0 03 1\n");
	put("/sys/block/nvme0n1/stat", "  100 0 800 5 10 0 80 7 1 9 10 0 0 0 0 0 0\n");
	put("/sys/block/nvme0n1/queue/iostats", "1\n");
	put("/sys/class/powercap/intel-rapl:0/name", "package-0\n");
	put("/sys/class/powercap/intel-rapl:0/energy_uj", "990\n");
	put("/sys/class/powercap/intel-rapl:0/max_energy_range_uj", "1000\n");
	put("/sys/class/powercap/intel-rapl:0:0/name", "core\n");
	put("/sys/class/powercap/intel-rapl:0:0/energy_uj", "5\n");
	put("/sys/class/powercap/intel-rapl:1/name", "psys\n");
	put("/sys/class/powercap/intel-rapl:1/energy_uj", "5\n");
	put_task("77", "ioloop", 10, 1000, 0);
	put_task("79", "iou-sqp-77", 3, 500, 2);
	put_task("80", "gone", 3, 500, 2);
	put_ring(100);
}

static void put_after(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s/proc/77/task/80'", root);
	assert_int_equal(system(command), 0);
	put("/proc/interrupts", "     CPU0   CPU1\n 36: 4 107 MSI nvme0q1\n 37: 2 3 MSI eth0\n"
				"LOC: 55 63 Local timer interrupts\nERR: 9\n");
	put("/proc/softirqs", "     CPU0   CPU1\n NET_TX: 4 1\n NET_RX: 3 10\n  BLOCK: 14 25\n "
			      " TIMER: 1 2\n");
	put("/proc/stat", "cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n"
			  "cpu1 103 0 12 510 49 2 2 4 0 0\nintr 5\n");
	put("/proc/schedstat", "version 15\ntimestamp 2\ncpu0 0 0 0 0 0 0 70 8 9\ndomain0 03 1\n"
			       "cpu1 1 0 3 4 5 6 3500 8 9\ndomain0 03 1\n");
	put("/sys/block/nvme0n1/stat", "  117 4 936 5 13 1 104 7 0 9 10 0 0 0 0 0 0\n");
	put("/sys/class/powercap/intel-rapl:0/energy_uj", "20\n");
	put("/sys/class/powercap/intel-rapl:0:0/energy_uj", "6\n");
	put_task("77", "ioloop", 14, 1900, 1);
	put_task("79", "iou-sqp-77", 5, 800, 2);
	put_task("81", "new", 2, 50, 0);
	put_ring(140);
}

static int remove_root(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static int make_root(void **state)
{
	strcpy(root, "/tmp/test-evidence-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static json_t *window(const struct evidence_scope *scope, void (*between)(void))
{
	struct evidence_window *w = NULL;
	struct diag d = {""};
	json_t *result = NULL;

	assert_int_equal(evidence_begin(scope, &w, &d), 0);
	if (between)
		between();
	assert_int_equal(evidence_end(w, &result, &d), 0);
	evidence_free(w);
	return result;
}

/* Every kernel counter is either a number or absent with a reason. */
static void assert_complete(const json_t *result)
{
	size_t n;
	const struct evidence_counter *c = evidence_counters(&n);

	for (size_t i = 0; i < n; i++) {
		const json_t *number =
			json_object_get(json_object_get(result, "counters"), c[i].name);
		const json_t *reason =
			json_object_get(json_object_get(result, "absent"), c[i].name);

		if (!c[i].kernel)
			assert_true(!number && !reason);
		else if (!number == !reason || (reason && !*json_string_value(reason)))
			fail_msg("%s: %s", c[i].name, number ? "number and absent" : "nothing");
	}
}

static void expect_counter(const json_t *result, const char *name, int64_t value)
{
	const json_t *number = json_object_get(json_object_get(result, "counters"), name);

	if (!number)
		fail_msg("%s is absent: %s", name,
			 json_string_value(
				 json_object_get(json_object_get(result, "absent"), name)));
	if (json_integer_value(number) != value)
		fail_msg("%s is %lld, should be %lld", name, (long long)json_integer_value(number),
			 (long long)value);
}

static void expect_absent(const json_t *result, const char *name, const char *words)
{
	const json_t *reason = json_object_get(json_object_get(result, "absent"), name);

	if (!reason || !strstr(json_string_value(reason), words))
		fail_msg("%s: \"%s\" has no \"%s\"", name,
			 reason ? json_string_value(reason) : "(not absent)", words);
}

static unsigned irqs[] = {36}, cpus[] = {1};
static const char *const disks[] = {"nvme0n1"};

static struct evidence_scope recorded(void)
{
	struct evidence_scope scope = {.irqs = irqs,
				       .n_irqs = 1,
				       .disks = disks,
				       .n_disks = 1,
				       .cpus = {.cpu = cpus, .n = 1},
				       .pid = 77};

	put_before();
	assert_int_equal(sys_open(root, &scope.sys), 0);
	return scope;
}

static void test_differences(void **state)
{
	struct evidence_scope scope = recorded();
	_json_ json_t *r = window(&scope, put_after);
	int64_t tick = 1000000000 / sysconf(_SC_CLK_TCK);

	assert_complete(r);
	expect_counter(r, "device_interrupts", 10 + 7); /* CPU 0's has wrapped at 2^32 */
	expect_counter(r, "all_interrupts_measured_cpus", 7 + 2 + 3);
	expect_counter(r, "block_softirqs", 9);
	expect_counter(r, "block_softirqs_measured_cpus", 5);
	expect_counter(r, "voluntary_context_switches", 4 + 2); /* the new task's from 0 */
	expect_counter(r, "involuntary_context_switches", 0 + 1);
	expect_counter(r, "context_switches", 7);
	expect_counter(r, "sq_thread_context_switches", 2);
	expect_counter(r, "migrations", 1);
	expect_counter(r, "task_cpu_ns", 900 + 50);
	expect_counter(r, "sq_thread_cpu_ns", 300);
	expect_counter(r, "sq_work_ns", 40000);
	expect_counter(r, "sq_total_ns", 80000);
	expect_counter(r, "cpu_busy_ns", tick * (3 + 2 + 1));
	expect_counter(r, "run_time_ns", 2500);
	expect_counter(r, "cpu_idle_ns", tick * 10); /* iowait ran backwards */
	expect_counter(r, "steal_ns", tick);
	expect_counter(r, "device_reads", 17);
	expect_counter(r, "device_writes", 3);
	expect_counter(r, "device_ios", 20);
	expect_counter(r, "device_merges", 5);
	expect_counter(r, "device_bytes", (136 + 24) * 512);
	expect_counter(r, "energy_uj", 30); /* wrapped; neither core nor psys on top */
	expect_absent(r, "cpu_cycles", "recorded machine");
	assert_true(jsonio_number(r, "window_ns") > 0);
	assert_true(jsonio_number(r, "counters.task_cpu_share") > 0);
	assert_int_equal(jsonio_number(jsonio_at(r, "detail.interrupts.measured_cpus"), "LOC"), 3);
	assert_string_equal(
		jsonio_string(json_array_get(jsonio_at(r, "detail.tasks.vanished"), 0), "name", ""),
		"gone");
	sys_close(scope.sys);
}

static void iostats_off(void)
{
	put_after();
	put("/sys/block/nvme0n1/queue/iostats", "0\n");
}

/* An interface of 100 packets in each direction, `n` of them since the first sample. */
static void put_net(int n)
{
	static const char *const fields[] = {"rx_packets", "tx_packets", "rx_bytes",
					     "tx_bytes",   "rx_dropped", "tx_dropped",
					     "rx_errors",  "tx_errors",	 "rx_missed_errors"};
	char path[128], text[512];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(path, sizeof(path), "/sys/class/net/eth0/statistics/%s", fields[i]);
		snprintf(text, sizeof(text), "%d\n", 100 + n);
		put(path, text);
	}
	snprintf(text, sizeof(text), "%d\n", 2 + (n ? 1 : 0));
	put("/sys/class/net/eth0/carrier_changes", text);
	put("/sys/class/net/eth0/ifindex", "3\n");
	snprintf(text, sizeof(text),
		 "TcpExt: TCPTimeouts BusyPollRxPackets\nTcpExt: 5 %d\n"
		 "IpExt: InOctets\nIpExt: 4\n",
		 50 + n / 2);
	put("/proc/net/netstat", text);
	snprintf(text, sizeof(text),
		 "Tcp: MaxConn RetransSegs\nTcp: -1 %d\n"
		 "Udp: InErrors RcvbufErrors\nUdp: 3 %d\n",
		 n / 10, n / 20);
	put("/proc/net/snmp", text);
	/* the CPU's own column; the second one's line wraps */
	snprintf(
		text, sizeof(text),
		"%08x 0 0 0 0 0 0 0 0 0 0 0 00000000\n%08x 00000001 0 0 0 0 0 0 0 0 0 0 00000003\n",
		n, (unsigned)n - 2);
	put("/proc/net/softnet_stat", text);
	put("/proc/90/comm", "napi/eth0-8193\n");
	snprintf(text, sizeof(text), "%d 5 9\n", 1000 + n);
	put("/proc/90/schedstat", text);
	put("/proc/90/stat",
	    "90 (napi/eth0-8193) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4321 20 21 22 23 "
	    "24 25 26 27 28 29 30 31 32 33 34 35 1 0\n");
	snprintf(text, sizeof(text),
		 "Name:\tnapi\nvoluntary_ctxt_switches:\t%d\nnonvoluntary_ctxt_switches:\t0\n", n);
	put("/proc/90/status", text);
	/* another interface's thread, and one whose name only begins alike */
	put("/proc/91/comm", "napi/eth1-8194\n");
	put("/proc/92/comm", "napi/eth01-8195\n");
	put_task_of("78", "78", "server", 20 + n, 100 + n, 0);
}

static void put_net_after(void)
{
	put_after();
	put_net(40);
}

static void test_network(void **state)
{
	static const char *const devs[] = {"eth0", "eth0"}; /* named twice, counted once */
	struct evidence_scope scope = recorded();
	json_t *r;

	scope.net_devs = devs;
	scope.n_net_devs = 2;
	scope.server_pid = 78;
	put_net(0);
	r = window(&scope, put_net_after);
	assert_complete(r);
	expect_counter(r, "net_rx_packets", 40);
	expect_counter(r, "net_drops", 120);
	expect_absent(r, "client_net_rx_packets", "no interface of the client");
	expect_counter(r, "busy_poll_rx_packets", 20);
	assert_true(jsonio_number(r, "counters.busy_poll_share") == 0.5);
	expect_counter(r, "tcp_retransmitted_segments", 4);
	expect_counter(r, "tcp_timeouts", 0);
	expect_counter(r, "udp_rcvbuf_errors", 2);
	expect_counter(r, "udp_in_errors", 0);
	expect_absent(r, "udp_sndbuf_errors", "has no Udp SndbufErrors");
	expect_counter(r, "net_rx_softirqs", 4 + 3); /* CPU 0's has wrapped */
	expect_counter(r, "net_rx_softirqs_measured_cpus", 3);
	expect_counter(r, "net_tx_softirqs", 1);
	assert_int_equal(jsonio_number(jsonio_at(r, "detail.softirqs.by_cpu.NET_RX"), "0"), 4);
	expect_counter(r, "softnet_processed", 80);
	expect_counter(r, "softnet_dropped", 0);
	expect_counter(r, "napi_threads", 1);
	expect_counter(r, "napi_thread_cpu_ns", 40);
	expect_counter(r, "napi_thread_context_switches", 40);
	expect_counter(r, "napi_thread_least_runnable_ns", 40); /* its wait has not grown */
	expect_counter(r, "context_switches", 7 + 40);
	expect_counter(r, "server_context_switches", 40);
	expect_counter(r, "server_task_cpu_ns", 40);
	expect_counter(r, "task_cpu_ns", 950 + 40);
	expect_absent(r, "napi_polls", "proof trial only");
	expect_absent(r, "napi_empty_poll_share", "proof trial only");
	json_decref(r);

	scope.proof = true;
	scope.server_pid = 0;
	r = window(&scope, NULL);
	assert_complete(r);
	expect_absent(r, "napi_polls", "recorded machine");
	expect_absent(r, "server_task_cpu_ns", "no other end");
	json_decref(r);
	sys_close(scope.sys);
}

static void test_absent(void **state)
{
	struct evidence_scope scope = recorded();
	unsigned other[] = {99};
	json_t *r = window(&scope, iostats_off);

	assert_complete(r);
	expect_absent(r, "device_ios", "queue/iostats is 0");
	json_decref(r);

	scope.irqs = other;
	scope.pid = 0;
	scope.n_disks = 0;
	scope.cpus.n = 0;
	r = window(&scope, NULL);
	assert_complete(r);
	expect_absent(r, "device_interrupts", "vector 99 is not in");
	expect_absent(r, "task_cpu_ns", "no workload");
	expect_absent(r, "task_cpu_share", "no workload");
	expect_absent(r, "sq_work_ns", "no workload");
	expect_absent(r, "device_ios", "no disk");
	expect_absent(r, "cpu_busy_ns", "no CPUs");
	expect_absent(r, "run_time_ns", "no CPUs");
	expect_absent(r, "net_rx_packets", "no network interface");
	expect_absent(r, "busy_poll_share", "no network interface");
	expect_absent(r, "napi_threads", "no network interface");
	expect_absent(r, "net_rx_softirqs_measured_cpus", "no CPUs");
	json_decref(r);
	sys_close(scope.sys);
}

static void test_this_machine(void **state)
{
	unsigned first[] = {0};
	struct evidence_scope scope = {.cpus = {.cpu = first, .n = 1}, .pid = getpid()};
	json_t *r;

	assert_int_equal(sys_open(NULL, &scope.sys), 0);
	r = window(&scope, NULL);
	assert_complete(r);
	assert_non_null(jsonio_at(r, "counters.context_switches"));
	assert_non_null(jsonio_at(r, "counters.cpu_busy_ns"));
	expect_absent(r, "sq_thread_cpu_ns", "no SQ thread");
	json_decref(r);
	sys_close(scope.sys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_differences, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_absent, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_network, make_root, remove_root),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
