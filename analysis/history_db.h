/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the history: SQLite's calls with sentences instead of codes. */
#pragma once
#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct diag;

struct history {
	sqlite3 *db;
	char file[4096];
	int lock;	 /* on FILE.lock, shared, or -1 */
	bool rebuilding; /* under another name: the list of runs is not its own */
};

/* history_open() without the lock: for who holds it alone. */
int db_open(const char *file, bool create, struct history **out, struct diag *d);
/* Everybody who has a history open holds FILE.lock shared; who puts another file in its place,
 * alone (LOCK_EX). An fd, -1 where no lock can be made by a reader, -EBUSY after ten seconds. */
int db_lock(const char *file, int how, int *fd, struct diag *d);

/* FILE.runs.jsonl, appended to: what a run directory does not tell, {"run", "version", "dir",
 * "at"}. Written before the run is committed, so that no run is without; the last line of a run
 * holds. */
int runs_append(const char *file, const char *run, const char *version, const char *dir,
		struct diag *d);
/* {RUN: {"version", "dir"}}; empty when there is none yet. New reference. */
int runs_read(const char *file, json_t **out, struct diag *d);

/* -errno and the sentence for what SQLite just returned. */
int db_error(struct history *h, int code, struct diag *d);
int db_exec(struct history *h, const char *sql, struct diag *d);
/* A statement with its values: 't' const char *, 'i' int64_t, 'f' double (NAN: null). NULL text is
 * null. The caller finalizes it (_statement_). */
int db_prepare(struct history *h, sqlite3_stmt **s, struct diag *d, const char *sql,
	       const char *types, ...);
/* 1: a row, 0: no more, -errno. */
int db_step(struct history *h, sqlite3_stmt *s, struct diag *d);
/* Prepare, step to the end, finalize. */
int db_run(struct history *h, struct diag *d, const char *sql, const char *types, ...);
/* db_begin() takes the writer's place at once, so that nothing is read that another changes. */
int db_begin(struct history *h, struct diag *d);
int db_end(struct history *h, int err, struct diag *d);
const char *db_text(sqlite3_stmt *s, int column); /* never NULL */

static inline void cleanup_statement(sqlite3_stmt **s)
{
	sqlite3_finalize(*s);
}
#define _statement_ __attribute__((cleanup(cleanup_statement)))
