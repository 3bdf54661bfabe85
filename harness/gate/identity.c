// SPDX-License-Identifier: Apache-2.0
/* What names a device for good, so that a write goes to the device that was meant. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "gate/internal.h"
#include "sys/sys.h"

/* Attributes below /sys/block/DISK, best first: those of an NVMe namespace, SCSI, virtio, dm. */
static const char *const attributes[] = {
	"wwid", "nguid", "eui", "uuid", "device/wwid", "serial", "dm/uuid",
};

/* Firmware that has no identifier reports zeros. */
static bool names_something(const char *text)
{
	for (; *text; text++)
		if (*text != '0' && *text != '-' && *text != ' ')
			return true;
	return false;
}

static void squeeze(char *text)
{
	char *out = text;

	for (const char *in = text; *in; in++)
		if (isprint((unsigned char)*in) && *in != ' ')
			*out++ = *in;
	*out = '\0';
}

static size_t disk_identity(struct sys *s, const char *disk, char id[][GATE_ID], size_t max)
{
	struct gate_backing b;
	char text[128];
	int64_t nsid;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attributes) && n < max; i++) {
		if (sys_readf(s, text, sizeof(text), "/sys/block/%s/%s", disk, attributes[i]))
			continue;
		squeeze(text);
		if (names_something(text))
			snprintf(id[n++], GATE_ID, "%s", text);
	}
	if (n < max && !sys_readf(s, text, sizeof(text), "/sys/block/%s/device/serial", disk) &&
	    !sys_readf_i64(s, &nsid, "/sys/block/%s/nsid", disk)) {
		squeeze(text);
		if (names_something(text))
			snprintf(id[n++], GATE_ID, "%s-ns%lld", text, (long long)nsid);
	}
	if (n < max && !strncmp(disk, "loop", 4) && !gate_backing_of(s, disk, &b) && b.inode)
		snprintf(id[n++], GATE_ID, "loop-%u:%u-%llu", b.major, b.minor,
			 (unsigned long long)b.inode);
	return n;
}

int gate_identity(struct sys *s, const char *name, char id[][GATE_ID], size_t max, size_t *n)
{
	struct sys *own;
	char disk[GATE_NAME];
	int64_t part;
	int err = gate_sys(&s, &own);

	*n = 0;
	if (!err)
		err = gate_disk_of(s, name, disk);
	if (!err) {
		*n = disk_identity(s, disk, id, max);
		if (!sys_readf_i64(s, &part, "/sys/class/block/%s/partition", name))
			for (size_t i = 0; i < *n; i++) {
				size_t len = strlen(id[i]);

				snprintf(id[i] + len, GATE_ID - len, "-part%lld", (long long)part);
			}
		err = *n ? 0 : -ENODATA;
	}
	sys_close(own);
	return err;
}
