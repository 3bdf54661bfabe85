// SPDX-License-Identifier: Apache-2.0
#include "analysis/bundle/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/bundle/tree.h"
#include "base/cleanup.h"
#include "base/diag.h"

static const struct {
	const char *suffix, *filter;
} formats[] = {{".tar.zst", "zstd"}, {".tar.gz", "gzip"}, {".tgz", "gzip"}, {".tar", NULL}};

int pack_filter(const char *name, const char **filter, struct diag *d)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		size_t n = strlen(formats[i].suffix);

		if (len <= n || strcmp(name + len - n, formats[i].suffix))
			continue;
		*filter = formats[i].filter;
		return 0;
	}
	return diag_set(d, -EINVAL, "%s: give a name that ends in .tar.zst, .tar.gz or .tar", name);
}

const char *pack_libraries(void)
{
	return archive_version_details();
}

static int write_data(struct archive *a, int dirfd, const char *path, int64_t size, struct diag *d)
{
	_fd_ int fd = tree_open(dirfd, path, d);
	char buf[65536];
	int64_t done = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	while (done < size && (n = read(fd, buf, sizeof(buf))) > 0) {
		if (archive_write_data(a, buf, (size_t)n) != n)
			return diag_set(d, -EIO, "%s: %s", path, archive_error_string(a));
		done += n;
	}
	return done == size ? 0 : diag_set(d, -EIO, "%s: became shorter while it was read", path);
}

static int write_entry(struct archive *a, int dirfd, const char *top, const char *path,
		       struct diag *d)
{
	struct archive_entry *e = archive_entry_new();
	char name[2 * TREE_PATH];
	struct stat st;
	int err = 0;

	if (!e)
		return diag_errno(d, -ENOMEM, "%s", path);
	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW))
		err = diag_errno(d, -errno, "%s", path);
	snprintf(name, sizeof(name), "%s/%s", top, path);
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, S_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_mtime(e, 0, 0);
	if (!err) {
		archive_entry_set_size(e, st.st_size);
		if (archive_write_header(a, e) != ARCHIVE_OK)
			err = diag_set(d, -EIO, "%s: %s", path, archive_error_string(a));
	}
	if (!err)
		err = write_data(a, dirfd, path, st.st_size, d);
	archive_entry_free(e);
	return err;
}

static int open_writer(struct archive *a, const char *filter, int fd, struct diag *d)
{
	if (archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
	    (filter && archive_write_add_filter_by_name(a, filter) < ARCHIVE_WARN))
		return diag_set(d, -EIO, "archive: %s", archive_error_string(a));
	/* no time in the head of the file */
	if (filter && !strcmp(filter, "gzip"))
		archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
	if (filter && !strcmp(filter, "zstd"))
		archive_write_set_filter_option(a, "zstd", "compression-level", "15");
	archive_write_set_bytes_in_last_block(a, 1);
	if (archive_write_open_fd(a, fd) != ARCHIVE_OK)
		return diag_set(d, -EIO, "archive: %s", archive_error_string(a));
	return 0;
}

int pack_tree(int dirfd, const char *top, const char *filter, int fd, struct diag *d)
{
	struct archive *a = archive_write_new();
	struct tree t;
	int err = a ? tree_read(dirfd, NULL, &t, d) : -ENOMEM;

	if (err) {
		archive_write_free(a);
		return err;
	}
	err = open_writer(a, filter, fd, d);
	for (size_t i = 0; !err && i < t.n; i++)
		err = write_entry(a, dirfd, top, t.path[i], d);
	if (archive_write_close(a) != ARCHIVE_OK && !err)
		err = diag_set(d, -EIO, "archive: %s", archive_error_string(a));
	archive_write_free(a);
	tree_free(&t);
	return err;
}
