/* SPDX-License-Identifier: Apache-2.0 */
/* Putting back what a journal owns: compare, write in dependency order, reread everything. */
#pragma once
#include <jansson.h>
#include "knob/journal.h"

struct sys;

enum restore_mode {
	RESTORE_COMPARE,   /* conflicts are reported, not overwritten */
	RESTORE_OVERWRITE, /* the original is written over somebody else's value, too */
	RESTORE_ABOVE,	   /* as COMPARE, down to session_keep(): what lies below stays */
	RESTORE_ACCEPT,	   /* what cannot be restored stays as it is and is forgotten */
};

/*
 * Restore every open entry, last written first, a knob after those that disturb it. `report` (may
 * be NULL) gets one object an entry, as entry_json(), whose "why" says what became of it. The file
 * is removed when nothing is left. 0, or -EUCLEAN when something is: the diag names the first.
 */
int restore_journal(struct sys *s, struct journal *j, enum restore_mode mode, json_t *report,
		    struct diag *d);

/* After a restore: is this entry's value not the original? (One that is may stay in the journal,
 * because an unrestored one disturbs it.) */
bool restore_differs(const struct entry *e);

/* Look, touch nothing: *left gets the entries whose value is not the original. */
int restore_inspect(struct sys *s, struct journal *j, json_t *left);

/* This boot's id ("" when unreadable). */
int restore_boot_id(struct sys *s, char out[static BOOT_MAX], struct diag *d);
