// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "evidence/net.h"
#include "evidence/source.h"

/* Recorded on a 4-CPU server with CPU 2 offline. */
static const char interrupts[] =
	"            CPU0       CPU1       CPU3       \n"
	"   0:         44          0          0   IO-APIC   2-edge      timer\n"
	" 131:   81152771        117 4294967290  IR-PCI-MSIX-0000:01:00.0    1-edge      nvme0q1\n"
	" 132:          0          0          1  IR-PCI-MSIX-0000:01:00.0    2-edge\n"
	"NMI:         12          0          5   Non-maskable interrupts\n"
	"LOC:      46221      55623          9   Local timer interrupts\n"
	"ERR:          3\n"
	"MIS:          0\n";

static void test_interrupts(void **state)
{
	const struct cpu_table_row *row;
	struct cpu_table t;

	assert_int_equal(cpu_table_parse(interrupts, strlen(interrupts), &t), 0);
	assert_int_equal(t.n_cpus, 3);
	assert_int_equal(t.cpu[2], 3);
	assert_int_equal(t.n_rows, 7);
	row = cpu_table_row(&t, "131");
	assert_non_null(row);
	assert_string_equal(row->name, "nvme0q1");
	assert_int_equal(cpu_table_count(&t, row, 0), 81152771);
	assert_int_equal(cpu_table_count(&t, row, 2), 0); /* offline: no column */
	assert_true(cpu_table_count(&t, row, 3) == 4294967290u);
	assert_int_equal(cpu_table_count(&t, cpu_table_row(&t, "132"), 3), 1);
	assert_int_equal(cpu_table_count(&t, cpu_table_row(&t, "LOC"), 1), 55623);
	assert_int_equal(cpu_table_row(&t, "ERR")->n, 1);
	assert_null(cpu_table_row(&t, "13"));
	cpu_table_free(&t);
}

static void test_no_table(void **state)
{
	static const char *const bad[] = {"", "no newline", "\n", "words of no use\n 1: 2\n"};
	struct cpu_table t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(cpu_table_parse(bad[i], strlen(bad[i]), &t), -EINVAL);
		cpu_table_free(&t);
	}
	/* cut in the middle of a row: what is there is taken */
	assert_int_equal(cpu_table_parse(interrupts, 100, &t), 0);
	assert_int_equal(t.n_cpus, 3);
	cpu_table_free(&t);
}

static void test_field(void **state)
{
	static const char fdinfo[] = "pos:\t0\nSqThread:\t-1\nSqThreadCpu:\t3\nSqTotalTime:\t900\n";
	static const char sched[] = "fio (1, #threads: 1)\nse.nr_migrations                  :     "
				    "      17\nnr_switches : 2\n";
	uint64_t v = 99;

	assert_int_equal(text_field(fdinfo, "SqThread", &v), -EINVAL);
	assert_int_equal(text_field(fdinfo, "SqThreadCpu", &v), 0);
	assert_int_equal(v, 3);
	assert_int_equal(text_field(fdinfo, "SqTotalTime", &v), 0);
	assert_int_equal(v, 900);
	assert_int_equal(text_field(fdinfo, "SqWorkTime", &v), -ENOENT);
	assert_int_equal(text_field(sched, "se.nr_migrations", &v), 0);
	assert_int_equal(v, 17);
	assert_int_equal(text_field("voluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t6\n",
				    "nonvoluntary_ctxt_switches", &v),
			 0);
	assert_int_equal(v, 6);
}

static void test_task_stat(void **state)
{
	/* a name made to confuse: it has a bracket, blanks and numbers */
	static const char stat[] =
		"4242 (a) 9 (b) S 1 4242 4242 0 -1 4194560 100 0 0 0 7 3 0 0 20 0 1 0 241741 8192 "
		"200 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 5 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
	uint64_t start = 0;
	unsigned cpu = 0;

	assert_int_equal(text_task_stat(stat, &start, &cpu), 0);
	assert_int_equal(start, 241741);
	assert_int_equal(cpu, 5);
	assert_int_equal(text_task_stat("4242 (cut) S 1", &start, &cpu), -EINVAL);
	assert_int_equal(text_task_stat("", &start, &cpu), -EINVAL);
}

static void test_numbers(void **state)
{
	uint64_t v[3];

	assert_int_equal(text_numbers("  1 22\t333 4", v, 3), 3);
	assert_int_equal(v[2], 333);
	assert_int_equal(text_numbers("5 x", v, 3), 1);
	assert_int_equal(text_numbers("", v, 3), 0);
}

