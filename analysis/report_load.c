// SPDX-License-Identifier: Apache-2.0
/* Figures over an axis of load: depth, rate, size, flows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_groups.h"
#include "analysis/kind.h"
#include "analysis/report_parts.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/metric.h"

static double value_of(const json_t *row, const char *metric, const char *what)
{
	return jsonio_number(json_object_get(json_object_get(row, "metrics"), metric), what);
}

/* What the band is the interval of: the median over blocks, of a percentile, too. */
static double median_of(const json_t *row, const char *metric)
{
	double median = value_of(row, metric, "block_median");

	return isnan(median) ? value_of(row, metric, "value") : median;
}

static bool is_measured(const json_t *row)
{
	return !strcmp(jsonio_string(row, "state", ""), "measured");
}

/* One curve a mode over the levels of an axis, with the band of its interval; from the levels of a
 * family of groups. */
struct curve {
	const json_t *group[64];
	double at[64];
	size_t n;
};

static int by_index(const void *a, const void *b, void *context)
{
	const double *at = context;
	double x = at[*(const size_t *)a], y = at[*(const size_t *)b];

	return (x > y) - (x < y);
}

static size_t curve_modes(const struct curve *c, const char *metric, const char **mode, size_t most)
{
	size_t n = 0, i;
	const json_t *row;

	for (size_t g = 0; g < c->n; g++)
		json_array_foreach (json_object_get(c->group[g], "rows"), i, row) {
			const char *name = jsonio_string(row, "mode", "?");
			bool known = !is_measured(row) || isnan(median_of(row, metric));

			for (size_t k = 0; !known && k < n; k++)
				known = !strcmp(mode[k], name);
			if (!known && n < most)
				mode[n++] = name;
		}
	return n;
}

static const json_t *row_of(const json_t *group, const char *mode)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row)
		if (is_measured(row) && !strcmp(jsonio_string(row, "mode", ""), mode))
			return row;
	return NULL;
}

/* x: the level of load, y: a latency (streams: their throughput). */
static int draw_load(const struct report_run *r, struct figures *f, const struct curve *c,
		     size_t number, const struct kind *kind, const struct kind_axis *axis,
		     const char *metric, struct diag *d)
{
	const char *mode[32];
	double least = INFINITY, most = 0;
	size_t order[64], n = curve_modes(c, metric, mode, ARRAY_SIZE(mode));
	const struct metric *m = metric_find(metric);
	bool time = !strncmp(m->unit, "ns", 2);
	char name[48], title[200], alt[400];
	int err;

	if (!n || c->n < 2)
		return 0;
	for (size_t i = 0; i < c->n; i++)
		order[i] = i;
	qsort_r(order, c->n, sizeof(*order), by_index, (void *)c->at);
	snprintf(name, sizeof(name), "load%zu-%s", number, m->label);
	for (char *p = name; *p; p++)
		*p = strchr(". /", *p) ? '-' : *p;
	snprintf(title, sizeof(title), "%s over %s%s", m->label, axis->label,
		 json_is_true(json_object_get(c->group[0], "open_loop")) ? ", open loop" : "");
	snprintf(alt, sizeof(alt),
		 "%.60s: %s of %zu modes at %zu levels of %s, medians over blocks with bands of "
		 "their 95 %% intervals. The tables hold the percentiles of all blocks together.",
		 jsonio_string(c->group[0], "target", "?"), m->label, n, c->n, axis->label);
	err = report_begin_figure(f, r, name, title, alt, d);
	if (err)
		return err;
	fprintf(f->data, "# %s\t%s\t%s\tlow\thigh\tmode\tcell; an index a mode\n", axis->key,
		kind->rate, metric);
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < c->n; i++) {
			const json_t *row = row_of(c->group[order[i]], mode[k]);
			double y = median_of(row, metric);
			double low = value_of(row, metric, "low");
			double high = value_of(row, metric, "high");

			if (!row || isnan(y) || isnan(value_of(row, kind->rate, "value")))
				continue;
			fprintf(f->data, "%.15g\t%.15g\t%.15g\t%.15g\t%.15g\t", c->at[order[i]],
				value_of(row, kind->rate, "value"), y, isnan(low) ? y : low,
				isnan(high) ? y : high);
			figure_field(f->data, mode[k]);
			fputc('\t', f->data);
			figure_field(f->data, jsonio_string(row, "cell", "?"));
			fputc('\n', f->data);
			least = fmin(least, isnan(low) ? y : low);
			most = fmax(most, isnan(high) ? y : high);
		}
		fputs("\n\n", f->data);
	}
	fprintf(f->script,
		"scale = %s\nset xlabel '%s%s%s'\nset ylabel '%s%s'\nset format x "
		"'%%.0s%%c'\n%sset logscale "
		"x 2\nset logscale y %d\nset style fill transparent solid 0.15 noborder\nplot ",
		time ? "1e3" : "1.0", axis->label, *axis->unit ? ", " : "", axis->unit, m->label,
		time ? " (us)" : "", time ? "" : "set format y '%.0s%c'\n",
		most < 60 * least ? 2 : 10);
	for (size_t k = 0; k < n; k++)
		fprintf(f->script,
			"'%s.tsv' index %zu using 1:($4/scale):($5/scale) with filledcurves lc rgb "
			"'%s' "
			"notitle, ",
			report_figure_file(f), k,
			report_mode_colour(report_mode_index(r, mode[k])));
	for (size_t k = 0; k < n; k++) {
		fprintf(f->script, "'%s.tsv' index %zu using 1:($3/scale) with linespoints ",
			report_figure_file(f), k);
		report_line_style(f->script, report_mode_index(r, mode[k]));
		fputs(" title ", f->script);
		figure_quote(f->script, mode[k]);
		fputs(k + 1 < n ? ", " : "\n", f->script);
	}
	err = figure_end(f, d);
	return err < 0 ? err : 0;
}

