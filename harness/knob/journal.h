/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: what must be put back, as lines of JSON, each on disk before the write it speaks of.
 *
 *   {"op":"own",  knob, instance, original, boot, device, late, n}   ours to restore from here on
 *   {"op":"write",knob, instance, original, intended, boot, n}   about to be written
 *   {"op":"read", knob, instance, value, n}            read back: "ours" from here on
 *   {"op":"undo", knob, instance, n}                   about to be restored
 *   {"op":"back", knob, instance, n}                   restored and read back, no longer ours
 *
 * From a write or an undo until the read that follows it, any value but the original is ours, for
 * the knob itself and for those it disturbs. A journal names knobs, never paths or commands; replay
 * takes every line as data from a stranger.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "knob/knob.h"
#include "knob/net_raise.h"
#include "knob/store.h"

#define JOURNAL_FILE "journal"
#define BOOT_MAX     64

enum entry_state {
	ENTRY_OPEN,	/* to be restored */
	ENTRY_BACK,	/* restored, or accepted: over */
	ENTRY_CONFLICT, /* neither ours nor the original: somebody else's */
	ENTRY_FAILED,	/* the kernel refuses */
	ENTRY_BAD,	/* the journal line cannot be followed */
};

enum entry_level {
	ENTRY_ABOVE, /* restored by the next session_restore() */
	ENTRY_BELOW, /* there at session_keep(): put back, but not over before session_close() */
	ENTRY_KEPT,  /* written before session_keep(): stays until session_close() */
};

struct entry {
	const struct knob *knob; /* NULL: unknown name */
	char *name, *instance;
	char *original, *intended; /* intended NULL: never written by us, may be disturbed */
	char *ours;		   /* last value read back; NULL: not known */
	char *during;		   /* value in force while applied; for the run's record */
	char *now;		   /* as last seen by restore or status; NULL: unreadable */
	char *why;		   /* of a state other than OPEN and BACK */
	char boot[BOOT_MAX];
	char *device; /* net_identity() of its device when it was owned; "" none */
	char *at;     /* instance under which it is now, NULL: the same */
	bool late;    /* it came to be by a write of ours: restored before that */
	enum entry_state state;
	enum entry_level level; /* of this process; a journal that is loaded has none */
	bool touched; /* written, or disturbed by a write; until then it is only watched */
};

struct journal {
	struct store *store;
	const struct knob *(*find)(const char *name); /* knob_find, but for tests */
	struct entry *entry;
	size_t n;
	size_t bytes;	   /* length of the good part of the file */
	json_int_t serial; /* of the next record */
	char *pending;	   /* lines not yet appended */
	size_t pending_len;
	bool torn; /* a failed append could not be cut off */
	bool exists;
	size_t damaged;	  /* lines in the middle that make no sense */
	int copy_fd;	  /* copy for the run's record, or -1 */
	const char *boot; /* of this boot */
	void (*step)(void *arg, const char *what);
	void *step_arg;
	uint64_t patience_ns; /* clock_ns() until which a device may take to appear; 0: no wait */
	bool raises;	      /* may set an interface up to restore it */
	struct net_raised raised;
};

/* Fill from the store; no file is an empty journal. Unknown knobs, bad instances and damaged lines
 * are kept as such, never as errors. */
int journal_load(struct journal *j, struct diag *d);
/* Forget the entries (not the file). */
void journal_clear(struct journal *j);

/* May a write to `a` change `b`? */
bool journal_disturbs(const struct entry *a, const struct entry *b);
/* Forget the entries that are over, and what was done to the others since session_keep(). */
void journal_drop_over(struct journal *j);
struct entry *journal_find(struct journal *j, const char *name, const char *instance);
/* Records are gathered by these and become durable, together, with journal_sync(). */
int journal_own(struct journal *j, const struct knob *k, const char *instance, const char *original,
		const char *device, bool late, struct entry **e);
int journal_write(struct journal *j, struct entry *e, const char *intended);
int journal_read(struct journal *j, struct entry *e, const char *value);
int journal_undo(struct journal *j, struct entry *e);
int journal_back(struct journal *j, struct entry *e);
int journal_sync(struct journal *j, struct diag *d);
/* Remove the file; only when nothing is left to restore. */
int journal_remove(struct journal *j, struct diag *d);

/* Entries that are not over. */
size_t journal_left(const struct journal *j);
/* {knob, instance, original, ours, now, why} */
json_t *entry_json(const struct entry *e, const char *why);
