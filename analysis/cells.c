// SPDX-License-Identifier: Apache-2.0
#include "analysis/cells.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/canary.h"
#include "analysis/check.h"
#include "analysis/detail.h"
#include "analysis/instruments.h"
#include "analysis/kind.h"
#include "analysis/sums.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/metric.h"
#include "record/record.h"
#include "record/view.h"

struct builder {
	struct cells *cells;
	const struct cells_options *options;
	json_t *index;	      /* cell id -> number */
	json_t *blocks;	      /* set */
	const json_t *canary; /* of run.json */
	size_t arrived, seen;
	bool two_workloads; /* so that a mode may have two instruments */
	struct hist_text latency, service;
};

/* One record at hand: what is looked at more than once. */
struct trial {
	const struct view *view;
	const char *status;
	enum verdict_mode mode;
	json_t *failed;	       /* its checks, when any of them failed; else NULL */
	bool retry;	       /* made again at the end, in the place of an invalid one */
	const char *objection; /* the canary's, or NULL; the trial is invalid then */
};

/* Ten trials that fail one check say ten sentences, which differ in their numbers alone. */
static void shape_of(const char *sentence, char *out, size_t size)
{
	size_t n = 0;

	for (const char *s = sentence; *s && n + 1 < size; s++) {
		bool sign = strchr("+-", *s) && isdigit((unsigned char)s[1]);
		bool inside = n && out[n - 1] == '#' &&
			      (strchr(".,", *s) || (*s == 'e' && s[1] && strchr("+-", s[1])));
		bool number = isdigit((unsigned char)*s) || sign || inside;

		if (!number || !n || out[n - 1] != '#')
			out[n++] = number ? '#' : *s;
	}
	out[n] = '\0';
}

static void count_reason(struct cell *c, const char *sentence)
{
	char shape[400];
	json_t *seen;

	shape_of(sentence, shape, sizeof(shape));
	seen = json_object_get(c->reasons, shape);
	if (!seen) {
		json_object_set_new(
			c->reasons, shape,
			json_pack("{s:s, s:i, s:b}", "first", sentence, "n", 1, "varies", 0));
		return;
	}
	json_object_set_new(seen, "n",
			    json_integer(json_integer_value(json_object_get(seen, "n")) + 1));
	if (strcmp(sentence, jsonio_string(seen, "first", "")))
		json_object_set_new(seen, "varies", json_true());
}

/* A metric that a failed check spoils is not measured; nor is a tail that the trial's own samples
 * cannot support. */
static double usable_value(const struct builder *b, const struct trial *t, const struct metric *m,
			   double value)
{
	bool service = !strncmp(m->name, "service", 7);
	uint64_t samples = service ? b->service.hist.count : b->latency.hist.count;

	if (m->quantile > 0 && samples && !hist_supports(samples, m->quantile))
		return NAN;
	return t->failed && check_spoiled(t->failed, m->name) ? NAN : value;
}

static void read_values(const struct builder *b, const struct trial *t, double *value)
{
	const struct metric *all;
	struct view metrics;
	size_t n;

	all = metric_all(&n);
	for (size_t m = 0; m < n; m++)
		value[m] = NAN;
	if (!view_make(view_get(t->view, "metrics"), &metrics))
		return;
	for (size_t i = 0; i < metrics.n; i++)
		for (size_t m = 0; m < n; m++) {
			const char *name = all[m].name;

			if (strncmp(name, metrics.key[i].at, metrics.key[i].len) ||
			    name[metrics.key[i].len])
				continue;
			value[m] = usable_value(b, t, &all[m], span_number(metrics.value[i]));
			break;
		}
}

/* Both histograms are read before either is merged: a trial counts whole or not at all. */
static int read_hists(struct builder *b, const struct cell *c, const struct trial *t,
		      struct diag *d)
{
	struct span latency = view_get(t->view, "latency"), service = view_get(t->view, "service");
	char name[32];
	int err;

	snprintf(name, sizeof(name), "%sp50_ns", c->kind->prefix);
	if (t->failed && check_spoiled(t->failed, name))
		latency.at = NULL;
	if (t->failed && check_spoiled(t->failed, "service_p50_ns"))
		service.at = NULL;
	err = hist_read_text(latency, &b->latency, d);
	if (err)
		return diag_prefix(d, err, "latency");
	err = hist_read_text(service, &b->service, d);
	return err ? diag_prefix(d, err, "service") : 0;
}

