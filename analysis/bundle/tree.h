/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files below a directory, as a bundle sees them: regular files with plain names and nothing
 * else. A link, a device or a name that no run makes is an error that names it: what is packed is
 * what was looked at, and what was unpacked lies where it was put.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;

#define TREE_PATH 512 /* bytes of a path, with its NUL */

struct tree {
	char **path; /* relative, sorted by strcmp(3) */
	size_t n;
	uint64_t bytes; /* of all files */
};

/* Is it relative, without empty, "." or ".." parts, of printable ASCII without backslash and '%'?
 * -EINVAL with what is wrong. */
int tree_path_check(const char *path, struct diag *d);
/* `leave_out` (may be NULL) says of a path, "raw" or "raw/x", whether it and what is below are not
 * part of it. -EINVAL for what is no plain file, -E2BIG beyond a million files. */
int tree_read(int dirfd, bool (*leave_out)(const char *path), struct tree *t, struct diag *d);
bool tree_has(const struct tree *t, const char *path);
void tree_free(struct tree *t);

/* A file made anew at `path` under `dirfd`, with the directories above it; never through a link. An
 * open fd or -errno. */
int tree_create(int dirfd, const char *path, struct diag *d);
/* The same, with this text. */
int tree_write(int dirfd, const char *path, const void *text, size_t len, struct diag *d);
/* A file that must be regular; an open fd or -errno. */
int tree_open(int dirfd, const char *path, struct diag *d);
/* Its whole text, NUL-terminated, freed by the caller; -EFBIG above `most` bytes. */
int tree_load(int dirfd, const char *path, size_t most, char **text, size_t *len, struct diag *d);

/* A directory of our own (0700) below `parent`, NULL: $TMPDIR, else /var/tmp; `path` is its name.
 * An open fd or -errno. It is locked as long as the fd is open; those that nobody holds, of
 * programs that were killed, are removed first. */
int tree_scratch(const char *parent, char path[static 4096], struct diag *d);
/* It and everything below it. */
void tree_remove(const char *path);
