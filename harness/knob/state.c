// SPDX-License-Identifier: Apache-2.0
/* The state directory: who may write it, its format, the journal file, the host lock. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "knob/store.h"

#define FORMAT	      "1\n"
#define HOST_LOCK     "/run/iomodes.lock"
#define JOURNAL_MAX   (16u << 20)
#define LOCK_WAIT_NS  10000000000u
#define LOCK_RETRY_MS 20

static struct state_dir *of(struct store *st)
{
	return (struct state_dir *)st;
}

static int dir_load(struct store *st, const char *name, char **text, size_t *len)
{
	_fd_ int fd = openat(of(st)->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_free_ char *buf = NULL;
	struct stat sb;
	size_t used = 0;

	if (fd < 0 || fstat(fd, &sb))
		return -errno;
	if (!S_ISREG(sb.st_mode))
		return -EINVAL;
	if (sb.st_size > JOURNAL_MAX)
		return -EFBIG;
	buf = malloc((size_t)sb.st_size + 1);
	if (!buf)
		return -ENOMEM;
	while (used < (size_t)sb.st_size) {
		ssize_t n = read(fd, buf + used, (size_t)sb.st_size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		used += (size_t)n;
	}
	buf[used] = '\0';
	*len = used;
	*text = buf;
	buf = NULL;
	return 0;
}

static int dir_append(struct store *st, const char *name, const char *text, size_t len)
{
	_fd_ int fd = openat(of(st)->fd, name,
			     O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	off_t old = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	int err;

	if (old < 0)
		return -errno;
	err = jsonio_write_all(fd, text, len);
	if (!err && fsync(fd))
		err = -errno;
	if (!err && !old && fsync(of(st)->fd))
		err = -errno;
	return err;
}

static int dir_cut(struct store *st, const char *name, size_t len)
{
	_fd_ int fd = openat(of(st)->fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || ftruncate(fd, (off_t)len) || fsync(fd) ? -errno : 0;
}

static int dir_remove(struct store *st, const char *name)
{
	if (unlinkat(of(st)->fd, name, 0) && errno != ENOENT)
		return -errno;
	return fsync(of(st)->fd) ? -errno : 0;
}

static const struct store_ops dir_ops = {
	.load = dir_load,
	.append = dir_append,
	.cut = dir_cut,
	.remove = dir_remove,
};

static char *default_path(void)
{
	const char *given = getenv("IOMODES_STATE_DIR"), *xdg = getenv("XDG_STATE_HOME"),
		   *home = getenv("HOME");
	char *path = NULL;
	int n;

	if (given && *given)
		return strdup(given);
	if (geteuid() == 0)
		return strdup("/var/lib/iomodes");
	if (xdg && *xdg == '/')
		n = asprintf(&path, "%s/iomodes", xdg);
	else
		n = asprintf(&path, "%s/.local/state/iomodes", home && *home == '/' ? home : "");
	return n < 0 ? NULL : path;
}

/* As "mkdir -p -m 0700". */
static int make_path(const char *path)
{
	_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *at = copy + 1; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			return -errno;
	}
	return mkdir(copy, 0700) && errno != EEXIST ? -errno : 0;
}

static int check_owner(const struct state_dir *dir, struct diag *d)
{
	struct stat sb;

	if (fstat(dir->fd, &sb))
		return diag_errno(d, -errno, "%s", dir->path);
	if (sb.st_uid != geteuid())
		return diag_set(d, -EPERM,
				"state directory %s belongs to user %u: what lies there would be "
				"replayed as root; use one of your own",
				dir->path, sb.st_uid);
	if (sb.st_mode & 022)
		return diag_set(d, -EPERM,
				"state directory %s may be written by others (mode %04o): run "
				"'chmod 700 %s' after looking at what is in it",
				dir->path, sb.st_mode & 07777, dir->path);
	return 0;
}

static int check_format(struct state_dir *dir, bool create, struct diag *d)
{
	_free_ char *text = NULL;
	size_t len;
	int err = dir_load(&dir->store, "format", &text, &len);

	if (err == -ENOENT && create) {
		err = dir_append(&dir->store, "format", FORMAT, strlen(FORMAT));
		if (err)
			dir_remove(&dir->store, "format");
		return err ? diag_errno(d, err, "state directory %s", dir->path) : 0;
	}
	if (err == -ENOENT)
		return 0; /* made, never used */
	if (err)
		return diag_errno(d, err, "%s/format", dir->path);
	if (!len && create) /* a crash between creating and writing it */
		return dir_append(&dir->store, "format", FORMAT, strlen(FORMAT));
	if (len && strcmp(text, FORMAT))
		return diag_set(d, -EPROTO,
				"%s has format %.20s: made by another version of iomodes; restore "
				"with that one",
				dir->path, text);
	return 0;
}

