// SPDX-License-Identifier: Apache-2.0
/* Opening a target; every check is made on the opened descriptor, so that a path that changes
 * meanwhile decides nothing. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "gate/internal.h"
#include "sys/sys.h"

#define IDS_MAX 8

static int check_identity(struct sys *s, const struct gate_request *r, const char *name,
			  struct diag *d)
{
	char id[IDS_MAX][GATE_ID], all[512] = "";
	size_t n;

	if (gate_identity(s, name, id, IDS_MAX, &n))
		return diag_set(d, -EPERM,
				"%s: refused to write: %s has neither wwid, EUI, NGUID nor serial, "
				"so it cannot be told from another",
				r->path, name);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(all);

		if (r->write_id && !strcmp(r->write_id, id[i]))
			return 0;
		snprintf(all + len, sizeof(all) - len, "%s%s", i ? " or " : "", id[i]);
	}
	if (r->write_id)
		return diag_set(d, -EPERM,
				"%s: refused to write: --write-id %s is not this device's "
				"identity, which is %s",
				r->path, r->write_id, all);
	return diag_set(d, -EPERM,
			"%s: refused to write: all data on %s would be lost; if that is meant, "
			"give --write-id %s",
			r->path, name, all);
}

/* Both rules for a device that is to be written: nothing uses it, and it is the one meant. Use
 * comes first: an identity never helps with a device in use. */
static int check_device(struct sys *s, const struct gate_request *r, const char *name,
			struct diag *d)
{
	int err = gate_in_use(s, name, d);

	if (err)
		return diag_prefix(d, err, "%s: refused to write, in use", r->path);
	return check_identity(s, r, name, d);
}

static int open_checked(const char *path, int flags, const struct stat *expect, struct diag *d)
{
	struct stat st;
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0 && errno == EBUSY && (flags & O_EXCL))
		return diag_set(d, -EBUSY,
				"%s: refused to write, in use: the kernel refuses O_EXCL", path);
	if (fd < 0)
		return diag_errno(
			d, -errno, "%s: cannot be opened%s", path,
			errno == EINVAL && (flags & O_DIRECT)
				? " with O_DIRECT (--direct=0 goes through the page cache)"
				: "");
	if (fstat(fd, &st) || st.st_dev != expect->st_dev || st.st_ino != expect->st_ino ||
	    st.st_rdev != expect->st_rdev || (st.st_mode & S_IFMT) != (expect->st_mode & S_IFMT)) {
		close(fd);
		return diag_set(d, -ESTALE, "%s: changed while it was being opened", path);
	}
	return fd;
}

static int open_file(struct sys *s, const struct gate_request *r, const struct stat *st,
		     struct gate_target *t, struct diag *d)
{
	char marker[64] = "", want[64];
	int err;

	t->kind = GATE_FILE;
	t->fd = open_checked(r->path, r->flags | (r->write ? O_RDWR | O_NOFOLLOW : O_RDONLY), st,
			     d);
	if (t->fd < 0)
		return t->fd;
	t->size_bytes = (uint64_t)st->st_size;
	if (!r->write)
		return 0;
	snprintf(want, sizeof(want), "inode %llu", (unsigned long long)st->st_ino);
	if (fgetxattr(t->fd, GATE_MARKER, marker, sizeof(marker) - 1) < 0 || strcmp(marker, want))
		return diag_set(d, -EPERM,
				"%s: refused to write: iomodes did not make this file (it lacks "
				"the mark %s); ioloop --layout SIZE makes a new one",
				r->path, GATE_MARKER);
	err = gate_file_in_use(s, major(st->st_dev), minor(st->st_dev), st->st_ino, d);
	return err ? diag_prefix(d, err, "%s: refused to write", r->path) : 0;
}

static int open_block(struct sys *s, const struct gate_request *r, const struct stat *st,
		      struct gate_target *t, struct diag *d)
{
	int err, sector = 0;

	t->kind = GATE_BLOCK;
	err = gate_name_of(s, major(st->st_rdev), minor(st->st_rdev), t->device);
	if (err)
		return diag_errno(d, err, "%s: not below /sys/dev/block", r->path);
	if (r->write) /* before O_EXCL, for its reason says more */
		err = check_device(s, r, t->device, d);
	if (err)
		return err;
	t->fd = open_checked(r->path, r->flags | (r->write ? O_RDWR | O_EXCL : O_RDONLY), st, d);
	if (t->fd < 0)
		return t->fd;
	/* again, now that our claim keeps others out: nobody slipped in between */
	if (r->write && (err = check_device(s, r, t->device, d)))
		return err;
	if (ioctl(t->fd, BLKGETSIZE64, &t->size_bytes) || ioctl(t->fd, BLKSSZGET, &sector))
		return diag_errno(d, -errno, "%s: no size", r->path);
	t->block_bytes = (uint32_t)sector;
	return 0;
}

/* "/dev/ng0n1" is the namespace of "nvme0n1": same numbers, by the driver's naming (Linux 5.13);
 * the namespace id is compared as well. */
