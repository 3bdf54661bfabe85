// SPDX-License-Identifier: Apache-2.0
#include "analysis/cells.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/canary.h"
#include "analysis/check.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/metric.h"
#include "record/record.h"

struct builder {
	struct cells *cells;
	json_t *index;	/* cell id -> number */
	json_t *blocks; /* set */
	json_t *run;	/* run.json; the reader hands its own over only at the end */
	json_t *judged; /* the canary */
	size_t arrived;
	struct hist scratch[2];
};

static void count_reason(struct cell *c, const char *sentence)
{
	json_t *seen = json_object_get(c->reasons, sentence);

	json_object_set_new(c->reasons, sentence, json_integer(json_integer_value(seen) + 1));
}

/* A metric that a failed check spoils is not measured; nor is a tail that the trial's own samples
 * cannot support. */
static double usable_value(const json_t *trial, const struct metric *m, double samples)
{
	double value = jsonio_number(json_object_get(trial, "metrics"), m->name);

	if (isnan(value) ||
	    (m->quantile > 0 && !isnan(samples) && !hist_supports((uint64_t)samples, m->quantile)))
		return NAN;
	return check_spoiled(json_object_get(trial, "checks"), m->name) ? NAN : value;
}

/* Both histograms are read before either is merged: a trial counts whole or not at all. */
static int merge(struct builder *b, struct cell_hists **into, const json_t *trial, struct diag *d)
{
	static const char *const names[] = {"latency", "service"};
	static const char *const spoilt_as[] = {"latency_p50_ns", "service_p50_ns"};
	const json_t *checks = json_object_get(trial, "checks");
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const json_t *j = json_object_get(trial, names[i]);

		hist_init(&b->scratch[i]);
		if (!json_is_object(j) || check_spoiled(checks, spoilt_as[i]))
			continue;
		err = hist_from_json(j, &b->scratch[i], d);
		if (err)
			return diag_prefix(d, err, "%s", names[i]);
	}
	if (!*into) {
		*into = malloc(sizeof(**into));
		if (!*into)
			return -ENOMEM;
		hist_init(&(*into)->latency);
		hist_init(&(*into)->service);
	}
	hist_merge(&(*into)->latency, &b->scratch[0]);
	hist_merge(&(*into)->service, &b->scratch[1]);
	return 0;
}

static int add_sample(struct builder *b, struct cell *c, const json_t *trial, bool in_force,
		      struct diag *d)
{
	double latencies = jsonio_number(trial, "latency.count");
	double services = jsonio_number(trial, "service.count");
	const struct metric *all;
	struct sample *s;
	size_t n_metrics;
	char key[24];

	all = metric_all(&n_metrics);
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
		.block = (size_t)json_integer_value(json_object_get(trial, "block")),
		.order = b->arrived++,
		.in_force = in_force,
		.value = calloc(n_metrics, sizeof(double)),
	};
	if (!s->value)
		return -ENOMEM;
	c->n_samples++;
	for (size_t m = 0; m < n_metrics; m++)
		s->value[m] = usable_value(
			trial, &all[m], strncmp(all[m].name, "service", 7) ? latencies : services);
	snprintf(key, sizeof(key), "%zu", s->block);
	json_object_set_new(b->blocks, key, json_true());
	return 0;
}

static void add_reasons(struct cell *c, const json_t *trial, const char *status,
			enum verdict_mode mode)
{
	const json_t *one;
	size_t i;

	if (!strcmp(status, "failed")) {
		count_reason(c, jsonio_string(trial, "error", "the trial failed without a word"));
		return;
	}
	json_array_foreach (json_object_get(trial, "checks"), i, one)
		if (!strcmp(jsonio_string(one, "result", ""), "fail"))
			count_reason(c, jsonio_string(one, "sentence", "a check failed"));
	if (mode == VERDICT_IN_FORCE)
		return;
	json_array_foreach (jsonio_at(trial, "verdict.reasons"), i, one)
		count_reason(c, json_string_value(one) ?: "?");
}

