/* SPDX-License-Identifier: Apache-2.0 */
/* The directory a run leaves: created safely, written record by record, never torn. */
#pragma once
#include <jansson.h>

struct diag;

struct rundir {
	char path[4096];
	int dir;     /* directory fd; everything is opened under it with O_NOFOLLOW */
	int trials;  /* trials.jsonl, append */
	int journal; /* journal.jsonl, append: a copy, never replayed */
	int raw;     /* raw/ */
};

/* Create `parent`/<UTC time>-<name> with its files. As root, a parent that gate_open_dir()
 * refuses (another user's, or writable by others) is refused. */
int rundir_create(const char *parent, const char *name, struct rundir *r, struct diag *d);
/* Remove one that was just created and holds nothing yet; its path becomes "". */
void rundir_discard(struct rundir *r);
/* mkdir -p. 0 or -errno. */
int rundir_make_parents(const char *path);
/* Open an existing one to go on with it. */
int rundir_open(const char *path, struct rundir *r, struct diag *d);
/* raw/<trial>/ as a directory fd, or -errno. */
int rundir_raw(const struct rundir *r, const char *trial, struct diag *d);
/* Read one raw file whole, at most 64 MiB; the caller frees *text. */
int rundir_read_raw(const struct rundir *r, const char *trial, const char *name, char **text,
		    size_t *len, struct diag *d);
/* SHA256SUMS over every file below but report.html and figures/, which are made from the others;
 * sorted. The last thing a run writes. */
int rundir_seal(const struct rundir *r, struct diag *d);
void rundir_close(struct rundir *r);
