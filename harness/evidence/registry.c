// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "evidence/source.h"

/* In the order of the first sample: what takes longest is farthest from the window. */
static const struct evidence_source *const sources[] = {
	&evidence_tracepoints,	&evidence_sched,       &evidence_interrupts,
	&evidence_cpu,		&evidence_uring,       &evidence_energy,
	&evidence_softirqs,	&evidence_softnet,     &evidence_perf,
	&evidence_napi_threads, &evidence_net_devices, &evidence_net_protocols,
	&evidence_disks,	&evidence_tasks,
};

#define KERNEL(of, n, text)                                                \
	{                                                                  \
		.name = (n), .doc = (text), .kernel = true, .source = (of) \
	}
#define PROOF(n, text)                                                                             \
	{                                                                                          \
		.name = (n), .doc = (text), .kernel = true, .source = "tracepoints", .proof = true \
	}
#define LOOP(n, text)                      \
	{                                  \
		.name = (n), .doc = (text) \
	}

static const struct evidence_counter counters[] = {
	KERNEL("interrupts", "device_interrupts",
	       "interrupts of the target's vectors, on all CPUs (count)"),
	KERNEL("interrupts", "all_interrupts_measured_cpus",
	       "interrupts of every kind on the measured CPUs, timer and IPIs included (count)"),
	KERNEL("softirqs", "block_softirqs",
	       "completions finished in a BLOCK soft interrupt: of one-queue devices, or sent to "
	       "another CPU "
	       "(count)"),
	KERNEL("softirqs", "block_softirqs_measured_cpus",
	       "BLOCK soft interrupts on the measured CPUs (count)"),
	KERNEL("softirqs", "net_rx_softirqs",
	       "NET_RX soft interrupts: packets handled outside busy polling and NAPI threads, on "
	       "all CPUs (count)"),
	KERNEL("softirqs", "net_rx_softirqs_measured_cpus",
	       "NET_RX soft interrupts on the measured CPUs (count)"),
	KERNEL("softirqs", "net_tx_softirqs",
	       "NET_TX soft interrupts: queueing disciplines that went on sending, on all CPUs "
	       "(count)"),
	KERNEL("softirqs", "net_tx_softirqs_measured_cpus",
	       "NET_TX soft interrupts on the measured CPUs (count)"),
	KERNEL("net_devices", "net_rx_packets",
	       "packets that the target's interfaces received, both ends (count)"),
	KERNEL("net_devices", "client_net_rx_packets", "of these, at the client's end (count)"),
	KERNEL("net_devices", "server_net_rx_packets", "of these, at the server's end (count)"),
	KERNEL("net_devices", "net_tx_packets",
	       "packets that the target's interfaces sent, both ends (count)"),
	KERNEL("net_devices", "net_rx_bytes",
	       "bytes that the target's interfaces received, both ends (bytes)"),
	KERNEL("net_devices", "net_drops",
	       "packets dropped or missed by the target's interfaces (count)"),
	KERNEL("net_devices", "net_link_changes",
	       "times that the link of one of the target's interfaces went up or down (count)"),
	KERNEL("net_devices", "net_errors", "receive and send errors of these (count)"),
	KERNEL("net_protocols", "busy_poll_rx_packets",
	       "packets that busy polling fetched, of all protocols, in the namespaces of the "
	       "target's interfaces (count)"),
	KERNEL("net_protocols", "client_busy_poll_rx_packets",
	       "of these, in the client's namespace (count)"),
	KERNEL("net_protocols", "server_busy_poll_rx_packets",
	       "of these, in the server's namespace (count)"),
	KERNEL("net_protocols", "tcp_retransmitted_segments",
	       "TCP segments sent again, both ends (count)"),
	KERNEL("net_protocols", "tcp_timeouts", "TCP retransmission timeouts, both ends (count)"),
	KERNEL("net_protocols", "udp_rcvbuf_errors",
	       "datagrams dropped because the socket's receive buffer was full, both ends (count)"),
	KERNEL("net_protocols", "udp_sndbuf_errors",
	       "datagrams not sent because the socket's send buffer was full, both ends (count)"),
	KERNEL("net_protocols", "udp_in_errors",
	       "datagrams received and not delivered, full buffers included, both ends (count)"),
	KERNEL("softnet", "softnet_processed",
	       "packets handled by the network stack of all CPUs, after GRO, once more for each "
	       "stacked interface (count)"),
	KERNEL("softnet", "softnet_dropped",
	       "packets dropped because a CPU's backlog was full (count)"),
	KERNEL("softnet", "softnet_time_squeeze",
	       "times that NET_RX ran out of its budget with work left (count)"),
	KERNEL("softnet", "softnet_received_rps", "times that RPS woke a CPU up (count)"),
	KERNEL("softnet", "softnet_flow_limit", "packets dropped by the flow limit (count)"),
	KERNEL("napi_threads", "napi_threads",
	       "kernel threads that serve NAPI instances of the target's interfaces (threads)"),
	KERNEL("napi_threads", "napi_thread_cpu_ns", "CPU time of these threads (ns)"),
	KERNEL("napi_threads", "napi_thread_context_switches",
	       "context switches of these threads (count)"),
	KERNEL("napi_threads", "napi_thread_least_runnable_ns",
	       "time that the one of these threads that did least ran or waited for the CPU (ns)"),
	PROOF("napi_polls", "polls of the NAPI instances of the target's interfaces (count)"),
	PROOF("napi_work_polls", "of these, polls that found packets (count)"),
	PROOF("napi_empty_polls", "of these, polls that found nothing (count)"),
	PROOF("net_rx_softirq_entries",
	      "times that a NET_RX soft interrupt began, all CPUs (count)"),
	PROOF("sched_switches", "switches from one task to another, all CPUs (count)"),
	PROOF("kernel_entries",
	      "system calls of the workload's tasks, both ends, as the kernel counted (count)"),
	PROOF("io_uring_rings", "io_uring rings made within the window, all CPUs: those of a "
				"workload whose window is its whole life (count)"),
	PROOF("io_uring_defer_taskrun_rings",
	      "of these, rings that the kernel made with DEFER_TASKRUN (count)"),
	KERNEL("tasks", "context_switches",
	       "context switches of the workload's tasks, both ends, without SQ threads (count)"),
	KERNEL("tasks", "server_context_switches", "of these, of the server's tasks (count)"),
	KERNEL("tasks", "voluntary_context_switches", "of these, the task went to sleep (count)"),
	KERNEL("tasks", "involuntary_context_switches",
	       "of these, the task was put off the CPU (count)"),
	KERNEL("tasks", "sq_thread_context_switches",
	       "context switches of the workload's SQ threads (count)"),
	KERNEL("tasks", "migrations",
	       "moves of the workload's tasks, SQ threads included, to another CPU (count)"),
	KERNEL("tasks", "task_cpu_ns",
	       "CPU time of the workload's tasks, both ends, without SQ threads (ns)"),
	KERNEL("tasks", "server_task_cpu_ns", "of this, of the server's tasks (ns)"),
	KERNEL("tasks", "sq_thread_cpu_ns", "CPU time of the workload's SQ threads (ns)"),
	KERNEL("tasks", "sq_thread_wait_ns",
	       "time that the SQ threads wanted the CPU and others had it (ns)"),
	KERNEL("io_uring", "sq_total_ns",
	       "time that SQ threads were polling or working, by the ring's own account (ns)"),
	KERNEL("io_uring", "sq_work_ns", "of this, time that they did work (ns)"),
	KERNEL("cpu", "cpu_busy_ns",
	       "user, nice, system, irq and softirq time of the measured CPUs (ns, in ticks)"),
	KERNEL("cpu", "cpu_idle_ns", "idle and iowait time of the measured CPUs (ns, in ticks)"),
	KERNEL("cpu", "steal_ns", "time the hypervisor took from the measured CPUs (ns, in ticks)"),
	KERNEL("sched", "run_time_ns",
	       "time that the scheduler gave to tasks on the measured CPUs, by its own account "
	       "(ns)"),
	KERNEL("disks", "device_reads", "reads completed by the target's disks (count)"),
	KERNEL("disks", "device_writes", "writes completed by the target's disks (count)"),
	KERNEL("disks", "device_ios", "reads and writes completed by the target's disks (count)"),
	KERNEL("disks", "device_merges",
	       "reads and writes that were merged into another before the disk saw them (count)"),
	KERNEL("disks", "device_other_ios", "discards and flushes completed by them (count)"),
	KERNEL("disks", "device_bytes", "bytes read and written by the target's disks (bytes)"),
	KERNEL("perf", "cpu_cycles", "cycles of the measured CPUs, kernel and user (count)"),
	KERNEL("perf", "cpu_instructions",
	       "instructions of the measured CPUs, kernel and user (count)"),
	KERNEL("energy", "energy_uj", "energy of all CPU packages (uJ)"),
	KERNEL(NULL, "task_cpu_share", "task_cpu_ns over the window's length (CPUs)"),
	KERNEL(NULL, "sq_thread_cpu_share", "sq_thread_cpu_ns over the window's length (CPUs)"),
	KERNEL(NULL, "sq_thread_runnable_share",
	       "share of the window in which the SQ thread ran or waited for the CPU, never slept"),
	KERNEL(NULL, "busy_poll_share", "busy_poll_rx_packets over net_rx_packets"),
	KERNEL(NULL, "client_busy_poll_share",
	       "client_busy_poll_rx_packets over client_net_rx_packets"),
	KERNEL(NULL, "server_busy_poll_share",
	       "server_busy_poll_rx_packets over server_net_rx_packets"),
	KERNEL(NULL, "napi_thread_cpu_share", "napi_thread_cpu_ns over the window's length (CPUs)"),
	KERNEL(NULL, "napi_thread_least_runnable_share",
	       "share of the window in which the least busy of the NAPI threads ran or waited for "
	       "the "
	       "CPU, never slept"),
	{.name = "napi_empty_poll_share",
	 .doc = "napi_empty_polls over napi_polls",
	 .kernel = true,
	 .proof = true},
	LOOP("system_calls", "system calls that the loop made for I/O, as it counted (count)"),
	KERNEL(NULL, "net_rx_softirqs_per_napi",
	       "net_rx_softirqs over the number of NAPI instances of the target's interfaces "
	       "(count)"),
	KERNEL(NULL, "receive_interrupts",
	       "device_interrupts without those of vectors that are known to serve sending queues "
	       "alone (count)"),
	LOOP("epoll_wait_calls", "epoll_wait calls of both ends, as the loops counted (count)"),
	LOOP("empty_polls",
	     "receive calls of both ends that came back with nothing, instead of waiting (count)"),
	LOOP("retransmissions",
	     "TCP segments sent again, by TCP_INFO of both ends' sockets (count)"),
	LOOP("zerocopy_sends", "sends that asked for MSG_ZEROCOPY (count)"),
	LOOP("zerocopy_completions", "of these, completed by the kernel in the window (count)"),
	LOOP("zerocopy_completion_share",
	     "zerocopy_completions over zerocopy_sends; one that failed or came late is no "
	     "completion"),
	LOOP("zerocopy_copied", "of these, copied after all: SO_EE_CODE_ZEROCOPY_COPIED (count)"),
	LOOP("flow_ends_without_napi",
	     "ends of flows whose SO_INCOMING_NAPI_ID is 0: busy polling is impossible there "
	     "(count)"),
	LOOP("flow_ends_on_other_napi",
	     "ends of flows that receive on a NAPI instance which was not there when the mode was "
	     "set up: what was set on it is gone (count)"),
	LOOP("io_uring_enter_calls", "io_uring_enter calls, as the loop counted (count)"),
};

const struct evidence_source *const *evidence_sources(size_t *n)
{
	*n = ARRAY_SIZE(sources);
	return sources;
}

const struct evidence_counter *evidence_counters(size_t *n)
{
	*n = ARRAY_SIZE(counters);
	return counters;
}
