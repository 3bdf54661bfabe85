// SPDX-License-Identifier: Apache-2.0
#include "analysis/across.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare.h"
#include "analysis/compare_groups.h"
#include "analysis/kind.h"
#include "analysis/machine_key.h"
#include "analysis/noise.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/metric.h"
#include "record/record.h"

struct match {
	struct judgement judgement;
	const struct cell *first, *second;
	size_t n, m;
	bool declared;
};

struct matches {
	struct match *item;
	size_t n;
	json_t *unmatched;
};

/* Same work, same mode. */
static char *cell_key(const struct cell *c)
{
	_free_ char *group = group_key(c, NULL);
	char *key = NULL;

	if (group && asprintf(&key, "%s|%s", c->mode, group) < 0)
		key = NULL;
	return key;
}

static void title_of(const struct cell *c, char *out, size_t size)
{
	char load[160];

	snprintf(out, size, "%s, %s: %s", jsonio_string(c->spec, "target", "?"),
		 jsonio_string(c->spec, "workload", "?"),
		 kind_load_text(json_object_get(c->spec, "load"), c->rate, load, sizeof(load)));
}

static void unmatched(struct matches *m, const struct cell *c, const char *reason)
{
	char title[300];

	title_of(c, title, sizeof(title));
	json_array_append_new(m->unmatched, json_pack("{s:s, s:s, s:s}", "title", title, "mode",
						      c->mode, "reason", reason));
}

static int add_match(struct matches *m, const struct cell *a, const struct cell *b,
		     const char *name, bool declared, double floor)
{
	struct match *grown = reallocarray(m->item, m->n + 1, sizeof(*grown));
	_free_ double *x = calloc(a->n_samples + 1, sizeof(double));
	_free_ double *y = calloc(b->n_samples + 1, sizeof(double));
	struct match *one;

	if (grown)
		m->item = grown;
	if (!grown || !x || !y)
		return -ENOMEM;
	one = &m->item[m->n];
	*one = (struct match){.first = a, .second = b, .declared = declared};
	one->n = group_collect(a, group_metric(name), NULL, x);
	one->m = group_collect(b, group_metric(name), NULL, y);
	if (!one->n && !one->m)
		return 0;
	judge_unpaired(&one->judgement, metric_find(name), x, one->n, y, one->m);
	judge_raise_margin(&one->judgement, floor);
	m->n++;
	return 0;
}

/* The larger of the two machines' floors. */
static double floor_of(const struct cells *const runs[static 2], const char *metric)
{
	return fmax(noise_floor(runs[0]->run->run, metric), noise_floor(runs[1]->run->run, metric));
}

static int match_pair(struct matches *m, const struct cells *const runs[static 2],
		      const struct cell *a, const struct cell *b, const struct compare_options *o)
{
	bool open = kind_open_loop(json_object_get(a->spec, "load"));
	const char *one = open ? a->kind->latency : a->kind->rate;
	int err = 0;

	for (size_t i = 0; !err && i < o->n_metrics; i++)
		err = add_match(m, a, b, o->metrics[i], false, floor_of(runs, o->metrics[i]));
	if (!o->n_metrics)
		err = add_match(m, a, b, one, true, floor_of(runs, one));
	return err;
}

static int match_runs(const struct cells *first, const struct cells *second,
		      const struct compare_options *o, struct matches *m)
{
	_json_ json_t *index = json_object();
	const struct cells *const runs[2] = {first, second};
	int err = 0;

	for (size_t i = 0; i < second->n; i++) {
		_free_ char *key = cell_key(&second->cell[i]);

		if (key)
			json_object_set_new(index, key, json_integer((json_int_t)i));
	}
	for (size_t i = 0; !err && i < first->n; i++) {
		const struct cell *a = &first->cell[i], *b;
		_free_ char *key = cell_key(a);
		const json_t *at = key ? json_object_get(index, key) : NULL;

		if (!at) {
			if (a->used)
				unmatched(m, a, "the other run has no such cell");
			continue;
		}
		b = &second->cell[json_integer_value(at)];
		if (a->used && b->used && fabs(a->rate - b->rate) > 0.01 * a->rate)
			/* a share of the best rate is another rate after another calibration */
			unmatched(m, a,
				  "the open loops ran at different rates; a fixed rate in the "
				  "experiment would compare");
		else if (a->used && b->used)
			err = match_pair(m, runs, a, b, o);
		else if (a->used || b->used)
			unmatched(m, a,
				  a->used ? "not measured in force in the other run"
					  : "not measured in force in the first run");
	}
	return err;
}

static void judge_matches(struct matches *m, bool declared)
{
	_free_ struct judgement **family = calloc(m->n + 1, sizeof(*family));
	size_t n = 0;

	if (!family)
		abort();
	for (size_t i = 0; i < m->n; i++)
		if (m->item[i].declared == declared)
			family[n++] = &m->item[i].judgement;
	judge_family(family, n);
}

