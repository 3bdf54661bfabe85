// SPDX-License-Identifier: Apache-2.0
#include "analysis/bundle/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

#define FILES_MAX 1000000
#define DEPTH_MAX 16

int tree_path_check(const char *path, struct diag *d)
{
	size_t len = strlen(path);
	unsigned depth = 0;

	if (!len || len >= TREE_PATH)
		return diag_set(d, -EINVAL, "a name of %zu bytes", len);
	if (*path == '/')
		return diag_set(d, -EINVAL, "\"%s\" is absolute", path);
	for (const char *p = path; *p; p++)
		depth += *p == '/';
	if (depth > DEPTH_MAX)
		return diag_set(d, -EINVAL, "\"%s\" lies %u folders deep", path, depth);
	for (const char *p = path; *p; p++)
		if (*p < ' ' || *p > '~' || *p == '\\' || *p == '%')
			return diag_set(d, -EINVAL,
					"a name with the byte 0x%02x, which no bundle has",
					(unsigned char)*p);
	for (const char *part = path; part; part = strchr(part, '/')) {
		size_t n;

		part += *part == '/';
		n = strcspn(part, "/");
		if (!n || (n <= 2 && !strncmp(part, "..", n)))
			return diag_set(d, -EINVAL, "\"%s\" leads out of the archive", path);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add(struct tree *t, const char *path, uint64_t bytes)
{
	char **grown = t->path;

	if (!(t->n & (t->n - 1))) /* 0, 1, 2, 4, ... */
		grown = reallocarray(t->path, t->n ? 2 * t->n : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	t->path = grown;
	t->path[t->n] = strdup(path);
	if (!t->path[t->n])
		return -ENOMEM;
	t->n++;
	t->bytes += bytes;
	return 0;
}

static int walk(int dirfd, const char *prefix, unsigned depth, bool (*leave_out)(const char *path),
		struct tree *t, struct diag *d)
{
	int again = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	_dir_ DIR *dir = again < 0 ? NULL : fdopendir(again);
	const struct dirent *e;

	if (!dir)
		return diag_errno(d, -errno, "%s", *prefix ? prefix : ".");
	if (depth > DEPTH_MAX)
		return diag_set(d, -EINVAL, "%s: directories %u deep", prefix, depth);
	while (!err && (e = readdir(dir))) {
		char path[TREE_PATH + 256];
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "/" : "", e->d_name);
		if (leave_out && leave_out(path))
			continue;
		if (fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW)) {
			err = diag_errno(d, -errno, "%s", path);
		} else if (S_ISDIR(st.st_mode)) {
			_fd_ int sub = openat(dirfd, e->d_name,
					      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			err = sub < 0 ? diag_errno(d, -errno, "%s", path)
				      : walk(sub, path, depth + 1, leave_out, t, d);
		} else if (!S_ISREG(st.st_mode)) {
			err = diag_set(d, -EINVAL, "%s: %s, not a plain file", path,
				       S_ISLNK(st.st_mode) ? "a symbolic link" : "a special file");
		} else {
			err = tree_path_check(path, d);
			if (!err && t->n >= FILES_MAX)
				err = diag_set(d, -E2BIG, "more than %d files", FILES_MAX);
			if (!err)
				err = add(t, path, (uint64_t)st.st_size);
		}
	}
	return err;
}

int tree_read(int dirfd, bool (*leave_out)(const char *path), struct tree *t, struct diag *d)
{
	int err;

	*t = (struct tree){0};
	err = walk(dirfd, "", 0, leave_out, t, d);
	if (err)
		tree_free(t);
	else if (t->n)
		qsort(t->path, t->n, sizeof(*t->path), compare);
	return err;
}

bool tree_has(const struct tree *t, const char *path)
{
	return t->n && bsearch(&path, t->path, t->n, sizeof(*t->path), compare);
}

void tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->path[i]);
	free(t->path);
	*t = (struct tree){0};
}

