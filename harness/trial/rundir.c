// SPDX-License-Identifier: Apache-2.0
#include "trial/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "gate/gate.h"

#define RAW_MAX	  (64u << 20)
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)

int rundir_make_parents(const char *path)
{
	char copy[4096];

	if (strlen(path) >= sizeof(copy))
		return -ENAMETOOLONG;
	strcpy(copy, path);
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(copy, 0755) && errno != EEXIST ? -errno : 0;
}

static int open_files(struct rundir *r, int extra, struct diag *d)
{
	static const char *const dirs[] = {"raw", "machine", "figures"};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdirat(r->dir, dirs[i], 0755) && errno != EEXIST)
			return diag_errno(d, -errno, "%s/%s", r->path, dirs[i]);
	r->raw = openat(r->dir, "raw", DIR_FLAGS);
	r->trials = openat(r->dir, "trials.jsonl",
			   O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | extra, 0644);
	r->journal = openat(r->dir, "journal.jsonl",
			    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_CREAT, 0644);
	if (r->raw < 0 || r->trials < 0 || r->journal < 0)
		return diag_errno(d, -errno, "%s", r->path);
	return 0;
}

int rundir_create(const char *parent, const char *name, struct rundir *r, struct diag *d)
{
	_fd_ int parent_fd = -1;
	char leaf[512], stamp[32];
	time_t now = time(NULL);
	struct tm tm;
	int err = rundir_make_parents(parent);

	*r = (struct rundir){.dir = -1, .trials = -1, .journal = -1, .raw = -1};
	if (err)
		return diag_errno(d, err, "%s", parent);
	parent_fd = gate_open_dir(parent, d);
	if (parent_fd < 0)
		return diag_prefix(d, parent_fd,
				   "no results here; name another place by --output DIR");
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(leaf, sizeof(leaf), "%s-%.200s", stamp, name);
	for (int again = 2; mkdirat(parent_fd, leaf, 0755); again++) {
		if (errno != EEXIST || again > 99)
			return diag_errno(d, -errno, "%s/%s", parent, leaf);
		snprintf(leaf, sizeof(leaf), "%s-%.200s-%d", stamp, name, again);
	}
	snprintf(r->path, sizeof(r->path), "%.3500s/%s", parent, leaf);
	r->dir = openat(parent_fd, leaf, DIR_FLAGS);
	if (r->dir < 0)
		return diag_errno(d, -errno, "%s", r->path);
	err = open_files(r, O_CREAT | O_EXCL, d);
	if (err)
		rundir_close(r);
	return err;
}

void rundir_discard(struct rundir *r)
{
	static const char *const dirs[] = {"raw", "machine", "figures"};
	static const char *const files[] = {"trials.jsonl", "journal.jsonl"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlinkat(r->dir, files[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		unlinkat(r->dir, dirs[i], AT_REMOVEDIR);
	rmdir(r->path); /* only when empty */
	r->path[0] = '\0';
}

int rundir_open(const char *path, struct rundir *r, struct diag *d)
{
	int err;

	*r = (struct rundir){.dir = -1, .trials = -1, .journal = -1, .raw = -1};
	snprintf(r->path, sizeof(r->path), "%s", path);
	r->dir = gate_open_dir(path, d);
	if (r->dir < 0)
		return r->dir;
	err = open_files(r, 0, d);
	if (err)
		rundir_close(r);
	return err;
}

int rundir_raw(const struct rundir *r, const char *trial, struct diag *d)
{
	int fd;

	if (mkdirat(r->raw, trial, 0755) && errno != EEXIST)
		return diag_errno(d, -errno, "raw/%s", trial);
	fd = openat(r->raw, trial, DIR_FLAGS);
	return fd < 0 ? diag_errno(d, -errno, "raw/%s", trial) : fd;
}

int rundir_read_raw(const struct rundir *r, const char *trial, const char *name, char **text,
		    size_t *len, struct diag *d)
{
	char path[512];
	_fd_ int fd = -1;
	struct stat st;
	ssize_t n;

	*text = NULL;
	snprintf(path, sizeof(path), "%s/%s", trial, name);
	fd = openat(r->raw, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st))
		return diag_errno(d, -errno, "raw/%s", path);
	if (st.st_size > RAW_MAX)
		return diag_set(d, -EFBIG, "raw/%s: larger than 64 MiB", path);
	*text = malloc((size_t)st.st_size + 1);
	if (!*text)
		return -ENOMEM;
	*len = 0;
	while ((n = read(fd, *text + *len, (size_t)st.st_size - *len)) > 0)
		*len += (size_t)n;
	(*text)[*len] = '\0';
	return 0;
}

/* Made from the records and made again at any time: sums are of what cannot be. */
static bool is_derived(const char *prefix, const char *name)
{
	return !*prefix && (!strcmp(name, "SHA256SUMS") || !strcmp(name, "report.html") ||
			    !strcmp(name, "figures"));
}

/* Sums of the files of one directory, then of the directories below; names sorted. */
static int seal_dir(int dir, const char *prefix, FILE *out, struct diag *d)
{
	struct dirent **entries;
	int n = scandirat(dir, ".", &entries, NULL, alphasort), err = 0;

	if (n < 0)
		return diag_errno(d, -errno, "%s", prefix);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char digest[DIGEST_TEXT], below[4096];
		struct stat st;

		if (!err && name[0] != '.' && !is_derived(prefix, name) &&
		    !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
			if (S_ISREG(st.st_mode)) {
				err = digest_file(dir, name, digest, d);
				if (!err)
					fprintf(out, "%s  %s%s\n", digest, prefix, name);
			} else if (S_ISDIR(st.st_mode)) {
				_fd_ int sub = openat(dir, name, DIR_FLAGS);

				snprintf(below, sizeof(below), "%.2000s%s/", prefix, name);
				err = sub < 0 ? -errno : seal_dir(sub, below, out, d);
			}
		}
		free(entries[i]);
	}
	free(entries);
	return err;
}

int rundir_seal(const struct rundir *r, struct diag *d)
{
	int fd = openat(r->dir, "SHA256SUMS", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			0644);
	_file_ FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	int err;

	if (!out)
		return diag_errno(d, -errno, "%s/SHA256SUMS", r->path);
	err = seal_dir(r->dir, "", out, d);
	if (!err && (fflush(out) || fsync(fd)))
		err = diag_errno(d, -errno, "%s/SHA256SUMS", r->path);
	return err;
}

void rundir_close(struct rundir *r)
{
	int *fds[] = {&r->dir, &r->trials, &r->journal, &r->raw};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}
