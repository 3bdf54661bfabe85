// SPDX-License-Identifier: Apache-2.0
#include "analysis/nightly.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/history.h"
#include "analysis/judge.h"
#include "analysis/machine_key.h"
#include "analysis/nightly_series.h"
#include "analysis/noise.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/jsonio.h"
#include "record/metric.h"

struct night {
	struct history *h;
	json_t *runs, *report, *marks;
	json_t *noise;	   /* runs that somebody called noise: a set, as every point asks */
	const json_t *run; /* the one at issue */
	size_t index;
};

__attribute__((format(printf, 2, 3))) static void error(struct night *t, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	json_array_append_new(json_object_get(t->report, "errors"), json_string(text));
}

static bool marked(const json_t *run, const char *kind)
{
	const json_t *mark;
	size_t i;

	json_array_foreach (json_object_get(run, "marks"), i, mark)
		if (!strcmp(jsonio_string(mark, "kind", ""), kind) &&
		    !json_object_get(mark, "withdrawn"))
			return true;
	return false;
}

/* The kernel is what may be under test, so a new one is a version, not another machine. */
static bool is_version(const char *what)
{
	return !strncmp(what, "kernel.", 7) || strstr(what, "firmware");
}

/* Against the first run, or the newest that somebody said was meant to differ: so a changed machine
 * stays an error every night until it is accepted. */
static void check_machine(struct night *t)
{
	const json_t *reference = json_array_get(t->runs, 0), *one;
	_json_ json_t *changes = NULL;
	size_t i, others = 0;

	json_array_foreach (t->runs, i, one)
		if (i <= t->index && marked(one, "environment"))
			reference = one;
	changes = machine_key_difference(json_object_get(reference, "key"),
					 json_object_get(t->run, "key"));
	json_array_foreach (changes, i, one) {
		const char *part = jsonio_string(one, "part", "");

		if (!strcmp(part, "program") || is_version(jsonio_string(one, "what", "")))
			continue;
		if (others++ < 5)
			error(t, "changed machine: %s was %.80s in run %s and is %.80s now",
			      jsonio_string(one, "what", "?"), jsonio_string(one, "first", "?"),
			      jsonio_string(reference, "run", "?"),
			      jsonio_string(one, "second", "?"));
	}
	if (others)
		error(t,
		      "%zu changes of the machine; if they are meant: iomodes history accept "
		      "--environment --run %s --why TEXT",
		      others, jsonio_string(t->run, "run", "?"));
}

/* A mode that was measured, but not in force, is no hole of this night; where it was in force in an
 * earlier one, its series say so (vanished()). */
static void check_cells(struct night *t)
{
	const json_t *one;
	size_t i;

	json_object_set(t->report, "cells_left_out", json_object_get(t->run, "missing"));
	json_array_foreach (json_object_get(t->run, "missing"), i, one)
		if (json_is_true(json_object_get(one, "supported")) &&
		    json_is_false(json_object_get(one, "measured")))
			error(t, "missing cell %s: %s", jsonio_string(one, "cell", "?"),
			      jsonio_string(one, "reason", "?"));
	if (!jsonio_number(t->run, "trials"))
		error(t, "nothing was measured in run %s", jsonio_string(t->run, "run", "?"));
}

/* The newest accepted level of a series: nothing before it is a measure. */
static size_t accepted_from(const struct night *t, const json_t *series, const json_t *points)
{
	char name[400];
	const json_t *mark, *point;
	size_t from = 0, i, k;

	snprintf(name, sizeof(name), "%s/%s", jsonio_string(series, "cell", ""),
		 jsonio_string(series, "metric", ""));
	json_array_foreach (t->marks, i, mark) {
		if (strcmp(jsonio_string(mark, "kind", ""), "accept") ||
		    json_object_get(mark, "withdrawn") ||
		    !strstr(name, jsonio_string(mark, "match", "?")))
			continue;
		json_array_foreach (points, k, point)
			if (k > from && !strcmp(jsonio_string(point, "run", ""),
						jsonio_string(mark, "run", "?")))
				from = k;
	}
	return from;
}

/* Points that count, up to the run at issue; `kept` are their places in the list. */
static size_t collect(const struct night *t, const json_t *series, struct nightly_point *p,
		      size_t *kept)
{
	const json_t *points = json_object_get(series, "points"), *point;
	const char *now = jsonio_string(t->run, "run", "?");
	size_t from = accepted_from(t, series, points), n = 0, i;

	json_array_foreach (points, i, point) {
		const char *name = jsonio_string(point, "run", "");
		bool last = !strcmp(name, now);

		if (i < from || (!last && json_object_get(t->noise, name)))
			continue;
		p[n] = (struct nightly_point){jsonio_number(point, "value"),
					      jsonio_number(point, "low"),
					      jsonio_number(point, "high")};
		kept[n++] = i;
		if (last)
			return n;
	}
	return 0; /* not measured in this run */
}

