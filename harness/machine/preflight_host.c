// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/machine.h"
#include "machine/preflight_private.h"
#include "sys/sys.h"

#define DEEP_IDLE_US 10 /* a wake-up that costs as much as a fast drive's read */

PREFLIGHT_CHECK(preflight_governor)
{
	const char *governor = machine_fact(m, "cpu.governor", NULL);

	if (!governor || !strcmp(governor, "performance"))
		return 0;
	return preflight_add(found, self, SEVERITY_HIGH,
			     "an interrupt-driven load leaves the CPU idle and so at a lower "
			     "frequency than a polling one: the comparison flatters polling",
			     "echo performance | tee "
			     "/sys/devices/system/cpu/cpufreq/policy*/scaling_governor",
			     "CPU frequency governor is %s (driver %s)", governor,
			     machine_fact(m, "cpu.scaling_driver", "unknown"));
}

PREFLIGHT_CHECK(preflight_turbo)
{
	bool intel = sys_exists(m->sys, "/sys/devices/system/cpu/intel_pstate/no_turbo");

	if (strcmp(machine_fact(m, "cpu.turbo", "off"), "on"))
		return 0;
	return preflight_add(found, self, SEVERITY_MEDIUM,
			     "frequency depends on temperature and on how many cores are busy: "
			     "trials drift, and modes that use more cores run slower",
			     intel ? "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo"
				   : "echo 0 > /sys/devices/system/cpu/cpufreq/boost",
			     "turbo frequencies are on");
}

/* The longest exit latency among the states that may be entered: "C6/133us". */
static long deepest_us(const char *states, char *name, size_t size)
{
	long deepest = 0;

	for (const char *p = states; p; p = strchr(p, ' '), p = p ? p + 1 : NULL) {
		const char *slash = strchr(p, '/');
		long us = slash ? strtol(slash + 1, NULL, 10) : 0;

		if (*p == '-' || us <= deepest)
			continue;
		deepest = us;
		snprintf(name, size, "%.*s", (int)(slash - p), p);
	}
	return deepest;
}

PREFLIGHT_CHECK(preflight_idle)
{
	char name[64] = "";
	long us = deepest_us(machine_fact(m, "cpu.idle_states", NULL), name, sizeof(name));

	if (us < DEEP_IDLE_US)
		return 0;
	return preflight_add(
		found, self, SEVERITY_MEDIUM,
		"every interrupt that finds its CPU asleep pays the way back; polling "
		"never sleeps. That is part of the answer if production is set so, and "
		"noise if it is not",
		"cpupower idle-set -D 10", "idle state %s needs %ld us to wake up", name, us);
}

PREFLIGHT_CHECK(preflight_clock)
{
	const char *source = machine_fact(m, "clock.source", NULL);

	if (!source || !strcmp(source, "tsc") || !strcmp(source, "kvm-clock") ||
	    !strcmp(source, "arch_sys_counter") || !strcmp(source, "hyperv_clocksource_tsc_page"))
		return 0;
	return preflight_add(found, self, SEVERITY_HIGH,
			     "each time stamp is a system call or a slow device read: latency "
			     "recording itself limits the rate",
			     "echo tsc > "
			     "/sys/devices/system/clocksource/clocksource0/current_clocksource",
			     "clock source is %s (available: %s)", source,
			     machine_fact(m, "clock.available", "unknown"));
}

PREFLIGHT_CHECK(preflight_smt)
{
	if (!m->smt)
		return 0;
	return preflight_add(found, self, SEVERITY_LOW,
			     "work on a sibling thread slows the measured one; a polling sibling "
			     "most of all. Placement keeps siblings free as long as CPUs last",
			     "echo off > /sys/devices/system/cpu/smt/control",
			     "SMT is on: %u cores, %zu CPUs", m->cores, m->online.n);
}

PREFLIGHT_CHECK(preflight_hypervisor)
{
	const char *name = machine_fact(m, "host.hypervisor", NULL);

	if (!name)
		return 0;
	return preflight_add(found, self, SEVERITY_MEDIUM,
			     "interrupts and idle go through the hypervisor, and neighbours take "
			     "CPU time: rates hold for this VM only; counters stay exact",
			     "(measure on bare metal for numbers about the device)",
			     "this is a virtual machine: %s", name);
}