static int namespace_of(struct sys *s, const struct stat *st, char name[static GATE_NAME])
{
	char generic[GATE_NAME], path[128];
	int err = sys_linkf_name(s, generic, sizeof(generic), "/sys/dev/char/%u:%u",
				 major(st->st_rdev), minor(st->st_rdev));

	if (err || strncmp(generic, "ng", 2))
		return -ENOTBLK;
	snprintf(name, GATE_NAME, "nvme%.50s", generic + 2);
	snprintf(path, sizeof(path), "/sys/class/block/%s", name);
	return sys_exists(s, path) ? 0 : -ENODEV;
}

static int claim_namespace(struct sys *s, const struct gate_request *r, struct gate_target *t,
			   struct diag *d)
{
	struct gate_request block = {.write = true, .write_id = r->write_id};
	struct gate_target target = {.fd = -1, .claim_fd = -1};
	unsigned major, minor;
	char path[GATE_NAME + 8];
	struct stat st;
	int err;

	snprintf(path, sizeof(path), "/dev/%s", t->device);
	block.path = path;
	if (gate_dev_of(s, t->device, &major, &minor) || stat(path, &st) || !S_ISBLK(st.st_mode) ||
	    st.st_rdev != makedev(major, minor))
		return diag_set(d, -EPERM, "%s: refused to write: %s is not its namespace's node",
				r->path, path);
	err = open_block(s, &block, &st, &target, d);
	t->claim_fd = target.fd;
	return err ? diag_prefix(d, err, "%s", r->path) : 0;
}

static int open_generic(struct sys *s, const struct gate_request *r, const struct stat *st,
			struct gate_target *t, struct diag *d)
{
	int64_t nsid, sectors, sector;
	int err = namespace_of(s, st, t->device), id;

	if (err == -ENOTBLK)
		return diag_set(d, -EMEDIUMTYPE,
				"%s: a character device that is no NVMe namespace (/dev/ngXnY)",
				r->path);
	if (err)
		return diag_set(d, err, "%s: its namespace has no block device %s", r->path,
				t->device);
	t->kind = GATE_NVME_GENERIC;
	if (r->write && (err = claim_namespace(s, r, t, d)))
		return err;
	t->fd = open_checked(r->path, r->write ? O_RDWR : O_RDONLY, st, d);
	if (t->fd < 0)
		return t->fd;
	id = ioctl(t->fd, NVME_IOCTL_ID);
	if (id < 0)
		return diag_errno(d, -errno, "%s: NVME_IOCTL_ID", r->path);
	if (!sys_readf_i64(s, &nsid, "/sys/class/block/%s/nsid", t->device) && nsid != id)
		return diag_set(d, -EPERM, "%s: has namespace id %d, %s has %lld", r->path, id,
				t->device, (long long)nsid);
	if (sys_readf_i64(s, &sectors, "/sys/class/block/%s/size", t->device) ||
	    sys_readf_i64(s, &sector, "/sys/class/block/%s/queue/logical_block_size", t->device))
		return diag_set(d, -ENODATA, "%s: %s shows no size", r->path, t->device);
	t->nsid = (uint32_t)id;
	t->size_bytes = (uint64_t)sectors * 512;
	t->block_bytes = (uint32_t)sector;
	return 0;
}

int gate_open(struct sys *s, const struct gate_request *r, struct gate_target *t, struct diag *d)
{
	char id[1][GATE_ID];
	struct sys *own;
	struct stat st;
	size_t n;
	int err = gate_sys(&s, &own);

	*t = (struct gate_target){.fd = -1, .claim_fd = -1, .writable = r->write};
	if (err)
		return diag_set(d, err, "out of memory");
	/* stat first: opening a device node may do something (a tape rewinds) */
	if (r->write ? lstat(r->path, &st) : stat(r->path, &st))
		err = diag_errno(d, -errno, "%s", r->path);
	else if (r->write && S_ISLNK(st.st_mode) && (stat(r->path, &st) || S_ISREG(st.st_mode)))
		err = diag_set(d, -EPERM, "%s: refused to write through a symbolic link", r->path);
	else if (S_ISREG(st.st_mode))
		err = open_file(s, r, &st, t, d);
	else if (S_ISBLK(st.st_mode))
		err = open_block(s, r, &st, t, d);
	else if (S_ISCHR(st.st_mode))
		err = open_generic(s, r, &st, t, d);
	else
		err = diag_set(d, -EMEDIUMTYPE, "%s: neither a regular file nor a device%s",
			       r->path, S_ISDIR(st.st_mode) ? " but a directory" : "");
	if (!err && t->device[0] && !gate_identity(s, t->device, id, 1, &n))
		strcpy(t->id, id[0]);
	if (err)
		gate_close(t);
	sys_close(own);
	return err;
}

void gate_close(struct gate_target *t)
{
	if (t->fd >= 0)
		close(t->fd);
	if (t->claim_fd >= 0)
		close(t->claim_fd);
	t->fd = t->claim_fd = -1;
}