static int merge(const struct builder *b, struct cell_hists **into)
{
	if (!*into) {
		*into = malloc(sizeof(**into));
		if (!*into)
			return -ENOMEM;
		hist_init(&(*into)->latency);
		hist_init(&(*into)->service);
	}
	hist_merge_text(&(*into)->latency, &b->latency);
	hist_merge_text(&(*into)->service, &b->service);
	return 0;
}

static int add_sample(struct builder *b, struct cell *c, const struct trial *t)
{
	struct sample *s;
	size_t n_metrics;
	char text[40], id[256];

	metric_all(&n_metrics);
	if (c->n_samples == c->room) {
		size_t room = c->room ? 2 * c->room : 16;

		s = reallocarray(c->sample, room, sizeof(*s));
		if (!s)
			return -ENOMEM;
		c->sample = s;
		c->room = room;
	}
	s = &c->sample[c->n_samples];
	*s = (struct sample){
		.block = (size_t)view_number(t->view, "block"),
		.order = b->arrived++,
		.in_force = t->mode == VERDICT_IN_FORCE,
		.trial = strdup(view_word(t->view, "trial", id, sizeof(id), "?")),
		.value = malloc(n_metrics * sizeof(double)),
	};
	if (!s->value || !s->trial) {
		free(s->value);
		free(s->trial);
		return -ENOMEM;
	}
	if (c->detail)
		s->started_s =
			clock_from_iso(view_word(t->view, "started", text, sizeof(text), ""));
	c->n_samples++;
	read_values(b, t, s->value);
	snprintf(text, sizeof(text), "%zu", s->block);
	json_object_set_new(b->blocks, text, json_true());
	return 0;
}

static void add_reasons(struct cell *c, const struct trial *t, const struct view *verdict)
{
	_json_ json_t *reasons = NULL;
	const json_t *one;
	char text[400];
	size_t i;

	if (!strcmp(t->status, "failed")) {
		count_reason(c, view_word(t->view, "error", text, sizeof(text),
					  "the trial failed without a word"));
		return;
	}
	if (t->objection) {
		snprintf(text, sizeof(text), "host_suspect: %.300s", t->objection);
		count_reason(c, text);
	}
	json_array_foreach (t->failed, i, one) {
		if (strcmp(jsonio_string(one, "result", ""), "fail"))
			continue;
		snprintf(text, sizeof(text), "%.40s: %.300s", jsonio_string(one, "id", "?"),
			 jsonio_string(one, "sentence", "a check failed"));
		count_reason(c, text);
	}
	if (t->mode == VERDICT_IN_FORCE)
		return;
	reasons = view_json(verdict, "reasons");
	json_array_foreach (reasons, i, one)
		count_reason(c, json_string_value(one) ?: "?");
}

/* A trial that was measured: valid, or not by a histogram that cannot be read. */
static int add_valid(struct builder *b, struct cell *c, const struct trial *t,
		     const struct view *verdict)
{
	struct diag why = {""};
	bool in_force = t->mode == VERDICT_IN_FORCE;
	int err = read_hists(b, c, t, &why);

	if (err == -EINVAL) {
		c->invalid++;
		count_reason(c, why.text);
		return 0;
	}
	if (!err)
		err = merge(b, in_force ? &c->in_force : &c->other);
	if (err)
		return err;
	c->verdicts[t->mode]++;
	if (t->mode == VERDICT_NOT_IN_FORCE)
		c->share = fmin(c->share, view_number(verdict, "share"));
	c->used += in_force;
	if (c->detail && in_force)
		err = detail_add(c->detail, t->view, c->kind->count);
	else if (c->detail)
		err = detail_add_knobs(c->detail, t->view);
	return err ? err : add_sample(b, c, t);
}

/* The rate that an open loop was given, where the plan knows only a share. */
static void note_rate(struct cell *c, const struct view *trial)
{
	struct view load;

	if (!isnan(c->rate) || !view_make(view_get(trial, "load"), &load))
		return;
	c->rate = view_number(&load, "rate_iops");
	if (isnan(c->rate))
		c->rate = view_number(&load, "rate_per_s");
}

