// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/history.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

/* A run's version is the label that it was added under: the old history knows it if it can still be
 * read, else the label is made anew. */
static const char *old_version(const json_t *runs, const char *dir)
{
	_json_ json_t *run = NULL;
	char path[4200];
	const json_t *one;
	size_t i;

	snprintf(path, sizeof(path), "%.4000s/run.json", dir);
	if (!runs || jsonio_read(path, &run, NULL))
		return NULL;
	json_array_foreach (runs, i, one)
		if (!strcmp(jsonio_string(one, "run", ""), jsonio_string(run, "run", "?")))
			return jsonio_string(one, "version", NULL);
	return NULL;
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

static int fill(struct history *h, const json_t *old, const char *const *dirs, size_t n,
		size_t *trials, struct diag *d)
{
	int err = 0;

	*trials = 0;
	for (size_t i = 0; !err && i < n; i++) {
		struct history_add_options o = {.version = old_version(old, dirs[i]),
						.older = true};
		struct history_added added;

		err = history_add(h, dirs[i], &o, &added, d);
		if (err)
			diag_prefix(d, err, "%s", dirs[i]);
		*trials += added.trials;
	}
	return err;
}

int history_rebuild(const char *file, const char *const *dirs, size_t n, size_t *trials,
		    struct diag *d)
{
	struct history *h = NULL;
	_json_ json_t *old = NULL;
	char made[4200], marks[4200], wal[4200];
	int err;

	if (!history_open(file, false, &h, NULL)) {
		if (history_runs(h, NULL, NULL, &old, NULL))
			old = NULL;
		history_close(h);
	}
	snprintf(made, sizeof(made), "%.4000s.new-%d", file, (int)getpid());
	err = history_open(made, true, &h, d);
	if (err)
		return err;
	err = fill(h, old, dirs, n, trials, d);
	history_close(h); /* the last one to close empties the WAL */
	snprintf(wal, sizeof(wal), "%.4100s-wal", made);
	if (!err && !access(wal, F_OK))
		err = diag_set(d, -EIO, "%s could not be finished", made);
	if (!err)
		err = set_aside(file, d);
	if (!err && rename(made, file))
		err = diag_errno(d, -errno, "%s", made);
	if (err) {
		unlink(made);
		return err;
	}
	snprintf(marks, sizeof(marks), "%s", file);
	err = history_open(marks, false, &h, d);
	if (!err) {
		err = history_load_marks(h, d);
		history_close(h);
	}
	return err;
}
