// SPDX-License-Identifier: Apache-2.0
/* Is a whole disk idle enough to be taken away from everybody? Stricter than the write gate. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "gate/internal.h"
#include "sys/sys.h"

/* udev looks into a disk after each change of it; that is over within this time. */
#define TRIES	   20
#define TRY_NAP_NS 100000000

/* "nvme0n1" itself or one of its partitions ("nvme0n1p2"), or exactly that character device. */
static bool names(const char *link, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(link, "/dev/", 5) || strncmp(link + 5, name, len))
		return false;
	link += 5 + len;
	return !*link || (*link == 'p' && isdigit((unsigned char)link[1]));
}

static bool opened_by(struct sys *s, const char *pid, const char *const *devices, size_t n,
		      struct diag *d)
{
	_free_ char **fds = NULL;
	char path[128], link[512], comm[64] = "?";

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	if (sys_list(s, path, &fds))
		return false; /* it has gone, or is a kernel thread */
	for (size_t i = 0; fds[i]; i++) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%.20s", pid, fds[i]);
		if (sys_readlink(s, path, link, sizeof(link)))
			continue;
		for (size_t k = 0; k < n; k++) {
			if (!names(link, devices[k]))
				continue;
			snprintf(path, sizeof(path), "/proc/%s/comm", pid);
			sys_readf(s, comm, sizeof(comm), "%s", path);
			diag_set(d, -EBUSY, "%s is open in process %s (%s)", link, pid, comm);
			return true;
		}
	}
	return false;
}

static int check_opened(struct sys *s, const char *const *devices, size_t n, struct diag *d)
{
	_free_ char **pids = NULL;

	if (sys_list(s, "/proc", &pids))
		return diag_set(d, -EBUSY, "/proc cannot be listed: open files are unknown");
	for (size_t i = 0; pids[i]; i++)
		if (isdigit((unsigned char)pids[i][0]) && opened_by(s, pids[i], devices, n, d))
			return -EBUSY;
	return 0;
}

/* Users that show nowhere else (ZFS, a target that exports it) hold it exclusively. */
static int check_exclusive(const char *name, struct diag *d)
{
	char path[GATE_NAME + 8];
	_fd_ int fd = -1;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == EBUSY)
		return diag_set(d, -EBUSY, "%s is in use: the kernel refuses O_EXCL", name);
	return fd < 0 ? diag_errno(d, -errno, "%s", path) : 0;
}

static int check_once(struct sys *s, const char *const *devices, size_t n, size_t n_disks,
		      struct diag *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < n_disks; i++)
		err = gate_in_use(s, devices[i], d);
	if (!err)
		err = check_opened(s, devices, n, d);
	for (size_t i = 0; s->live && !err && i < n_disks; i++)
		err = check_exclusive(devices[i], d);
	return err;
}

int gate_idle(struct sys *s, const char *const *devices, size_t n, size_t n_disks, struct diag *d)
{
	const struct timespec nap = {.tv_nsec = TRY_NAP_NS};
	int err = check_once(s, devices, n, n_disks, d);

	for (int i = 0; s->live && err == -EBUSY && i < TRIES; i++) {
		nanosleep(&nap, NULL);
		err = check_once(s, devices, n, n_disks, d);
	}
	return err;
}