static int add_trial(struct builder *b, struct cell *c, struct trial *t, struct diag *d)
{
	struct view verdict;
	char word[32];
	int err;

	c->trials++;
	c->retries += t->retry;
	note_rate(c, t->view);
	if (!view_make(view_get(t->view, "verdict"), &verdict))
		return diag_set(d, -EINVAL, "a record without a verdict");
	err = verdict_mode_parse(view_word(&verdict, "mode", word, sizeof(word), ""), &t->mode, d);
	if (!err)
		err = verdict_grade_parse(view_word(&verdict, "grade", word, sizeof(word), ""),
					  &c->grade, d);
	if (err)
		return err;
	add_reasons(c, t, &verdict);
	if (b->cells->ledger)
		ledger_add(b->cells->ledger, t->view, t->status, t->mode);
	if (!strcmp(t->status, "failed")) {
		c->verdicts[VERDICT_UNSUPPORTED] += t->mode == VERDICT_UNSUPPORTED;
		c->failed += t->mode != VERDICT_UNSUPPORTED;
		return 0;
	}
	if (b->two_workloads)
		instruments_note(&c->facts, t->view, t->failed);
	if (strcmp(t->status, "valid")) {
		c->invalid++;
		return 0;
	}
	err = add_valid(b, c, t, &verdict);
	return err ? diag_set(d, err, "out of memory") : 0;
}

static int visit(void *context, const struct view *view, struct diag *d)
{
	struct builder *b = context;
	char cell[320], status[16], word[24], id[80];
	const char *pass;
	const json_t *at =
		json_object_get(b->index, view_word(view, "cell", cell, sizeof(cell), ""));
	struct trial t = {.view = view};
	struct span checks = view_get(view, "checks");
	struct cell *c;
	size_t block;
	int err;

	if (b->options && b->options->progress && ++b->seen % 256 == 0)
		b->options->progress(b->options->context, b->seen);
	if (!at)
		return diag_set(d, -EINVAL, "trial %s: cell \"%s\" is not in run.json",
				view_word(view, "trial", id, sizeof(id), "?"), cell);
	c = &b->cells->cell[json_integer_value(at)];
	t.status = view_word(view, "status", status, sizeof(status), "");
	pass = view_word(view, "pass", word, sizeof(word), "measure");
	t.retry = !strcmp(pass, "retry");
	if (strcmp(pass, "measure") && !t.retry) {
		/* Calibration is no result; the spinner's pass gives one number of its own. */
		struct view metrics;

		if (!strcmp(pass, "cpu_left") && !strcmp(status, "valid") && c->kind->left &&
		    view_make(view_get(view, "metrics"), &metrics))
			c->cpu_left = view_number(&metrics, c->kind->left);
		return 0;
	}
	block = (size_t)view_number(view, "block");
	if (b->options && b->options->first_blocks &&
	    (t.retry || block >= b->options->first_blocks))
		return 0;
	t.objection = canary_objection(b->canary, b->cells->canary, block, t.retry);
	if (t.objection && !strcmp(t.status, "valid"))
		t.status = "invalid";
	if (view_number(view, "test_delay_ns") > (double)b->cells->test_delay_ns)
		b->cells->test_delay_ns = (long long)view_number(view, "test_delay_ns");
	if (span_has(checks, "\"fail\""))
		t.failed = span_json(checks);
	err = add_trial(b, c, &t, d);
	json_decref(t.failed);
	return err;
}

/* run.json comes before the trials, but the reader hands it over only at the end: it is small, so
 * the cells are read from it first. */
static int read_cells(const char *dir, struct builder *b, json_t **run, struct diag *d)
{
	_free_ char *path = NULL;
	const json_t *list, *spec;
	size_t i;
	int err;

	if (asprintf(&path, "%s/run.json", dir) < 0)
		return -ENOMEM;
	err = jsonio_read(path, run, d);
	if (!err)
		err = record_validate_run(*run, d);
	if (err)
		return err;
	list = json_object_get(*run, "cells");
	b->cells->cell = calloc(json_array_size(list) + 1, sizeof(struct cell));
	if (!b->cells->cell)
		return -ENOMEM;
	json_array_foreach (list, i, spec) {
		b->cells->cell[i] = (struct cell){.mode = jsonio_string(spec, "mode", "?"),
						  .kind = kind_of(json_object_get(spec, "load")),
						  .share = NAN,
						  .given_up = json_object_get(*run, "retries"),
						  .rate = NAN,
						  .cpu_left = NAN,
						  .reasons = json_object()};
		if (b->options && b->options->details) {
			b->cells->cell[i].detail = detail_new();
			if (!b->cells->cell[i].detail)
				return -ENOMEM;
		}
		json_object_set_new(b->index, jsonio_string(spec, "id", "?"),
				    json_integer((json_int_t)i));
		b->two_workloads |= strcmp(jsonio_string(spec, "workload", ""),
					   jsonio_string(json_array_get(list, 0), "workload", ""));
		b->cells->n++;
	}
	return 0;
}

