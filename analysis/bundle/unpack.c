// SPDX-License-Identifier: Apache-2.0
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/bundle/bag.h"
#include "analysis/bundle/pack.h"
#include "analysis/bundle/tree.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

#define SMALL	   (64ull << 20) /* what any archive may unpack to */
#define FILES_MOST 1000000
#define DISK_BLOCK 4096
#define BLOCK	   65536

struct unpacking {
	const char *path;
	const struct unpack_limits *limits;
	uint64_t archive_bytes, bytes;
	int dirfd;
	struct archive *a;
	struct unpacked *u;
	char last[TREE_PATH]; /* member that was read without fault, or "" */
	struct diag *d;
};

static int damaged(struct unpacking *u, const char *member)
{
	const char *why = archive_error_string(u->a);

	if (member)
		return diag_set(u->d, -EBADMSG, "%s: damaged at %s: %s", u->path, member,
				why ? why : "it ends too early");
	return diag_set(u->d, -EBADMSG, "%s: %s%s: %s", u->path,
			*u->last ? "damaged behind " : "no archive of a bundle", u->last,
			why ? why : "it ends too early");
}

static int refused(struct unpacking *u, const char *member, const char *why)
{
	return diag_set(u->d, -EBADMSG, "%s: %s: %s; nothing of it is used", u->path, member, why);
}

/* "folder/data/x" -> "data/x"; every member lies in the same folder. */
static int inner_path(struct unpacking *u, const char *name, const char **inner)
{
	const char *slash = strchr(name, '/');
	struct diag why = {""};
	size_t n;

	if (tree_path_check(name, &why))
		return refused(u, name, why.text);
	n = slash ? (size_t)(slash - name) : 0;
	if (!n || n >= sizeof(u->u->top))
		return refused(u, name, "lies in no folder");
	if (!*u->u->top)
		snprintf(u->u->top, sizeof(u->u->top), "%.*s", (int)n, name);
	if (strlen(u->u->top) != n || strncmp(name, u->u->top, n))
		return refused(u, name, "lies in another folder than what comes before it");
	*inner = slash + 1;
	return 0;
}

static int too_large(struct unpacking *u, const char *member)
{
	return diag_set(
		u->d, -EFBIG,
		"%s: with %s it unpacks to more than %llu bytes, or to more than %u times its "
		"size: refused before it fills the disk (--max-size raises the first)",
		u->path, member, (unsigned long long)u->limits->bytes, u->limits->growth);
}

static bool is_too_large(const struct unpacking *u)
{
	return u->bytes > u->limits->bytes ||
	       (u->bytes > SMALL && u->bytes / u->limits->growth > u->archive_bytes);
}

static int copy_data(struct unpacking *u, const char *name, const char *inner, int64_t size)
{
	_fd_ int fd = tree_create(u->dirfd, inner, u->d);
	char buf[BLOCK];
	int64_t done = 0;
	la_ssize_t n = 0;
	int err = 0;

	if (fd == -EEXIST)
		return refused(u, name, "stands twice in the archive");
	if (fd < 0)
		return fd;
	while (!err && (n = archive_read_data(u->a, buf, sizeof(buf))) > 0) {
		done += n;
		err = done > size ? refused(u, name, "longer than its head says")
				  : jsonio_write_all(fd, buf, (size_t)n);
	}
	if (err)
		return err == -EBADMSG ? err : diag_errno(u->d, err, "%s", inner);
	return n < 0 || done != size ? damaged(u, name) : 0;
}

/* What a file and the directories that it is the first to lie in take of a disk, empty or not. */
static uint64_t blocks_of(const struct unpacking *u, const char *name)
{
	uint64_t blocks = 1;
	size_t i = 0;

	while (name[i] && name[i] == u->last[i])
		i++;
	for (; name[i]; i++)
		blocks += name[i] == '/';
	return blocks * DISK_BLOCK;
}

