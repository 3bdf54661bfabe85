// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/cells.h"
#include "analysis/history.h"
#include "analysis/history_db.h"
#include "analysis/kind.h"
#include "analysis/machine_key.h"
#include "analysis/stats.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/metric.h"
#include "record/record.h"

/* A run from the future by more than this was made with another clock. */
#define FUTURE_S 300

struct adding {
	struct history *h;
	const struct cells *cells;
	const struct history_add_options *o;
	struct history_added *added;
	const char *experiment;
	char identity[80], version[HISTORY_LABEL];
	json_t *key;
	double started_s;
	int64_t run;
	bool fresh; /* it was not there before */
};

static double seconds_of(const char *iso)
{
	struct tm tm = {0};

	return strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm) ? (double)timegm(&tm) : NAN;
}

/* A machine that nothing names is told apart by what it is made of. */
static void identify(struct adding *a)
{
	const char *known = jsonio_string(a->key, "digest.identity", NULL);

	snprintf(a->identity, sizeof(a->identity), "%s%.64s",
		 known ? "" : "unnamed:", known ?: jsonio_string(a->key, "digest.capability", "?"));
}

static json_t *tools_of(const json_t *run)
{
	static const char *const loops[] = {"ioloop", "netloop"};
	json_t *tools = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(loops); i++) {
		json_t *one = json_object_get(json_object_get(run, "tools"), loops[i]);

		if (json_object_get(one, "sha256"))
			json_object_set(tools, loops[i], json_object_get(one, "sha256"));
	}
	return tools;
}

static json_t *missing_of(const struct cells *cells)
{
	json_t *list = json_array(), *count;
	const char *reason;

	for (size_t i = 0; i < cells->n; i++) {
		const struct cell *c = &cells->cell[i];
		const char *why = jsonio_string(c->spec, "reason", NULL);
		bool supported = !json_is_false(json_object_get(c->spec, "supported"));

		if (c->used)
			continue;
		if (!why || !*why) { /* it could be planned, so its trials say */
			why = "no trial of it";
			json_object_foreach (c->reasons, reason, count) {
				why = jsonio_string(count, "first", reason);
				break;
			}
		}
		json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:s}", "cell",
						      jsonio_string(c->spec, "id", "?"),
						      "supported", supported, "measured",
						      c->n_samples > 0, "reason", why));
	}
	return list;
}

static int64_t delay_of(const struct cells *cells)
{
	return cells->test_delay_ns;
}

/* The clock: a run may neither be from the future nor, unless asked for, older than the newest. */
static int check_time(struct adding *a, struct diag *d)
{
	const char *started = jsonio_string(a->cells->run->run, "started", "?");
	_statement_ sqlite3_stmt *s = NULL;
	int err;

	a->started_s = seconds_of(started);
	if (!isfinite(a->started_s))
		return diag_set(d, -EINVAL, "%s: \"started\" is no time: %s", a->added->run,
				started);
	if (a->started_s > (double)time(NULL) + FUTURE_S)
		return diag_set(
			d, -ESTALE,
			"run %s started at %s, which is still to come: the clock was set back "
			"since, or was wrong then",
			a->added->run, started);
	err = db_prepare(a->h, &s, d,
			 "select run, started from run where experiment=? and identity=? and "
			 "started_s>? order by started_s desc limit 1",
			 "ttf", a->experiment, a->identity, a->started_s);
	if (!err)
		err = db_step(a->h, s, d);
	if (err <= 0 || a->o->older)
		return err < 0 ? err : 0;
	return diag_set(
		d, -ESTALE,
		"run %s started at %s, before the newest one here (%s, %s): clock set back? "
		"--older adds it all the same, in its place",
		a->added->run, started, db_text(s, 0), db_text(s, 1));
}

