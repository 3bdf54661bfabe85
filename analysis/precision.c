// SPDX-License-Identifier: Apache-2.0
#include "analysis/precision.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/cells.h"
#include "analysis/compare_groups.h"
#include "analysis/judge.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/metric.h"
#include "record/record.h"

size_t precision_looks(size_t fewest, size_t most, size_t look[static PRECISION_LOOKS])
{
	static const size_t between[] = {10, 15, 20, 30};
	size_t n = 0;

	look[n++] = fewest;
	for (size_t i = 0; i < ARRAY_SIZE(between); i++)
		if (between[i] > fewest && between[i] < most)
			look[n++] = between[i];
	if (most > fewest)
		look[n++] = most;
	return n;
}

void precision_of_judgement(struct precision_series *s, const struct judgement *j, double asked)
{
	double half = (j->i95.high - j->i95.low) / 2, margin = j->equivalence;

	s->metric = j->metric->name;
	s->n = j->n;
	s->ratio = j->ratio;
	s->half_width = j->i95.level > 0 ? half : NAN;
	s->target = asked > 0 && !j->ratio ? asked * fabs(j->baseline) : margin;
	if (j->ratio) {
		s->half_width = expm1(s->half_width);
		s->target = asked > 0 ? asked : expm1(margin);
	}
}

void precision_of_values(struct precision_series *s, const char *metric, const double *value,
			 size_t n, double asked)
{
	const struct metric *m = metric_find(metric);
	_free_ double *sorted = stats_array(n);
	struct stats_interval i;
	double middle, relative;

	memcpy(sorted, value, n * sizeof(*sorted));
	stats_sort(sorted, n);
	i = stats_order_interval(sorted, n, 0.5, 0.95);
	middle = stats_quantile(sorted, n, 0.5);
	relative = fmax(m->margin_relative, m->margin_absolute / fabs(middle));
	*s = (struct precision_series){
		.cell = s->cell,
		.metric = m->name,
		.n = n,
		.ratio = middle > 0,
		.half_width = i.level > 0 ? (i.high - i.low) / 2 : NAN,
		.target = asked > 0 ? asked : relative,
	};
	if (s->ratio)
		s->half_width /= middle;
	else
		s->target = m->margin_absolute;
}

static bool is_within(const struct precision_series *s)
{
	return s->half_width <= s->target; /* false for NAN */
}

/* How many times too wide; what has no interval is the widest there can be. */
static double excess(const struct precision_series *s)
{
	return isnan(s->half_width) ? INFINITY
	       : s->target > 0	    ? s->half_width / s->target
	       : s->half_width > 0  ? INFINITY
				    : 0;
}

size_t precision_forecast(const struct precision_series *s, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++) {
		double times = excess(&s[i]);

		if (isinf(times))
			return 0;
		most = fmax(most, (double)s[i].n * fmax(1, times * times));
	}
	return most < 1e6 ? (size_t)ceil(most - 1e-9) : 0;
}

static const char *width_text(const struct precision_series *s, double width, char *out,
			      size_t size)
{
	if (s->ratio)
		snprintf(out, size, "%.3g %%", width * 100);
	else
		snprintf(out, size, "%.3g %s", width, metric_find(s->metric)->unit);
	return out;
}

static json_t *widest_json(const struct precision_series *s)
{
	return json_pack("{s:s, s:s, s:I, s:s, s:o, s:o}", "cell", s->cell, "metric", s->metric,
			 "n", (json_int_t)s->n, "scale", s->ratio ? "ratio" : "difference",
			 "half_width", number_or_null(s->half_width), "target",
			 number_or_null(s->target));
}

/* A width that nobody asked for is the margin that decides; it is not said to have been asked. */
static void say(const struct precision_series *worst, size_t within, size_t n, size_t forecast,
		bool is_asked, char *out, size_t size)
{
	char has[48], asked[48];
	int len;

	if (!worst) {
		snprintf(out, size, "no declared metric was measured in force beside the baseline");
		return;
	}
	width_text(worst, worst->half_width, has, sizeof(has));
	width_text(worst, worst->target, asked, sizeof(asked));
	len = snprintf(out, size,
		       "%zu of %zu intervals are as narrow as %s; the widest, %s of %.200s, ",
		       within, n, is_asked ? "asked" : "the margin that decides",
		       metric_find(worst->metric)->label, worst->cell);
	if (isnan(worst->half_width))
		snprintf(out + len, size - (size_t)len, "has %zu block%s, too few for an interval",
			 worst->n, worst->n == 1 ? "" : "s");
	else if (!is_asked)
		snprintf(out + len, size - (size_t)len, "is ±%s with a margin of ±%s", has, asked);
	else if (within == n)
		snprintf(out + len, size - (size_t)len, "is ±%s of ±%s", has, asked);
	else
		snprintf(out + len, size - (size_t)len, "is ±%s where ±%s is asked%s", has, asked,
			 forecast ? "" : ", and no number of blocks can be forecast");
}