static int take_member(struct unpacking *u, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e), *inner = NULL;
	int err;

	if (!name)
		return refused(u, "a member", "a name that is no text");
	if (archive_entry_filetype(e) == AE_IFDIR && !archive_entry_hardlink(e))
		return tree_path_check(name, NULL) && name[strlen(name) - 1] != '/'
			       ? refused(u, name, "a directory that leads out of the archive")
			       : 0; /* made when a file lies in it */
	if (archive_entry_hardlink(e))
		return refused(u, name, "a hard link");
	if (archive_entry_filetype(e) == AE_IFLNK)
		return refused(u, name, "a symbolic link");
	if (archive_entry_filetype(e) != AE_IFREG || archive_entry_sparse_count(e))
		return refused(u, name, "not a plain file");
	err = inner_path(u, name, &inner);
	if (err)
		return err;
	u->bytes += (uint64_t)archive_entry_size(e) + blocks_of(u, name);
	if (archive_entry_size(e) < 0 || is_too_large(u))
		return too_large(u, name);
	if (++u->u->files > FILES_MOST)
		return refused(u, name, "one file too many");
	err = copy_data(u, name, inner, archive_entry_size(e));
	snprintf(u->last, sizeof(u->last), "%.500s", name);
	return err;
}

static struct archive *open_reader(const char *path, bool raw, struct diag *d)
{
	struct archive *a = archive_read_new();

	if (!a) {
		diag_errno(d, -ENOMEM, "%s", path);
		return NULL;
	}
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_zstd(a);
	if (raw)
		archive_read_support_format_raw(a);
	else
		archive_read_support_format_tar(a);
	if (archive_read_open_filename(a, path, BLOCK) != ARCHIVE_OK) {
		diag_set(d, -EBADMSG, "%s: %s", path, archive_error_string(a));
		archive_read_free(a);
		return NULL;
	}
	return a;
}

int unpack_archive(const char *path, const struct unpack_limits *limits, int dirfd,
		   struct unpacked *out, struct diag *d)
{
	struct unpacking u = {.path = path, .limits = limits, .dirfd = dirfd, .u = out, .d = d};
	struct archive_entry *e;
	struct stat st;
	int r = 0, err = 0;