/* 1: it was there. */
static int find_run(struct adding *a, struct diag *d)
{
	_statement_ sqlite3_stmt *s = NULL;
	int err = db_prepare(a->h, &s, d, "select id, version from run where run=?", "t",
			     a->added->run);

	if (!err)
		err = db_step(a->h, s, d);
	if (err <= 0)
		return err;
	if (a->o->version && strcmp(a->version, db_text(s, 1)))
		return diag_set(d, -EEXIST,
				"run %s is in %s already, as version \"%s\", not \"%s\"",
				a->added->run, a->h->file, db_text(s, 1), a->version);
	a->run = sqlite3_column_int64(s, 0);
	return 1;
}

static int put_run(struct adding *a, const char *dir, struct diag *d)
{
	const json_t *run = a->cells->run->run;
	_json_ json_t *missing = missing_of(a->cells), *tools = tools_of(run);
	_free_ char *missing_text = jsonio_line(missing), *tools_text = jsonio_line(tools);
	_free_ char *key_text = jsonio_line(a->key), *real = realpath(dir, NULL);
	size_t i;
	json_t *one;
	int err;

	json_array_foreach (missing, i, one)
		a->added->missing += json_is_true(json_object_get(one, "supported")) &&
				     json_is_false(json_object_get(one, "measured"));
	err = history_label(run, a->o->version, a->version, d) ?: find_run(a, d);
	if (err < 0)
		return err;
	if (err)
		return db_run(a->h, d, "update run set missing=? where id=?", "ti", missing_text,
			      a->run);
	err = check_time(a, d);
	if (!err)
		err = db_run(
			a->h, d,
			"insert into run(run, started, started_s, experiment, version, kernel, "
			"programs, tools, identity, key, dir, cells, missing, test_delay_ns, added)"
			" values(?,?,?,?,?,?,?,?,?,?,?,?,?,?,strftime('%Y-%m-%dT%H:%M:%SZ'))",
			"ttftttttt"
			"tti"
			"ti",
			a->added->run, jsonio_string(run, "started", "?"), a->started_s,
			a->experiment, a->version, history_kernel(run),
			jsonio_string(run, "command.programs", NULL), tools_text, a->identity,
			key_text, real ?: dir, (int64_t)a->cells->n, missing_text,
			delay_of(a->cells));
	a->run = sqlite3_last_insert_rowid(a->h->db);
	a->fresh = !err;
	return err;
}

/* Rate at closed loop, middle latency, CPU: what is judged. The rest is kept to be looked at. */
static bool judged(const struct cell *c, const char *metric)
{
	bool open = kind_open_loop(json_object_get(c->spec, "load"));

	return !strcmp(metric, open ? c->kind->latency : c->kind->rate) ||
	       !strcmp(metric, c->kind->latency) || !strcmp(metric, c->kind->cpu);
}

static int series_of(struct adding *a, const struct cell *c, const char *metric, int64_t *id,
		     struct diag *d)
{
	const char *cell = jsonio_string(c->spec, "id", "?");
	_statement_ sqlite3_stmt *s = NULL;
	int err = db_run(a->h, d,
			 "insert into series(identity, experiment, cell, metric, judged) "
			 "values(?,?,?,?,?) on conflict do nothing",
			 "tttti", a->identity, a->experiment, cell, metric,
			 (int64_t)judged(c, metric));

	if (!err)
		err = db_prepare(
			a->h, &s, d,
			"select id from series where identity=? and experiment=? and cell=? "
			"and metric=?",
			"tttt", a->identity, a->experiment, cell, metric);
	if (!err)
		err = db_step(a->h, s, d);
	if (err <= 0)
		return err;
	*id = sqlite3_column_int64(s, 0);
	return 0;
}

static int put_trials(struct adding *a, const struct cell *c, int64_t *ids, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < c->n_samples; i++) {
		_statement_ sqlite3_stmt *s = NULL;

		err = db_run(
			a->h, d,
			"insert into trial(trial, run, block) values(?,?,?) on conflict do nothing",
			"tii", c->sample[i].trial, a->run, (int64_t)c->sample[i].block);
		if (!err && sqlite3_changes(a->h->db))
			a->added->trials++;
		else
			a->added->known++;
		if (!err)
			err = db_prepare(a->h, &s, d, "select id from trial where trial=?", "t",
					 c->sample[i].trial);
		if (!err && (err = db_step(a->h, s, d)) > 0) {
			ids[i] = sqlite3_column_int64(s, 0);
			err = 0;
		}
	}
	return err;
}

