// SPDX-License-Identifier: Apache-2.0
#include "machine/environment.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "base/cleanup.h"
#include "sys/sys.h"

#define CONFIG_MAX (1u << 20)

/* The kernel's configuration as text: /proc/config.gz (CONFIG_IKCONFIG_PROC), else /boot. */
static int read_config(struct sys *s, char **text)
{
	_free_ char *packed = NULL;
	struct archive *a = NULL;
	struct archive_entry *entry;
	char release[128], path[192];
	size_t len;
	ssize_t n = -1;

	if (sys_read_all(s, "/proc/config.gz", &packed, &len)) {
		int err = sys_readf(s, release, sizeof(release), "/proc/sys/kernel/osrelease");

		snprintf(path, sizeof(path), "/boot/config-%s", release);
		return err ? err : sys_read_all(s, path, text, &len);
	}
	*text = malloc(CONFIG_MAX + 1);
	a = archive_read_new();
	if (*text && a && !archive_read_support_filter_gzip(a) &&
	    !archive_read_support_format_raw(a) && !archive_read_open_memory(a, packed, len) &&
	    !archive_read_next_header(a, &entry))
		n = archive_read_data(a, *text, CONFIG_MAX);
	archive_read_free(a);
	if (n < 0) {
		free(*text);
		*text = NULL;
		return -EINVAL;
	}
	(*text)[n] = '\0';
	return 0;
}

int fact_irq_time(struct sys *s, const char *unused, char *value)
{
	_free_ char *config = NULL;
	char cmdline[4096];

	if (read_config(s, &config))
		return -ENODATA;
	if (!strstr(config, "\nCONFIG_IRQ_TIME_ACCOUNTING=y") &&
	    !strstr(config, "\nCONFIG_VIRT_CPU_ACCOUNTING_GEN=y"))
		strcpy(value, "no (CONFIG_IRQ_TIME_ACCOUNTING is not set)");
	else if (!sys_readf(s, cmdline, sizeof(cmdline), "/proc/cmdline") &&
		 strstr(cmdline, "tsc=noirqtime"))
		strcpy(value, "no (tsc=noirqtime)");
	else
		strcpy(value, "yes");
	return 0;
}

/* Leaf 0x40000000 holds the hypervisor's signature; firmware tables may be absent (microVMs). */
static bool read_signature(char out[static 13])
{
#if defined(__x86_64__) || defined(__i386__)
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) && c & (1u << 31)) {
		__cpuid(0x40000000, a, b, c, d);
		memcpy(out, &b, 4);
		memcpy(out + 4, &c, 4);
		memcpy(out + 8, &d, 4);
		out[12] = '\0';
		return true;
	}
#endif
	return false;
}

int fact_hypervisor(struct sys *s, const char *unused, char *value)
{
	static const struct {
		const char *signature, *name;
	} known[] = {
		{"KVMKVMKVM", "kvm"},	 {"Microsoft Hv", "hyper-v"},  {"VMwareVMware", "vmware"},
		{"XenVMMXenVMM", "xen"}, {"TCGTCGTCGTCG", "qemu tcg"}, {"bhyve bhyve ", "bhyve"},
	};
	char signature[13], xen[64];

	if (!sys_readf(s, xen, sizeof(xen), "/sys/hypervisor/type")) {
		snprintf(value, FACT_MAX, "%s (/sys/hypervisor/type)", xen);
		return 0;
	}
	if (!read_signature(signature))
		return -ENODATA;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(signature, known[i].signature)) {
			snprintf(value, FACT_MAX, "%s (CPUID signature %s)", known[i].name,
				 signature);
			return 0;
		}
	snprintf(value, FACT_MAX, "unknown (CPUID hypervisor bit, signature \"%s\")", signature);
	return 0;
}

int fact_perf(struct sys *s, const char *unused, char *value)
{
	static const struct {
		unsigned long long config;
		const char *name;
	} events[] = {
		{PERF_COUNT_HW_CPU_CYCLES, "cycles"},
		{PERF_COUNT_HW_INSTRUCTIONS, "instructions"},
		{PERF_COUNT_HW_CACHE_MISSES, "cache-misses"},
		{PERF_COUNT_HW_BRANCH_MISSES, "branch-misses"},
	};
	size_t used = 0;
	int err = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct perf_event_attr attr = {
			.type = PERF_TYPE_HARDWARE,
			.size = sizeof(attr),
			.config = events[i].config,
			.disabled = 1,
			.exclude_kernel = 1,
		};
		_fd_ int fd =
			(int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

		if (fd < 0)
			err = -errno;
		else
			used += (size_t)snprintf(value + used, FACT_MAX - used, "%s%s",
						 used ? " " : "", events[i].name);
	}
	return used ? 0 : err;
}
