// SPDX-License-Identifier: Apache-2.0
#include "record/metric.h"

#include <string.h>

#include "base/cleanup.h"

#define HI   METRIC_HIGHER
#define LO   METRIC_LOWER
#define NONE METRIC_NEITHER
/* Margins: method.md §3.4 (throughput 1 %, p50 2 %, tails 5 %, CPU 2 %), and for latency 1 us,
 * below which a difference is that of the clock and the scheduler, not of a mode. */
#define US 1000.0
/* Events per I/O: a difference below one event in a hundred I/Os decides nothing. */
#define PER_IO(n, l, text)                                                                    \
	{                                                                                     \
		.name = n, .unit = "1/IO", .label = l, .better = LO, .margin_relative = 0.05, \
		.margin_absolute = 0.01, .doc = text                                          \
	}
#define LATENCY(n, l, margin, q, text)                                                        \
	{                                                                                     \
		.name = n, .unit = "ns", .label = l, .better = LO, .margin_relative = margin, \
		.margin_absolute = US, .quantile = q, .doc = text                             \
	}
#define CPU(n, u, l, text)                                                               \
	{                                                                                \
		.name = n, .unit = u, .label = l, .better = LO, .margin_relative = 0.02, \
		.margin_absolute = 50, .doc = text                                       \
	}
#define RATE(n, u, l, text)                                                              \
	{                                                                                \
		.name = n, .unit = u, .label = l, .better = HI, .margin_relative = 0.01, \
		.doc = text                                                              \
	}