json_t *precision_json(const struct precision_series *s, size_t n, size_t blocks, bool is_asked)
{
	const struct precision_series *worst = NULL;
	size_t within = 0, forecast = precision_forecast(s, n);
	char sentence[480];
	json_t *j;

	for (size_t i = 0; i < n; i++) {
		within += is_within(&s[i]);
		if (!worst || excess(&s[i]) > excess(worst))
			worst = &s[i];
	}
	say(worst, within, n, forecast, is_asked, sentence, sizeof(sentence));
	j = json_pack("{s:I, s:I, s:I, s:b, s:s}", "blocks", (json_int_t)blocks, "series",
		      (json_int_t)n, "within", (json_int_t)within, "met", n && within == n,
		      "sentence", sentence);
	if (forecast)
		json_object_set_new(j, "forecast", json_integer((json_int_t)forecast));
	if (worst)
		json_object_set_new(j, "widest", widest_json(worst));
	return j;
}

static double asked_of(const json_t *run)
{
	double asked = jsonio_number(run, "precision.asked");

	return asked > 0 ? asked : 0;
}

/* With a width of its own, or by the choice of when to end. */
static bool is_asked(const json_t *run)
{
	return asked_of(run) > 0 || json_array_size(jsonio_at(run, "precision.at")) > 1;
}

/* A load without baseline: its rows by themselves. */
static size_t add_alone(const struct comparison *cmp, const struct group *g,
			struct precision_series *s)
{
	const json_t *run = cmp->cells->run->run;
	struct compare_options declared = {0};
	const char *names[COMPARE_METRICS];
	bool is_declared[COMPARE_METRICS];
	size_t n_names = group_judged(cmp, g, &declared, names, is_declared), n = 0;

	for (size_t r = 0; r < g->n; r++) {
		const struct cell *c = &cmp->cells->cell[g->cell[r]];
		_free_ double *value = stats_array(c->n_samples);

		for (size_t i = 0; c->used && i < n_names; i++) {
			size_t have = group_collect(c, group_metric(names[i]), NULL, value);

			if (!have)
				continue;
			s[n].cell = jsonio_string(c->spec, "id", "?");
			precision_of_values(&s[n++], names[i], value, have, asked_of(run));
		}
	}
	return n;
}

json_t *precision_of(const struct comparison *cmp)
{
	size_t n = 0, room = cmp->n_pairs + cmp->cells->n * COMPARE_METRICS;
	_free_ struct precision_series *s = calloc(room + 1, sizeof(*s));
	double asked = asked_of(cmp->cells->run->run);

	if (!s)
		abort();
	for (size_t i = 0; i < cmp->n_pairs; i++) {
		const struct pair *p = &cmp->pair[i];
		const struct cell *c = &cmp->cells->cell[p->group->cell[p->row]];

		if (!p->declared)
			continue;
		s[n].cell = jsonio_string(c->spec, "id", "?");
		precision_of_judgement(&s[n++], &p->judgement, asked);
	}
	for (size_t i = 0; i < cmp->n_groups; i++)
		if (!cmp->group[i].baseline || !cmp->group[i].baseline->used)
			n += add_alone(cmp, &cmp->group[i], s + n);
	return precision_json(s, n, cmp->cells->blocks, is_asked(cmp->cells->run->run));
}

int precision_look(const char *dir, size_t blocks, json_t **look, struct diag *d)
{
	struct cells_options first = {.first_blocks = blocks};
	struct compare_options none = {0};
	struct comparison cmp = {0};
	struct cells *cells = NULL;
	int err = cells_read(dir, &first, &cells, d);

	if (!err)
		err = comparison_make(cells, &none, &cmp, d);
	if (!err) {
		*look = precision_of(&cmp);
		json_object_set_new(*look, "blocks", json_integer((json_int_t)blocks));
	}
	comparison_clear(&cmp);
	cells_free(cells);
	return err;
}

const char *precision_text(const json_t *precision, char *out, size_t size)
{
	const json_t *looks = jsonio_at(precision, "design.looks");
	const json_t *last = json_array_get(looks, json_array_size(looks) - 1);
	const json_t *at = jsonio_at(precision, "design.at");
	double most = json_number_value(json_array_get(at, json_array_size(at) - 1));
	bool met = json_is_true(json_object_get(precision, "met"));
	int len = snprintf(out, size, "%s: %.300s", met ? "met" : "not met",
			   jsonio_string(precision, "sentence", "?"));

	if (len < 0 || (size_t)len >= size)
		return out;
	if (json_array_size(at) == 1)
		snprintf(out + len, size - (size_t)len, "; the number of blocks was fixed, %.0f",
			 most);
	if (json_array_size(at) < 2 || !last)
		return out;
	if (json_is_true(json_object_get(last, "met")))
		snprintf(
			out + len, size - (size_t)len,
			"; the run ended after %.0f of at most %.0f blocks because it was met then",
			jsonio_number(last, "blocks"), most);
	else if (jsonio_number(last, "blocks") >= most)
		snprintf(out + len, size - (size_t)len, "; the run went on to its last block, %.0f",
			 most);
	else
		snprintf(out + len, size - (size_t)len,
			 "; the run was cut short after its look at %.0f of at most %.0f blocks",
			 jsonio_number(last, "blocks"), most);
	return out;
}

