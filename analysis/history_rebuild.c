// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "analysis/history.h"
#include "analysis/history_db.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

struct rebuilding {
	const char *file;
	json_t *known; /* {RUN: {"version", "dir"}}: of the list beside it, and of the old file */
	json_t *todo;  /* {RUN: directory} */
	struct diag *d;
};

/* What the old file knows, if it can still be read, is newer than the list. */
static int read_known(struct rebuilding *r)
{
	struct history *h = NULL;
	_json_ json_t *runs = NULL;
	json_t *one;
	size_t i;
	int err = runs_read(r->file, &r->known, r->d);

	if (err || access(r->file, F_OK) || db_open(r->file, false, &h, NULL))
		return err;
	if (!history_runs(h, NULL, NULL, &runs, NULL))
		json_array_foreach (runs, i, one)
			json_object_set(r->known, jsonio_string(one, "run", "?"), one);
	history_close(h);
	return 0;
}

/* The id of the run in `dir`, or "". */
static void run_in(const char *dir, char id[static 80])
{
	_json_ json_t *run = NULL;
	char path[4200];

	*id = '\0';
	snprintf(path, sizeof(path), "%.4000s/run.json", dir);
	if (!jsonio_read(path, &run, NULL))
		snprintf(id, 80, "%s", jsonio_string(run, "run", ""));
}

/* The runs that are given, and those that are known and still lie where they did. */
static int collect(struct rebuilding *r, const char *const *dirs, size_t n, bool incomplete)
{
	char id[80], missing[600] = "";
	const char *name;
	json_t *one;
	size_t lost = 0;

	for (size_t i = 0; i < n; i++) {
		run_in(dirs[i], id);
		if (!*id)
			return diag_set(r->d, -EINVAL, "%s: no directory of a run", dirs[i]);
		json_object_set_new(r->todo, id, json_string(dirs[i]));
	}
	json_object_foreach (r->known, name, one) {
		const char *dir = jsonio_string(one, "dir", "");

		if (json_object_get(r->todo, name))
			continue;
		run_in(dir, id);
		if (!strcmp(id, name))
			json_object_set_new(r->todo, name, json_string(dir));
		else if (lost++ < 5)
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				 "%s%.80s", *missing ? ", " : "", name);
	}
	if (lost && !incomplete)
		return diag_set(r->d, -ENOENT,
				"%zu runs of the history are not where they were, and not given: "
				"%s%s; give their directories, or --incomplete to go on without "
				"them",
				lost, missing, lost > 5 ? ", ..." : "");
	return json_object_size(r->todo) ? 0 : diag_set(r->d, -EINVAL, "no run to make it of");
}

static int fill(struct rebuilding *r, struct history *h, size_t *trials)
{
	const char *name;
	json_t *dir;

	*trials = 0;
	json_object_foreach (r->todo, name, dir) {
		const json_t *known = json_object_get(r->known, name);
		struct history_add_options o = {.version = jsonio_string(known, "version", NULL),
						.older = true};
		struct history_added added;
		int err = history_add(h, json_string_value(dir), &o, &added, r->d);

		if (err)
			return diag_prefix(r->d, err, "%s", json_string_value(dir));
		*trials += added.trials;
	}
	return 0;
}

/* Runs that the list does not have yet. */
static int complete_list(struct rebuilding *r, struct history *h)
{
	_json_ json_t *listed = NULL, *runs = NULL;
	const json_t *one;
	size_t i;
	int err = runs_read(r->file, &listed, r->d);

	if (!err)
		err = history_runs(h, NULL, NULL, &runs, r->d);
	json_array_foreach (runs, i, one) {
		const char *name = jsonio_string(one, "run", "?");

		if (!err && !json_object_get(listed, name))
			err = runs_append(r->file, name, jsonio_string(one, "version", "?"),
					  jsonio_string(one, "dir", "?"), r->d);
	}
	return err;
}

static int set_aside(const char *file, struct diag *d)
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	char from[4200], to[4200];
	unsigned number = 1;

	do
		snprintf(to, sizeof(to), "%.4000s.old-%u", file, number++);
	while (!access(to, F_OK));
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(from, sizeof(from), "%.4000s%s", file, parts[i]);
		snprintf(to, sizeof(to), "%.4000s.old-%u%s", file, number - 1, parts[i]);
		if (rename(from, to) && errno != ENOENT)
			return diag_errno(d, -errno, "%s", from);
	}
	return 0;
}

static int make(struct rebuilding *r, size_t *trials)
{
	struct history *h = NULL;
	char made[4200], wal[4200];
	int err;

	snprintf(made, sizeof(made), "%.4000s.new-%d", r->file, (int)getpid());
	err = db_open(made, true, &h, r->d);
	if (err)
		return err;
	h->rebuilding = true;
	err = fill(r, h, trials);
	if (!err)
		err = complete_list(r, h);
	history_close(h); /* the last one to close empties the WAL */
	snprintf(wal, sizeof(wal), "%.4100s-wal", made);
	if (!err && !access(wal, F_OK))
		err = diag_set(r->d, -EIO, "%s could not be finished", made);
	if (!err)
		err = set_aside(r->file, r->d);
	if (!err && rename(made, r->file))
		err = diag_errno(r->d, -errno, "%s", made);
	if (err)
		unlink(made);
	return err;
}

int history_rebuild(const char *file, const char *const *dirs, size_t n, bool incomplete,
		    struct history_rebuilt *rebuilt, struct diag *d)
{
	struct rebuilding r = {.file = file, .todo = json_object(), .d = d};
	struct history *h = NULL;
	int lock = -1, err = db_lock(file, LOCK_EX, &lock, d);

	if (!err)
		err = read_known(&r);
	if (!err)
		err = collect(&r, dirs, n, incomplete);
	if (!err)
		err = make(&r, &rebuilt->trials);
	if (!err)
		err = db_open(file, false, &h, d);
	if (!err)
		err = history_load_marks(h, d);
	rebuilt->runs = json_object_size(r.todo);
	history_close(h);
	json_decref(r.known);
	json_decref(r.todo);
	if (lock >= 0)
		close(lock);
	return err;
}