static int visit(void *context, json_t *trial, struct diag *d)
{
	struct builder *b = context;
	const json_t *at = json_object_get(b->index, jsonio_string(trial, "cell", ""));
	const char *status = jsonio_string(trial, "status", "");
	const char *pass = jsonio_string(trial, "pass", "measure"), *objection;
	bool retry = !strcmp(pass, "retry");
	struct diag why = {""};
	enum verdict_mode mode;
	struct cell *c;
	double share;
	int err;

	if (!at)
		return diag_set(d, -EINVAL, "trial %s: cell \"%s\" is not in run.json",
				jsonio_string(trial, "trial", "?"),
				jsonio_string(trial, "cell", ""));
	c = &b->cells->cell[json_integer_value(at)];
	if (strcmp(pass, "measure") && !retry) {
		/* Calibration is no result; the spinner's pass gives one number of its own. */
		if (!strcmp(status, "valid"))
			c->cpu_left = jsonio_number(trial, "metrics.cpu_left_per_io");
		return 0;
	}
	c->trials++;
	c->retries += retry;
	if (isnan(c->rate_iops))
		c->rate_iops = jsonio_number(trial, "load.rate_iops");
	err = verdict_mode_parse(jsonio_string(trial, "verdict.mode", ""), &mode, d);
	if (!err)
		err = verdict_grade_parse(jsonio_string(trial, "verdict.grade", ""), &c->grade, d);
	if (err)
		return err;
	add_reasons(c, trial, status, mode);
	if (!strcmp(status, "failed")) {
		c->verdicts[VERDICT_UNSUPPORTED] += mode == VERDICT_UNSUPPORTED;
		c->failed += mode != VERDICT_UNSUPPORTED;
		return 0;
	}
	if (strcmp(status, "valid")) {
		c->invalid++;
		return 0;
	}
	objection = canary_objection(json_object_get(b->run, "canary"), b->judged,
				     (size_t)json_integer_value(json_object_get(trial, "block")),
				     retry);
	if (objection) {
		c->invalid++;
		snprintf(why.text, sizeof(why.text), "host_suspect: %.200s", objection);
		count_reason(c, why.text);
		return 0;
	}
	err = merge(b, mode == VERDICT_IN_FORCE ? &c->in_force : &c->other, trial, &why);
	if (err == -EINVAL) {
		c->invalid++;
		count_reason(c, why.text);
		return 0;
	}
	if (err)
		return diag_set(d, err, "out of memory");
	c->verdicts[mode]++;
	share = jsonio_number(trial, "verdict.share");
	if (mode == VERDICT_NOT_IN_FORCE)
		c->share = fmin(c->share, share);
	c->used += mode == VERDICT_IN_FORCE;
	return add_sample(b, c, trial, mode == VERDICT_IN_FORCE, d);
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
						  .share = NAN,
						  .given_up = json_object_get(*run, "retries"),
						  .rate_iops = NAN,
						  .cpu_left = NAN,
						  .reasons = json_object()};
		json_object_set_new(b->index, jsonio_string(spec, "id", "?"),
				    json_integer((json_int_t)i));
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

int cells_read(const char *dir, struct cells **out, struct diag *d)
{
	struct builder b = {.cells = calloc(1, sizeof(struct cells)),
			    .index = json_object(),
			    .blocks = json_object()};
	int err = b.cells ? read_cells(dir, &b, &b.run, d) : -ENOMEM;

	if (!err)
		b.judged = canary_judge(json_object_get(b.run, "canary"));
	if (!err)
		err = record_read_run(dir, visit, &b, &b.cells->run, d);
	json_decref(b.index);
	if (!err) {
		const json_t *list = json_object_get(b.cells->run->run, "cells");

		b.cells->blocks = json_object_size(b.blocks);
		for (size_t i = 0; i < b.cells->n; i++) {
			struct cell *c = &b.cells->cell[i];

			c->spec = json_array_get(list, i);
			c->mode = jsonio_string(c->spec, "mode", "?");
			if (c->n_samples)
				qsort(c->sample, c->n_samples, sizeof(*c->sample), by_block);
		}
	}
	json_decref(b.blocks);
	json_decref(b.judged);
	json_decref(b.run);
	if (err) {
		cells_free(b.cells);
		return err;
	}
	*out = b.cells;
	return 0;
}

void cells_free(struct cells *cells)
{
	if (!cells)
		return;
	for (size_t i = 0; i < cells->n; i++) {
		struct cell *c = &cells->cell[i];

		for (size_t s = 0; s < c->n_samples; s++)
			free(c->sample[s].value);
		free(c->sample);
		free(c->in_force);
		free(c->other);
		json_decref(c->reasons);
	}
	free(cells->cell);
	record_free_run(cells->run);
	free(cells);
}
