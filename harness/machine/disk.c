// SPDX-License-Identifier: Apache-2.0
/*
 * Block devices. What sysfs offers differs by driver, so every attribute is tried where each kind
 * of device has it; nothing here knows a driver beyond that.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/internal.h"
#include "machine/interrupts.h"
#include "sys/sys.h"

#define BLOCK "/sys/block/%s/"

/* First of the attributes, below /sys/block/DEV/, that is there and not blank. */
static void read_first(struct sys *s, const char *disk, const char *const *attributes, char *out,
		       size_t size)
{
	char text[256];
	const char *start;

	for (; *attributes; attributes++) {
		if (sys_readf(s, text, sizeof(text), BLOCK "%s", disk, *attributes))
			continue;
		start = text + strspn(text, " ");
		if (*start) {
			snprintf(out, size, "%s", start);
			return;
		}
	}
}

/* Last component of the path that is a PCI address: the function it hangs on, not a bridge before
 * it. */
void pci_of_path(const char *path, char *out, size_t size)
{
	out[0] = '\0';
	for (const char *p = path; p && *p; p = strchr(p, '/'), p = p ? p + 1 : NULL) {
		unsigned domain, bus, slot, function;
		int len = 0;

		if (sscanf(p, "%x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &len) == 4 &&
		    (p[len] == '/' || !p[len]))
			snprintf(out, size, "%.*s", len, p);
	}
}

/* "nvme0c1n2" is one path to "nvme0n2". Returns false for any other name. */
static bool multipath_head(const char *name, char *head, size_t size)
{
	unsigned subsystem, controller, namespace;
	int len = 0;

	if (sscanf(name, "nvme%uc%un%u%n", &subsystem, &controller, &namespace, &len) != 3 ||
	    name[len])
		return false;
	snprintf(head, size, "nvme%un%u", subsystem, namespace);
	return true;
}

/* A virtual device's driver is not in sysfs; its name says it: "loop0" -> "loop". */
static void driver_of_name(const char *name, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)strcspn(name, "0123456789-"), name);
	if (!strcmp(out, "nullb"))
		snprintf(out, size, "null_blk");
}

static void read_driver(struct sys *s, struct machine_disk *disk)
{
	/* virtio_blk, sd: the device's own; nvme: the controller's PCI or fabrics device */
	if (!sys_linkf_name(s, disk->driver, sizeof(disk->driver), BLOCK "device/driver",
			    disk->name) ||
	    !sys_linkf_name(s, disk->driver, sizeof(disk->driver), BLOCK "device/device/driver",
			    disk->name))
		return;
	if (!strncmp(disk->name, "nvme", 4))
		snprintf(disk->driver, sizeof(disk->driver), "nvme");
	else
		driver_of_name(disk->name, disk->driver, sizeof(disk->driver));
}

static void read_pci(struct sys *s, struct machine_disk *disk)
{
	static const struct {
		const char *attribute;
		size_t offset, size;
	} links[] = {
#define LINK(attribute, field) \
	{attribute, offsetof(struct machine_disk, field), sizeof(((struct machine_disk *)0)->field)}
		LINK("current_link_speed", link_speed),
		LINK("current_link_width", link_width),
		LINK("max_link_speed", link_speed_max),
		LINK("max_link_width", link_width_max),
#undef LINK
	};
	int64_t node;

	if (!disk->pci[0])
		return;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		char *field = (char *)disk + links[i].offset;

		if (sys_readf(s, field, links[i].size, "/sys/bus/pci/devices/%s/%s", disk->pci,
			      links[i].attribute) ||
		    !strncmp(field, "Unknown", 7)) /* an emulated device without a link */
			field[0] = '\0';
	}
	if (!disk->link_speed[0])
		disk->link_width[0] = disk->link_speed_max[0] = disk->link_width_max[0] = '\0';
	if (!sys_readf_i64(s, &node, "/sys/bus/pci/devices/%s/numa_node", disk->pci))
		disk->node = (int)node;
}

static void read_identity(struct sys *s, struct machine_disk *disk)
{
	static const char *const models[] = {"device/model", NULL};
	static const char *const firmwares[] = {"device/firmware_rev", "device/rev", NULL};
	static const char *const serials[] = {"serial", "device/serial", NULL};
	static const char *const wwids[] = {"wwid", "device/wwid", "nguid", "eui", NULL};
	static const char *const transports[] = {"device/transport", NULL};

	read_first(s, disk->name, models, disk->model, sizeof(disk->model));
	read_first(s, disk->name, firmwares, disk->firmware, sizeof(disk->firmware));
	read_first(s, disk->name, serials, disk->serial, sizeof(disk->serial));
	read_first(s, disk->name, wwids, disk->wwid, sizeof(disk->wwid));
	read_first(s, disk->name, transports, disk->transport, sizeof(disk->transport));
}

