// SPDX-License-Identifier: Apache-2.0
/* This machine, or a recorded one: files under a directory fd, never followed out of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nvme_ioctl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "sys/detached.h"
#include "sys/genl_live.h"
#include "sys/genl_recorded.h"
#include "sys/sys.h"
#include "sys/sys_private.h"

#define SYSFS_PREFIX "/sys/"

static const struct {
	const char *prefix, *fs;
} detached[] = {
	{DEBUGFS_PREFIX, "debugfs"},
	{TRACEFS_PREFIX, "tracefs"},
};

struct real {
	struct sys sys;
	int root; /* directory */
	/* Mounts of our own, opened by the first path that needs them; -1: not yet, or failed. */
	int detached[ARRAY_SIZE(detached)];
	int sysfs;   /* another mount to serve /sys from, -1: none */
	char *modes; /* recorded machine: text of RECORDED_MODES, else NULL */
	struct genl_families families;
};

/* The directory from which *path is to be opened, and *path below it. -errno. */
static int base_of(struct real *r, const char **path)
{
	for (size_t i = 0; r->sys.live && i < ARRAY_SIZE(detached); i++) {
		if (strncmp(*path, detached[i].prefix, strlen(detached[i].prefix)))
			continue;
		if (r->detached[i] < 0)
			r->detached[i] = detached_open(detached[i].fs, true);
		*path += strlen(detached[i].prefix);
		return r->detached[i];
	}
	if (r->sysfs < 0 || strncmp(*path, SYSFS_PREFIX, strlen(SYSFS_PREFIX)))
		return r->root;
	*path += strlen(SYSFS_PREFIX);
	return r->sysfs;
}

/* A rename or mount anywhere on the machine may take part of a walk with ".." by surprise. */
#define AGAIN_MAX 1000

/*
 * openat2(2) (Linux 5.6). Under a recorded root, RESOLVE_IN_ROOT keeps absolute links inside it. On
 * the live machine a link as last component is refused for writing only: sysfs is full of links on
 * the way, but no attribute is one.
 */