static int by_block(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The samples of the first blocks: a look in the middle of a run knew no others. */
static json_t *canary_until(const json_t *canary, size_t blocks)
{
	json_t *part = json_deep_copy(canary), *samples = json_object_get(part, "samples"), *one;

	for (size_t i = json_array_size(samples); i-- > 0;) {
		one = json_array_get(samples, i);
		if (json_is_true(json_object_get(one, "retry")) ||
		    (size_t)json_integer_value(json_object_get(one, "block")) >= blocks)
			json_array_remove(samples, i);
	}
	return part;
}

static int read_all(const char *dir, struct builder *b, struct diag *d)
{
	_json_ json_t *early = NULL, *part = NULL;
	const json_t *list;
	int err = read_cells(dir, b, &early, d);

	if (!err) {
		b->canary = json_object_get(early, "canary");
		if (b->options && b->options->first_blocks)
			b->canary = part = canary_until(b->canary, b->options->first_blocks);
		b->cells->canary = canary_judge(b->canary);
		err = record_view_run(dir, visit, b, &b->cells->run, d);
	}
	if (err)
		return err;
	list = json_object_get(b->cells->run->run, "cells");
	b->cells->blocks = json_object_size(b->blocks);
	for (size_t i = 0; i < b->cells->n; i++) {
		struct cell *c = &b->cells->cell[i];

		c->spec = json_array_get(list, i);
		c->mode = jsonio_string(c->spec, "mode", "?");
		if (c->n_samples)
			qsort(c->sample, c->n_samples, sizeof(*c->sample), by_block);
	}
	return 0;
}

/* The digest of all records takes as long as reading them, and shares nothing with it. */
struct altered {
	const char *dir;
	struct diag why;
	enum sums_state state;
};

static void *check_trials(void *context)
{
	struct altered *a = context;

	a->state = sums_check(a->dir, "trials.jsonl", &a->why);
	return NULL;
}

/* A look in the middle of a run reads what is being written; 'check' has words of its own. */
static int read_sealed(const char *dir, struct builder *b, struct diag *d)
{
	struct altered a = {.dir = dir};
	pthread_t thread;
	bool beside;
	int err;

	if (b->options && b->options->first_blocks)
		return read_all(dir, b, d);
	if (sums_check(dir, "run.json", d) == SUMS_DIFFER)
		return -EBADMSG;
	beside = !pthread_create(&thread, NULL, check_trials, &a);
	err = read_all(dir, b, d);
	if (beside)
		pthread_join(thread, NULL);
	else
		check_trials(&a);
	if (a.state == SUMS_DIFFER)
		snprintf(b->cells->altered, sizeof(b->cells->altered), "%.310s", a.why.text);
	if (!err)
		sums_unverified(dir, b->cells->run->run, b->cells->unverified,
				sizeof(b->cells->unverified));
	return err;
}

int cells_read(const char *dir, const struct cells_options *options, struct cells **out,
	       struct diag *d)
{
	struct builder *b = calloc(1, sizeof(*b));
	struct cells *cells = calloc(1, sizeof(*cells));
	int err = -ENOMEM;

	if (b && cells) {
		b->cells = cells;
		b->options = options;
		b->index = json_object();
		b->blocks = json_object();
		hist_init(&b->latency.hist);
		hist_init(&b->service.hist);
		if (options && options->details)
			cells->ledger = ledger_new();
		err = read_sealed(dir, b, d);
		json_decref(b->index);
		json_decref(b->blocks);
	}
	free(b);
	if (err) {
		cells_free(cells);
		return err;
	}
	*out = cells;
	return 0;
}

void cells_free(struct cells *cells)
{
	if (!cells)
		return;
	for (size_t i = 0; i < cells->n; i++) {
		struct cell *c = &cells->cell[i];

		for (size_t s = 0; s < c->n_samples; s++) {
			free(c->sample[s].value);
			free(c->sample[s].trial);
		}
		free(c->sample);
		free(c->in_force);
		free(c->other);
		json_decref(c->reasons);
		json_decref(c->facts);
		detail_free(c->detail);
	}
	json_decref(cells->canary);
	json_decref(cells->ledger);
	free(cells->cell);
	record_free_run(cells->run);
	free(cells);
}