	*out = (struct unpacked){0};
	if (stat(path, &st))
		return diag_errno(d, -errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return diag_set(d, -EINVAL, "%s: neither a file nor a directory of a bundle", path);
	u.archive_bytes = (uint64_t)st.st_size;
	u.a = open_reader(path, false, d);
	if (!u.a)
		return -EBADMSG;
	while (!err && (r = archive_read_next_header(u.a, &e)) == ARCHIVE_OK) {
		err = take_member(&u, e);
		/* compressed more than once would hide its size from the limits */
		if (!err && archive_filter_count(u.a) > 2)
			err = refused(&u, "the archive", "compressed more than once");
	}
	if (!err && r != ARCHIVE_EOF)
		err = damaged(&u, NULL);
	if (!err && !out->files)
		err = diag_set(d, -EBADMSG, "%s: no archive of a bundle: it holds no file", path);
	snprintf(out->filter, sizeof(out->filter), "%s", archive_filter_name(u.a, 0));
	archive_read_free(u.a);
	return err;
}

/* --- is it what packing gives? ------------------------------------------------------------------
 */

/* The member that byte `at` of a plain tar belongs to, by walking heads of 512 bytes. */
static void member_at(int tar, uint64_t at, char *name, size_t size)
{
	uint64_t pos = 0;
	char head[512];

	snprintf(name, size, "the end of the archive");
	while (pread(tar, head, sizeof(head), (off_t)pos) == sizeof(head) && *head) {
		uint64_t bytes = strtoull(head + 124, NULL, 8);
		uint64_t next = pos + 512 + (bytes + 511) / 512 * 512;

		if (at < next) {
			char leaf[101], prefix[156];

			snprintf(leaf, sizeof(leaf), "%.100s", head);
			snprintf(prefix, sizeof(prefix), "%.155s", head + 345);
			snprintf(name, size, "%s%s%s", prefix, *prefix ? "/" : "", leaf);
			return;
		}
		pos = next;
	}
}

/* Compare what a reader gives with a file; *at is where they part, or UINT64_MAX. */
static int first_difference(struct archive *a, int file, uint64_t *at)
{
	char one[BLOCK], two[BLOCK];
	uint64_t pos = 0;
	la_ssize_t n;

	*at = UINT64_MAX;
	while ((n = archive_read_data(a, one, sizeof(one))) > 0) {
		ssize_t m = pread(file, two, (size_t)n, (off_t)pos);

		for (la_ssize_t i = 0; i < n; i++)
			if (i >= m || one[i] != two[i]) {
				*at = pos + (uint64_t)i;
				return 0;
			}
		pos += (uint64_t)n;
	}
	if (n < 0 || pread(file, two, 1, (off_t)pos) != 0)
		*at = pos;
	return 0;
}

static int open_scratch_file(int dirfd, struct diag *d)
{
	/* beside the unpacked files, which lie in a directory of our own; without a name */
	int fd = openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? diag_errno(d, -errno, "a temporary file") : fd;
}

static int same_bytes(const char *path, int file, bool *same)
{
	_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char one[BLOCK], two[BLOCK];
	ssize_t n;
	off_t pos = 0;

	*same = false;
	if (fd < 0)
		return -errno;
	while ((n = read(fd, one, sizeof(one))) > 0) {
		if (pread(file, two, (size_t)n, pos) != n || memcmp(one, two, (size_t)n))
			return 0;
		pos += n;
	}
	*same = !n && !pread(file, two, 1, pos);
	return 0;
}

static int verify_tar(const char *path, const struct unpacked *u, int dirfd, json_t *differences,
		      struct diag *d)
{
	_fd_ int file = open_scratch_file(dirfd, d);
	struct archive *a;
	struct archive_entry *e;
	char name[600];
	uint64_t at;
	int err = file < 0 ? file : pack_tree(dirfd, u->top, NULL, file, d);

	if (err)
		return err;
	a = open_reader(path, true, d);
	if (!a)
		return -EBADMSG;
	if (archive_read_next_header(a, &e) != ARCHIVE_OK)
		err = diag_set(d, -EBADMSG, "%s: %s", path, archive_error_string(a));
	if (!err)
		err = first_difference(a, file, &at);
	if (!err && at != UINT64_MAX) {
		char what[64];

		member_at(file, at, name, sizeof(name));
		snprintf(what, sizeof(what), "byte %llu of the archive, outside any content",
			 (unsigned long long)at);
		bag_differs(differences, name, what, "as packing these files gives it",
			    "something else");
	}
	archive_read_free(a);
	return err;
}

int unpack_verify(const char *path, const struct unpacked *u, int dirfd, const char *libraries,
		  json_t *differences, json_t *notes, struct diag *d)
{
	size_t before = json_array_size(differences);
	const char *slash = strrchr(path, '/');
	_fd_ int file = -1;
	bool same;
	int err = verify_tar(path, u, dirfd, differences, d);

	if (err || json_array_size(differences) > before || !strcmp(u->filter, "none"))
		return err;
	file = open_scratch_file(dirfd, d);
	err = file < 0 ? file : pack_tree(dirfd, u->top, u->filter, file, d);
	if (!err)
		err = same_bytes(path, file, &same);
	if (err || same)
		return err;
	if (!strcmp(libraries, pack_libraries()))
		bag_differs(differences, slash ? slash + 1 : path, "compressed form",
			    "as packing these files gives it", "something else");
	else
		json_array_append_new(
			notes,
			json_sprintf(
				"packed by other libraries (%s): the compressed form cannot be "
				"made again here; every byte within is checked",
				libraries));
	return 0;
}