static unsigned read_unsigned(struct sys *s, const char *disk, const char *attribute)
{
	int64_t value;

	return sys_readf_i64(s, &value, BLOCK "%s", disk, attribute) || value < 0 ? 0
										  : (unsigned)value;
}

static void read_char_device(struct sys *s, struct machine_disk *disk)
{
	char path[96];
	unsigned instance, namespace;

	if (sscanf(disk->name, "nvme%un%u", &instance, &namespace) != 2)
		return;
	snprintf(path, sizeof(path), "/sys/class/nvme-generic/ng%un%u", instance, namespace);
	if (sys_exists(s, path))
		snprintf(disk->char_device, sizeof(disk->char_device), "/dev/ng%un%u", instance,
			 namespace);
}

static void read_attributes(struct sys *s, struct machine_disk *disk, const char *link)
{
	char text[64];
	int64_t sectors, node;

	disk->virtual_device = strstr(link, "/virtual/block/") != NULL;
	pci_of_path(link, disk->pci, sizeof(disk->pci));
	if (!sys_readf_i64(s, &sectors, BLOCK "size", disk->name) && sectors > 0)
		disk->bytes = (uint64_t)sectors * 512; /* whatever the logical block size is */
	if (!sys_readf(s, text, sizeof(text), BLOCK "dev", disk->name))
		sscanf(text, "%u:%u", &disk->major, &disk->minor);
	disk->logical_block = read_unsigned(s, disk->name, "queue/logical_block_size");
	disk->physical_block = read_unsigned(s, disk->name, "queue/physical_block_size");
	disk->hidden = read_unsigned(s, disk->name, "hidden");
	if (!disk->virtual_device)
		sys_linkf_name(s, disk->controller, sizeof(disk->controller), BLOCK "device",
			       disk->name);
	if (!strncmp(disk->controller, "nvme-subsys", 11))
		disk->controller[0] = '\0'; /* a head has paths, and they have controllers */
	read_driver(s, disk);
	read_identity(s, disk);
	if (!sys_readf_i64(s, &node, BLOCK "device/numa_node", disk->name))
		disk->node = (int)node;
	read_pci(s, disk);
	read_char_device(s, disk);
}

static int add_disk(struct machine *m, const char *name, const struct interrupt *interrupts,
		    size_t n_interrupts, struct diag *d)
{
	struct machine_disk *disk = &m->disks[m->n_disks];
	char path[96], link[512];
	int err;

	if (!strncmp(name, "ram", 3) && isdigit((unsigned char)name[3]))
		return 0; /* CONFIG_BLK_DEV_RAM makes sixteen that nobody asked for */
	if (sys_readf_i64(m->sys, &(int64_t){0}, BLOCK "size", name))
		return 0; /* gone since the directory was listed */
	*disk = (struct machine_disk){.node = -1};
	snprintf(disk->name, sizeof(disk->name), "%s", name);
	snprintf(path, sizeof(path), "/sys/block/%s", name);
	if (sys_readlink(m->sys, path, link, sizeof(link)))
		link[0] = '\0';
	read_attributes(m->sys, disk, link);
	if (!disk->bytes && !disk->hidden && !disk->virtual_device)
		return 0; /* a drive without medium */
	m->n_disks++;
	err = !disk->pci[0] ? 0
			    : vector_discover(m->sys, disk->pci, interrupts, n_interrupts,
					      &disk->vectors, &disk->n_vectors);
	return err ? diag_errno(d, err, "interrupts of %s", name) : queue_discover(m->sys, disk, d);
}

int disk_discover(struct machine *m, struct diag *d)
{
	_free_ char **names = NULL;
	_free_ char *text = NULL;
	_free_ struct interrupt *interrupts = NULL;
	size_t n = 0, n_interrupts = 0, len;
	int err = sys_list(m->sys, "/sys/block", &names);

	if (err == -ENOENT)
		return 0; /* a kernel without block devices, or a recording without any */
	if (err)
		return diag_errno(d, err, "/sys/block");
	if (!sys_read_all(m->sys, "/proc/interrupts", &text, &len))
		interrupts_parse(text, len, &interrupts, &n_interrupts);
	while (names[n])
		n++;
	m->disks = calloc(n ? n : 1, sizeof(*m->disks));
	if (!m->disks)
		return diag_errno(d, -ENOMEM, "/sys/block");
	for (size_t i = 0; !err && i < n; i++)
		err = add_disk(m, names[i], interrupts, n_interrupts, d);
	for (size_t i = 0; !err && i < m->n_disks; i++) {
		struct machine_disk *disk = &m->disks[i];

		if (multipath_head(disk->name, disk->head, sizeof(disk->head)) &&
		    !machine_disk(m, disk->head))
			disk->head[0] = '\0';
	}
	return err;
}

void disk_free(struct machine_disk *disk)
{
	for (size_t i = 0; i < disk->n_hctx; i++)
		cpulist_free(&disk->hctx[i].cpus);
	free(disk->hctx);
	vector_free(disk->vectors, disk->n_vectors);
}
