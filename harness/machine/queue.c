// SPDX-License-Identifier: Apache-2.0
/* Hardware contexts of a multi-queue device: who submits to them, and which vector completes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/internal.h"
#include "machine/interrupts.h"
#include "sys/sys.h"

static enum hctx_type read_type(struct sys *s, const char *disk, unsigned index)
{
	static const char *const words[] = {
		[HCTX_DEFAULT] = "default",
		[HCTX_READ] = "read",
		[HCTX_POLL] = "poll",
	};
	char text[32];

	if (!sys_readf(s, text, sizeof(text), "/sys/kernel/debug/block/%s/hctx%u/type", disk,
		       index))
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (!strcmp(text, words[i]))
				return (enum hctx_type)i;
	return HCTX_UNKNOWN;
}

/*
 * The name that the driver gives the vector of hardware queue `index`: nvme requests "nvme0q3" for
 * queue 3, and queue 0 is the admin queue; virtio_blk "virtio1-req.0", and "virtio1-virtqueues"
 * when there were too few vectors for all. "" for a driver that has no such rule.
 */
static void vector_names(const struct machine_disk *disk, unsigned index, char own[80],
			 char shared[80])
{
	own[0] = shared[0] = '\0';
	if (!strcmp(disk->driver, "nvme") && disk->controller[0]) {
		snprintf(own, 80, "%.60sq%u", disk->controller, index + 1);
	} else if (!strcmp(disk->driver, "virtio_blk")) {
		snprintf(own, 80, "%.60s-req.%u", disk->controller, index);
		snprintf(shared, 80, "%.60s-virtqueues", disk->controller);
	}
}

static int find_action(const struct machine_disk *disk, const char *name)
{
	for (size_t i = 0; *name && i < disk->n_vectors; i++) {
		struct interrupt line = {.irq = disk->vectors[i].irq};

		snprintf(line.name, sizeof(line.name), "%s", disk->vectors[i].name);
		if (interrupt_has_action(&line, name))
			return (int)i;
	}
	return -1;
}

static bool same_list(const struct cpulist *a, const struct cpulist *b)
{
	return a->n && a->n == b->n && !memcmp(a->cpu, b->cpu, a->n * sizeof(*a->cpu));
}

/* A driver without a known naming rule: the one vector that is meant for exactly these CPUs. */
static int find_by_cpus(const struct machine_disk *disk, const struct cpulist *cpus)
{
	int found = -1;

	for (size_t i = 0; i < disk->n_vectors; i++) {
		if (!same_list(&disk->vectors[i].requested, cpus))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

static int match_vector(const struct machine_disk *disk, const struct machine_hctx *h)
{
	char own[80], shared[80];
	int found;

	if (h->type == HCTX_POLL)
		return -1;
	vector_names(disk, h->index, own, shared);
	found = find_action(disk, own);
	if (found < 0)
		found = find_action(disk, shared);
	return found >= 0 || own[0] ? found : find_by_cpus(disk, &h->cpus);
}

/* cpu_list is "0, 1, 2" (block/blk-mq-sysfs.c), not the kernel's usual list format. */
static int read_cpus(struct sys *s, const char *disk, unsigned index, struct cpulist *cpus)
{
	_free_ char *text = NULL;
	char path[128];
	size_t len;
	int err;

	snprintf(path, sizeof(path), "/sys/block/%s/mq/%u/cpu_list", disk, index);
	if (sys_read_all(s, path, &text, &len))
		return 0;
	for (char *p = text; *p;) {
		char *end;
		unsigned long cpu = strtoul(p, &end, 10);

		if (end == p)
			break;
		err = cpulist_add(cpus, (unsigned)cpu);
		if (err)
			return err;
		p = end + strspn(end, ", \n");
	}
	return 0;
}

int queue_discover(struct sys *s, struct machine_disk *disk, struct diag *d)
{
	_free_ char **names = NULL;
	char path[96];
	size_t n = 0;

	snprintf(path, sizeof(path), "/sys/block/%s/mq", disk->name);
	if (sys_list(s, path, &names))
		return 0; /* a device without hardware queues: a multipath head, device mapper */
	while (names[n])
		n++;
	disk->hctx = calloc(n ? n : 1, sizeof(*disk->hctx));
	if (!disk->hctx)
		return diag_errno(d, -ENOMEM, "%s", path);
	for (size_t i = 0; i < n; i++) {
		struct machine_hctx *h = &disk->hctx[disk->n_hctx];
		uint64_t index;

		if (num_parse_u64(names[i], &index, NULL))
			continue;
		disk->n_hctx++;
		h->index = (unsigned)index;
		h->type = read_type(s, disk->name, h->index);
		if (read_cpus(s, disk->name, h->index, &h->cpus))
			return diag_errno(d, -ENOMEM, "%s", path);
		h->vector = match_vector(disk, h);
	}
	return 0;
}

const char *queue_type_name(enum hctx_type type)
{
	switch (type) {
	case HCTX_DEFAULT:
		return "default";
	case HCTX_READ:
		return "read";
	case HCTX_POLL:
		return "poll";
	case HCTX_UNKNOWN:
		break;
	}
	return "unknown";
}
