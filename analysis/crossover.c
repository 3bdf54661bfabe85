// SPDX-License-Identifier: Apache-2.0
/*
 * Where over a load axis (depth, rate, flows, size) one mode overtakes the baseline. A crossing is
 * claimed only between two levels whose 95 % intervals lie on opposite sides of "equal", beyond the
 * noise floor of the machine where one was measured; its place
 * is interpolated on a logarithmic axis, its interval comes from resampling blocks (a block holds
 * every level, so a resample keeps what a block has in common).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_groups.h"
#include "analysis/kind.h"
#include "analysis/noise.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "base/num.h"
#include "base/rng.h"
#include "record/metric.h"
#include "record/record.h"

#define LEVELS	  24
#define BLOCKS	  64
#define RESAMPLES 2000

struct level {
	double at;	   /* on the axis */
	size_t group, row; /* of the mode */
	size_t n;
	size_t block[BLOCKS];
	double log_ratio[BLOCKS], median_mode, median_base;
	double estimate;
	struct stats_interval i95;
};

struct series {
	const struct comparison *cmp;
	const struct kind *kind;
	const struct kind_axis *axis;
	const struct cell *mode;
	const char *baseline;
	const struct metric *metric;
	double floor; /* log ratio that this machine's noise reaches: told apart only beyond it */
	struct level level[LEVELS];
	size_t n;
};

static double level_of(const struct group *g, const struct cell *c, const struct kind_axis *axis)
{
	if (!strcmp(axis->key, "rate_share")) /* is a rate once it was calibrated */
		return c->rate;
	return jsonio_number(json_object_get(c->spec, "load"), axis->key);
}

/* Paired log ratios of one mode at one level. false: none, or a value was not positive. */
static bool fill_level(struct series *s, size_t group, size_t row, double at)
{
	const struct group *g = &s->cmp->group[group];
	const struct cell *c = &s->cmp->cells->cell[g->cell[row]];
	struct level *l = &s->level[s->n];
	_group_pairs_ struct group_pairs p =
		group_pairs(c, g->baseline, group_metric(s->metric->name));

	*l = (struct level){.at = at, .group = group, .row = row};
	l->n = p.n < BLOCKS ? p.n : BLOCKS;
	for (size_t i = 0; i < l->n; i++) {
		if (!(p.mode[i] > 0) || !(p.base[i] > 0))
			return false;
		l->block[i] = p.block[i];
		l->log_ratio[i] = log(p.mode[i] / p.base[i]);
	}
	if (l->n < JUDGE_BLOCKS_MIN)
		return false;
	l->median_mode = stats_median(p.mode, l->n);
	l->median_base = stats_median(p.base, l->n);
	l->estimate = stats_hodges_lehmann(l->log_ratio, l->n);
	l->i95 = stats_signed_rank_interval(l->log_ratio, l->n, 0.95);
	return true;
}

/* 1: the mode is better here, -1: worse, 0: cannot be told. */
static int side(const struct series *s, const struct level *l)
{
	int up = l->i95.low > s->floor ? 1 : l->i95.high < -s->floor ? -1 : 0;

	return s->metric->better == METRIC_HIGHER ? up : -up;
}

static double interpolate(const struct level *a, const struct level *b, double ea, double eb)
{
	double t = ea / (ea - eb);

	return exp(log(a->at) + t * (log(b->at) - log(a->at)));
}

/* Hodges-Lehmann of the drawn blocks that this level has; NAN when it has none of them. */
static double resampled(const struct level *l, const size_t *drawn, size_t n)
{
	double x[BLOCKS];
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < l->n; k++)
			if (l->block[k] == drawn[i]) {
				x[m++] = l->log_ratio[k];
				break;
			}
	return stats_hodges_lehmann(x, m);
}

/* Fills "at", "low", "high": an end is left out when more than a fortieth of the resamples cross
 * beyond that end of the range. */