/* The level of a group on an axis; a share of the best rate is the rate it came to. */
static double axis_at(const json_t *group, const struct kind_axis *axis)
{
	return kind_axis_level(axis, json_object_get(group, "load"), jsonio_number(group, "rate"));
}

/* The groups that differ from the i-th in this axis only, itself the first of them. */
static void find_curve(const struct report_run *r, size_t from, const struct kind_axis *axis,
		       json_t *done, struct curve *curve)
{
	const json_t *groups = json_object_get(r->result, "groups");
	_free_ char *mine = NULL;
	_free_ char *seen = NULL;

	curve->n = 0;
	for (size_t i = from; i < json_array_size(groups); i++) {
		const json_t *g = json_array_get(groups, i);
		const struct cell *c =
			report_cell(r, json_array_get(json_object_get(g, "rows"), 0));
		_free_ char *key = c ? group_key(c, axis->key) : NULL;
		double at = axis_at(g, axis);

		if (!key || (mine && strcmp(key, mine)) || curve->n == ARRAY_SIZE(curve->at))
			continue;
		if (!mine) {
			mine = strdup(key);
			if (!mine || asprintf(&seen, "%s|%s", axis->key, key) < 0 ||
			    json_object_get(done, seen))
				return;
			json_object_set_new(done, seen, json_true());
		}
		if (!(at > 0))
			continue;
		curve->at[curve->n] = at;
		curve->group[curve->n++] = g;
	}
}

int report_draw_loads(const struct report_run *r, struct figures *f, struct diag *d)
{
	const json_t *g;
	_json_ json_t *done = json_object();
	size_t i, number = 0;
	int err = 0;

	json_array_foreach (json_object_get(r->result, "groups"), i, g) {
		const struct kind *kind = kind_find(jsonio_string(g, "kind", "block"));

		for (const struct kind_axis *axis = kind->axis; !err && axis->key; axis++) {
			struct curve curve = {.n = 0};

			if (axis->label)
				find_curve(r, i, axis, done, &curve);
			if (curve.n < 2)
				continue;
			err = draw_load(r, f, &curve, number, kind, axis, kind->latency, d);
			if (!err && strcmp(kind->tail, kind->latency))
				err = draw_load(r, f, &curve, number, kind, axis, kind->tail, d);
			number++;
		}
		if (err)
			return err;
	}
	return err;
}
