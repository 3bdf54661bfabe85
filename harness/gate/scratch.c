// SPDX-License-Identifier: Apache-2.0
/* Scratch files: random data, marked as ours, without holes (a read of a hole never reaches the
 * device). */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/rng.h"
#include "gate/internal.h"

#define CHUNK	(1u << 20)
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

static int fill(int fd, const char *path, uint64_t size, uint64_t seed, struct diag *d)
{
	_free_ uint64_t *chunk = malloc(CHUNK);
	struct rng rng;
	int err;

	if (!chunk)
		return diag_set(d, -ENOMEM, "out of memory");
	/* one allocation first: the file is as contiguous as there is room for */
	err = posix_fallocate(fd, 0, (off_t)size);
	if (err)
		return diag_errno(d, -err, "%s: no room for %llu bytes", path,
				  (unsigned long long)size);
	rng_seed(&rng, seed);
	for (uint64_t at = 0; at < size;) {
		size_t want = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		ssize_t n;

		for (size_t i = 0; i < CHUNK / sizeof(*chunk); i++)
			chunk[i] = rng_next(&rng);
		n = pwrite(fd, chunk, want, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return diag_errno(d, n ? -errno : -EIO, "%s: write at byte %llu", path,
					  (unsigned long long)at);
		at += (uint64_t)n;
	}
	if (fsync(fd))
		return diag_errno(d, -errno, "%s: fsync", path);
	return 0;
}

/* Every byte lies in a written extent of the device. */
static int verify(int fd, const char *path, uint64_t size, struct diag *d)
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
		return diag_set(d, -EIO, "%s: has holes after being written whole", path);
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

int gate_scratch_create(struct sys *s, const char *path, uint64_t size, uint64_t seed,
			struct diag *d)
{
	struct gate_place place;
	char parent[4096], *slash;
	_fd_ int fd = -1;
	int err;

	if (!size)
		return diag_set(d, -EINVAL, "%s: a scratch file needs a size", path);
	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent] = '\0';
	err = gate_resolve(s, slash ? parent : ".", &place, d);
	if (err)
		return err;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return diag_errno(d, -errno, "%s: cannot be made", path);
	err = mark(fd, path, d);
	if (!err)
		err = fill(fd, path, size, seed, d);
	if (!err)
		err = verify(fd, path, size, d);
	if (err)
		unlink(path);
	else
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* leave no copy in the page cache */
	return err;
}
