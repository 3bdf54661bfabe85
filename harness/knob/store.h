/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the journal lies. The real one is the state directory; tests give one that fails at call N
 * or forgets what was not yet on disk. Functions return 0 or -errno.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct diag;
struct store;

struct store_ops {
	/* Whole file, NUL-terminated, freed by the caller; -ENOENT when it is not there. */
	int (*load)(struct store *st, const char *name, char **text, size_t *len);
	/* Append and fsync, the directory too when the file is new. A failure may leave a part. */
	int (*append)(struct store *st, const char *name, const char *text, size_t len);
	/* Cut the file to `len` bytes. */
	int (*cut)(struct store *st, const char *name, size_t len);
	/* Remove and fsync the directory; 0 when it is not there. */
	int (*remove)(struct store *st, const char *name);
};

struct store {
	const struct store_ops *ops;
};

/* The state directory; the host lock is /run/iomodes.lock for root, else a file in it. */
struct state_dir {
	struct store store;
	char *path;
	int fd;	  /* the directory */
	int lock; /* the lock file while it is held, else -1; shared with the guardian */
};

/*
 * Open it: `path`, or $IOMODES_STATE_DIR, or /var/lib/iomodes for root, or the user's
 * $XDG_STATE_HOME/iomodes. Created (0700) when `create`; else -ENOENT. Refused (-EPERM) when it
 * belongs to or may be written by others, (-EPROTO) when its format is unknown.
 */
int state_open(const char *path, bool create, struct state_dir *dir, struct diag *d);
void state_close(struct state_dir *dir);

/* Take the host lock and leave our record in it. -EBUSY names the holder. Waits (at most 10 s) for
 * a guardian that is restoring for a holder who died. */
int state_lock(struct state_dir *dir, const char *what, struct diag *d);
/* Give it back, for every process that shares the description. */
void state_unlock(struct state_dir *dir);
/* The holder's record {pid, started, what, since} when somebody holds the lock, else NULL. */
json_t *state_holder(struct state_dir *dir);
/* Add a line to the log of accepted conflicts. */
int state_log_accepted(struct state_dir *dir, const json_t *entry, struct diag *d);