static void cross(const struct series *s, const struct level *a, const struct level *b, json_t *out)
{
	_free_ double *at = stats_array(RESAMPLES);
	size_t drawn[BLOCKS], n = a->n < b->n ? a->n : b->n, crossing = 0;
	const struct level *few = a->n < b->n ? a : b;
	struct rng rng;

	rng_seed(&rng, s->cmp->seed);
	for (size_t r = 0; r < RESAMPLES; r++) {
		double ea, eb;

		for (size_t i = 0; i < n; i++)
			drawn[i] = few->block[rng_below(&rng, n)];
		ea = resampled(a, drawn, n);
		eb = resampled(b, drawn, n);
		if (isnan(ea) || isnan(eb) || ea * eb >= 0) {
			/* equal signs: it crosses, if at all, beyond the level that is nearer to 0
			 */
			at[r] = fabs(ea) < fabs(eb) ? a->at : b->at;
			continue;
		}
		at[r] = interpolate(a, b, ea, eb);
		crossing++;
	}
	stats_sort(at, RESAMPLES);
	json_object_set_new(out, "at", json_real(interpolate(a, b, a->estimate, b->estimate)));
	json_object_set_new(out, "low", json_real(stats_quantile(at, RESAMPLES, 0.025)));
	json_object_set_new(out, "high", json_real(stats_quantile(at, RESAMPLES, 0.975)));
	json_object_set_new(out, "resamples_crossing", json_real((double)crossing / RESAMPLES));
}

static const char *axis_text(const struct kind_axis *axis, double v, char *out, size_t size)
{
	if (!strcmp(axis->unit, "bytes"))
		return num_bytes_text((uint64_t)llround(v), out, size);
	if (v >= 1e4)
		snprintf(out, size, "%.3gk%s", v / 1e3, *axis->unit ? "/s" : "");
	else
		snprintf(out, size, "%.4g%s", v, *axis->unit ? "/s" : "");
	return out;
}

/* `back`: the level from which the first is told to be better again, or NULL. */
static void say_crossing(const struct series *s, const struct level *a, const struct level *back,
			 json_t *out)
{
	const char *mode = s->mode->mode, *base = s->baseline;
	const char *first = side(s, a) > 0 ? mode : base, *then = side(s, a) > 0 ? base : mode;
	char at[32], low[32], high[32], again[32], turn[128] = "", text[400];

	if (back)
		snprintf(turn, sizeof(turn), ", and %s again at %s", first,
			 axis_text(s->axis, back->at, again, sizeof(again)));
	axis_text(s->axis, jsonio_number(out, "at"), at, sizeof(at));
	axis_text(s->axis, jsonio_number(out, "low"), low, sizeof(low));
	axis_text(s->axis, jsonio_number(out, "high"), high, sizeof(high));
	snprintf(text, sizeof(text),
		 "%s: %s is better up to a %s of about %s [95 %%: %s to %s], %s above it%s",
		 s->metric->label, first, s->axis->label, at, low, high, then, turn);
	json_object_set_new(out, "finding", json_string("crossing"));
	json_object_set_new(out, "sentence", json_string(text));
}

static void say_no_crossing(const struct series *s, json_t *out)
{
	const struct level *a = &s->level[0], *b = &s->level[s->n - 1];
	char low[32], high[32], text[400], ea[32], eb[32], range[128];
	int better = 0, worse = 0;
	struct judgement j = {.ratio = true, .metric = s->metric};

	for (size_t i = 0; i < s->n; i++) {
		better += side(s, &s->level[i]) > 0;
		worse += side(s, &s->level[i]) < 0;
	}
	axis_text(s->axis, a->at, low, sizeof(low));
	axis_text(s->axis, b->at, high, sizeof(high));
	judge_text(&j, a->estimate, ea, sizeof(ea));
	judge_text(&j, b->estimate, eb, sizeof(eb));
	if (better == (int)s->n || worse == (int)s->n)
		snprintf(text, sizeof(text),
			 "%s: %s is %s than %s at every %s from %s to %s (%s to %s)",
			 s->metric->label, s->mode->mode, better ? "better" : "worse", s->baseline,
			 s->axis->label, low, high, ea, eb);
	else
		snprintf(text, sizeof(text),
			 "%s: no crossing of %s and %s is shown between %s %s and %s: %s to %s, "
			 "told apart at %d of %zu levels",
			 s->metric->label, s->mode->mode, s->baseline, s->axis->label, low, high,
			 ea, eb, better + worse, s->n);
	snprintf(range, sizeof(range), "every %s from %s to %s", s->axis->label, low, high);
	json_object_set_new(out, "range", json_string(range));
	json_object_set_new(out, "word", json_string(better ? "better" : "worse"));
	json_object_set_new(
		out, "finding",
		json_string(better == (int)s->n || worse == (int)s->n ? "throughout" : "none"));
	json_object_set_new(out, "sentence", json_string(text));
}

