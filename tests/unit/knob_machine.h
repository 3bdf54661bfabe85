/* SPDX-License-Identifier: Apache-2.0 */
/* A machine in memory with one knob of each family, and a journal in memory under the same faults;
 * for the test_knob_* programs. */
#pragma once
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "knob/journal.h"
#include "knob/restore.h"
#include "knob/store.h"
#include "sys/sys.h"
#include "sys/sys_memory.h"

#define BOOT_ID "11111111-2222-3333-4444-555555555555"
#define QUEUE	"/sys/block/loop9/queue/"

static const char *const watched[] = {
	QUEUE "scheduler",
	QUEUE "nr_requests",
	QUEUE "nomerges",
	QUEUE "wbt_lat_usec",
	QUEUE "iosched/read_expire",
	"/proc/sys/vm/stat_interval",
	"/sys/kernel/mm/transparent_hugepage/enabled",
	"/proc/irq/29/smp_affinity_list",
	"/proc/irq/30/smp_affinity_list",
};

/* As the kernel does: another elevator, another depth, fresh tunables; bfq takes writeback
 * throttling away. */
static int on_scheduler(struct sys *s, const char *path, const char *value)
{
	int err = sys_memory_choose(s, path, value);

	if (err)
		return err;
	sys_memory_file(s, QUEUE "nr_requests", 0644, strcmp(value, "none") ? "256" : "128");
	sys_memory_file(s, QUEUE "wbt_lat_usec", 0644, strcmp(value, "bfq") ? "2000" : "0");
	sys_memory_remove(s, QUEUE "iosched/read_expire");
	if (!strcmp(value, "mq-deadline"))
		sys_memory_file(s, QUEUE "iosched/read_expire", 0644, "500");
	return 0;
}

static int refuse_einval(struct sys *s, const char *path, const char *value)
{
	return -EINVAL;
}

__attribute__((unused)) static int refuse_eio(struct sys *s, const char *path, const char *value)
{
	return -EIO;
}

static struct sys *machine_new(void)
{
	struct sys *s = sys_memory_new();

	sys_memory_file(s, "/proc/sys/kernel/random/boot_id", 0444, BOOT_ID "\n");
	sys_memory_file(s, QUEUE "scheduler", 0644, "none [mq-deadline] bfq");
	sys_memory_on_write(s, QUEUE "scheduler", on_scheduler);
	/* tuned by the administrator: not what a fresh mq-deadline has */
	sys_memory_file(s, QUEUE "nr_requests", 0644, "64");
	sys_memory_file(s, QUEUE "iosched/read_expire", 0644, "123");
	sys_memory_file(s, QUEUE "nomerges", 0644, "0");
	sys_memory_file(s, QUEUE "wbt_lat_usec", 0644, "2000");
	sys_memory_file(s, QUEUE "read_ahead_kb", 0644, "128");
	sys_memory_on_write(s, QUEUE "read_ahead_kb", refuse_einval);
	sys_memory_file(s, QUEUE "io_poll", 0644, "0");
	sys_memory_file(s, "/proc/sys/vm/stat_interval", 0644, "1");
	sys_memory_file(s, "/sys/kernel/mm/transparent_hugepage/enabled", 0644,
			"always [madvise] never");
	sys_memory_on_write(s, "/sys/kernel/mm/transparent_hugepage/enabled", sys_memory_choose);
	sys_memory_file(
		s, "/proc/interrupts", 0444,
		"           CPU0       CPU1       \n"
		" 26:          0         14  IO-APIC   4-edge      ttyS0\n"
		" 29:          0          0 PCI-MSIX-0000:00:01.0   1-edge      balloon-a\n"
		" 30:          0          0 PCI-MSIX-0000:00:01.0   2-edge      balloon-b\n"
		" 36:          0      43316 PCI-MSIX-0000:00:02.0   1-edge      disk-req.0\n"
		"NMI:          0          0   Non-maskable interrupts\n");
	sys_memory_file(s, "/proc/irq/26/smp_affinity_list", 0644, "0-1");
	sys_memory_file(s, "/proc/irq/29/smp_affinity_list", 0644, "0-1");
	sys_memory_file(s, "/proc/irq/30/smp_affinity_list", 0644, "0-1");
	sys_memory_file(s, "/proc/irq/36/smp_affinity_list", 0444, "0-1");
	sys_memory_file(s, "/dev/cpu_dma_latency", 0600, "");
	sys_memory_file(s, "/sys/class/nvme/nvme0/device/msi_irqs/40", 0444, "");
	sys_memory_file(s, "/sys/class/nvme/nvme0/device/msi_irqs/41", 0444, "");
	sys_memory_nvme(s, "/dev/nvme0", 0x08, 0, 0, true);
	sys_memory_nvme(s, "/dev/nvme0", 0x09, 0, 0, true);
	sys_memory_nvme(s, "/dev/nvme0", 0x09, 1, 1, true); /* with its index, as devices answer */
	sys_memory_irqbalance(s, 77, "26");
	return s;
}

