// SPDX-License-Identifier: Apache-2.0
/* Scratch files: random data, marked as ours, without holes or unwritten extents (a read of either
 * never reaches the device). A file has no name until it is whole (O_TMPFILE): whatever ends the
 * process earlier, the kernel takes the space back. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/rng.h"
#include "gate/internal.h"

#define CHUNK	(1u << 20)
#define WINDOW	(64u << 20) /* written back while the next one is filled */
#define EXTENTS 128

static int mark(int fd, const char *path, struct diag *d)
{
	char marker[64];
	struct stat st;

	if (fstat(fd, &st))
		return diag_errno(d, -errno, "%s", path);
	snprintf(marker, sizeof(marker), "inode %llu", (unsigned long long)st.st_ino);
	if (fsetxattr(fd, GATE_MARKER, marker, strlen(marker), XATTR_CREATE))
		return diag_errno(d, -errno,
				  "%s: the file system takes no extended attribute %s, so a file "
				  "made here could not be told from another later",
				  path, GATE_MARKER);
	return 0;
}

/* Peeked at, never read: whose signal descriptor it is finds there what came. */
static bool cancelled(int cancel_fd)
{
	struct pollfd p = {.fd = cancel_fd, .events = POLLIN};

	return cancel_fd >= 0 && poll(&p, 1, 0) > 0;
}

/* Without this most of a large file would be written by the last fsync, which cannot be
 * interrupted. The window that ends at `end` is started, the one before it awaited. */
static int write_back(int fd, uint64_t end)
{
	const unsigned whole =
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

	if (sync_file_range(fd, (off_t)(end - WINDOW), WINDOW, SYNC_FILE_RANGE_WRITE))
		return -errno;
	if (end >= 2 * (uint64_t)WINDOW &&
	    sync_file_range(fd, (off_t)(end - 2 * (uint64_t)WINDOW), WINDOW, whole))
		return -errno;
	return 0;
}

static int fill(int fd, const char *path, uint64_t size, uint64_t seed, int cancel_fd,
		struct diag *d)
{
	_free_ uint64_t *chunk = malloc(CHUNK);
	struct rng rng;
	int err;

	if (!chunk)
		return diag_set(d, -ENOMEM, "out of memory");
	/* one allocation first: the file is as contiguous as there is room for */
	if (fallocate(fd, 0, 0, (off_t)size) && errno != EOPNOTSUPP)
		return diag_errno(d, -errno, "%s: no room for %llu bytes", path,
				  (unsigned long long)size);
	rng_seed(&rng, seed);
	for (uint64_t at = 0; at < size;) {
		size_t want = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		ssize_t n;

		if (cancelled(cancel_fd))
			return diag_set(d, -EINTR,
					"%s: interrupted by a signal while it was laid out; "
					"nothing is left of it",
					path);
		for (size_t i = 0; i < CHUNK / sizeof(*chunk); i++)
			chunk[i] = rng_next(&rng);
		n = pwrite(fd, chunk, want, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return diag_errno(d, n ? -errno : -EIO, "%s: write at byte %llu", path,
					  (unsigned long long)at);
		at += (uint64_t)n;
		err = at % WINDOW ? 0 : write_back(fd, at);
		if (err)
			return diag_errno(d, err, "%s: write-back before byte %llu", path,
					  (unsigned long long)at);
	}
	if (fsync(fd))
		return diag_errno(d, -errno, "%s: fsync", path);
	return 0;
}

int gate_scratch_verify(int fd, const char *path, uint64_t size, struct diag *d)
{
	_free_ struct fiemap *map =
		calloc(1, sizeof(*map) + EXTENTS * sizeof(struct fiemap_extent));
	const uint32_t bad = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC |
			     FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_INLINE |
			     FIEMAP_EXTENT_UNWRITTEN;
	uint64_t at = 0;

	if (!map)
		return diag_set(d, -ENOMEM, "out of memory");
	if (lseek(fd, 0, SEEK_HOLE) != (off_t)size)
		return diag_set(d, -EIO, "%s: has holes", path);
	while (at < size) {
		map->fm_start = at;
		map->fm_length = size - at;
		map->fm_flags = FIEMAP_FLAG_SYNC;
		map->fm_extent_count = EXTENTS;
		if (ioctl(fd, FS_IOC_FIEMAP, map))
			return diag_errno(d, -errno, "%s: FIEMAP", path);
		if (!map->fm_mapped_extents)
			return diag_set(d, -EIO, "%s: nothing mapped at byte %llu", path,
					(unsigned long long)at);
		for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
			const struct fiemap_extent *e = &map->fm_extents[i];

			if (e->fe_logical > at || (e->fe_flags & bad))
				return diag_set(d, -EIO,
						"%s: byte %llu is not plainly on the device "
						"(extent flags %#x)",
						path, (unsigned long long)at, e->fe_flags);
			at = e->fe_logical + e->fe_length;
		}
	}
	return 0;
}

/* A file named `leaf` in `dir`, whole or not at all. */
static int create_in(int dir, const char *leaf, const char *path, uint64_t size, uint64_t seed,
		     int cancel_fd, struct diag *d)
{
	char self[64];
	struct stat st;
	_fd_ int fd = -1;
	int err;

	/* found early; linkat() decides */
	if (!fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW))
		return diag_errno(d, -EEXIST, "%s: cannot be made", path);
	fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return diag_errno(d, -errno, "%s: cannot be made", path);
	err = mark(fd, path, d);
	if (!err)
		err = fill(fd, path, size, seed, cancel_fd, d);
	if (!err)
		err = gate_scratch_verify(fd, path, size, d);
	if (err)
		return err;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, dir, leaf, AT_SYMLINK_FOLLOW) || fsync(dir))
		return diag_errno(d, -errno, "%s: cannot be given its name", path);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* leave no copy in the page cache */
	return 0;
}

int gate_scratch_create(struct sys *s, const char *path, uint64_t size, uint64_t seed,
			int cancel_fd, struct diag *d)
{
	struct gate_place place;
	const char *slash = strrchr(path, '/');
	char parent[4096] = ".";
	_fd_ int dir = -1;
	int err;

	if (!size)
		return diag_set(d, -EINVAL, "%s: a scratch file needs a size", path);
	if (slash)
		snprintf(parent, sizeof(parent), "%.*s", slash == path ? 1 : (int)(slash - path),
			 path);
	err = gate_resolve(s, parent, &place, d);
	if (err)
		return err;
	dir = gate_open_dir(parent, d);
	if (dir < 0)
		return dir;
	return create_in(dir, slash ? slash + 1 : path, path, size, seed, cancel_fd, d);
}
