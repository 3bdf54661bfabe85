// SPDX-License-Identifier: Apache-2.0
/* The kernel's command line: who wrote it may have named disks, hosts, people and programs in it,
 * so a value stays only where it is known to name none. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/scrub.h"

/* Beginnings of parameters whose values say how machine and kernel work
 * (Documentation/admin-guide/kernel-parameters.txt). */
static const char *const known[] = {
	"nvme",		"mitigations=",	 "spectre",	 "spec_",	 "l1tf=",
	"mds=",		"tsx",		 "mmio_",	 "retbleed=",	 "srbds=",
	"gather_",	"pti=",		 "isolcpus=",	 "nohz",	 "rcu",
	"irqaffinity=", "intel_",	 "amd_",	 "iommu",	 "processor.",
	"cpuidle",	"cpufreq",	 "idle=",	 "pci",		 "hugepages",
	"hugepagesz=",	"default_hug",	 "transparent_", "numa",	 "maxcpus=",
	"nr_cpus=",	"nosmt=",	 "kvm",		 "scsi_mod.",	 "blk",
	"elevator=",	"virtio",	 "preempt=",	 "clocksource",	 "tsc=",
	"watchdog",	"nmi_watchdog=", "acpi",	 "apic",	 "cgroup_",
	"psi=",		"selinux=",	 "apparmor=",	 "security=",	 "audit",
	"loglevel=",	"console=",	 "earlyprintk=", "earlycon=",	 "panic",
	"oops=",	"reboot=",	 "mem=",	 "memmap=",	 "crashkernel=",
	"swiotlb=",	"zswap.",	 "sched_",	 "kthread_",	 "workqueue.",
	"init_on_",	"slab_",	 "page_",	 "randomize_",	 "vsyscall=",
	"tick",		"skew_tick=",	 "hpet=",	 "highres=",	 "i8042.",
	"net.ifnames",	"biosdevname=",	 "xen",		 "hv_",		 "random.",
	"usbcore.",	"libata.",	 "mlx",		 "ixgbe",	 "ice.",
	"i40e",		"e1000",	 "igb",		 "ipv6.disable", "fsck.mode=",
	"fsck.repair=",
};

static bool is_known(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strncmp(word, known[i], strlen(known[i])))
			return true;
	return false;
}

/* A small number with its unit, or a word that switches something. */
static bool names_nobody(const char *value)
{
	static const char *const words[] = {"on",   "off",   "y",      "n",    "yes",	  "no",
					    "auto", "force", "always", "none", "default", ""};
	size_t n = strspn(value, "0123456789");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(value, words[i]))
			return true;
	return n && n <= 9 && (!value[n] || (strchr("kKmMgG", value[n]) && !value[n + 1]));
}

void scrub_cmdline(char *line)
{
	_free_ char *copy = strdup(line);
	char *save, *out = line;
	bool newline = strchr(line, '\n') != NULL; /* it may not become longer */

	if (!copy) {
		*line = '\0'; /* rather nothing than too much */
		return;
	}
	for (char *word = strtok_r(copy, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		char *value = strchr(word, '=');

		if (!strcmp(word, "--"))
			break;
		if (value && !is_known(word) && !names_nobody(value + 1))
			value[1] = '\0'; /* "root=": that it was given is kept */
		out += sprintf(out, "%s%s", out == line ? "" : " ", word);
	}
	strcpy(out, newline ? "\n" : "");
}
