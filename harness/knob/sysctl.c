// SPDX-License-Identifier: Apache-2.0
/* A closed list: no journal, experiment or command line can name a sysctl that is not here. */
#include "base/cleanup.h"
#include "knob/family.h"

#define ROW(dotted, slashed, text)                                                          \
	{                                                                                   \
		.name = "sysctl." dotted, .scope = KNOB_HOST, .path = "/proc/sys/" slashed, \
		.doc = text                                                                 \
	}

static const struct knob rows[] = {
	ROW("fs.aio-max-nr", "fs/aio-max-nr", "asynchronous I/O requests the host may have set up"),
	ROW("kernel.io_uring_disabled", "kernel/io_uring_disabled",
	    "0: io_uring for everybody, 1: for its group, 2: for nobody (6.6)"),
	ROW("kernel.numa_balancing", "kernel/numa_balancing",
	    "automatic page migration; unmaps pages under the workload to learn who uses them"),
	ROW("kernel.sched_autogroup_enabled", "kernel/sched_autogroup_enabled",
	    "scheduling groups by session"),
	ROW("kernel.sched_rt_runtime_us", "kernel/sched_rt_runtime_us",
	    "CPU time of real-time tasks in each period; -1: no limit, a spinning one hangs its "
	    "CPU"),
	ROW("kernel.timer_migration", "kernel/timer_migration",
	    "timers of idle CPUs may run elsewhere"),
	ROW("net.core.busy_poll", "net/core/busy_poll",
	    "microseconds that poll(2), select(2) and epoll busy-poll sockets, 0: off"),
	ROW("net.core.busy_read", "net/core/busy_read",
	    "SO_BUSY_POLL of new sockets, microseconds, 0: off"),
	ROW("net.core.dev_weight", "net/core/dev_weight", "packets of one backlog poll"),
	ROW("net.core.gro_normal_batch", "net/core/gro_normal_batch",
	    "packets that GRO passes on together (5.4)"),
	ROW("net.core.netdev_budget", "net/core/netdev_budget",
	    "packets of one round of the receive softirq"),
	ROW("net.core.netdev_budget_usecs", "net/core/netdev_budget_usecs",
	    "microseconds of one round of the receive softirq"),
	ROW("net.core.netdev_max_backlog", "net/core/netdev_max_backlog",
	    "packets a CPU's backlog may hold"),
	ROW("net.core.rps_sock_flow_entries", "net/core/rps_sock_flow_entries",
	    "flows that may follow their application's CPU (RFS), 0: off; rounded up to a power "
	    "of two"),
	ROW("vm.compaction_proactiveness", "vm/compaction_proactiveness",
	    "background compaction, 0: off (5.9)"),
	ROW("vm.stat_interval", "vm/stat_interval",
	    "seconds between the per-CPU statistics updates that interrupt an isolated CPU"),
	ROW("vm.swappiness", "vm/swappiness", "readiness to swap anonymous pages out"),
};

const struct knob_family knob_family_sysctl = {rows, ARRAY_SIZE(rows)};
