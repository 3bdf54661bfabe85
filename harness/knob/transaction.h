/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The restore contract (DESIGN §3): journal before write, guardian, compare-and-restore, verify.
 *
 *   session = host lock + state directory + guardian process; one per iomodes invocation
 *   transaction = the knobs of one set-up, from apply to restore; many per session, one at a time
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "knob/knob.h"

struct knob_session;
struct store;

enum { SESSION_BUSY = -16 /* -EBUSY: another iomodes holds the host; the diag names it */ };

struct session_options {
	const char *state_dir; /* NULL: $IOMODES_STATE_DIR or /var/lib/iomodes (root), else the
				  user's state directory */
	const char *what;      /* for the holder's record: "run configs/experiments/default.yaml" */
	int copy_fd;	       /* journal copy of the run directory, or -1 */
	bool guardian;	       /* start one; off in tests of the engine itself */

	/* For tests; NULL in the program. `step` is called after each journal record is durable
	 * and after each write, before it is read back; `store` takes the place of the state
	 * directory (then there is no lock and no guardian); `find` that of knob_find(). */
	void (*step)(void *arg, const char *what);
	void *step_arg;
	struct store *store;
	const struct knob *(*find)(const char *name);
};

/*
 * Take the host lock, restore what an open journal of this boot still owns (or refuse when that is
 * incomplete), start the guardian. 0, -EBUSY (locked), -EUCLEAN (residue of an earlier run could
 * not be restored), or another -errno.
 */
int session_open(struct sys *s, const struct session_options *o, struct knob_session **session,
		 struct diag *d);

/*
 * Snapshot the families concerned, then write each setting in order: journal (fsync), write, read
 * back, journal the value read back. A setting already in force is written all the same when
 * `afresh`. On failure everything applied so far is restored and the reason returned;
 * -EOPNOTSUPP/-EINVAL/-EPERM… from the kernel carry knob, instance and value in the diag.
 */
int session_apply(struct knob_session *session, const struct knob_setting *settings, size_t n,
		  struct diag *d);

/* Restore everything applied, in reverse, reread all. 0; -EUCLEAN when something did not come back
 * (conflict or failure): session_residue() says what. */
int session_restore(struct knob_session *session, struct diag *d);

/* `keep`: what is applied now stays until session_close(), and session_restore() goes back to here
 * only (a condition of a whole run below the knobs of its trials). False: session_restore() goes
 * all the way again. The journal, and so the guardian, always answers for everything. */
void session_keep(struct knob_session *session, bool keep);

/* From now on copy journal records to `fd`, as session_options.copy_fd; those so far come first. */
int session_copy_to(struct knob_session *session, int fd, struct diag *d);

/* What is not as it was: array of {knob, instance, original, ours, now, why}. New reference. */
json_t *session_residue(const struct knob_session *session);

/* For the run's record: every knob touched since the last call, as {knob, instance, before, wanted,
 * during, after, status}. New reference. */
json_t *session_take_log(struct knob_session *session);

/* Time spent inside knob writes and reads since the last call, ns. */
unsigned long long session_take_write_ns(struct knob_session *session);

/* Tell the guardian the pid file descriptor/cgroup path of the workload it must end before it
 * restores; "" when there is none. */
int session_set_workload(struct knob_session *session, const char *cgroup, int pid);

/* Restore if still applied, end the guardian, release the lock. As session_restore(). */
int session_close(struct knob_session *session, struct diag *d);

/* What session_open() restored of an earlier run, as session_recover() reports it; an empty array
 * when there was nothing. Borrowed. */
json_t *session_recovered(const struct knob_session *session);

/* The guardian's process, 0 when there is none. */
int session_guardian_pid(const struct knob_session *session);

/* `iomodes restore`: replay an open journal. 0 clean (or nothing to do), -EUCLEAN residue, -EBUSY.
 * *report: array as of session_residue() plus what was restored. */
int session_recover(struct sys *s, const char *state_dir, json_t **report, struct diag *d);

/* The same for what cannot be restored, after a person decided: SESSION_ACCEPT leaves what is there
 * now and forgets the rest of the journal (noted, with who and when, in accepted.jsonl of the state
 * directory); SESSION_OVERWRITE writes the originals over other people's values. */
enum session_mend { SESSION_COMPARE, SESSION_OVERWRITE, SESSION_ACCEPT };
int session_mend(struct sys *s, const char *state_dir, enum session_mend how, json_t **report,
		 struct diag *d);

/* Who holds the host: {pid, started, what, since, alive}, or NULL when nobody does. New reference.
 */
json_t *session_holder(const char *state_dir);

/* `iomodes status`: reads only. 0 clean, -EUCLEAN when a knob is not as it was or a line of the
 * journal cannot be read. */
int session_status(struct sys *s, const char *state_dir, json_t **report, struct diag *d);
