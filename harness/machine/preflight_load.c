// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/machine.h"
#include "machine/preflight_private.h"
#include "sys/sys.h"

#define WATCH_NS	250000000
#define BUSY_PERCENT	2.0 /* as the host check of a trial: more foreign CPU time spoils it */
#define STEAL_PERCENT	1.0
#define SPACE_MIN_BYTES (4ull << 30)

struct cpu_time {
	unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
};

static int read_cpu_time(struct sys *s, struct cpu_time *t)
{
	char line[512];
	_free_ char *text = NULL;
	size_t len;
	int err = sys_read_all(s, "/proc/stat", &text, &len);

	if (err)
		return err;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	return sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t->user, &t->nice,
		      &t->system, &t->idle, &t->iowait, &t->irq, &t->softirq, &t->steal) == 8
		       ? 0
		       : -EINVAL;
}

/* Watches for a quarter of a second in which we ourselves sleep. */
PREFLIGHT_CHECK(preflight_busy)
{
	struct cpu_time a, b;
	double busy, steal, all;
	int err = 0;

	if (!m->sys->live || read_cpu_time(m->sys, &a))
		return 0;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = WATCH_NS}, NULL);
	if (read_cpu_time(m->sys, &b))
		return 0;
	busy = (double)(b.user + b.nice + b.system + b.irq + b.softirq - a.user - a.nice -
			a.system - a.irq - a.softirq);
	steal = (double)(b.steal - a.steal);
	all = busy + steal + (double)(b.idle + b.iowait - a.idle - a.iowait);
	if (all > 0 && 100 * busy / all > BUSY_PERCENT)
		err = preflight_add(found, self,
				    100 * busy / all > 10 ? SEVERITY_HIGH : SEVERITY_MEDIUM,
				    "foreign work on measured CPUs, in their caches and on the "
				    "device: rates and tails are theirs as much as the mode's",
				    "top -b -n 1 -o %CPU | head -n 20", "CPUs are %.0f %% busy",
				    100 * busy / all);
	if (!err && all > 0 && 100 * steal / all > STEAL_PERCENT)
		err = preflight_add(found, self, SEVERITY_HIGH,
				    "the hypervisor gives our CPU time to others: latency tails "
				    "are theirs",
				    "(a VM with dedicated CPUs)", "%.0f %% of CPU time is stolen",
				    100 * steal / all);
	return err;
}

PREFLIGHT_CHECK(preflight_irqbalance)
{
	const char *pid = machine_fact(m, "irq.irqbalance", "no");

	if (!strcmp(pid, "no"))
		return 0;
	return preflight_add(found, self, SEVERITY_MEDIUM,
			     "movable vectors change CPU in the middle of a trial; a run bans the "
			     "vectors it sets, other tools' runs are not protected",
			     "systemctl stop irqbalance", "irqbalance is running (%s)", pid);
}

/* Programs that use disk and CPU for minutes when their timer says so. */
static const struct service {
	const char *comm, *what, *mend;
} services[] = {
	{"unattended-upgr", "unattended upgrades", "systemctl stop unattended-upgrades"},
	{"apt-get", "a package installation", "(wait for apt-get to end)"},
	{"dpkg", "a package installation", "(wait for dpkg to end)"},
	{"packagekitd", "PackageKit", "systemctl stop packagekit"},
	{"updatedb", "updatedb", "systemctl stop plocate-updatedb.timer plocate-updatedb.service"},
	{"fstrim", "fstrim", "systemctl stop fstrim.timer fstrim.service"},
	{"tuned", "TuneD, which sets knobs of its own", "systemctl stop tuned"},
	{"power-profiles-", "power-profiles-daemon, which sets the governor",
	 "systemctl stop power-profiles-daemon"},
	{"thermald", "thermald, which sets frequency limits", "systemctl stop thermald"},
	{"btrfs-scrub", "a btrfs scrub", "btrfs scrub cancel /"},
	{"fio", "another benchmark: fio", "(wait for fio to end)"},
};

