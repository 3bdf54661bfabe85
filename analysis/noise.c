// SPDX-License-Identifier: Apache-2.0
#include "analysis/noise.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "analysis/cells.h"
#include "analysis/compare.h"
#include "analysis/kind.h"
#include "analysis/machine_key.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/metric.h"
#include "record/record.h"

/* What holds for a metric as long as its floor stands. */
static const char *const sources[] = {"made", "run", "blocks", "kernel", "configuration"};

size_t noise_metrics(const struct cells *cells, const char *name[static NOISE_METRICS])
{
	size_t n = 0;

	for (size_t i = 0; i < cells->n; i++) {
		const struct kind *k = cells->cell[i].kind;
		const char *const of[] = {k->rate, k->latency, k->tail, k->cpu};

		for (size_t m = 0; m < ARRAY_SIZE(of); m++) {
			bool known = false;

			for (size_t j = 0; j < n; j++)
				known |= !strcmp(name[j], of[m]);
			if (!known && n < NOISE_METRICS)
				name[n++] = of[m];
		}
	}
	return n;
}

/* Borrowed; NULL where it is not recorded. */
static json_t *kernel_of(const json_t *run)
{
	return json_object_get(json_object_get(jsonio_at(run, "machine.facts"), "kernel.release"),
			       "value");
}

static void add(json_t *counts, const char *key, double n)
{
	double before = json_number_value(json_object_get(counts, key));

	json_object_set_new(counts, key, json_real(before + n));
}

/* On what a metric was measured: the targets of the cells whose kind has it. New reference. */
static json_t *targets_of(const struct cells *cells, const char *metric)
{
	_json_ json_t *seen = json_object();
	json_t *out = json_array();

	for (size_t i = 0; i < cells->n; i++) {
		const struct cell *c = &cells->cell[i];
		const struct kind *k = c->kind;
		const char *const of[] = {k->rate, k->latency, k->tail, k->cpu};
		const char *target = jsonio_string(c->spec, "target", "?");
		bool has = false;

		for (size_t m = 0; m < ARRAY_SIZE(of); m++)
			has |= !strcmp(of[m], metric);
		if (!has || !c->used || json_object_get(seen, target))
			continue;
		json_object_set_new(seen, target, json_true());
		json_array_append_new(out, json_string(target));
	}
	return out;
}

static void add_series(json_t *noise, const json_t *one)
{
	const char *name = jsonio_string(one, "metric", "?"), *word;
	json_t *metrics = json_object_get(noise, "metrics"), *of = json_object_get(metrics, name);
	double low = jsonio_number(one, "low"), high = jsonio_number(one, "high"), reach;
	const struct metric *m = metric_find(name);
	bool wrong;

	if (strcmp(jsonio_string(one, "scale", ""), "ratio") || !(low > 0) || !(high > 0) || !m)
		return; /* too few blocks for an interval */
	if (!of) {
		of = json_pack("{s:f, s:f, s:f, s:f}", "series", 0.0, "false_positives", 0.0,
			       "floor", 0.0, "margin", m->margin_relative);
		json_object_set_new(metrics, name, of);
	}
	word = jsonio_string(one, "verdict", "");
	wrong = !strcmp(word, "better") || !strcmp(word, "worse");
	reach = fmax(fabs(log(low)), fabs(log(high)));
	add(of, "series", 1);
	add(of, "false_positives", wrong);
	add(noise, "series", 1);
	add(noise, "false_positives", wrong);
	if (expm1(reach) > jsonio_number(of, "floor"))
		json_object_set_new(of, "floor", json_real(expm1(reach)));
}

/* Each arm "again" against the one it repeats: the mode's own row is the baseline. */
static int add_mode(struct cells *cells, const char *mode, const char *const *metrics, size_t n,
		    json_t *noise, struct diag *d)
{
	struct compare_options o = {.baseline = mode, .metrics = metrics, .n_metrics = n};
	_json_ json_t *result = NULL;
	const json_t *group, *row, *one;
	size_t len = strlen(mode), i, k, c;
	int err = compare_cells(cells, &o, &result, d);

	if (err)
		return err;
	json_array_foreach (json_object_get(result, "groups"), i, group)
		json_array_foreach (json_object_get(group, "rows"), k, row) {
			const char *name = jsonio_string(row, "mode", "");

			if (strncmp(name, mode, len) || strcmp(name + len, NOISE_AGAIN))
				continue;
			json_array_foreach (json_object_get(row, "comparisons"), c, one)
				add_series(noise, one);
		}
	return 0;
}

int noise_measure(struct cells *cells, json_t **noise, struct diag *d)
{
	const json_t *run = cells->run->run;
	const char *metrics[NOISE_METRICS], *name;
	size_t n = noise_metrics(cells, metrics);
	_json_ json_t *done = json_object();
	_json_ json_t *key = machine_key(run);
	json_t *out = json_pack(
		"{s:O?, s:s, s:s, s:I, s:O?, s:O?, s:f, s:f, s:{}}", "identity",
		jsonio_at(run, "machine_key.identity"), "run", jsonio_string(run, "run", "?"),
		"made", jsonio_string(run, "started", "?"), "blocks", (json_int_t)cells->blocks,
		"kernel", kernel_of(run), "configuration", jsonio_at(key, "digest.configuration"),
		"series", 0.0, "false_positives", 0.0, "metrics");
	json_t *of;
	int err = 0;

	for (size_t i = 0; !err && i < cells->n; i++) {
		const char *mode = cells->cell[i].mode;

		if (strstr(mode, NOISE_AGAIN) || json_object_get(done, mode))
			continue;
		json_object_set_new(done, mode, json_true());
		err = add_mode(cells, mode, metrics, n, out, d);
	}
	if (!err && !(jsonio_number(out, "series") > 0))
		err = diag_set(
			d, -ENODATA,
			"no two arms have the 6 blocks that an interval needs: not an A/A run, or "
			"nothing in it was in force");
	json_object_foreach (json_object_get(out, "metrics"), name, of)
		json_object_set_new(of, "targets", targets_of(cells, name));
	if (err)
		json_decref(out);
	else
		*noise = out;
	return err;
}

void noise_keep(json_t *noise, const json_t *before)
{
	json_t *metrics = json_object_get(noise, "metrics"), *of;
	const char *name;

	json_object_foreach (metrics, name, of)
		for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
			json_object_set(of, sources[i], json_object_get(noise, sources[i]));
	if (!json_equal(json_object_get(noise, "identity"), json_object_get(before, "identity")))
		return;
	json_object_foreach (json_object_get(before, "metrics"), name, of)
		if (!json_object_get(metrics, name))
			json_object_set(metrics, name, of);
}

int noise_of_run(const char *dir, json_t **noise, struct diag *d)
{
	struct cells *cells = NULL;
	int err = cells_read(dir, NULL, &cells, d);

	if (!err)
		err = noise_measure(cells, noise, d);
	cells_free(cells);
	return err;
}

double noise_floor(const json_t *run, const char *metric)
{
	const json_t *floors = jsonio_at(run, "noise_floor.metrics");
	double floor = jsonio_number(json_object_get(floors, metric), "floor");

	if (json_is_true(jsonio_at(run, "command.aa")) || !(floor > 0) || !isfinite(floor))
		return 0;
	return floor;
}
