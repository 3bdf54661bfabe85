// SPDX-License-Identifier: Apache-2.0
#include "analysis/history_db.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "analysis/history.h"
#include "base/diag.h"

#define APPLICATION_ID 0x696f6d64 /* "iomd", at byte 68 of the file */
#define BUSY_MS	       10000

/* value and point are stored in the order in which they are read: by series. */
static const char schema[] =
	"create table run(id integer primary key, run text not null unique, started text not null,"
	" started_s real not null, experiment text not null, version text not null, kernel text,"
	" programs text, tools text, identity text not null, key text not null, dir text not null,"
	" cells integer not null, missing text not null, test_delay_ns integer, added text not "
	"null);"
	"create index run_by on run(experiment, identity, started_s);"
	"create table trial(id integer primary key, trial text not null unique, run integer not "
	"null"
	" references run(id), block integer not null);"
	"create index trial_by on trial(run);"
	"create table series(id integer primary key, identity text not null, experiment text not "
	"null,"
	" cell text not null, metric text not null, judged integer not null,"
	" unique(identity, experiment, cell, metric));"
	"create table value(series integer not null references series(id), trial integer not null"
	" references trial(id), value real not null, primary key(series, trial)) without rowid;"
	"create table point(series integer not null references series(id), run integer not null"
	" references run(id), n integer not null, value real not null, low real, high real,"
	" primary key(series, run)) without rowid;"
	"create table mark(id text primary key, at text not null, who text not null,"
	" kind text not null, match text not null, run text not null, why text not null);";

int db_error(struct history *h, int code, struct diag *d)
{
	const char *why = h->db ? sqlite3_errmsg(h->db) : sqlite3_errstr(code);

	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return diag_set(
			d, -EBADMSG,
			"%s is no sound history (%s); it was not changed. Make it again from "
			"the runs: iomodes history rebuild --db %s",
			h->file, why, h->file);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return diag_set(d, -EBUSY,
				"%s is held by another program for more than %d s; nothing was "
				"written, try again",
				h->file, BUSY_MS / 1000);
	case SQLITE_FULL:
		return diag_set(d, -ENOSPC, "%s: no space left; nothing was written", h->file);
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return diag_set(d, -EACCES, "%s: %s", h->file, why);
	default:
		return diag_set(d, -EIO, "%s: %s", h->file, why);
	}
}

int db_exec(struct history *h, const char *sql, struct diag *d)
{
	int code = sqlite3_exec(h->db, sql, NULL, NULL, NULL);

	return code ? db_error(h, code, d) : 0;
}

static int bind(struct history *h, sqlite3_stmt *s, const char *types, va_list args, struct diag *d)
{
	int code = SQLITE_OK;

	for (int i = 1; !code && types[i - 1]; i++) {
		if (types[i - 1] == 't') {
			code = sqlite3_bind_text(s, i, va_arg(args, const char *), -1,
						 SQLITE_TRANSIENT);
		} else if (types[i - 1] == 'i') {
			code = sqlite3_bind_int64(s, i, va_arg(args, int64_t));
		} else {
			double value = va_arg(args, double);

			code = isfinite(value) ? sqlite3_bind_double(s, i, value)
					       : sqlite3_bind_null(s, i);
		}
	}
	return code ? db_error(h, code, d) : 0;
}

static int vprepare(struct history *h, sqlite3_stmt **s, struct diag *d, const char *sql,
		    const char *types, va_list args)
{
	int code = sqlite3_prepare_v2(h->db, sql, -1, s, NULL);

	return code ? db_error(h, code, d) : bind(h, *s, types, args, d);
}

int db_prepare(struct history *h, sqlite3_stmt **s, struct diag *d, const char *sql,
	       const char *types, ...)
{
	va_list args;
	int err;

	va_start(args, types);
	err = vprepare(h, s, d, sql, types, args);
	va_end(args);
	return err;
}

int db_step(struct history *h, sqlite3_stmt *s, struct diag *d)
{
	int code = sqlite3_step(s);

	return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : db_error(h, code, d);
}

int db_run(struct history *h, struct diag *d, const char *sql, const char *types, ...)
{
	_statement_ sqlite3_stmt *s = NULL;
	va_list args;
	int err;

	va_start(args, types);
	err = vprepare(h, &s, d, sql, types, args);
	va_end(args);
	while (!err && (err = db_step(h, s, d)) > 0)
		err = 0;
	return err;
}

int db_begin(struct history *h, struct diag *d)
{
	return db_exec(h, "begin immediate", d);
}

