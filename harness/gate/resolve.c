// SPDX-License-Identifier: Apache-2.0
/* From a path to the disks whose counters its I/O moves. */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "gate/internal.h"
#include "sys/sys.h"

/* Why the I/O of a file there cannot be followed to one block device; NULL: it can. */
static const struct {
	uint32_t magic;
	const char *name, *reason;
} file_systems[] = {
	{EXT4_SUPER_MAGIC, "ext4", NULL},
	{0x58465342, "xfs", NULL},
	{F2FS_SUPER_MAGIC, "f2fs", NULL},
	{MSDOS_SUPER_MAGIC, "vfat", NULL},
	{0x2011BAB0, "exfat", NULL},
	{TMPFS_MAGIC, "tmpfs", "lives in memory, no device is read"},
	{RAMFS_MAGIC, "ramfs", "lives in memory, no device is read"},
	{HUGETLBFS_MAGIC, "hugetlbfs", "lives in memory, no device is read"},
	{OVERLAYFS_SUPER_MAGIC, "overlay", "is a layer over other file systems"},
	{BTRFS_SUPER_MAGIC, "btrfs", "spreads, copies and checksums data over devices of its own"},
	{0x2fc12fc1, "zfs", "keeps its own cache and spreads data over a pool"},
	{0xca451a4e, "bcachefs", "spreads data over devices of its own"},
	{NFS_SUPER_MAGIC, "nfs", "is a network file system"},
	{0xff534d42, "cifs", "is a network file system"},
	{0xfe534d42, "smb2", "is a network file system"},
	{0x00c36400, "ceph", "is a network file system"},
	{0x5346414f, "afs", "is a network file system"},
	{0x01021997, "9p", "is a network file system"},
	{0x65735546, "fuse", "is served by a process"},
	{SQUASHFS_MAGIC, "squashfs", "is compressed"},
};

static int check_fs(const char *path, struct gate_place *p, struct diag *d)
{
	struct statfs fs;

	if (statfs(path, &fs))
		return diag_errno(d, -errno, "%s", path);
	snprintf(p->fs, sizeof(p->fs), "type %#x", (uint32_t)fs.f_type);
	for (size_t i = 0; i < ARRAY_SIZE(file_systems); i++) {
		if (file_systems[i].magic != (uint32_t)fs.f_type)
			continue;
		strcpy(p->fs, file_systems[i].name);
		if (file_systems[i].reason)
			return diag_set(d, -EMEDIUMTYPE,
					"%s: %s %s; use --scratch DIR with a directory on ext4 or "
					"xfs",
					path, p->fs, file_systems[i].reason);
	}
	return 0;
}

static int add_leaf(struct gate_place *p, const char *disk, struct diag *d)
{
	for (size_t i = 0; i < p->n_leaves; i++)
		if (!strcmp(p->leaf[i], disk))
			return 0;
	if (p->n_leaves == GATE_LEAVES_MAX)
		return diag_set(d, -E2BIG, "%s: more than %d disks below it", p->device,
				GATE_LEAVES_MAX);
	snprintf(p->leaf[p->n_leaves++], GATE_NAME, "%s", disk);
	return 0;
}

/* Down to the disks: slaves of dm and md; under a loop device the disk that its file is on. The
 * depth is bounded against a loop in what a recorded machine claims. */
static int find_leaves(struct sys *s, struct gate_place *p, const char *name, int depth,
		       struct diag *d)
{
	_free_ char **slaves = NULL;
	char path[256], disk[GATE_NAME], below[GATE_NAME];
	struct gate_backing b;
	int err = gate_disk_of(s, name, disk);

	if (err || depth > 16)
		return diag_set(d, err ? err : -ELOOP, "%s: its disks cannot be told", name);
	if (!strncmp(disk, "loop", 4) && !gate_backing_of(s, disk, &b) &&
	    !gate_name_of(s, b.rmajor || b.rminor ? b.rmajor : b.major,
			  b.rmajor || b.rminor ? b.rminor : b.minor, below))
		return find_leaves(s, p, below, depth + 1, d);
	snprintf(path, sizeof(path), "/sys/class/block/%s/slaves", disk);
	if (sys_list(s, path, &slaves) || !slaves[0])
		return add_leaf(p, disk, d);
	for (size_t i = 0; slaves[i] && !err; i++)
		err = find_leaves(s, p, slaves[i], depth + 1, d);
	return err;
}

int gate_resolve(struct sys *s, const char *path, struct gate_place *p, struct diag *d)
{
	struct sys *own;
	struct stat st;
	dev_t dev;
	int err;

	memset(p, 0, sizeof(*p));
	if (stat(path, &st))
		return diag_errno(d, -errno, "%s", path);
	if (S_ISCHR(st.st_mode))
		return diag_set(d, -EMEDIUMTYPE, "%s: a character device", path);
	p->is_device = S_ISBLK(st.st_mode);
	dev = p->is_device ? st.st_rdev : st.st_dev;
	if (!p->is_device && (err = check_fs(path, p, d)))
		return err;
	if (gate_sys(&s, &own))
		return diag_set(d, -ENOMEM, "out of memory");
	err = gate_name_of(s, major(dev), minor(dev), p->device);
	if (err)
		err = diag_set(d, -EMEDIUMTYPE,
			       "%s: %s has no block device of its own (%u:%u); use --scratch DIR",
			       path, p->fs, major(dev), minor(dev));
	if (!err)
		err = gate_disk_of(s, p->device, p->disk);
	if (!err)
		err = find_leaves(s, p, p->device, 0, d);
	sys_close(own);
	return err;
}
