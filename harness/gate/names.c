// SPDX-License-Identifier: Apache-2.0
/* Which block device is which: numbers, names, disks, what stands below. */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "gate/internal.h"
#include "sys/sys.h"

int gate_sys(struct sys **s, struct sys **own)
{
	*own = NULL;
	if (*s)
		return 0;
	if (sys_open(NULL, own))
		return -ENOMEM;
	*s = *own;
	return 0;
}

int gate_name_of(struct sys *s, unsigned major, unsigned minor, char name[static GATE_NAME])
{
	return sys_linkf_name(s, name, GATE_NAME, "/sys/dev/block/%u:%u", major, minor);
}

int gate_dev_of(struct sys *s, const char *name, unsigned *major, unsigned *minor)
{
	char text[32];
	int err = sys_readf(s, text, sizeof(text), "/sys/class/block/%s/dev", name);

	if (err)
		return err;
	return sscanf(text, "%u:%u", major, minor) == 2 ? 0 : -EINVAL;
}

int gate_dev_of_path(struct sys *s, const char *path, unsigned *major, unsigned *minor)
{
	const char *base = strrchr(path, '/');
	struct stat st;

	if (s->live && !stat(path, &st)) {
		if (!S_ISBLK(st.st_mode))
			return -ENOTBLK;
		*major = major(st.st_rdev);
		*minor = minor(st.st_rdev);
		return 0;
	}
	/* a path of another mount namespace, or of a recorded machine: by its last component */
	if (!base || strncmp(path, "/dev/", 5) || gate_dev_of(s, base + 1, major, minor))
		return -ENOTBLK;
	return 0;
}

int gate_disk_of(struct sys *s, const char *name, char disk[static GATE_NAME])
{
	char path[256], target[1024], *last, *parent;
	int err;

	snprintf(path, sizeof(path), "/sys/class/block/%s/partition", name);
	if (!sys_exists(s, path)) {
		snprintf(disk, GATE_NAME, "%s", name);
		return 0;
	}
	snprintf(path, sizeof(path), "/sys/class/block/%s", name);
	err = sys_readlink(s, path, target, sizeof(target));
	if (err)
		return err;
	last = strrchr(target, '/'); /* …/block/sda/sda1 */
	if (!last)
		return -EINVAL;
	*last = '\0';
	parent = strrchr(target, '/');
	parent = parent ? parent + 1 : target;
	if (strlen(parent) >= GATE_NAME)
		return -ENAMETOOLONG;
	strcpy(disk, parent);
	return 0;
}

/* LOOP_GET_STATUS64 (Linux 2.6) knows the file even when its path means nothing here. */
static int backing_by_ioctl(const char *loop, struct gate_backing *b)
{
	char path[GATE_NAME + 8];
	struct loop_info64 info;
	_fd_ int fd = -1;

	snprintf(path, sizeof(path), "/dev/%s", loop);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, LOOP_GET_STATUS64, &info))
		return errno == ENXIO ? -ENODEV : -errno;
	*b = (struct gate_backing){.major = major(info.lo_device),
				   .minor = minor(info.lo_device),
				   .inode = info.lo_inode,
				   .rmajor = major(info.lo_rdevice),
				   .rminor = minor(info.lo_rdevice)};
	return 0;
}

int gate_backing_of(struct sys *s, const char *loop, struct gate_backing *b)
{
	char file[1024];
	struct stat st;
	int err;

	memset(b, 0, sizeof(*b));
	err = sys_readf(s, file, sizeof(file), "/sys/block/%s/loop/backing_file", loop);
	if (err)
		return -ENODEV;
	if (s->live && !backing_by_ioctl(loop, b))
		return 0;
	if (!gate_dev_of_path(s, file, &b->rmajor, &b->rminor))
		return 0;
	if (!s->live || stat(file, &st))
		return -ENODATA;
	b->major = major(st.st_dev);
	b->minor = minor(st.st_dev);
	b->inode = st.st_ino;
	return 0;
}