/* The directory that the last part of `path` lies in; `leaf` points at that part. */
static int open_above(int dirfd, const char *path, bool make, const char **leaf)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = fd < 0 ? -errno : 0;
	const char *slash;

	for (; !err && (slash = strchr(path, '/')); path = slash + 1) {
		char part[TREE_PATH];
		int below = -1;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (make && mkdirat(fd, part, 0755) && errno != EEXIST)
			err = -errno;
		if (!err)
			below = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (!err && below < 0)
			err = -errno;
		close(fd);
		fd = below;
	}
	*leaf = path;
	return err ? err : fd;
}

int tree_create(int dirfd, const char *path, struct diag *d)
{
	const char *leaf;
	_fd_ int above = -1;
	int fd, err = tree_path_check(path, d);

	if (err)
		return err;
	above = open_above(dirfd, path, true, &leaf);
	if (above < 0)
		return diag_errno(d, above, "%s", path);
	fd = openat(above, leaf, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? diag_errno(d, -errno, "%s", path) : fd;
}

int tree_write(int dirfd, const char *path, const void *text, size_t len, struct diag *d)
{
	_fd_ int fd = tree_create(dirfd, path, d);
	int err;

	if (fd < 0)
		return fd;
	err = jsonio_write_all(fd, text, len);
	return err ? diag_errno(d, err, "%s", path) : 0;
}

int tree_open(int dirfd, const char *path, struct diag *d)
{
	const char *leaf;
	_fd_ int above = open_above(dirfd, path, false, &leaf);
	struct stat st;
	int fd;

	if (above < 0)
		return diag_errno(d, above, "%s", path);
	fd = openat(above, leaf, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return diag_errno(d, -errno, "%s", path);
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return diag_set(d, -EINVAL, "%s: not a plain file", path);
}

int tree_load(int dirfd, const char *path, size_t most, char **text, size_t *len, struct diag *d)
{
	_fd_ int fd = tree_open(dirfd, path, d);
	struct stat st;
	ssize_t n;

	*text = NULL;
	*len = 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) || (size_t)st.st_size > most)
		return diag_set(d, -EFBIG, "%s: larger than %zu MiB", path, most >> 20);
	*text = malloc((size_t)st.st_size + 1);
	if (!*text)
		return diag_errno(d, -ENOMEM, "%s", path);
	while (*len < (size_t)st.st_size &&
	       (n = read(fd, *text + *len, (size_t)st.st_size - *len)) > 0)
		*len += (size_t)n;
	(*text)[*len] = '\0';
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	remove(path);
	return 0;
}

void tree_remove(const char *path)
{
	if (*path)
		nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

#define SCRATCH	    ".iomodes-bundle-"
#define ABANDONED_S 60 /* between a directory's making and its lock lies less */

/* What a program left that was killed: ours, old enough, and locked by nobody. */
static void sweep(const char *parent)
{
	_dir_ DIR *dir = opendir(parent);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		_fd_ int fd = strncmp(e->d_name, SCRATCH, strlen(SCRATCH))
				      ? -1
				      : openat(dirfd(dir), e->d_name,
					       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		char path[4096];
		struct stat st;

		if (fd < 0 || fstat(fd, &st) || st.st_uid != geteuid() ||
		    st.st_mtime + ABANDONED_S > time(NULL) || flock(fd, LOCK_EX | LOCK_NB))
			continue;
		snprintf(path, sizeof(path), "%.3800s/%.255s", parent, e->d_name);
		tree_remove(path);
	}
}

int tree_scratch(const char *parent, char path[static 4096], struct diag *d)
{
	const char *temporary = getenv("TMPDIR");
	int fd;

	if (!parent)
		parent = temporary && *temporary ? temporary : "/var/tmp";
	sweep(parent);
	snprintf(path, 4096, "%.4000s/" SCRATCH "XXXXXX", parent);
	if (!mkdtemp(path)) {
		*path = '\0';
		return diag_errno(d, -errno, "%s: no directory can be made there", parent);
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(d, -errno, "%s", path);
	flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}
