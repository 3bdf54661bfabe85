/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory as one archive, and back. Packing is deterministic: entries sorted, plain files only,
 * owner 0, time 0, mode 0644. Unpacking trusts nothing: only tar, plain or compressed once by gzip
 * or zstd; only plain files below one folder; names that lead nowhere else; each once; no more
 * bytes than allowed.
 */
#pragma once
#include <jansson.h>
#include <stdint.h>

struct diag;

/* What a name asks for: "zstd" (.tar.zst), "gzip" (.tar.gz, .tgz), NULL (.tar). -EINVAL. */
int pack_filter(const char *name, const char **filter, struct diag *d);
/* Libraries and versions that pack: with the same, the same files give the same bytes. */
const char *pack_libraries(void);
/* All files below `dirfd`, in the folder `top`, to `fd`. */
int pack_tree(int dirfd, const char *top, const char *filter, int fd, struct diag *d);

struct unpack_limits {
	uint64_t bytes;	 /* of all files together */
	unsigned growth; /* times the size of the archive; small ones may unpack to 64 MiB */
};
#define UNPACK_BYTES  (8ull << 30)
#define UNPACK_GROWTH 250

struct unpacked {
	char top[512];	 /* the folder of everything */
	char filter[16]; /* "zstd", "gzip" or "none" */
	size_t files;
};

/* Into the empty directory `dirfd`. -EBADMSG with the member at which the archive is damaged or
 * holds what it may not, -EFBIG beyond the limits; what was written until then stays there. */
int unpack_archive(const char *path, const struct unpack_limits *limits, int dirfd,
		   struct unpacked *u, struct diag *d);

/*
 * Is the archive, byte for byte, what packing these files gives? Appends a difference (bag.h) that
 * names the member whose header or padding differs; where only the compressed form does, one named
 * by the archive if `libraries` are those at hand, else a sentence to `notes`.
 */
int unpack_verify(const char *path, const struct unpacked *u, int dirfd, const char *libraries,
		  json_t *differences, json_t *notes, struct diag *d);
