// SPDX-License-Identifier: Apache-2.0
/* An archive from a stranger: unpacked, bounded, its bag checked and packed again. Checksums of
 * heads are set right first, else next to nothing would come behind them. */
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/bundle/bag.h"
#include "analysis/bundle/bounds.h"
#include "analysis/bundle/pack.h"
#include "analysis/bundle/tree.h"
#include "fuzz.h"

#define HEAD 512

static void set_checksums(uint8_t *tar, size_t size)
{
	for (size_t at = 0; at + HEAD <= size && tar[at];) {
		char bytes[13] = "";
		unsigned sum = 0;

		memcpy(bytes, tar + at + 124, 12);
		memset(tar + at + 148, ' ', 8);
		for (size_t i = 0; i < HEAD; i++)
			sum += tar[at + i];
		snprintf((char *)tar + at + 148, 8, "%06o", sum);
		at += HEAD + (strtoull(bytes, NULL, 8) % (1u << 20) + HEAD - 1) / HEAD * HEAD;
	}
}

/* What was packed from there comes out as packed, compressed or not. */
static void pack_and_verify(const struct unpacked *u, int dirfd)
{
	static const char *const filters[] = {NULL, "gzip"};
	static const char *libraries; /* libarchive 3.6 leaks a string a call */

	libraries = libraries ?: pack_libraries();
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		json_t *differences = json_array(), *notes = json_array();
		_fd_ int file = memfd_create("again", MFD_CLOEXEC);
		struct unpacked again = *u;
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
		snprintf(again.filter, sizeof(again.filter), "%s", filters[i] ?: "none");
		PROMISE(!pack_tree(dirfd, u->top, filters[i], file, NULL));
		PROMISE(!unpack_verify(path, &again, dirfd, libraries, differences, notes, NULL));
		PROMISE(!json_array_size(differences) && !json_array_size(notes));
		json_decref(differences);
		json_decref(notes);
	}
}

static void read_archive(const char *path, int dirfd)
{
	const struct unpack_limits limits = {1u << 20, 250};
	json_t *differences = json_array(), *notes = json_array();
	struct unpacked u;
	struct tree t;
	struct diag d = {""};
	int err = unpack_archive(path, &limits, dirfd, &u, &d);

	PROMISE(err ? *d.text : u.files);
	/* whatever came of it, there are plain files with plain names, and not too many bytes of
	 * them */
	PROMISE(!tree_read(dirfd, NULL, &t, &d));
	PROMISE(t.bytes <= limits.bytes);
	PROMISE(err || t.n == u.files);
	tree_free(&t);
	if (!err && (err = bounds_check(dirfd, &d)))
		PROMISE(*d.text);
	if (!err && (err = bag_check(dirfd, differences, &d)))
		PROMISE(*d.text);
	if (!err && (err = unpack_verify(path, &u, dirfd, "others", differences, notes, &d)))
		PROMISE(*d.text);
	if (!err)
		pack_and_verify(&u, dirfd);
	json_decref(differences);
	json_decref(notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], scratch[4096];
	struct diag d = {""};
	_free_ uint8_t *copy = malloc(size + 1);
	_fd_ int file = memfd_create("archive", MFD_CLOEXEC);
	_fd_ int dirfd = tree_scratch(access("/dev/shm", W_OK) ? NULL : "/dev/shm", scratch, &d);

	PROMISE(copy && file >= 0 && dirfd >= 0);
	memcpy(copy, data, size);
	set_checksums(copy, size);
	PROMISE(write(file, copy, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	read_archive(path, dirfd);
	tree_remove(scratch);
	return 0;
}