/* Everything the scenario may change, as one text. */
__attribute__((unused)) static char *machine_text(struct sys *s)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
		const char *content = sys_memory_content(s, watched[i]);

		fprintf(f, "%s=%s\n", watched[i], content ? content : "(absent)");
	}
	fprintf(f, "banned=%s nvme=%x,%x held=%u irqbalance=%s\n", sys_memory_banned(s),
		sys_memory_nvme_value(s, "/dev/nvme0", 0x08, 0),
		sys_memory_nvme_value(s, "/dev/nvme0", 0x09, 1), sys_memory_held(s),
		sys_memory_content(s, "/proc/77/stat"));
	fclose(f);
	return text;
}

struct memory_store {
	struct store store;
	struct sys *sys; /* whose faults it shares */
	char *text;
	size_t len;
	bool there;
};

static struct memory_store *store_of(struct store *st)
{
	return (struct memory_store *)st;
}

static int store_load(struct store *st, const char *name, char **text, size_t *len)
{
	struct memory_store *m = store_of(st);
	bool after;
	int err = sys_memory_step(m->sys, false, &after);

	if (err)
		return err;
	if (!m->there)
		return -ENOENT;
	*text = malloc(m->len + 1);
	memcpy(*text, m->text ? m->text : "", m->len);
	(*text)[m->len] = '\0';
	*len = m->len;
	return 0;
}

static void store_add(struct memory_store *m, const char *text, size_t len)
{
	m->there = true;
	m->text = realloc(m->text, m->len + len + 1);
	memcpy(m->text + m->len, text, len);
	m->len += len;
	m->text[m->len] = '\0';
}

/* Two calls: the write, which leaves half a record when it fails, and the fsync. */
static int store_append(struct store *st, const char *name, const char *text, size_t len)
{
	struct memory_store *m = store_of(st);
	bool after;
	int err = sys_memory_step(m->sys, false, &after);

	if (err) {
		store_add(m, text, len / 2);
		return err;
	}
	store_add(m, text, len);
	return sys_memory_step(m->sys, false, &after);
}

static int store_cut(struct store *st, const char *name, size_t len)
{
	struct memory_store *m = store_of(st);
	bool after;
	int err = sys_memory_step(m->sys, false, &after);

	if (!err)
		m->len = len;
	if (!err && m->text)
		m->text[len] = '\0';
	return err;
}

static int store_remove(struct store *st, const char *name)
{
	struct memory_store *m = store_of(st);
	bool after;
	int err = sys_memory_step(m->sys, false, &after);

	if (err && !after)
		return err;
	m->there = false;
	m->len = 0;
	return err ? err : sys_memory_step(m->sys, false, &after);
}

static const struct store_ops memory_store_ops = {
	.load = store_load, .append = store_append, .cut = store_cut, .remove = store_remove};

static void store_init(struct memory_store *m, struct sys *s)
{
	*m = (struct memory_store){.store = {&memory_store_ops}, .sys = s};
}

__attribute__((unused)) static void store_set(struct memory_store *m, const char *text)
{
	m->len = 0;
	store_add(m, text, strlen(text));
}