int state_open(const char *path, bool create, struct state_dir *dir, struct diag *d)
{
	int err;

	*dir = (struct state_dir){.store = {&dir_ops}, .fd = -1, .lock = -1};
	dir->path = path ? strdup(path) : default_path();
	if (!dir->path)
		return -ENOMEM;
	err = create ? make_path(dir->path) : 0;
	if (!err) {
		dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (dir->fd < 0)
			err = -errno;
	}
	if (err)
		diag_errno(d, err, "state directory %s", dir->path);
	if (!err)
		err = check_owner(dir, d);
	if (!err)
		err = check_format(dir, create, d);
	if (err)
		state_close(dir);
	return err;
}

void state_close(struct state_dir *dir)
{
	if (dir->lock >= 0)
		close(dir->lock);
	if (dir->fd >= 0)
		close(dir->fd);
	free(dir->path);
	*dir = (struct state_dir){.fd = -1, .lock = -1};
}

/* Field 22 of /proc/PID/stat: clock ticks after boot; a pid alone may have been given anew. */
static long long start_time(long long pid)
{
	char path[64], text[1024], *at;
	long long ticks = -1;
	_fd_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%lld/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%lld", &ticks) == 1 ? ticks : -1;
}

static json_t *read_record(int fd)
{
	char text[1024];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
}

static bool holder_lives(const json_t *record)
{
	long long pid = json_integer_value(json_object_get(record, "pid"));

	return pid > 0 && start_time(pid) == json_integer_value(json_object_get(record, "started"));
}

static int write_record(int fd, const char *what)
{
	char now[32];
	_json_ json_t *record = json_pack("{s:i, s:I, s:s%, s:s}", "pid", (int)getpid(), "started",
					  (json_int_t)start_time(getpid()), "what", what,
					  strnlen(what, 400), "since", clock_iso(now));
	_free_ char *line = record ? jsonio_line(record) : NULL;

	if (!line)
		return -ENOMEM;
	if (ftruncate(fd, 0) || pwrite(fd, line, strlen(line), 0) < 0)
		return -errno;
	return 0;
}

static int busy(const json_t *record, struct diag *d)
{
	long long pid = json_integer_value(json_object_get(record, "pid"));
	const char *what = jsonio_string(record, "what", "unknown"),
		   *since = jsonio_string(record, "since", "unknown");

	if (record && !holder_lives(record))
		return diag_set(d, -EBUSY,
				"host busy: the guardian of process %lld (\"%s\", since %s), which "
				"died, is still restoring; try again soon",
				pid, what, since);
	return diag_set(d, -EBUSY, "host busy: process %lld holds it since %s for \"%s\"", pid,
			since, what);
}

/*
 * One lock a host, whatever the state directory: /run is root's alone. An ordinary user, and root
 * where /run cannot be written, locks in the state directory.
 */
static int open_lock(const struct state_dir *dir, int flags)
{
	int fd = geteuid() ? -1 : open(HOST_LOCK, flags | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : openat(dir->fd, "lock", flags | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int state_lock(struct state_dir *dir, const char *what, struct diag *d)
{
	const struct timespec retry = {.tv_nsec = LOCK_RETRY_MS * 1000000};
	uint64_t deadline = clock_ns() + LOCK_WAIT_NS;
	int fd = open_lock(dir, O_RDWR | O_CREAT), err;

	if (fd < 0)
		return diag_errno(d, -errno, "host lock (%s, %s/lock)", HOST_LOCK, dir->path);
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		_json_ json_t *record = NULL;

		err = -errno;
		record = read_record(fd);
		if (err == -EWOULDBLOCK && !(record && holder_lives(record)) &&
		    clock_ns() < deadline) {
			nanosleep(&retry, NULL);
			continue;
		}
		if (err == -EWOULDBLOCK)
			err = busy(record, d);
		else
			diag_errno(d, err, "host lock");
		close(fd);
		return err;
	}
	err = write_record(fd, what);
	if (err) {
		close(fd);
		return diag_errno(d, err, "host lock");
	}
	dir->lock = fd;
	return 0;
}

void state_unlock(struct state_dir *dir)
{
	if (dir->lock < 0)
		return;
	/* the record is for people, flock decides; explicit, because a child that still has a copy
	 * of the descriptor must not keep the host */
	while (ftruncate(dir->lock, 0) && errno == EINTR)
		;
	flock(dir->lock, LOCK_UN);
	close(dir->lock);
	dir->lock = -1;
}

json_t *state_holder(struct state_dir *dir)
{
	_fd_ int fd = open_lock(dir, O_RDONLY);
	json_t *record;

	if (fd < 0 || !flock(fd, LOCK_SH | LOCK_NB))
		return NULL;
	record = read_record(fd);
	if (!record)
		record = json_object();
	json_object_set_new(record, "alive", json_boolean(holder_lives(record)));
	return record;
}

int state_log_accepted(struct state_dir *dir, const json_t *entry, struct diag *d)
{
	_free_ char *line = jsonio_line(entry), *text = NULL;
	int err;

	if (!line || asprintf(&text, "%s\n", line) < 0)
		return -ENOMEM;
	err = dir_append(&dir->store, "accepted.jsonl", text, strlen(text));
	return err ? diag_errno(d, err, "%s/accepted.jsonl", dir->path) : 0;
}
