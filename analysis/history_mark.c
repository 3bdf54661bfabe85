// SPDX-License-Identifier: Apache-2.0
/* What people say about the history. A mark is first appended to the text file, then taken into the
 * database, so that a rebuilt one has them all; the file is never rewritten. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "analysis/history.h"
#include "analysis/history_db.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/jsonio.h"
#include "base/suggest.h"

static const char *const kinds[] = {"accept", "noise", "environment", "alert", "note", "withdraw"};

static void marks_file(const struct history *h, char *path, size_t size)
{
	snprintf(path, size, "%s.marks.jsonl", h->file);
}

static int put(struct history *h, const json_t *mark, struct diag *d)
{
	return db_run(
		h, d,
		"insert into mark(id, at, who, kind, match, run, why) values(?,?,?,?,?,?,?) on "
		"conflict do nothing",
		"ttttttt", jsonio_string(mark, "id", NULL), jsonio_string(mark, "at", NULL),
		jsonio_string(mark, "who", NULL), jsonio_string(mark, "kind", NULL),
		jsonio_string(mark, "match", NULL), jsonio_string(mark, "run", NULL),
		jsonio_string(mark, "why", NULL));
}

static int append(struct history *h, const json_t *mark, struct diag *d)
{
	char path[4200];
	_fd_ int fd = -1;

	marks_file(h, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || flock(fd, LOCK_EX))
		return diag_errno(d, -errno, "%s", path);
	return jsonio_append(fd, mark, d);
}

/* A beginning of a run's name, as long as it is the only one; "" stays "". */
static int find_run(struct history *h, const char *given, char run[static 80], struct diag *d)
{
	_statement_ sqlite3_stmt *s = NULL;
	int err;

	*run = '\0';
	if (!*given)
		return 0;
	err = db_prepare(
		h, &s, d,
		"select run from run where substr(run, 1, length(?1))=?1 order by run<>?1 limit 2",
		"t", given);
	if (!err)
		err = db_step(h, s, d);
	if (err < 0)
		return err;
	if (!err)
		return diag_set(d, -ENOENT,
				"no run \"%s\" in %s; 'iomodes history list' shows them", given,
				h->file);
	snprintf(run, 80, "%s", db_text(s, 0));
	err = strcmp(run, given) ? db_step(h, s, d) : 0;
	return err > 0 ? diag_set(d, -EINVAL, "\"%s\" begins the names of several runs: %s, %s",
				  given, run, db_text(s, 0))
		       : err;
}

static int check_kind(const char *kind, struct diag *d)
{
	char hint[64];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return 0;
	return diag_set(d, -EINVAL, "unknown mark \"%s\"%s", kind,
			suggest_text(kind, kinds, ARRAY_SIZE(kinds), hint, sizeof(hint)));
}

int history_mark(struct history *h, const char *kind, const char *match, const char *run,
		 const char *who, const char *why, char id[static HISTORY_MARK_ID], struct diag *d)
{
	_json_ json_t *mark = NULL;
	_free_ char *text = NULL;
	struct timespec now;
	struct tm tm;
	char at[40], full[80], digest[DIGEST_TEXT];
	int err = check_kind(kind, d);

	if (!err)
		err = find_run(h, run ?: "", full, d);
	if (!err && !*why)
		err = diag_set(d, -EINVAL, "a mark needs its reason: --why TEXT");
	if (err)
		return err;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
	mark = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "at", at, "who", who, "kind",
			 kind, "match", match ?: "", "run", full, "why", why, "ns",
			 (json_int_t)now.tv_nsec, "pid", (json_int_t)getpid());
	text = mark ? jsonio_line(mark) : NULL;
	if (!text)
		return diag_set(d, -EINVAL, "who and why must be UTF-8");
	err = digest_bytes(text, strlen(text), digest, d);
	if (err)
		return err;
	snprintf(id, HISTORY_MARK_ID, "%.12s", digest);
	json_object_set_new(mark, "id", json_string(id));
	/* the place of the writer first: what is in the file would be said twice when tried again
	 */
	err = db_begin(h, d);
	if (err)
		return err;
	err = append(h, mark, d);
	if (!err)
		err = put(h, mark, d);
	return db_end(h, err, d);
}

int history_marks(struct history *h, json_t **out, struct diag *d)
{
	_json_ json_t *list = json_array(), *one = NULL;
	_statement_ sqlite3_stmt *s = NULL;
	int err = db_prepare(
		h, &s, d,
		"select id, at, who, kind, match, run, why, (select m.id from mark m where "
		"m.kind='withdraw' and substr(m.why, 1, length(mark.id))=mark.id) from mark "
		"order by at, rowid",
		"");

	while (!err && (err = db_step(h, s, d)) > 0) {
		json_t *mark = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", db_text(s, 0),
					 "at", db_text(s, 1), "who", db_text(s, 2), "kind",
					 db_text(s, 3), "match", db_text(s, 4), "run",
					 db_text(s, 5), "why", db_text(s, 6));

		if (sqlite3_column_type(s, 7) != SQLITE_NULL)
			json_object_set_new(mark, "withdrawn", json_true());
		err = json_array_append_new(list, mark) ? -ENOMEM : 0;
	}
	if (!err)
		*out = json_incref(list);
	return err;
}

int history_load_marks(struct history *h, struct diag *d)
{
	_file_ FILE *f = NULL;
	_free_ char *line = NULL;
	char path[4200];
	size_t size = 0, number = 0;
	int err = 0;

	marks_file(h, path, sizeof(path));
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : diag_errno(d, -errno, "%s", path);
	while (!err && getline(&line, &size, f) > 0) {
		_json_ json_t *mark = json_loads(line, 0, NULL);

		number++;
		if (!jsonio_string(mark, "id", NULL) || !jsonio_string(mark, "why", NULL))
			return diag_set(d, -EINVAL, "%s:%zu: this is no mark", path, number);
		err = put(h, mark, d);
	}
	return err;
}
