// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "evidence/source.h"

/* In the order of the first sample: what takes longest is farthest from the window. */
static const struct evidence_source *const sources[] = {
	&evidence_interrupts, &evidence_cpu,  &evidence_sched, &evidence_uring, &evidence_energy,
	&evidence_softirqs,   &evidence_perf, &evidence_disks, &evidence_tasks,
};

#define KERNEL(of, n, text)                                                \
	{                                                                  \
		.name = (n), .doc = (text), .kernel = true, .source = (of) \
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
	KERNEL("tasks", "context_switches",
	       "context switches of the workload's tasks without SQ threads (count)"),
	KERNEL("tasks", "voluntary_context_switches", "of these, the task went to sleep (count)"),
	KERNEL("tasks", "involuntary_context_switches",
	       "of these, the task was put off the CPU (count)"),
	KERNEL("tasks", "sq_thread_context_switches",
	       "context switches of the workload's SQ threads (count)"),
	KERNEL("tasks", "migrations",
	       "moves of the workload's tasks, SQ threads included, to another CPU (count)"),
	KERNEL("tasks", "task_cpu_ns", "CPU time of the workload's tasks without SQ threads (ns)"),
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
	LOOP("system_calls", "system calls that the loop made for I/O, as it counted (count)"),
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
