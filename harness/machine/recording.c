// SPDX-License-Identifier: Apache-2.0
#include "machine/recording.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"

#define UNPACKED_MAX (64ll << 20)
#define ENTRIES_MAX  100000

static int copy_data(struct archive *in, struct archive *out, long long *total, struct diag *d)
{
	const void *block;
	la_int64_t at;
	size_t len;
	int status;

	while ((status = archive_read_data_block(in, &block, &len, &at)) == ARCHIVE_OK) {
		*total += (long long)len;
		if (*total > UNPACKED_MAX || at > UNPACKED_MAX)
			return diag_set(d, -EFBIG, "it unpacks to more than %lld MiB",
					UNPACKED_MAX >> 20);
		if (archive_write_data_block(out, block, len, at) < ARCHIVE_OK)
			return diag_set(d, -EIO, "%s", archive_error_string(out));
	}
	return status == ARCHIVE_EOF ? 0 : diag_set(d, -EINVAL, "%s", archive_error_string(in));
}

static int unpack_entry(struct archive *in, struct archive *out, struct archive_entry *e,
			const char *dir, long long *total, struct diag *d)
{
	mode_t type = archive_entry_filetype(e);
	char path[PATH_MAX];

	if (archive_entry_hardlink(e) || (type != S_IFREG && type != S_IFDIR && type != S_IFLNK))
		return diag_set(d, -EINVAL, "it holds more than files, directories and links: %s",
				archive_entry_pathname(e));
	if (snprintf(path, sizeof(path), "%s/%s", dir, archive_entry_pathname(e)) >=
	    (int)sizeof(path))
		return diag_set(d, -ENAMETOOLONG, "a name in it is too long");
	archive_entry_set_pathname(e, path);
	archive_entry_set_perm(e, type == S_IFDIR ? 0700 : 0600);
	if (archive_write_header(out, e) < ARCHIVE_OK)
		return diag_set(d, -EINVAL, "%s", archive_error_string(out));
	return type == S_IFREG ? copy_data(in, out, total, d) : 0;
}

static int unpack(const char *file, const char *dir, struct diag *d)
{
	struct archive *in = archive_read_new(), *out = archive_write_disk_new();
	struct archive_entry *e;
	long long total = 0;
	int status = ARCHIVE_OK, entries = 0, err = 0;

	if (!in || !out)
		err = diag_errno(d, -ENOMEM, "archive");
	if (!err) {
		archive_read_support_filter_all(in);
		archive_read_support_format_tar(in);
		archive_write_disk_set_options(out, ARCHIVE_EXTRACT_SECURE_SYMLINKS |
							    ARCHIVE_EXTRACT_SECURE_NODOTDOT);
		if (archive_read_open_filename(in, file, 65536) != ARCHIVE_OK)
			err = diag_set(d, -EINVAL, "%s", archive_error_string(in));
	}
	while (!err && (status = archive_read_next_header(in, &e)) == ARCHIVE_OK) {
		if (++entries > ENTRIES_MAX)
			err = diag_set(d, -EFBIG, "it holds more than %d entries", ENTRIES_MAX);
		else
			err = unpack_entry(in, out, e, dir, &total, d);
	}
	if (!err && status != ARCHIVE_EOF)
		err = diag_set(d, -EINVAL, "%s", archive_error_string(in));
	archive_read_free(in);
	archive_write_free(out);
	return err;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void remove_tree(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* collect puts everything in one folder; the machine's root is that. */
static int open_root(const char *dir, struct sys **s, struct diag *d)
{
	_dir_ DIR *handle = opendir(dir);
	struct dirent *e;
	char path[PATH_MAX];

	while (handle && (e = readdir(handle))) {
		struct stat st;

		if (e->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s/machine", dir, e->d_name) >=
			    (int)sizeof(path) ||
		    lstat(path, &st) || !S_ISDIR(st.st_mode))
			continue;
		*strrchr(path, '/') = '\0';
		return sys_open(path, s) ? diag_set(d, -EINVAL, "cannot be opened") : 0;
	}
	return diag_set(d, -EINVAL, "it is not a recording that 'iomodes collect' made");
}

int recording_open(const char *root, struct recording *r, struct diag *d)
{
	const char *tmp = getenv("TMPDIR");
	char template[PATH_MAX];
	_free_ char *base = NULL;
	struct stat st;
	int err;

	*r = (struct recording){0};
	if (!root || stat(root, &st) || S_ISDIR(st.st_mode)) {
		err = sys_open(root, &r->sys);
		return err ? diag_errno(d, err, "%s", root ? root : "/") : 0;
	}
	base = realpath(tmp && *tmp ? tmp : "/tmp", NULL);
	if (!base || snprintf(template, sizeof(template), "%s/iomodes-XXXXXX", base) >=
			     (int)sizeof(template))
		return diag_errno(d, -ENOENT, "temporary directory");
	if (!mkdtemp(template))
		return diag_errno(d, -errno, "%s", template);
	r->unpacked = strdup(template);
	err = r->unpacked ? unpack(root, template, d) : diag_errno(d, -ENOMEM, "unpack");
	if (!err)
		err = open_root(template, &r->sys, d);
	if (!err)
		return 0;
	remove_tree(template);
	free(r->unpacked);
	r->unpacked = NULL;
	return diag_prefix(d, err, "%s", root);
}

void recording_close(struct recording *r)
{
	sys_close(r->sys);
	if (r->unpacked)
		remove_tree(r->unpacked);
	free(r->unpacked);
	*r = (struct recording){0};
}