bool preflight_knows_process(const char *comm)
{
	for (size_t k = 0; k < ARRAY_SIZE(services); k++)
		if (!strcmp(comm, services[k].comm))
			return true;
	return !strcmp(comm, "irqbalance");
}

PREFLIGHT_CHECK(preflight_services)
{
	_free_ char **names = NULL;
	bool told[ARRAY_SIZE(services)] = {false};

	if (sys_list(m->sys, "/proc", &names))
		return 0;
	for (size_t i = 0; names[i]; i++) {
		char comm[64];

		if (!isdigit((unsigned char)names[i][0]) ||
		    sys_readf(m->sys, comm, sizeof(comm), "/proc/%s/comm", names[i]))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(services); k++) {
			if (told[k] || strcmp(comm, services[k].comm))
				continue;
			told[k] = true;
			if (preflight_add(
				    found, self, SEVERITY_MEDIUM,
				    "CPU and disk time, or settings changed, at times that no "
				    "randomization can balance",
				    services[k].mend, "%s is running (pid %s)", services[k].what,
				    names[i]))
				return -ENOMEM;
		}
	}
	return 0;
}

PREFLIGHT_CHECK(preflight_swap)
{
	_free_ char *text = NULL;
	const char *total, *unused;
	unsigned long long total_kib, unused_kib;
	size_t len;

	if (sys_read_all(m->sys, "/proc/meminfo", &text, &len))
		return 0;
	total = strstr(text, "\nSwapTotal:");
	unused = strstr(text, "\nSwapFree:");
	if (!total || !unused || sscanf(total, " SwapTotal: %llu", &total_kib) != 1 ||
	    sscanf(unused, " SwapFree: %llu", &unused_kib) != 1 || total_kib <= unused_kib)
		return 0;
	return preflight_add(found, self, SEVERITY_LOW,
			     "a page fault to disk in a measured loop is an outlier of its own",
			     "swapoff -a && swapon -a", "%llu MiB are swapped out",
			     (total_kib - unused_kib) >> 10);
}

/* Where a run puts its scratch file and its results by default: here. */
PREFLIGHT_CHECK(preflight_space)
{
	struct statvfs v;
	unsigned long long bytes;

	if (!m->sys->live || statvfs(".", &v))
		return 0;
	bytes = (unsigned long long)v.f_bavail * v.f_frsize;
	if (bytes >= SPACE_MIN_BYTES && (double)v.f_bavail >= 0.05 * (double)v.f_blocks)
		return 0;
	return preflight_add(found, self, SEVERITY_MEDIUM,
			     "scratch files come out fragmented on a nearly full file system, and "
			     "a run that cannot write its records ends",
			     "(free some space, or give --scratch DIR)",
			     "%llu MiB are free in the current directory", bytes >> 20);
}

PREFLIGHT_CHECK(preflight_throttling)
{
	long long events = 0;

	for (size_t i = 0; i < m->online.n; i++) {
		int64_t n;

		if (!sys_readf_i64(m->sys, &n,
				   "/sys/devices/system/cpu/cpu%u/thermal_throttle/"
				   "core_throttle_count",
				   m->online.cpu[i]))
			events += n;
	}
	if (!events)
		return 0;
	return preflight_add(found, self, SEVERITY_LOW,
			     "a throttled CPU is a slower CPU; trials check that the count stays",
			     "(mend the cooling, or limit the frequency)",
			     "CPUs were throttled for heat %lld times since boot", events);
}

PREFLIGHT_CHECK(preflight_iomodes)
{
	_free_ char **names = NULL;

	if (!m->sys->live || sys_list(m->sys, "/proc", &names))
		return 0;
	for (size_t i = 0; names[i]; i++) {
		char comm[64];

		if (!isdigit((unsigned char)names[i][0]) ||
		    sys_readf(m->sys, comm, sizeof(comm), "/proc/%s/comm", names[i]) ||
		    strcmp(comm, "iomodes") || strtol(names[i], NULL, 10) == getpid())
			continue;
		return preflight_add(found, self, SEVERITY_HIGH,
				     "a run would find the host busy and end with status 6",
				     "iomodes status", "another iomodes is running (pid %s)",
				     names[i]);
	}
	return 0;
}