__attribute__((format(printf, 4, 5))) static void
differs(json_t *differences, const char *what, const char *recorded, const char *fmt, ...)
{
	char again[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(again, sizeof(again), fmt, ap);
	va_end(ap);
	json_array_append_new(differences,
			      json_pack("{s:s, s:s, s:s, s:s}", "trial", "run.json", "what", what,
					"recorded", recorded, "again", again));
}

/* How many blocks hold a measured trial. */
struct counted {
	json_t *blocks;
};

static int count_block(void *context, json_t *trial, struct diag *d)
{
	struct counted *c = context;
	char name[32];

	if (strcmp(jsonio_string(trial, "pass", "measure"), "measure"))
		return 0;
	snprintf(name, sizeof(name), "%lld",
		 (long long)json_integer_value(json_object_get(trial, "block")));
	json_object_set_new(c->blocks, name, json_true());
	return 0;
}

static int blocks_of(const char *dir, size_t *n, struct diag *d)
{
	struct run_data *data = NULL;
	_json_ json_t *blocks = json_object();
	struct counted c = {blocks};
	int err = record_read_run(dir, count_block, &c, &data, d);

	*n = json_object_size(blocks);
	record_free_run(data);
	return err;
}

/* What its words are made of. */
static bool same_look(const json_t *a, const json_t *b)
{
	static const char *const whole[] = {"series", "within", "forecast", "widest.n"};
	static const char *const real[] = {"widest.half_width", "widest.target"};
	static const char *const word[] = {"widest.cell", "widest.metric", "widest.scale"};
	bool same =
		json_is_true(json_object_get(a, "met")) == json_is_true(json_object_get(b, "met"));

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		same &= json_integer_value(jsonio_at(a, whole[i])) ==
			json_integer_value(jsonio_at(b, whole[i]));
	for (size_t i = 0; i < ARRAY_SIZE(real); i++) {
		double x = jsonio_number(a, real[i]), y = jsonio_number(b, real[i]);

		same &= (isnan(x) && isnan(y)) || fabs(x - y) <= 1e-9 * fabs(y);
	}
	for (size_t i = 0; i < ARRAY_SIZE(word); i++)
		same &= !strcmp(jsonio_string(a, word[i], ""), jsonio_string(b, word[i], ""));
	return same;
}

/* One look: the same numbers from the same records. */
static int look_again(const char *dir, const json_t *recorded, bool *met, json_t *differences,
		      struct diag *d)
{
	size_t blocks = (size_t)json_integer_value(json_object_get(recorded, "blocks"));
	_json_ json_t *again = NULL;
	char what[48];
	int err;

	if (!blocks || blocks > 1000) {
		differs(differences, "precision.looks", "a look", "one without its blocks");
		return 0;
	}
	err = precision_look(dir, blocks, &again, d);
	if (err)
		return err;
	snprintf(what, sizeof(what), "precision after %zu blocks", blocks);
	*met = json_is_true(json_object_get(again, "met"));
	if (!same_look(recorded, again))
		differs(differences, what, jsonio_string(recorded, "sentence", "?"), "%s",
			jsonio_string(again, "sentence", "?"));
	return 0;
}

int precision_again(const char *dir, const json_t *run, json_t *differences, struct diag *d)
{
	const json_t *p = json_object_get(run, "precision"), *one;
	size_t i, blocks = 0, planned = json_array_size(json_object_get(run, "order")), last = 0;
	bool met = false;
	int err;

	if (!p) /* of before there were looks, or of another program */
		return 0;
	json_array_foreach (json_object_get(p, "looks"), i, one) {
		err = look_again(dir, one, &met, differences, d);
		if (err)
			return err;
		last = (size_t)json_integer_value(json_object_get(one, "blocks"));
	}
	if (!json_is_true(json_object_get(run, "complete")))
		return 0;
	err = blocks_of(dir, &blocks, d);
	if (err)
		return err;
	if (blocks < planned && (!met || last != blocks))
		differs(differences, "end of the blocks", "complete",
			"ended after %zu of %zu blocks without the precision that its design asks",
			blocks, planned);
	if (json_is_true(json_object_get(run, "precision_met")) != met)
		differs(differences, "precision_met", met ? "false" : "true", "%s",
			met ? "true" : "false");
	return 0;
}
