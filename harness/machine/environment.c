// SPDX-License-Identifier: Apache-2.0
/* Facts about the host that a result depends on: one row each, and what it means when it is not
 * there. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/environment.h"
#include "machine/internal.h"
#include "machine/interrupts.h"
#include "sys/sys.h"

#define CPU "/sys/devices/system/cpu"

static int fact_line(struct sys *s, const char *path, char *value)
{
	return sys_readf(s, value, FACT_MAX, "%s", path);
}

/* "KEY : value" of the first processor in /proc/cpuinfo. */
static int fact_cpuinfo(struct sys *s, const char *key, char *value)
{
	_free_ char *text = NULL;
	size_t len, n = strlen(key);
	int err = sys_read_all(s, "/proc/cpuinfo", &text, &len);

	if (err)
		return err;
	for (char *line = text; line && *line; line = strchr(line, '\n'), line += !!line) {
		char *colon = line + n;

		if (strncmp(line, key, n))
			continue;
		colon += strspn(colon, "\t ");
		if (*colon != ':')
			continue;
		colon += 1 + strspn(colon + 1, " ");
		snprintf(value, FACT_MAX, "%.*s", (int)strcspn(colon, "\n"), colon);
		return 0;
	}
	return -ENODATA;
}

/* The word in brackets: "always [madvise] never". */
static int fact_bracket(struct sys *s, const char *path, char *value)
{
	char text[256], *open, *close;
	int err = sys_readf(s, text, sizeof(text), "%s", path);

	if (err)
		return err;
	open = strchr(text, '[');
	close = open ? strchr(open, ']') : NULL;
	if (!close)
		return -ENODATA;
	snprintf(value, FACT_MAX, "%.*s", (int)(close - open - 1), open + 1);
	return 0;
}

/* "MemTotal" of /proc/meminfo, as the kernel writes it. */
static int fact_meminfo(struct sys *s, const char *key, char *value)
{
	_free_ char *text = NULL;
	size_t len;
	int err = sys_read_all(s, "/proc/meminfo", &text, &len);
	const char *at;

	if (err)
		return err;
	at = strstr(text, key);
	if (!at || (at != text && at[-1] != '\n') || at[strlen(key)] != ':')
		return -ENODATA;
	at += strlen(key) + 1;
	at += strspn(at, " ");
	snprintf(value, FACT_MAX, "%.*s", (int)strcspn(at, "\n"), at);
	return 0;
}

static void append(char *value, const char *separator, const char *text)
{
	size_t used = strlen(value);

	snprintf(value + used, FACT_MAX - used, "%s%s", used ? separator : "", text);
}