static int put_point(struct adding *a, int64_t series, double *x, size_t n, struct diag *d)
{
	struct stats_interval i;

	stats_sort(x, n);
	i = stats_order_interval(x, n, 0.5, 0.95);
	return db_run(
		a->h, d,
		"insert into point(series, run, n, value, low, high) values(?,?,?,?,?,?) on "
		"conflict do update set n=excluded.n, value=excluded.value, low=excluded.low, "
		"high=excluded.high",
		"iiifff", series, a->run, (int64_t)n, stats_median(x, n), i.low, i.high);
}

static int put_metric(struct adding *a, const struct cell *c, size_t metric, const char *name,
		      const int64_t *ids, struct diag *d)
{
	_free_ double *x = calloc(c->n_samples + 1, sizeof(double));
	int64_t series = 0;
	size_t n = 0;
	int err = 0;

	if (!x)
		return -ENOMEM;
	for (size_t i = 0; !err && i < c->n_samples; i++) {
		const struct sample *s = &c->sample[i];

		/* only what was in force, and one value a block: as a comparison takes them */
		if (!s->in_force || isnan(s->value[metric]) ||
		    (i && c->sample[i - 1].in_force && c->sample[i - 1].block == s->block &&
		     isfinite(c->sample[i - 1].value[metric])))
			continue;
		if (!n)
			err = series_of(a, c, name, &series, d);
		if (!err)
			err = db_run(a->h, d,
				     "insert into value(series, trial, value) values(?,?,?) on "
				     "conflict do nothing",
				     "iif", series, ids[i], s->value[metric]);
		x[n++] = s->value[metric];
	}
	return err || !n ? err : put_point(a, series, x, n, d);
}

static int put_cell(struct adding *a, const struct cell *c, struct diag *d)
{
	_free_ int64_t *ids = calloc(c->n_samples + 1, sizeof(*ids));
	const struct metric *all;
	size_t n_all;
	int err = ids ? put_trials(a, c, ids, d) : -ENOMEM;

	all = metric_all(&n_all);
	for (size_t m = 0; !err && m < n_all; m++)
		for (const struct kind_column *k = c->kind->column; !err && k->metric; k++)
			if (!strcmp(k->metric, all[m].name))
				err = put_metric(a, c, m, all[m].name, ids, d);
	return err;
}

static int note_run(const struct adding *a, const char *dir, struct diag *d)
{
	_free_ char *real = realpath(dir, NULL);

	return runs_append(a->h->file, a->added->run, a->version, real ?: dir, d);
}

int history_add(struct history *h, const char *dir, const struct history_add_options *o,
		struct history_added *added, struct diag *d)
{
	struct cells *cells = NULL;
	struct adding a = {.h = h, .o = o, .added = added};
	int err = cells_read(dir, NULL, &cells, d);

	*added = (struct history_added){0};
	if (!err && *cells->altered)
		err = diag_set(d, -EBADMSG, "%s", cells->altered);
	if (err) {
		cells_free(cells);
		return err;
	}
	a.cells = cells;
	a.key = machine_key(cells->run->run);
	/* what `aa` found of this machine goes with what the run says of it */
	if (json_object_get(cells->run->run, "noise_floor"))
		json_object_set(a.key, "noise_floor",
				json_object_get(cells->run->run, "noise_floor"));
	a.experiment = jsonio_string(cells->run->run, "experiment.name", "unnamed");
	snprintf(added->run, sizeof(added->run), "%s", jsonio_string(cells->run->run, "run", "?"));
	identify(&a);
	err = db_begin(h, d);
	if (!err) {
		err = put_run(&a, dir, d);
		for (size_t i = 0; !err && i < cells->n; i++)
			err = put_cell(&a, &cells->cell[i], d);
		if (!err && a.fresh && !h->rebuilding)
			err = note_run(&a, dir, d);
		err = db_end(h, err, d);
	}
	json_decref(a.key);
	cells_free(cells);
	return err;
}