static void put_rules(json_t *out, const struct nightly_verdict *v)
{
	static const struct {
		enum nightly_rule rule;
		const char *name;
	} names[] = {{NIGHTLY_INTERVAL, "prediction interval"},
		     {NIGHTLY_STEP, "change point"},
		     {NIGHTLY_DRIFT, "slow drift"}};
	json_t *rules = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (v->rules & names[i].rule)
			json_array_append_new(rules, json_string(names[i].name));
	json_object_set_new(out, "rules", rules);
}

static void put_number(json_t *out, const char *name, double value)
{
	if (isfinite(value))
		json_object_set_new(out, name, json_real(value));
}

static void put_verdict(json_t *out, const json_t *points, const size_t *kept, size_t n,
			const struct nightly_verdict *v)
{
	static const char *const states[] = {"skipped", "clean", "flagged"};
	const json_t *since, *good;

	json_object_set_new(out, "state", json_string(states[v->state]));
	json_object_set_new(out, "sentence", json_string(v->sentence));
	json_object_set_new(out, "points", json_integer((json_int_t)n));
	if (n)
		put_number(out, "value",
			   jsonio_number(json_array_get(points, kept[n - 1]), "value"));
	put_number(out, "low", v->low);
	put_number(out, "high", v->high);
	put_number(out, "expected", v->expected);
	put_number(out, "floor", v->floor);
	put_rules(out, v);
	if (v->state != NIGHTLY_FLAGGED)
		return;
	put_number(out, "effect", v->effect);
	json_object_set_new(out, "worse", json_boolean(v->worse));
	since = json_array_get(points, kept[v->at]);
	good = json_array_get(points, kept[v->at ? v->at - 1 : 0]);
	json_object_set(out, "since", json_object_get(since, "version"));
	json_object_set(out, "since_run", json_object_get(since, "run"));
	json_object_set(out, "good_version", json_object_get(good, "version"));
	json_object_set(out, "good_run", json_object_get(good, "run"));
}

/* Was it measured in an earlier run, but not now? A hole that would otherwise be green. It stays
 * one until somebody accepts an environment without it. The run that had it last, or NULL. */
static const char *vanished(const struct night *t, const json_t *series)
{
	const json_t *points = json_object_get(series, "points"), *point;
	size_t i, k;

	if (marked(t->run, "environment"))
		return NULL;
	for (k = t->index; k-- > 0;) {
		const json_t *run = json_array_get(t->runs, k);
		const char *name = jsonio_string(run, "run", "?");

		json_array_foreach (points, i, point)
			if (!strcmp(jsonio_string(point, "run", ""), name))
				return name;
		if (marked(run, "environment"))
			return NULL;
	}
	return NULL;
}

static int judge_one(struct night *t, const json_t *series, json_t *list, struct diag *d)
{
	const json_t *points = json_object_get(series, "points");
	const char *name = jsonio_string(series, "metric", "?");
	const struct metric *m = metric_find(name);
	_free_ struct nightly_point *p = calloc(json_array_size(points) + 1, sizeof(*p));
	_free_ size_t *kept = calloc(json_array_size(points) + 1, sizeof(*kept));
	struct nightly_verdict v = {
		.state = NIGHTLY_SKIPPED, .floor = NAN, .low = NAN, .high = NAN, .expected = NAN};
	const char *last;
	json_t *out;
	size_t n;

	if (!p || !kept)
		return diag_errno(d, -ENOMEM, "nightly");
	n = collect(t, series, p, kept);
	out = json_pack("{s:O, s:O, s:O, s:s}", "series", json_object_get(series, "series"), "cell",
			json_object_get(series, "cell"), "metric",
			json_object_get(series, "metric"), "unit", m ? m->unit : "");
	if (!m || m->better == METRIC_NEITHER) {
		snprintf(v.sentence, sizeof(v.sentence), "no direction of it is better");
	} else if (!n) {
		snprintf(v.sentence, sizeof(v.sentence), "not measured in this run");
		last = vanished(t, series);
		if (last) {
			json_object_set_new(out, "unmeasured", json_true());
			error(t, "not measured: %s of %s, which run %s has", name,
			      jsonio_string(series, "cell", "?"), last);
		}
	} else {
		nightly_judge(m, p, n, noise_floor(json_object_get(t->run, "key"), name), &v);
	}
	put_verdict(out, points, kept, n, &v);
	return json_array_append_new(list, out) ? -ENOMEM : 0;
}

