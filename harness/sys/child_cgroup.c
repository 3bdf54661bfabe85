// SPDX-License-Identifier: Apache-2.0
/*
 * One cgroup v2 leaf a workload, below our own cgroup: in the unified layout and in the hybrid one
 * (where cgroup2 is mounted without controllers; membership and cgroup.kill work all the same).
 * See Documentation/admin-guide/cgroup-v2.rst.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/child_private.h"

#define LEAF_PREFIX "iomodes-"

/* "0::/user.slice/…" of /proc/self/cgroup (cgroups(7)). */
static int own_cgroup(char *path, size_t size)
{
	_file_ FILE *f = fopen("/proc/self/cgroup", "re");
	char line[CHILD_CGROUP_PATH];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::/", 4))
			continue;
		line[strcspn(line, "\n")] = '\0';
		return snprintf(path, size, "%s", line + 3) < (int)size ? 0 : -ENAMETOOLONG;
	}
	return -ENOENT;
}

/* The directory of cgroup `own` in the first cgroup2 mount that shows it (proc(5), mountinfo). */
static int mounted_at(const char *own, char *path, size_t size)
{
	_file_ FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[CHILD_CGROUP_PATH + 512], root[CHILD_CGROUP_PATH], at[CHILD_CGROUP_PATH];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		char *type = strstr(line, " - cgroup2 ");
		size_t n;

		if (!type || sscanf(line, "%*s %*s %*s %4095s %4095s", root, at) != 2)
			continue;
		n = strcmp(root, "/") ? strlen(root) : 0;
		if (n && (strncmp(own, root, n) || (own[n] && own[n] != '/')))
			continue;
		if (!strcmp(own + n, "/"))
			n++;
		if (snprintf(path, size, "%s%s", at, own + n) >= (int)size)
			return -ENAMETOOLONG;
		return 0;
	}
	return -ENOENT;
}

static int write_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int child_cgroup_enter(int fd)
{
	return write_file(fd, "cgroup.procs", "0");
}

/* Before Linux 5.14: read the members and kill each. Callers repeat until the leaf is empty. */
static void kill_members(int dir)
{
	int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char buf[4096];
	pid_t pid = 0;
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (isdigit((unsigned char)buf[i])) {
				pid = pid * 10 + (buf[i] - '0');
			} else if (pid > 1) { /* 0: not of our PID namespace */
				kill(pid, SIGKILL);
				pid = 0;
			}
		}
	}
	close(fd);
}

void child_cgroup_kill(int fd)
{
	if (write_file(fd, "cgroup.kill", "1"))
		kill_members(fd);
}

int child_cgroup_remove(const struct child_cgroup *g)
{
	return g->fd < 0 || !rmdir(g->path) || errno == ENOENT ? 0 : -errno;
}

/*
 * A leaf is stale when its program is gone and nobody holds its lock any more: the supervisor
 * shares the lock, so that one which still ends its workload is left alone. Killing takes effect
 * later; what cannot be removed at once is removed by the start after this one.
 */
static void remove_stale(const char *parent)
{
	_dir_ DIR *dir = opendir(parent);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		_fd_ int fd = -1;
		int pid, n;

		if (sscanf(e->d_name, LEAF_PREFIX "%d-%d", &pid, &n) != 2 || pid <= 0)
			continue;
		if (!kill(pid, 0) || errno != ESRCH)
			continue;
		fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB))
			continue;
		child_cgroup_kill(fd);
		for (int i = 0; i < 20 && unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR); i++)
			usleep(1000);
	}
}

int child_cgroup_make(struct child_cgroup *g)
{
	static atomic_int counter;
	char own[CHILD_CGROUP_PATH - 64], parent[CHILD_CGROUP_PATH - 32];
	int err;

	g->fd = -1;
	g->path[0] = '\0';
	err = own_cgroup(own, sizeof(own));
	if (!err)
		err = mounted_at(own, parent, sizeof(parent));
	if (err)
		return err;
	remove_stale(parent);
	snprintf(g->path, sizeof(g->path), "%s/" LEAF_PREFIX "%d-%d", parent, getpid(),
		 atomic_fetch_add(&counter, 1));
	if (mkdir(g->path, 0755)) {
		err = -errno;
		g->path[0] = '\0';
		return err;
	}
	g->fd = open(g->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (g->fd >= 0 && !flock(g->fd, LOCK_EX | LOCK_NB))
		return 0;
	err = -errno;
	if (g->fd >= 0)
		close(g->fd);
	rmdir(g->path);
	g->fd = -1;
	g->path[0] = '\0';
	return err;
}