static json_t *levels_json(const struct series *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		const struct level *l = &s->level[i];

		json_array_append_new(list, json_pack("{s:f, s:f, s:o, s:o, s:I, s:f, s:f}",
						      "level", l->at, "estimate", exp(l->estimate),
						      "low", number_or_null(exp(l->i95.low)),
						      "high", number_or_null(exp(l->i95.high)), "n",
						      (json_int_t)l->n, "mode", l->median_mode,
						      "baseline", l->median_base));
	}
	return list;
}

static void add_series(struct series *s, const char *title, json_t *out)
{
	const struct level *last = NULL, *before = NULL, *back = NULL;
	json_t *one;

	if (s->n < 2)
		return;
	one = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "kind", s->kind->name, "title",
			title, "axis", s->axis->key, "metric", s->metric->name, "mode",
			s->mode->mode, "baseline", s->baseline, "levels", levels_json(s));
	for (size_t i = 0; i < s->n; i++) {
		const struct level *l = &s->level[i];

		if (!side(s, l))
			continue;
		if (last && side(s, last) != side(s, l)) {
			if (!before) {
				cross(s, last, l, one);
				before = last;
			} else if (!back) {
				back = l;
			}
		}
		last = l;
	}
	if (before)
		say_crossing(s, before, back, one);
	else
		say_no_crossing(s, one);
	json_array_append_new(out, one);
}

static int by_level(const void *a, const void *b)
{
	double x = ((const struct level *)a)->at, y = ((const struct level *)b)->at;

	return (x > y) - (x < y);
}

/* One family: the groups that differ in this axis only. */
static void family(const struct comparison *cmp, const size_t *member, size_t n,
		   const struct kind_axis *axis, json_t *out)
{
	const struct group *first = &cmp->group[member[0]];
	const char *const metrics[] = {first->kind->rate, first->kind->latency, first->kind->tail,
				       first->kind->cpu};
	_free_ struct series *s = malloc(sizeof(*s));
	char title[160];

	if (!s)
		abort();
	snprintf(title, sizeof(title), "%s, %s%s%s%s",
		 jsonio_string(cmp->cells->cell[first->cell[0]].spec, "target", "?"),
		 jsonio_string(cmp->cells->cell[first->cell[0]].spec, "workload", "?"),
		 !*group_placement(&cmp->cells->cell[first->cell[0]]) ? ""
		 : json_is_true(json_object_get(cmp->cells->cell[first->cell[0]].spec, "of_mode"))
			 ? ", mode "
			 : ", placement ",
		 group_placement(&cmp->cells->cell[first->cell[0]]),
		 first->open_loop ? ", open loop" : "");
	for (size_t row = 0; row < first->n; row++) {
		const struct cell *mode = &cmp->cells->cell[first->cell[row]];

		if (!mode->used || mode == first->baseline)
			continue;
		for (size_t m = 0; m < ARRAY_SIZE(metrics); m++) {
			if (m && !strcmp(metrics[m], metrics[m - 1]))
				continue;
			if (first->open_loop && !m)
				continue; /* rates are given there */
			*s = (struct series){
				.cmp = cmp,
				.kind = first->kind,
				.axis = axis,
				.mode = mode,
				.baseline = first->baseline_mode,
				.metric = metric_find(metrics[m]),
				.floor = log1p(noise_floor(cmp->cells->run->run, metrics[m]))};
			for (size_t i = 0; i < n && s->n < LEVELS; i++) {
				const struct group *g = &cmp->group[member[i]];

				for (size_t r = 0; r < g->n; r++) {
					const struct cell *c = &cmp->cells->cell[g->cell[r]];
					double at = level_of(g, c, axis);

					if (strcmp(c->mode, mode->mode) || !c->used || !(at > 0))
						continue;
					s->n += fill_level(s, member[i], r, at);
					break;
				}
			}
			qsort(s->level, s->n, sizeof(s->level[0]), by_level);
			add_series(s, title, out);
		}
	}
}