PREFLIGHT_CHECK(preflight_nmi_watchdog)
{
	if (strcmp(machine_fact(m, "kernel.nmi_watchdog", "0"), "1"))
		return 0;
	return preflight_add(found, self, SEVERITY_LOW,
			     "takes one hardware counter of every CPU, so that counter groups are "
			     "multiplexed, and interrupts it periodically",
			     "sysctl kernel.nmi_watchdog=0", "the NMI watchdog is on");
}

PREFLIGHT_CHECK(preflight_numa_balancing)
{
	if (m->nodes < 2 || !strcmp(machine_fact(m, "kernel.numa_balancing", "0"), "0"))
		return 0;
	return preflight_add(
		found, self, SEVERITY_MEDIUM,
		"page faults in the measured loop, and buffers that move between nodes "
		"while they are measured",
		"sysctl kernel.numa_balancing=0", "automatic NUMA balancing is on");
}

PREFLIGHT_CHECK(preflight_thp)
{
	if (strcmp(machine_fact(m, "memory.thp", "never"), "always"))
		return 0;
	return preflight_add(found, self, SEVERITY_LOW,
			     "khugepaged compacts memory at times of its own choosing",
			     "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
			     "transparent huge pages are set to always");
}

PREFLIGHT_CHECK(preflight_mitigations)
{
	const char *active = machine_fact(m, "cpu.mitigations", NULL);

	if (!active || !strstr(active, "Mitigation:"))
		return 0;
	return preflight_add(found, self, SEVERITY_INFO,
			     "system calls and interrupts cost more than on a machine without; "
			     "compare only with results that say the same",
			     "(nothing: leave them on, the results record them)",
			     "CPU mitigations are active");
}

PREFLIGHT_CHECK(preflight_irq_time)
{
	const char *accounted = machine_fact(m, "kernel.irq_time_accounting", NULL);

	if (!accounted || strncmp(accounted, "no", 2))
		return 0;
	return preflight_add(found, self, SEVERITY_INFO,
			     "time in interrupts is charged to whoever they interrupt: "
			     "cpu_ns_per_io_task holds part of it, /proc/stat shows none",
			     "(a kernel with CONFIG_IRQ_TIME_ACCOUNTING; use cpu_left_per_io)",
			     "interrupt time is not accounted: %s", accounted);
}

PREFLIGHT_CHECK(preflight_cpus)
{
	if (!m->allowed.n || m->allowed.n >= 3)
		return 0;
	return preflight_add(found, self, m->allowed.n < 2 ? SEVERITY_HIGH : SEVERITY_MEDIUM,
			     "with a submission thread on a CPU of its own none is left for the "
			     "orchestrator: those trials carry orchestrator_shares_cpu",
			     "(run where at least three CPUs may be used)",
			     "only %zu CPU%s may be used", m->allowed.n,
			     m->allowed.n == 1 ? "" : "s");
}

PREFLIGHT_CHECK(preflight_privilege)
{
	if (!m->sys->live || !geteuid())
		return 0;
	return preflight_add(found, self, SEVERITY_MEDIUM,
			     "knobs cannot be set, and queue types and other programs' interrupts "
			     "cannot be read: rows that need them are unsupported",
			     "sudo iomodes run ...", "not running as root (uid %u)", geteuid());
}

PREFLIGHT_CHECK(preflight_io_uring)
{
	const char *disabled = machine_fact(m, "kernel.io_uring_disabled", "0");

	if (!strcmp(disabled, "0"))
		return 0;
	return preflight_add(
		found, self, !strcmp(disabled, "2") ? SEVERITY_HIGH : SEVERITY_MEDIUM,
		!strcmp(disabled, "2") ? "io_uring_setup fails with EPERM: every io_uring row is "
					 "unsupported"
				       : "io_uring_setup fails with EPERM for users without "
					 "CAP_SYS_ADMIN and outside kernel.io_uring_group",
		"sysctl kernel.io_uring_disabled=0", "kernel.io_uring_disabled is %s", disabled);
}