static json_t *rows_json(const struct matches *m, size_t words[static 4])
{
	json_t *rows = json_array();
	char title[300];

	for (size_t i = 0; i < m->n; i++) {
		const struct match *one = &m->item[i];

		words[one->judgement.word]++;
		title_of(one->first, title, sizeof(title));
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:o}",
						      "title", title, "mode", one->first->mode,
						      "kind", one->first->kind->name, "cell",
						      jsonio_string(one->first->spec, "id", "?"),
						      "n_first", (json_int_t)one->n, "n_second",
						      (json_int_t)one->m, "comparison",
						      judge_json(&one->judgement, one->declared)));
	}
	return rows;
}

static int one_against(struct cells *const *cells, size_t number, const struct compare_options *o,
		       json_t *result, size_t words[static 4])
{
	_json_ json_t *first = machine_key(cells[0]->run->run);
	_json_ json_t *second = machine_key(cells[number]->run->run);
	struct matches m = {.unmatched = json_array()};
	int err = match_runs(cells[0], cells[number], o, &m);

	if (!err) {
		judge_matches(&m, true);
		judge_matches(&m, false);
		json_array_append_new(json_object_get(result, "against"),
				      json_pack("{s:I, s:b, s:s, s:o, s:o, s:O}", "run",
						(json_int_t)number, "between_machines",
						machine_key_same(first, second) == MACHINE_OTHER,
						"relation", machine_key_relation(first, second),
						"environment",
						machine_key_difference(first, second), "rows",
						rows_json(&m, words), "unmatched", m.unmatched));
	}
	json_decref(m.unmatched);
	free(m.item);
	return err;
}

int across_cells(struct cells *const *cells, const char *const *dirs, size_t n,
		 const struct compare_options *o, json_t **result, struct diag *d)
{
	json_t *out = json_pack("{s:[], s:[]}", "runs", "against");
	size_t words[4] = {0};
	int err = compare_check_metrics(o, d);

	for (size_t i = 0; !err && i < n; i++) {
		const json_t *run = cells[i]->run->run;
		_json_ json_t *key = machine_key(run);

		json_array_append_new(
			json_object_get(out, "runs"),
			json_pack("{s:s, s:s?, s:s?, s:s, s:s, s:I, s:I, s:I, s:b, s:O, s:o}",
				  "run", jsonio_string(run, "run", "?"), "altered",
				  *cells[i]->altered ? cells[i]->altered : NULL, "unverified",
				  *cells[i]->unverified ? cells[i]->unverified : NULL, "dir",
				  dirs[i], "started", jsonio_string(run, "started", "?"), "trials",
				  (json_int_t)cells[i]->run->n_trials, "test_delay_ns",
				  (json_int_t)cells[i]->test_delay_ns, "left_out",
				  (json_int_t)cells[i]->run->n_notes, "dirty",
				  json_is_true(jsonio_at(run, "build.dirty")), "key",
				  json_object_get(key, "digest"), "noise_floor",
				  noise_note(cells[i])));
	}
	for (size_t i = 1; !err && i < n; i++)
		err = one_against(cells, i, o, out, words);
	if (err) {
		json_decref(out);
		return err;
	}
	json_object_set_new(out, "rows_measured",
			    json_integer((json_int_t)(words[0] + words[1] + words[2] + words[3])));
	json_object_set_new(out, "words",
			    json_pack("{s:I, s:I, s:I, s:I}", "better",
				      (json_int_t)words[JUDGE_BETTER], "worse",
				      (json_int_t)words[JUDGE_WORSE], "equivalent",
				      (json_int_t)words[JUDGE_EQUIVALENT], "inconclusive",
				      (json_int_t)words[JUDGE_INCONCLUSIVE]));
	*result = out;
	return 0;
}

int across_runs(const char *const *dirs, size_t n, const struct compare_options *o, json_t **result,
		struct diag *d)
{
	struct cells **cells = calloc(n, sizeof(struct cells *));
	int err = cells ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++) {
		err = cells_read(dirs[i], NULL, &cells[i], d);
		for (size_t k = 0; !err && k < i; k++)
			if (!strcmp(jsonio_string(cells[i]->run->run, "run", "?"),
				    jsonio_string(cells[k]->run->run, "run", "!")) &&
			    !strcmp(dirs[i], dirs[k]))
				err = diag_set(d, -EINVAL, "%s is given twice", dirs[i]);
	}
	if (!err)
		err = across_cells(cells, dirs, n, o, result, d);
	for (size_t i = 0; cells && i < n; i++)
		cells_free(cells[i]);
	free(cells);
	return err;
}