json_t *crossover_all(const struct comparison *cmp)
{
	json_t *out = json_array();
	_free_ size_t *member = calloc(cmp->n_groups + 1, sizeof(size_t));
	_json_ json_t *done = json_object();

	for (size_t i = 0; member && i < cmp->n_groups; i++) {
		const struct group *g = &cmp->group[i];

		if (!g->baseline || !g->baseline->used)
			continue;
		for (const struct kind_axis *axis = g->kind->axis; axis->key; axis++) {
			_free_ char *key = group_key(&cmp->cells->cell[g->cell[0]], axis->key);
			_free_ char *seen = NULL;
			size_t n = 0;

			if (!axis->label || !key || asprintf(&seen, "%s|%s", axis->key, key) < 0 ||
			    json_object_get(done, seen))
				continue;
			json_object_set_new(done, seen, json_true());
			for (size_t k = i; k < cmp->n_groups; k++) {
				const struct group *o = &cmp->group[k];
				_free_ char *other =
					group_key(&cmp->cells->cell[o->cell[0]], axis->key);

				if (other && !strcmp(other, key) && o->baseline &&
				    o->baseline->used)
					member[n++] = k;
			}
			if (n > 1)
				family(cmp, member, n, axis, out);
		}
	}
	return out;
}

static void join(const json_t *list, const json_t *one, const char *word, char *out, size_t size)
{
	const json_t *other;
	size_t i, n = 0;

	*out = '\0';
	json_array_foreach (list, i, other) {
		if (strcmp(jsonio_string(other, "finding", ""), "throughout") ||
		    strcmp(jsonio_string(other, "word", ""), word) ||
		    strcmp(jsonio_string(other, "title", ""), jsonio_string(one, "title", "")) ||
		    strcmp(jsonio_string(other, "mode", ""), jsonio_string(one, "mode", "")) ||
		    strcmp(jsonio_string(other, "range", ""), jsonio_string(one, "range", "")))
			continue;
		if (n < size)
			n += (size_t)snprintf(
				out + n, size - n, "%s%s", n ? ", " : "",
				metric_find(jsonio_string(other, "metric", "iops"))->label);
	}
}

json_t *crossover_throughout(const json_t *list)
{
	json_t *out = json_array();
	_json_ json_t *done = json_object();
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		_free_ char *key = NULL;
		char better[200], worse[200], text[800];

		if (strcmp(jsonio_string(one, "finding", ""), "throughout") ||
		    asprintf(&key, "%s|%s|%s", jsonio_string(one, "title", ""),
			     jsonio_string(one, "mode", ""), jsonio_string(one, "range", "")) < 0 ||
		    json_object_get(done, key))
			continue;
		json_object_set_new(done, key, json_true());
		join(list, one, "better", better, sizeof(better));
		join(list, one, "worse", worse, sizeof(worse));
		snprintf(text, sizeof(text), "at %s %s is %s%s%s%s%s than %s",
			 jsonio_string(one, "range", "?"), jsonio_string(one, "mode", "?"),
			 *better ? "better in " : "", better, *better && *worse ? " and " : "",
			 *worse ? "worse in " : "", worse, jsonio_string(one, "baseline", "?"));
		json_array_append_new(out, json_pack("{s:s, s:s}", "title",
						     jsonio_string(one, "title", "?"), "sentence",
						     text));
	}
	return out;
}
