/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run on disk: run.json (what was asked, of which machine, in which order) and trials.jsonl (one
 * record a trial, appended and fsynced). results/FORMAT.md explains every member,
 * results/schema has them as JSON Schema. Records are plain json_t: whoever measures fills
 * them, nothing is written that does not pass record_validate_*().
 */
#pragma once
#include <jansson.h>
#include <stddef.h>

struct diag;

#define RECORD_SCHEMA 1 /* of both files; a reader refuses a newer one by name */

/* -EINVAL with the member and what would be right; -EPROTONOSUPPORT for a newer schema. */
int record_validate_trial(const json_t *trial, struct diag *d);
int record_validate_run(const json_t *run, struct diag *d);

/* Names of the members a trial or run must have; for the test that compares them with the JSON
 * Schema. Borrowed, NULL-terminated. */
const char *const *record_required_trial(void);
const char *const *record_required_run(void);

/* Set "sha256": the digest of the canonical text (sorted keys, compact, reals to 15 digits) without
 * that member. */
int record_seal(json_t *trial, struct diag *d);
/* Validate, seal, append one line to the open trials.jsonl and fsync. */
int record_append_trial(int fd, json_t *trial, struct diag *d);
/* Validate and write run.json under `dirfd`, whole or not at all. */
int record_write_run(int dirfd, const json_t *run, struct diag *d);

/* Something that was left out of a run, and why. */
struct record_note {
	size_t line;	/* of trials.jsonl, from 1 */
	char trial[64]; /* its id where it could be read */
	char text[256];
};

struct run_data {
	json_t *run;	/* run.json */
	json_t **trial; /* valid records in file order (record_load_run only) */
	size_t n_trials;
	struct record_note *note; /* torn, edited, doubled or malformed lines, left out */
	size_t n_notes;
};

/* Called with each readable record in file order (borrowed; keep it with json_incref). A negative
 * return ends the reading and is passed on. */
typedef int (*record_visitor)(void *context, json_t *trial, struct diag *d);

/* Read DIR/run.json and pass every sound trial to `visit` (records are freed one by one, so a run
 * of any length fits). A line that is torn, edited (its sha256 does not match), doubled, malformed or
 * misplaced (of another run, of a cell, mode or block that run.json does not have, or of a cell that
 * was measured in that block before) is left out with a note. -EPROTONOSUPPORT for a newer schema anywhere, -ENOENT,
 * -EINVAL. */
int record_read_run(const char *dir, record_visitor visit, void *context, struct run_data **out,
		    struct diag *d);
/* The same, as text: a record whose seal holds was validated when it was written, so it is not made
 * into values. Others are validated first. */
struct view;
typedef int (*record_view_visitor)(void *context, const struct view *trial, struct diag *d);
int record_view_run(const char *dir, record_view_visitor visit, void *context,
		    struct run_data **out, struct diag *d);
/* The same, keeping all records in `trial`. */
int record_load_run(const char *dir, struct run_data **out, struct diag *d);
void record_free_run(struct run_data *data);