static int open_under(struct real *r, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)flags | O_CLOEXEC,
			       .resolve = r->sys.live ? 0 : RESOLVE_IN_ROOT};
	int base = base_of(r, &path);
	long fd = -1;

	if (base < 0)
		return base;
	while (*path == '/')
		path++;
	for (int i = 0; i < AGAIN_MAX;
	     i++) { /* EAGAIN: "could not be sure that .. stayed inside" */
		fd = syscall(SYS_openat2, base, *path ? path : ".", &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

static int real_read(struct sys *s, const char *path, char *buf, size_t size, size_t *len)
{
	_fd_ int fd = open_under((struct real *)s, path, O_RDONLY);
	size_t used = 0;

	if (fd < 0)
		return fd;
	for (;;) {
		ssize_t n = read(fd, buf + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
		if (used == size)
			return -EFBIG;
	}
	buf[used] = '\0';
	*len = used;
	return 0;
}

static int real_write(struct sys *s, const char *path, const char *buf, size_t len)
{
	_fd_ int fd = -1;
	ssize_t n;

	if (!s->live)
		return -EROFS;
	fd = open_under((struct real *)s, path, O_WRONLY | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	n = write(fd, buf, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int compare_names(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* Pointers first, text behind them, in one allocation. */
static int pack_names(char **list, size_t n, size_t bytes, char ***names)
{
	char **out = malloc((n + 1) * sizeof(char *) + bytes), *text;

	if (!out)
		return -ENOMEM;
	text = (char *)(out + n + 1);
	for (size_t i = 0; i < n; i++) {
		out[i] = text;
		text = stpcpy(text, list[i]) + 1;
	}
	out[n] = NULL;
	*names = out;
	return 0;
}

static int real_list(struct sys *s, const char *path, char ***names)
{
	int fd = open_under((struct real *)s, path, O_RDONLY | O_DIRECTORY), err = 0;
	_dir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0, bytes = 0;
	char **list = NULL;
	struct dirent *e;

	if (!dir)
		return fd < 0 ? fd : -errno;
	while (!err && (e = readdir(dir))) {
		char **grown;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		grown = reallocarray(list, n + 1, sizeof(*list));
		if (grown)
			list = grown;
		if (grown && (list[n] = strdup(e->d_name)))
			bytes += strlen(list[n++]) + 1;
		else
			err = -ENOMEM;
	}
	if (n)
		qsort(list, n, sizeof(*list), compare_names);
	if (!err)
		err = pack_names(list, n, bytes, names);
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return err;
}

static int real_readlink(struct sys *s, const char *path, char *buf, size_t size)
{
	_fd_ int fd = open_under((struct real *)s, path, O_PATH | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = readlinkat(fd, "", buf, size);
	if (n < 0)
		return errno == ENOENT ? -EINVAL : -errno;
	if ((size_t)n == size)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return 0;
}

/* Lines of "0444 /path": version control keeps no permission bits, and whether the kernel made a
 * file read-only is a fact about the machine. */
static bool recorded_mode(const char *modes, const char *path, mode_t *mode)
{
	size_t len = strlen(path);

	for (const char *line = modes; line && *line;
	     line = strchrnul(line, '\n'), line += !!*line) {
		char *end;
		unsigned long bits = strtoul(line, &end, 8);

		if (*end == ' ' && !strncmp(end + 1, path, len) &&
		    (end[1 + len] == '\n' || !end[1 + len])) {
			*mode = (mode_t)bits;
			return true;
		}
	}
	return false;
}

static int real_mode(struct sys *s, const char *path, mode_t *mode)
{
	_fd_ int fd = open_under((struct real *)s, path, O_PATH);
	struct stat st;
	mode_t bits;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		return -errno;
	*mode = st.st_mode;
	if (recorded_mode(((struct real *)s)->modes, path, &bits))
		*mode = (st.st_mode & S_IFMT) | (bits & 07777);
	return 0;
}

static int real_nvme_admin(struct sys *s, const char *path, struct nvme_passthru_cmd64 *cmd)
{
	_fd_ int fd = -1;
	int status;

	if (!s->live)
		return -EOPNOTSUPP;
	fd = open_under((struct real *)s, path, O_RDONLY);
	if (fd < 0)
		return fd;
	status = ioctl(fd, NVME_IOCTL_ADMIN64_CMD, cmd);
	return status < 0 ? -errno : status;
}

static int real_hold(struct sys *s, const char *path, const void *buf, size_t len, int *handle)
{
	int fd;

	if (!s->live)
		return -EROFS;
	fd = open_under((struct real *)s, path, O_WRONLY | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	if (write(fd, buf, len) != (ssize_t)len) {
		int err = -errno;

		close(fd);
		return err;
	}
	*handle = fd;
	return 0;
}

static int real_release(struct sys *s, int handle)
{
	return close(handle) ? -errno : 0;
}

static int real_request(struct sys *s, const char *socket_path, const char *text, char *reply,
			size_t size)
{
	_fd_ int fd = -1;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* closing before the answer may kill who is about to give it (knob/irqbalance.c) */
	struct timeval second = {.tv_sec = 1}, patience = {.tv_sec = 65};
	size_t used = 0;
	ssize_t n;

	if (!s->live)
		return -EROFS;
	if (strlen(socket_path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, socket_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		return -errno;
	while (used + 1 < size && (n = recv(fd, reply + used, size - 1 - used, 0)) != 0) {
		if (n < 0)
			return -errno;
		used += (size_t)n;
	}
	reply[used] = '\0';
	return 0;
}

static int real_signal(struct sys *s, pid_t pid, int number)
{
	if (!s->live)
		return -EROFS;
	if (pid <= 1 || (number != SIGSTOP && number != SIGCONT))
		return -EINVAL;
	return kill(pid, number) ? -errno : 0;
}

static int real_affinity(struct sys *s, pid_t pid, const struct cpulist *cpus)
{
	unsigned most = cpus->n ? cpus->cpu[cpus->n - 1] : 0;
	size_t size = CPU_ALLOC_SIZE(most + 1);
	cpu_set_t *set;
	int err;

	if (!s->live)
		return -EROFS;
	if (pid <= 1 || !cpus->n)
		return -EINVAL;
	set = CPU_ALLOC(most + 1);
	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(size, set);
	for (size_t i = 0; i < cpus->n; i++)
		CPU_SET_S(cpus->cpu[i], size, set);
	err = sched_setaffinity(pid, size, set) ? -errno : 0;
	CPU_FREE(set);
	return err;
}

/* The recorded answer to what is named by `path`. */
static int recorded_answer(struct sys *s, const char *path, int *result, char *words,
			   size_t words_size, struct genl_replies *replies)
{
	_free_ char *text = NULL;
	size_t len;

	if (sys_read_all(s, path, &text, &len)) {
		if (words_size)
			snprintf(words, words_size, "this recording does not hold the answer");
		return -ENODATA;
	}
	return genl_recorded_parse(text, result, words, words_size, replies);
}

static int real_genl(struct sys *s, const struct genl_request *r, struct genl_replies *replies,
		     char *words, size_t words_size)
{
	char path[PATH_MAX];
	int result = 0, err;

	if (s->live)
		return genl_live(&((struct real *)s)->families, r, replies, words, words_size);
	if (!genl_only_asks(r))
		return -EROFS;
	err = genl_recorded_path(r, path, sizeof(path));
	if (!err)
		err = recorded_answer(s, path, &result, words, words_size, replies);
	return err ? err : result;
}

static int real_ethtool(struct sys *s, const char *dev, void *cmd, size_t size)
{
	struct genl_replies answer = {0};
	char path[PATH_MAX];
	int result = 0, err;

	if (s->live)
		return ethtool_live(dev, cmd);
	if (!ethtool_only_asks(cmd, size))
		return -EROFS;
	err = ethtool_recorded_path(dev, cmd, size, path, sizeof(path));
	if (!err)
		err = recorded_answer(s, path, &result, NULL, 0, &answer);
	if (!err && !result) {
		err = answer.n == 1 && answer.reply[0].len <= size ? 0 : -EBADMSG;
		if (!err)
			memcpy(cmd, answer.reply[0].attrs, answer.reply[0].len);
	}
	genl_replies_free(&answer);
	return err ? err : result;
}

static void real_close(struct sys *s)
{
	struct real *r = (struct real *)s;

	close(r->root);
	for (size_t i = 0; i < ARRAY_SIZE(detached); i++)
		if (r->detached[i] >= 0)
			close(r->detached[i]);
	if (r->sysfs >= 0)
		close(r->sysfs);
	free(r->modes);
	free(r);
}

static const struct sys_ops real_ops = {
	.read = real_read,
	.write = real_write,
	.list = real_list,
	.readlink = real_readlink,
	.mode = real_mode,
	.nvme_admin = real_nvme_admin,
	.hold = real_hold,
	.release = real_release,
	.request = real_request,
	.signal = real_signal,
	.affinity = real_affinity,
	.genl = real_genl,
	.ethtool = real_ethtool,
	.close = real_close,
};

int sys_open(const char *root, struct sys **s)
{
	struct real *r = calloc(1, sizeof(*r));
	size_t len;

	if (!r)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(detached); i++)
		r->detached[i] = -1;
	r->sysfs = -1;
	r->sys.ops = &real_ops;
	r->sys.live = !root || !strcmp(root, "/");
	r->root = open(root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->root < 0) {
		int err = -errno;

		free(r);
		return err;
	}
	if (!r->sys.live && sys_read_all(&r->sys, RECORDED_MODES, &r->modes, &len))
		r->modes = NULL;
	*s = &r->sys;
	return 0;
}

int sys_open_with_sysfs(int sysfs, struct sys **s)
{
	int err = sys_open(NULL, s);

	if (err)
		close(sysfs);
	else
		((struct real *)*s)->sysfs = sysfs;
	return err;
}