static int judge_all(struct night *t, struct diag *d)
{
	_json_ json_t *all = NULL;
	json_t *list = json_object_get(t->report, "series"), *one;
	size_t i, not_judged = 0;
	int err = history_series(t->h, jsonio_string(t->run, "experiment", ""),
				 jsonio_string(t->run, "identity", ""), NULL, &all, d);

	json_array_foreach (all, i, one) {
		if (err)
			break;
		if (json_is_true(json_object_get(one, "judged")))
			err = judge_one(t, one, list, d);
		else
			not_judged++;
	}
	json_object_set_new(t->report, "kept_only", json_integer((json_int_t)not_judged));
	return err;
}

static const char with_aa[] =
	"the machine's A/A run and the stored history: the larger of the A/A floor, the practical "
	"margin, the intervals within the nights and the spread from night to night";
static const char without_aa[] =
	"the stored history: practical margin, intervals within the nights, spread from night to "
	"night (no A/A run of this machine is known: iomodes aa)";

static int select_run(struct night *t, const char *experiment, const char *name, struct diag *d)
{
	_json_ json_t *all = NULL;
	size_t n, i;
	json_t *run = NULL, *one;
	int err = history_runs(t->h, experiment, NULL, &all, d);

	if (err)
		return err;
	n = json_array_size(all);
	if (!n)
		return diag_set(d, -ENOENT, "the history has no run of experiment \"%s\"",
				experiment);
	run = name ? (json_t *)history_run(all, name) : json_array_get(all, n - 1);
	if (!run)
		return diag_set(d, -ENOENT, "the history has no run \"%s\" of experiment \"%s\"",
				name, experiment);
	t->runs = json_array();
	json_array_foreach (all, i, one)
		if (!strcmp(jsonio_string(one, "identity", ""),
			    jsonio_string(run, "identity", "?")))
			json_array_append(t->runs, one);
	json_array_foreach (t->runs, i, one)
		if (one == run)
			t->index = i;
	t->run = json_array_get(t->runs, t->index);
	t->report = json_pack(
		"{s:s, s:O, s:O, s:O, s:s, s:[], s:[], s:I}", "experiment", experiment, "run",
		json_object_get(run, "run"), "version", json_object_get(run, "version"), "identity",
		json_object_get(run, "identity"), "floor_from",
		json_object_get(json_object_get(run, "key"), "noise_floor") ? with_aa : without_aa,
		"series", "errors", "runs", (json_int_t)(t->index + 1));
	t->noise = json_object();
	json_array_foreach (t->runs, i, one)
		if (marked(one, "noise"))
			json_object_set_new(t->noise, jsonio_string(one, "run", "?"), json_true());
	if (json_object_get(run, "test_delay_ns"))
		json_object_set(t->report, "test_delay_ns", json_object_get(run, "test_delay_ns"));
	if (json_array_size(t->runs) < n && json_array_size(t->runs) == 1)
		error(t,
		      "changed machine: none of the %zu earlier runs of \"%s\" was made on this "
		      "one",
		      n - 1, experiment);
	return 0;
}

int nightly_report(struct history *h, const char *experiment, const char *run, json_t **report,
		   struct diag *d)
{
	struct night t = {.h = h};
	int err = select_run(&t, experiment, run, d);

	if (!err)
		err = history_marks(h, &t.marks, d);
	if (!err) {
		check_machine(&t);
		check_cells(&t);
		err = judge_all(&t, d);
	}
	if (!err) {
		nightly_close(t.report);
		*report = json_incref(t.report);
	}
	json_decref(t.runs);
	json_decref(t.marks);
	json_decref(t.noise);
	json_decref(t.report);
	return err;
}

const char *nightly_confirm_kind(const json_t *good, const json_t *suspect, char *why, size_t size)
{
	static const char *const loops[] = {"ioloop", "netloop"};
	const char *programs = jsonio_string(good, "programs", "");
	const char *before = jsonio_string(good, "kernel", ""),
		   *now = jsonio_string(suspect, "kernel", "");

	if (strcmp(before, now)) {
		snprintf(why, size,
			 "the old state cannot be made again here: it ran under kernel %s, "
			 "this is %s",
			 before, now);
		return "repeat";
	}
	if (json_equal(json_object_get(good, "tools"), json_object_get(suspect, "tools"))) {
		snprintf(why, size,
			 "nothing that could be put back differs: kernel and programs are "
			 "those of the last good run");
		return "repeat";
	}
	for (size_t i = 0; i < ARRAY_SIZE(loops); i++) {
		const char *want = jsonio_string(json_object_get(good, "tools"), loops[i], NULL);
		char path[4200], digest[DIGEST_TEXT];

		if (!want)
			continue;
		snprintf(path, sizeof(path), "%.4000s/%s", programs, loops[i]);
		if (*programs && !digest_file(AT_FDCWD, path, digest, NULL) &&
		    digest_equal(digest, want))
			continue;
		snprintf(why, size,
			 "the old state cannot be made again here: %s of the last good run "
			 "(sha256 %.12s) is %s%s",
			 loops[i], want,
			 *programs ? "no longer in " : "not kept in a directory of its own",
			 programs);
		return "repeat";
	}
	snprintf(why, size, "programs of %s against those of the suspect", programs);
	return "paired";
}