static const struct metric metrics[] = {
	RATE("iops", "1/s", "IOPS", "I/Os completed per second of the measured window"),
	RATE("transactions_per_s", "1/s", "trans/s",
	     "request-response pairs completed per second of the measured window"),
	RATE("packets_per_s", "1/s", "pkt/s", "packets received per second of the measured window"),
	RATE("throughput_bytes_per_s", "B/s", "bytes/s",
	     "payload bytes moved per second of the measured window"),
	LATENCY("latency_mean_ns", "mean", 0.02, 0,
		"mean latency of an I/O; at open loop from its intended start"),
	LATENCY("latency_p50_ns", "p50", 0.02, 0.5,
		"latency that half of all I/Os stay within; at open loop from the intended start"),
	LATENCY("latency_p90_ns", "p90", 0.02, 0.9,
		"latency that 90 % of all I/Os stay within; at open loop from the intended start"),
	LATENCY("latency_p99_ns", "p99", 0.05, 0.99,
		"latency that 99 % of all I/Os stay within; at open loop from the intended start"),
	LATENCY("latency_p999_ns", "p99.9", 0.05, 0.999,
		"latency that 99.9 % of all I/Os stay within; at open loop from the intended "
		"start"),
	LATENCY("latency_p9999_ns", "p99.99", 0.05, 0.9999,
		"latency that 99.99 % of all I/Os stay within; at open loop from the intended "
		"start"),
	LATENCY("latency_max_ns", "max", 0.1, 0,
		"the slowest I/O of the window; one value, so it never decides a comparison"),
	LATENCY("service_mean_ns", "svc mean", 0.02, 0,
		"open loop only: mean time from the real submission of an I/O to its completion"),
	LATENCY("service_p50_ns", "svc p50", 0.02, 0.5,
		"open loop only: time from the real submission that half of all I/Os stay within"),
	LATENCY("service_p99_ns", "svc p99", 0.05, 0.99,
		"open loop only: time from the real submission that 99 % of all I/Os stay within"),
	LATENCY("slat_mean_ns", "slat mean", 0.02, 0,
		"fio only: mean time it took to submit an I/O; a part of its latency"),
	LATENCY("clat_mean_ns", "clat mean", 0.02, 0,
		"fio only: mean time from submission to completion; a part of its latency, and "
		"nonsense "
		"with SQPOLL up to fio 3.33"),
	{.name = "in_flight_mean",
	 .unit = "IO",
	 .label = "in flight",
	 .better = NONE,
	 .margin_relative = 0.05,
	 .doc = "mean number of I/Os in flight, from a counter of its own"},
	LATENCY("rtt_min_ns", "rtt min", 0.1, 0,
		"the fastest round trip of the window; one value, so it never decides a "
		"comparison"),
	LATENCY("rtt_mean_ns", "rtt mean", 0.02, 0, "mean round trip of a request"),
	LATENCY("rtt_p50_ns", "rtt p50", 0.02, 0.5,
		"round trip that half of all requests stay within"),
	LATENCY("rtt_p90_ns", "rtt p90", 0.02, 0.9,
		"round trip that 90 % of all requests stay within"),
	LATENCY("rtt_p99_ns", "rtt p99", 0.05, 0.99,
		"round trip that 99 % of all requests stay within"),
	LATENCY("rtt_p999_ns", "rtt p99.9", 0.05, 0.999,
		"round trip that 99.9 % of all requests stay within"),
	LATENCY("rtt_p9999_ns", "rtt p99.99", 0.05, 0.9999,
		"round trip that 99.99 % of all requests stay within"),
	LATENCY("rtt_max_ns", "rtt max", 0.1, 0,
		"the slowest round trip of the window; one value, so it never decides a "
		"comparison"),
	CPU("cpu_ns_per_io_task", "ns/IO", "CPU/IO",
	    "CPU time of the workload's tasks per I/O, from schedstat, each task once, its SQ "
	    "thread "
	    "included"),
	CPU("cpu_ns_per_io_sq_thread", "ns/IO", "SQ CPU/IO",
	    "the share of cpu_ns_per_io_task that the kernel's SQ thread spent"),
	CPU("cpu_ns_per_io_system", "ns/IO", "sys CPU/IO",
	    "busy time of the whole machine per I/O, from /proc/stat (10 ms ticks: only for "
	    "windows of "
	    "3 s and more)"),
	CPU("cpu_ns_per_packet_task", "ns/pkt", "CPU/pkt",
	    "CPU time of the workload's tasks per packet, from schedstat"),
	CPU("cpu_ns_per_transaction_task", "ns/trans", "CPU/trans",
	    "CPU time of the tasks of both ends per transaction, from schedstat"),
	CPU("server_cpu_ns_per_transaction", "ns/trans", "server CPU/trans",
	    "the share of cpu_ns_per_transaction_task that the server's tasks spent"),
	{.name = "cpu_left_per_io",
	 .unit = "ns/IO",
	 .label = "CPU left/IO",
	 .better = HI,
	 .margin_relative = 0.02,
	 .margin_absolute = 50,
	 .doc = "what a calibrated idle-priority spinner on the measured CPU could still do, per "
		"I/O; "
		"measured in a pass of its own"},
	{.name = "cpu_left_per_transaction",
	 .unit = "ns/trans",
	 .label = "CPU left/trans",
	 .better = HI,
	 .margin_relative = 0.02,
	 .margin_absolute = 50,
	 .doc = "what a calibrated idle-priority spinner on the CPUs of both ends could still do, "
		"per transaction; measured in a pass of its own"},
	{.name = "cycles_per_transaction",
	 .unit = "1/trans",
	 .label = "cycles/trans",
	 .better = LO,
	 .margin_relative = 0.02,
	 .doc = "cycles of the CPUs of both ends per transaction, kernel and user, counted over "
		"the "
		"very window of the transactions; needs hardware counters"},
	{.name = "corunner_lost_share",
	 .unit = "share",
	 .label = "co-runner lost",
	 .better = LO,
	 .margin_relative = 0.02,
	 .margin_absolute = 0.01,
	 .doc = "share of its throughput that a co-runner of normal priority on the measured CPUs, "
		"or "
		"their SMT siblings, lost to the workload"},
	{.name = "corunner_lost_per_io",
	 .unit = "ns/IO",
	 .label = "lost/IO",
	 .better = LO,
	 .margin_relative = 0.02,
	 .margin_absolute = 50,
	 .doc = "what that co-runner lost per I/O, in CPU time of its own work alone"},
	PER_IO("interrupts_per_io", "irq/IO", "interrupts of the device's vectors per I/O"),
	PER_IO("context_switches_per_io", "csw/IO",
	       "voluntary and involuntary switches of the workload's tasks per I/O"),
	PER_IO("system_calls_per_io", "sysc/IO",
	       "system calls of the workload per I/O, counted by its own loop or in a proof trial"),
	PER_IO("block_softirqs_per_io", "blk softirq/IO",
	       "BLOCK softirqs on the measured CPUs per I/O"),
	PER_IO("migrations_per_io", "migr/IO",
	       "moves of the workload's tasks between CPUs per I/O"),
	{.name = "interrupts_per_packet",
	 .unit = "1/pkt",
	 .label = "irq/pkt",
	 .better = LO,
	 .margin_relative = 0.05,
	 .margin_absolute = 0.01,
	 .doc = "interrupts of the interface's vectors per packet received"},
	{.name = "net_rx_softirqs_per_packet",
	 .unit = "1/pkt",
	 .label = "rx softirq/pkt",
	 .better = LO,
	 .margin_relative = 0.05,
	 .margin_absolute = 0.01,
	 .doc = "NET_RX softirqs on the measured CPUs per packet received"},
	{.name = "context_switches_per_transaction",
	 .unit = "1/trans",
	 .label = "csw/trans",
	 .better = LO,
	 .margin_relative = 0.05,
	 .margin_absolute = 0.01,
	 .doc = "voluntary and involuntary switches of both ends' tasks per transaction"},
	{.name = "busy_poll_share",
	 .unit = "1",
	 .label = "busy poll",
	 .better = NONE,
	 .margin_relative = 0.05,
	 .margin_absolute = 0.01,
	 .doc = "share of the receives that busy polling served"},
	{.name = "energy_nj_per_io",
	 .unit = "nJ/IO",
	 .label = "energy/IO",
	 .better = LO,
	 .margin_relative = 0.02,
	 .doc = "package energy per I/O from RAPL, idle power included"},
};

const struct metric *metric_all(size_t *n)
{
	*n = ARRAY_SIZE(metrics);
	return metrics;
}

const struct metric *metric_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		if (!strcmp(metrics[i].name, name))
			return &metrics[i];
	return NULL;
}
