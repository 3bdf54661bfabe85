// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/history.h"
#include "analysis/history_db.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

static json_t *parsed(sqlite3_stmt *s, int column)
{
	json_t *value = json_loads(db_text(s, column), JSON_DECODE_ANY, NULL);

	return value ?: json_null();
}

static json_t *run_json(sqlite3_stmt *s)
{
	json_t *run = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:I, s:o, s:s, s:I}", "run",
		db_text(s, 0), "started", db_text(s, 1), "experiment", db_text(s, 2), "version",
		db_text(s, 3), "kernel", db_text(s, 4), "dir", db_text(s, 5), "programs",
		db_text(s, 6), "tools", parsed(s, 7), "identity", db_text(s, 8), "key",
		parsed(s, 9), "cells", (json_int_t)sqlite3_column_int64(s, 10), "missing",
		parsed(s, 11), "added", db_text(s, 12), "trials",
		(json_int_t)sqlite3_column_int64(s, 14));

	if (run && sqlite3_column_int64(s, 13))
		json_object_set_new(run, "test_delay_ns",
				    json_integer(sqlite3_column_int64(s, 13)));
	return run;
}

static bool is_about(const json_t *mark, const char *run)
{
	const char *given = json_string_value(json_object_get(mark, "run"));

	return given && !strcmp(given, run);
}

int history_runs(struct history *h, const char *experiment, const char *identity, json_t **out,
		 struct diag *d)
{
	_json_ json_t *list = json_array(), *marks = NULL;
	_statement_ sqlite3_stmt *s = NULL;
	size_t i;
	json_t *mark;
	int err = history_marks(h, &marks, d);

	if (!err)
		err = db_prepare(
			h, &s, d,
			"select run, started, experiment, version, kernel, dir, programs, "
			"tools, identity, key, cells, missing, added, test_delay_ns, (select "
			"count(*) from trial where trial.run=run.id) from run where (?1 is "
			"null or experiment=?1) and (?2 is null or identity=?2) order by "
			"started_s, id",
			"tt", experiment, identity);
	while (!err && (err = db_step(h, s, d)) > 0) {
		json_t *run = run_json(s), *own = json_array();

		json_array_foreach (marks, i, mark)
			if (is_about(mark, db_text(s, 0)))
				json_array_append(own, mark);
		json_object_set_new(run, "marks", own);
		err = json_array_append_new(list, run) ? -ENOMEM : 0;
	}
	if (err)
		return err;
	*out = json_incref(list);
	return 0;
}

static json_t *series_json(sqlite3_stmt *s)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:b, s:[]}", "series",
			 (json_int_t)sqlite3_column_int64(s, 0), "identity", db_text(s, 1),
			 "experiment", db_text(s, 2), "cell", db_text(s, 3), "metric",
			 db_text(s, 4), "judged", sqlite3_column_int(s, 5), "points");
}

static json_t *point_json(sqlite3_stmt *s)
{
	json_t *p = json_pack("{s:s, s:s, s:s, s:I, s:f}", "run", db_text(s, 6), "version",
			      db_text(s, 7), "started", db_text(s, 8), "n",
			      (json_int_t)sqlite3_column_int64(s, 9), "value",
			      sqlite3_column_double(s, 10));

	if (sqlite3_column_type(s, 11) != SQLITE_NULL) {
		json_object_set_new(p, "low", json_real(sqlite3_column_double(s, 11)));
		json_object_set_new(p, "high", json_real(sqlite3_column_double(s, 12)));
	}
	return p;
}

int history_series(struct history *h, const char *experiment, const char *identity,
		   const char *match, json_t **out, struct diag *d)
{
	_json_ json_t *list = json_array();
	_statement_ sqlite3_stmt *s = NULL;
	json_t *current = NULL;
	json_int_t at = -1;
	int err = db_prepare(
		h, &s, d,
		"select series.id, series.identity, series.experiment, cell, metric, "
		"judged, run.run, version, started, n, value, low, high from series join "
		"point on point.series=series.id join run on run.id=point.run where (?1 "
		"is null or series.experiment=?1) and (?2 is null or series.identity=?2) "
		"and (?3 is null or instr(cell||'/'||metric, ?3)) order by series.id, "
		"started_s, run.id",
		"ttt", experiment, identity, match);

	while (!err && (err = db_step(h, s, d)) > 0) {
		if (sqlite3_column_int64(s, 0) != at) {
			at = sqlite3_column_int64(s, 0);
			current = series_json(s);
			json_array_append_new(list, current);
		}
		err = json_array_append_new(json_object_get(current, "points"), point_json(s))
			      ? -ENOMEM
			      : 0;
	}
	if (err)
		return err;
	*out = json_incref(list);
	return 0;
}

int history_values(struct history *h, long long series, const char *run, double **value, size_t *n,
		   struct diag *d)
{
	_statement_ sqlite3_stmt *s = NULL;
	double *x = NULL;
	int err = db_prepare(
		h, &s, d,
		"select value from run join trial on trial.run=run.id join value on "
		"value.series=?1 and value.trial=trial.id where run.run=?2 order by block",
		"it", (int64_t)series, run);

	*n = 0;
	while (!err && (err = db_step(h, s, d)) > 0) {
		double *grown = reallocarray(x, *n + 1, sizeof(*x));

		err = grown ? 0 : -ENOMEM;
		if (grown) {
			x = grown;
			x[(*n)++] = sqlite3_column_double(s, 0);
		}
	}
	if (err)
		free(x);
	else
		*value = x;
	return err;
}

const json_t *history_run(const json_t *runs, const char *name)
{
	const json_t *run;
	size_t i;

	json_array_foreach (runs, i, run)
		if (!strcmp(jsonio_string(run, "run", ""), name))
			return run;
	return NULL;
}