static bool has_item(const char *list, const char *item)
{
	size_t n = strlen(item);

	for (const char *p = list; p && *p; p = strchr(p, ' '), p = p ? p + 1 : NULL)
		if (!strncmp(p, item, n) && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

/* The distinct values of one attribute over all cpufreq policies: "powersave", or "a b". */
static int fact_policies(struct sys *s, const char *attribute, char *value)
{
	_free_ char **names = NULL;
	int err = sys_list(s, CPU "/cpufreq", &names);

	if (err)
		return err;
	value[0] = '\0';
	for (size_t i = 0; names[i]; i++) {
		char text[256];

		if (!strncmp(names[i], "policy", 6) &&
		    !sys_readf(s, text, sizeof(text), CPU "/cpufreq/%s/%s", names[i], attribute) &&
		    !has_item(value, text))
			append(value, " ", text);
	}
	return value[0] ? 0 : -ENOENT;
}

/* intel_pstate says "no_turbo", other drivers "boost". */
static int fact_turbo(struct sys *s, const char *unused, char *value)
{
	int64_t on;
	int err;

	if (!sys_readf_i64(s, &on, CPU "/intel_pstate/no_turbo"))
		on = !on;
	else if ((err = sys_readf_i64(s, &on, CPU "/cpufreq/boost")))
		return err;
	strcpy(value, on ? "on" : "off");
	return 0;
}

/* "POLL/0us C1/2us C6/133us", a "-" before those switched off; CPU 0 stands for all. */
static int fact_idle_states(struct sys *s, const char *unused, char *value)
{
	_free_ char **names = NULL;
	int err = sys_list(s, CPU "/cpu0/cpuidle", &names);

	if (err)
		return err;
	value[0] = '\0';
	for (size_t i = 0; names[i]; i++) {
		char name[64], text[128];
		int64_t latency = 0, off = 0;

		if (sys_readf(s, name, sizeof(name), CPU "/cpu0/cpuidle/%s/name", names[i]))
			continue;
		sys_readf_i64(s, &latency, CPU "/cpu0/cpuidle/%s/latency", names[i]);
		sys_readf_i64(s, &off, CPU "/cpu0/cpuidle/%s/disable", names[i]);
		for (char *p = name; *p; p++)
			if (*p == ' ')
				*p = '_';
		snprintf(text, sizeof(text), "%s%s/%lldus", off ? "-" : "", name,
			 (long long)latency);
		append(value, " ", text);
	}
	return value[0] ? 0 : -ENOENT;
}

/* Every vulnerability that the CPU has, with what is done about it. */
static int fact_mitigations(struct sys *s, const char *unused, char *value)
{
	_free_ char **names = NULL;
	int err = sys_list(s, CPU "/vulnerabilities", &names);

	if (err)
		return err;
	value[0] = '\0';
	for (size_t i = 0; names[i]; i++) {
		char text[512], both[600];

		if (sys_readf(s, text, sizeof(text), CPU "/vulnerabilities/%s", names[i]) ||
		    !strcmp(text, "Not affected"))
			continue;
		snprintf(both, sizeof(both), "%s=%s", names[i], text);
		append(value, " | ", both);
	}
	if (!value[0])
		strcpy(value, "none needed");
	return 0;
}

static int fact_list_names(struct sys *s, const char *path, char *value)
{
	_free_ char **names = NULL;
	int err = sys_list(s, path, &names);

	if (err)
		return err;
	value[0] = '\0';
	for (size_t i = 0; names[i]; i++)
		append(value, " ", names[i]);
	return value[0] ? 0 : -ENOENT;
}

static int fact_count_names(struct sys *s, const char *path, char *value)
{
	_free_ char **names = NULL;
	int err = sys_list(s, path, &names);
	size_t n = 0;

	if (err)
		return err;
	while (names[n])
		n++;
	snprintf(value, FACT_MAX, "%zu", n);
	return n ? 0 : -ENOENT;
}

/* The IOMMU remaps interrupts when the chips of PCI vectors say so ("IR-PCI-MSI"). */
static int fact_irq_remapping(struct sys *s, const char *unused, char *value)
{
	_free_ struct interrupt *list = NULL;
	_free_ char *text = NULL;
	size_t len, n;
	int err = sys_read_all(s, "/proc/interrupts", &text, &len);

	if (!err)
		err = interrupts_parse(text, len, &list, &n);
	if (err)
		return err;
	strcpy(value, "no");
	for (size_t i = 0; i < n; i++)
		if (!strncmp(list[i].chip, "IR-", 3))
			strcpy(value, "yes");
	return 0;
}

/* Is a process of this name running? Its number, or "no". */
static int fact_process(struct sys *s, const char *name, char *value)
{
	_free_ char **names = NULL;
	int err = sys_list(s, "/proc", &names);

	if (err)
		return err;
	strcpy(value, "no");
	for (size_t i = 0; names[i]; i++) {
		char comm[64];

		if (!isdigit((unsigned char)names[i][0]) ||
		    sys_readf(s, comm, sizeof(comm), "/proc/%s/comm", names[i]) ||
		    strcmp(comm, name))
			continue;
		snprintf(value, FACT_MAX, "pid %s", names[i]);
		return 0;
	}
	return 0;
}

/* A word of the kernel's command line: "name=value" gives the value, "name" alone gives "set". */
static int fact_boot(struct sys *s, const char *name, char *value)
{
	char line[FACT_MAX];
	size_t n = strlen(name);
	int err = sys_readf(s, line, sizeof(line), "/proc/cmdline");

	if (err)
		return err;
	for (const char *p = line; p; p = strchr(p, ' '), p = p ? p + 1 : NULL) {
		if (!strncmp(p, "-- ", 3))
			break; /* the rest is for init */
		if (strncmp(p, name, n) || (p[n] != '=' && p[n] != ' ' && p[n]))
			continue;
		if (p[n] == '=')
			snprintf(value, FACT_MAX, "%.*s", (int)strcspn(p + n + 1, " "), p + n + 1);
		else
			strcpy(value, "set");
		return 0;
	}
	return -ENODATA;
}

#define NO_CPUFREQ "no cpufreq driver"
#define NO_NVME	   "module nvme is not loaded"
#define NO_DMI	   "no DMI tables"

static const struct fact_row {
	const char *name;
	int (*read)(struct sys *s, const char *arg, char *value);
	const char *arg;
	const char *absent; /* what it means when there is none */
	bool live;	    /* found by other means than files: collect records the answer */
} rows[] = {
#define READ(name_, read_, arg_, absent_)          \
	{                                          \
		name_, read_, arg_, absent_, false \
	}
#define LINE(name_, path_, absent_)                     \
	{                                               \
		name_, fact_line, path_, absent_, false \
	}
#define LIVE(name_, read_, absent_)               \
	{                                         \
		name_, read_, NULL, absent_, true \
	}
	LINE("kernel.release", "/proc/sys/kernel/osrelease", "no procfs"),
	LINE("kernel.version", "/proc/sys/kernel/version", "no procfs"),
	LINE("kernel.arch", "/proc/sys/kernel/arch", "told since Linux 6.1"),
	LINE("kernel.cmdline", "/proc/cmdline", "no procfs"),
	READ("kernel.isolcpus", fact_boot, "isolcpus", "not on the command line"),
	READ("kernel.nohz_full", fact_boot, "nohz_full", "not on the command line"),
	READ("kernel.mitigations", fact_boot, "mitigations", "not on the command line"),
	LIVE("kernel.irq_time_accounting", fact_irq_time,
	     "kernel configuration not readable, and no interrupt time in /proc/stat"),
	LINE("kernel.io_uring_disabled", "/proc/sys/kernel/io_uring_disabled",
	     "sysctl since Linux 6.6"),
	LINE("kernel.nmi_watchdog", "/proc/sys/kernel/nmi_watchdog", "not built in"),
	LINE("kernel.watchdog", "/proc/sys/kernel/watchdog", "not built in"),
	LINE("kernel.perf_event_paranoid", "/proc/sys/kernel/perf_event_paranoid",
	     "perf events not built in"),
	LINE("kernel.numa_balancing", "/proc/sys/kernel/numa_balancing", "not built in"),
	LINE("clock.source", "/sys/devices/system/clocksource/clocksource0/current_clocksource",
	     "no sysfs"),
	LINE("clock.available",
	     "/sys/devices/system/clocksource/clocksource0/available_clocksource", "no sysfs"),
	READ("cpu.model", fact_cpuinfo, "model name", "/proc/cpuinfo does not tell"),
	READ("cpu.microcode", fact_cpuinfo, "microcode", "/proc/cpuinfo does not tell"),
	READ("cpu.governor", fact_policies, "scaling_governor", NO_CPUFREQ),
	READ("cpu.scaling_driver", fact_policies, "scaling_driver", NO_CPUFREQ),
	READ("cpu.energy_preference", fact_policies, "energy_performance_preference",
	     "the cpufreq driver has none"),
	READ("cpu.turbo", fact_turbo, NULL, "neither intel_pstate/no_turbo nor cpufreq/boost"),
	LINE("cpu.idle_driver", CPU "/cpuidle/current_driver", "no cpuidle"),
	LINE("cpu.idle_governor", CPU "/cpuidle/current_governor", "no cpuidle"),
	READ("cpu.idle_states", fact_idle_states, NULL, "no cpuidle driver"),
	LINE("cpu.smt_control", CPU "/smt/control", "no SMT support in this kernel"),
	LINE("cpu.isolated", CPU "/isolated", "no CPU is isolated"),
	READ("cpu.mitigations", fact_mitigations, NULL, "not told by this kernel"),
	READ("memory.total", fact_meminfo, "MemTotal", "no procfs"),
	READ("memory.thp", fact_bracket, "/sys/kernel/mm/transparent_hugepage/enabled",
	     "not built in"),
	LIVE("host.hypervisor", fact_hypervisor, "bare metal, as far as the CPU tells"),
	LINE("host.vendor", "/sys/class/dmi/id/sys_vendor", NO_DMI),
	LINE("host.product", "/sys/class/dmi/id/product_name", NO_DMI),
	LINE("host.board", "/sys/class/dmi/id/board_name", NO_DMI),
	LINE("host.bios", "/sys/class/dmi/id/bios_version", NO_DMI),
	LINE("host.bios_date", "/sys/class/dmi/id/bios_date", NO_DMI),
	LINE("host.uptime", "/proc/uptime", "no procfs"),
	READ("iommu.units", fact_list_names, "/sys/class/iommu", "no IOMMU"),
	READ("iommu.groups", fact_count_names, "/sys/kernel/iommu_groups", "no IOMMU"),
	READ("irq.remapping", fact_irq_remapping, NULL, "no /proc/interrupts"),
	READ("irq.irqbalance", fact_process, "irqbalance", "no procfs"),
	LIVE("perf.hardware_counters", fact_perf, "perf_event_open refused"),
	LINE("power.rapl", "/sys/class/powercap/intel-rapl:0/name", "no powercap intel-rapl zone"),
	LINE("nvme.poll_queues", "/sys/module/nvme/parameters/poll_queues", NO_NVME),
	LINE("nvme.write_queues", "/sys/module/nvme/parameters/write_queues", NO_NVME),
	LINE("nvme.io_queue_depth", "/sys/module/nvme/parameters/io_queue_depth", NO_NVME),
	LINE("nvme.use_threaded_interrupts", "/sys/module/nvme/parameters/use_threaded_interrupts",
	     NO_NVME),
	LINE("nvme.multipath", "/sys/module/nvme_core/parameters/multipath",
	     "module nvme_core is not loaded or has no multipath"),
	LINE("nvme.apst_max_latency_us",
	     "/sys/module/nvme_core/parameters/default_ps_max_latency_us",
	     "module nvme_core is not loaded"),
	LINE("virtio_blk.poll_queues", "/sys/module/virtio_blk/parameters/poll_queues",
	     "module virtio_blk is not loaded"),
	LINE("virtio_blk.request_queues", "/sys/module/virtio_blk/parameters/num_request_queues",
	     "module virtio_blk is not loaded"),
#undef READ
#undef LINE
#undef LIVE
};

/* Turn one recorded answer into the fact. */
static int replay(struct sys *s, const struct fact_row *row, struct machine_fact *fact)
{
	_json_ json_t *answer = recorded_live(s, "facts", row->name);
	const char *value = json_string_value(json_object_get(answer, "value"));

	if (value)
		fact->value = strdup(value);
	else
		fact->why = answer ? row->absent : "not in this recording";
	return value && !fact->value ? -ENOMEM : 0;
}

static int read_fact(struct sys *s, const struct fact_row *row, struct machine_fact *fact)
{
	char value[FACT_MAX];
	int err;

	fact->name = row->name;
	if (row->live && !s->live)
		return replay(s, row, fact);
	err = row->read(s, row->arg, value);
	if (!err && value[0]) {
		fact->value = strdup(value);
		return fact->value ? 0 : -ENOMEM;
	}
	fact->why = err == -EACCES || err == -EPERM ? "not readable by this user" : row->absent;
	return 0;
}

int environment_read(struct machine *m, struct diag *d)
{
	m->facts = calloc(ARRAY_SIZE(rows), sizeof(*m->facts));
	if (!m->facts)
		return diag_errno(d, -ENOMEM, "facts");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int err = read_fact(m->sys, &rows[i], &m->facts[m->n_facts++]);

		if (err)
			return diag_errno(d, err, "%s", rows[i].name);
	}
	return 0;
}

void environment_free(struct machine *m)
{
	for (size_t i = 0; i < m->n_facts; i++)
		free(m->facts[i].value);
	free(m->facts);
}

json_t *environment_live_json(const struct machine *m)
{
	json_t *all = json_object();

	for (size_t i = 0; i < m->n_facts; i++)
		if (rows[i].live)
			json_object_set_new(all, rows[i].name,
					    json_pack("{s:s?}", "value", m->facts[i].value));
	return all;
}