void nightly_confirm(json_t *series, const char *kind, const char *why, const double *good,
		     size_t n, const double *suspect, size_t m)
{
	const struct metric *metric = metric_find(jsonio_string(series, "metric", ""));
	bool paired = !strcmp(kind, "paired"), held, enough;
	size_t count = paired && n < m ? n : m;
	struct judgement j = {0};
	char text[400], low[32], high[32], estimate[32];
	json_t *out =
		json_pack("{s:s, s:s, s:I}", "kind", kind, "why", why, "n", (json_int_t)count);

	/* a confirmation that came to too little has refuted nothing */
	enough = metric && n && count >= NIGHTLY_PAIRS_MIN;
	held = enough && nightly_confirmed(metric, good, paired ? count : n, suspect, count, paired,
					   jsonio_number(series, "floor"),
					   json_is_true(json_object_get(series, "worse")), &j);
	if (enough) {
		snprintf(text, sizeof(text), "%s of %s: %s (95 %% interval %s to %s) over %zu %s",
			 metric->name, jsonio_string(series, "cell", "?"),
			 judge_text(&j, j.estimate, estimate, sizeof(estimate)),
			 judge_text(&j, j.i95.low, low, sizeof(low)),
			 judge_text(&j, j.i95.high, high, sizeof(high)), count,
			 paired ? "interleaved pairs" : "old values against the repeated run");
		put_number(out, "estimate", j.ratio ? expm1(j.estimate) : j.estimate);
		put_number(out, "low", j.ratio ? expm1(j.i95.low) : j.i95.low);
		put_number(out, "high", j.ratio ? expm1(j.i95.high) : j.i95.high);
		put_number(out, "p", j.p);
	} else {
		snprintf(text, sizeof(text),
			 "the confirmation gave %zu of the %d blocks that it needs of %s", count,
			 NIGHTLY_PAIRS_MIN, jsonio_string(series, "metric", "?"));
	}
	json_object_set_new(out, "text", json_string(text));
	json_object_set_new(series, "confirmation", out);
	json_object_set_new(series, "alert",
			    json_string(held && paired	  ? "confirmed"
					: held || !enough ? "unconfirmed"
							  : "refuted"));
}

static void count_skip(json_t *why, const char *sentence)
{
	json_object_set_new(why, sentence,
			    json_integer(json_integer_value(json_object_get(why, sentence)) + 1));
}

void nightly_close(json_t *report)
{
	static const char *const alerts[] = {"confirmed", "unconfirmed", "refuted"};
	size_t n = json_array_size(json_object_get(report, "series")), skipped = 0, flagged = 0,
	       open = 0, count[3] = {0}, worse = 0, i,
	       errors = json_array_size(json_object_get(report, "errors"));
	json_t *why = json_object(), *one;
	const char *status;

	json_array_foreach (json_object_get(report, "series"), i, one) {
		const char *state = jsonio_string(one, "state", ""),
			   *alert = jsonio_string(one, "alert", NULL);
		bool bad = json_is_true(json_object_get(one, "worse"));

		if (!strcmp(state, "skipped")) {
			skipped++;
			count_skip(why, jsonio_string(one, "sentence", "?"));
		}
		if (strcmp(state, "flagged"))
			continue;
		flagged++;
		open += !alert && bad;
		for (size_t k = 0; alert && k < ARRAY_SIZE(alerts); k++)
			count[k] += !strcmp(alert, alerts[k]);
		worse += bad && alert && strcmp(alert, "refuted");
	}
	json_object_set_new(report, "skipped_why", why);
	json_object_set_new(report, "counts",
			    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "series",
				      (json_int_t)n, "judged", (json_int_t)(n - skipped), "skipped",
				      (json_int_t)skipped, "clean",
				      (json_int_t)(n - skipped - flagged), "flagged",
				      (json_int_t)flagged, "alerts", (json_int_t)count[0],
				      "unconfirmed", (json_int_t)count[1], "refuted",
				      (json_int_t)count[2], "errors", (json_int_t)errors));
	/* What could not be judged at all, or is flagged but not yet confirmed, is not green
	 * either. */
	status = worse			? "worse"
		 : errors || !n		? "invalid"
		 : n == skipped || open ? "inconclusive"
					: "ok";
	json_object_set_new(report, "status", json_string(status));
}