static void test_protocols(void **state)
{
	/* Linux 6.1, shortened; a longer section name that begins alike, a negative value */
	static const char text[] =
		"TcpExtra: BusyPollRxPackets\nTcpExtra: 1\n"
		"TcpExt: SyncookiesSent TCPTimeouts BusyPollRxPackets TCPAutoCorking\n"
		"TcpExt: 0 17 51986 4\n"
		"Tcp: RtoAlgorithm MaxConn RetransSegs\nTcp: 1 -1 12\n"
		"Udp: InDatagrams RcvbufErrors\nUdp: 9\n";
	uint64_t v = 99;

	assert_int_equal(text_protocol_field(text, "TcpExt", "BusyPollRxPackets", &v), 0);
	assert_int_equal(v, 51986);
	assert_int_equal(text_protocol_field(text, "Tcp", "RetransSegs", &v), 0);
	assert_int_equal(v, 12);
	assert_int_equal(text_protocol_field(text, "Tcp", "MaxConn", &v), -EINVAL);
	assert_int_equal(text_protocol_field(text, "TcpExt", "BusyPoll", &v), -ENOENT);
	assert_int_equal(text_protocol_field(text, "Icmp", "InErrors", &v), -ENOENT);
	assert_int_equal(text_protocol_field(text, "Udp", "RcvbufErrors", &v), -EINVAL);
	assert_int_equal(text_protocol_field("Udp: InErrors\n", "Udp", "InErrors", &v), -ENOENT);
	assert_int_equal(text_protocol_field("", "Udp", "InErrors", &v), -ENOENT);
}

static void test_hex(void **state)
{
	/* a line of Linux 4.19 (11 columns), one of 6.18 (15) */
	static const char old[] =
		"0000000b 00000000 ffffffff 0 0 0 0 0 0 0000000c 0000000d\n0000\n";
	static const char new[] = "00001bb0 0 0 0 0 0 0 0 0 0 0 2 00000003 4 5\n";
	uint32_t v[13];

	assert_int_equal(text_hex_numbers(old, v, 13), 11);
	assert_int_equal(v[0], 11);
	assert_true(v[2] == 0xffffffff);
	assert_int_equal(v[9], 12);
	assert_int_equal(text_hex_numbers(new, v, 13), 13);
	assert_int_equal(v[12], 3);
	assert_int_equal(text_hex_numbers("", v, 13), 0);
	assert_int_equal(text_hex_numbers("words", v, 13), 0);
}

static void test_queue_statistics(void **state)
{
	static const struct {
		const char *name;
		int err;
		bool rx;
		unsigned queue;
	} rows[] = {
		{"rx_queue_3_packets", 0, true, 3},
		{"tx_queue_12_packets", 0, false, 12},
		{"rx0_packets", 0, true, 0},
		{"tx-7.packets", 0, false, 7},
		{"queue_2_rx_cnt", 0, true, 2},
		{"rx_packets", -ENOENT, false, 0},
		{"rx_queue_3_bytes", -ENOENT, false, 0},
		{"rx_queue_3_packets_phy", -ENOENT, false, 0},
		{"rx_queue_0_xdp_packets", -ENOENT, false, 0},
		{"mx0_packets", -ENOENT, false, 0},
		{"", -ENOENT, false, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned queue = 0;
		bool rx = false;

		if (queue_statistic_parse(rows[i].name, &rx, &queue) != rows[i].err)
			fail_msg("%s", rows[i].name);
		if (rows[i].err)
			continue;
		assert_int_equal(rx, rows[i].rx);
		assert_int_equal(queue, rows[i].queue);
	}
}

static void test_queue_rings(void **state)
{
	unsigned queue = 0;

	assert_int_equal(queue_ring_parse("rx_queue_11_xdp_packets", &queue), 0);
	assert_int_equal(queue, 11);
	assert_int_equal(queue_ring_parse("rx_queue_1_xdp_packets2", &queue), -ENOENT);
	assert_int_equal(queue_ring_parse("tx_queue_1_xdp_packets", &queue), -ENOENT);
	assert_int_equal(queue_ring_parse("rx_queue_1_packets", &queue), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interrupts),  cmocka_unit_test(test_no_table),
		cmocka_unit_test(test_field),	    cmocka_unit_test(test_task_stat),
		cmocka_unit_test(test_numbers),	    cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_hex),	    cmocka_unit_test(test_queue_statistics),
		cmocka_unit_test(test_queue_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
