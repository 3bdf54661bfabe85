// SPDX-License-Identifier: Apache-2.0
#include "sys/detached.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* <linux/mount.h> and <sys/mount.h> define the same names differently in glibc 2.36; only these few
 * values are needed, and they are kernel ABI. */
enum { CONFIG_CREATE = 6, OPEN_CLOEXEC = 1, MOUNT_CLOEXEC = 1 };
enum { ATTR_RDONLY = 1, ATTR_NOSUID = 2, ATTR_NODEV = 4, ATTR_NOEXEC = 8 };

int detached_open(const char *fs, bool read_only)
{
	_fd_ int context = (int)syscall(SYS_fsopen, fs, OPEN_CLOEXEC);
	int fd;

	if (context < 0)
		return -errno;
	if (syscall(SYS_fsconfig, context, CONFIG_CREATE, NULL, NULL, 0))
		return -errno;
	fd = (int)syscall(SYS_fsmount, context, MOUNT_CLOEXEC,
			  (read_only ? ATTR_RDONLY : 0) | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC);
	return fd < 0 ? -errno : fd;
}