int db_end(struct history *h, int err, struct diag *d)
{
	if (!err)
		err = db_exec(h, "commit", d);
	if (err)
		sqlite3_exec(h->db, "rollback", NULL, NULL, NULL);
	return err;
}

const char *db_text(sqlite3_stmt *s, int column)
{
	const unsigned char *text = sqlite3_column_text(s, column);

	return text ? (const char *)text : "";
}

static int number(struct history *h, const char *sql, int64_t *value, struct diag *d)
{
	_statement_ sqlite3_stmt *s = NULL;
	int err = db_prepare(h, &s, d, sql, "");

	if (!err)
		err = db_step(h, s, d);
	if (err > 0)
		*value = sqlite3_column_int64(s, 0);
	return err < 0 ? err : 0;
}

/* Ours, empty, or somebody else's. */
static int check_file(struct history *h, struct diag *d)
{
	int64_t application = 0, version = 0, tables = 0;
	int err = number(h, "pragma application_id", &application, d);

	if (!err)
		err = number(h, "pragma user_version", &version, d);
	if (!err)
		err = number(h, "select count(*) from sqlite_schema", &tables, d);
	if (err)
		return err;
	if (application == APPLICATION_ID && version > HISTORY_VERSION)
		return diag_set(d, -EPROTONOSUPPORT,
				"%s has version %lld; this iomodes knows %d. A newer one wrote it",
				h->file, (long long)version, HISTORY_VERSION);
	if (application == APPLICATION_ID)
		return 0;
	if (tables || application)
		return diag_set(d, -EBADMSG, "%s is an SQLite file, but no history of iomodes",
				h->file);
	return 1;
}

static int create_tables(struct history *h, struct diag *d)
{
	int err = db_begin(h, d);

	if (err)
		return err;
	err = check_file(h, d); /* another may have been faster */
	if (err > 0) {
		err = db_exec(h, schema, d);
		if (!err)
			err = db_exec(h, "pragma application_id=1768910180; pragma user_version=1",
				      d);
	}
	return db_end(h, err, d);
}
_Static_assert(APPLICATION_ID == 1768910180, "the pragma takes a number");

int db_lock(const char *file, int how, int *fd, struct diag *d)
{
	char path[4200];
	struct timespec pause = {.tv_nsec = 50000000};

	snprintf(path, sizeof(path), "%.4000s.lock", file);
	*fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (*fd < 0 && how == LOCK_SH && (errno == EACCES || errno == EROFS))
		return 0;
	if (*fd < 0)
		return diag_errno(d, -errno, "%s", path);
	for (int ms = 0; flock(*fd, how | LOCK_NB); ms += 50) {
		if (ms >= BUSY_MS || (errno != EWOULDBLOCK && errno != EINTR)) {
			close(*fd);
			*fd = -1;
			return diag_set(d, -EBUSY,
					"%s is held by another program for more than %d s (a "
					"nightly holds it while it measures); nothing was written, "
					"try again",
					file, BUSY_MS / 1000);
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

int history_open(const char *file, bool create, struct history **out, struct diag *d)
{
	int lock = -1, err;

	if (!create && access(file, F_OK))
		return diag_set(d, -ENOENT,
				"there is no history %s; 'iomodes history add RUN' makes it", file);
	err = db_lock(file, LOCK_SH, &lock, d);
	if (!err)
		err = db_open(file, create, out, d);
	if (!err)
		(*out)->lock = lock;
	else if (lock >= 0)
		close(lock);
	return err;
}

int db_open(const char *file, bool create, struct history **out, struct diag *d)
{
	struct history *h = calloc(1, sizeof(*h));
	int err, flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);

	if (!h)
		return diag_errno(d, -ENOMEM, "%s", file);
	snprintf(h->file, sizeof(h->file), "%s", file);
	h->lock = -1;
	err = sqlite3_open_v2(file, &h->db, flags, NULL);
	if (err) {
		err = db_error(h, err, d);
	} else {
		sqlite3_extended_result_codes(h->db, 1);
		sqlite3_busy_timeout(h->db, BUSY_MS);
		err = check_file(h, d);
		/* before WAL: that would be a write to a file that is not ours */
		if (err >= 0) {
			int fresh = err;

			err = db_exec(h,
				      "pragma journal_mode=wal; pragma synchronous=full;"
				      "pragma foreign_keys=on",
				      d);
			if (!err && fresh)
				err = create_tables(h, d);
		}
	}
	if (err) {
		history_close(h);
		return err;
	}
	*out = h;
	return 0;
}

void history_close(struct history *h)
{
	if (!h)
		return;
	sqlite3_close_v2(h->db);
	if (h->lock >= 0)
		close(h->lock);
	free(h);
}
