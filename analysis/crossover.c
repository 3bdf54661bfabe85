// SPDX-License-Identifier: Apache-2.0
/*
 * Where over a load axis (depth, rate, flows, size) one mode overtakes the baseline. Two levels are
 * on different sides only as far as verdicts go: of a metric that was judged, where the word is
 * better or worse; of another, where the 95 % interval lies beyond the margin (the noise floor of
 * the machine, where that is larger) and p <= 0.05 after Benjamini and Hochberg's correction over
 * the levels of the curve. Where between them it crosses: crossing.h.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_groups.h"
#include "analysis/crossing.h"
#include "analysis/kind.h"
#include "analysis/noise.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "base/num.h"
#include "record/metric.h"
#include "record/record.h"

struct level {
	double at; /* on the axis */
	size_t n, *block;
	double *log_ratio, median_mode, median_base;
	struct judgement judgement;
	double p;	  /* NAN: it was judged by itself, or has too few blocks */
	int side;	  /* 1: the mode is better here, -1: worse, 0: cannot be told */
	const char *word; /* of the verdict; NULL: stated, not judged */
};

struct series {
	const struct kind *kind;
	const struct kind_axis *axis;
	const char *mode, *baseline;
	const struct metric *metric;
	char title[400];
	struct level *level;
	size_t n;
};

struct all_series {
	struct series *item;
	size_t n;
};

/* What was judged of this row and metric; NULL: it was not asked for. */
static const struct judgement *judged(const struct comparison *cmp, const struct group *g,
				      const struct cell *c, const struct metric *metric)
{
	for (size_t i = 0; i < cmp->n_pairs; i++) {
		const struct pair *p = &cmp->pair[i];

		if (p->group == g && p->metric == metric && &cmp->cells->cell[g->cell[p->row]] == c)
			return &p->judgement;
	}
	return NULL;
}

static int side_of(const struct judgement *j, bool told)
{
	int up = told ? judge_side(j) : 0;

	return j->metric->better == METRIC_HIGHER ? up : -up;
}

/* Two-sided p of what is stated: by sign flips, from where those are drawn by Student's t, which is
 * the same there and costs nothing. */
static double p_of(const double *x, size_t n)
{
	double sd = stats_sd(x, n);

	if (n <= STATS_EXACT_MAX || !(sd > 0))
		return stats_sign_flip(x, n, 1);
	return stats_t_two_sided(stats_mean(x, n) / (sd / sqrt((double)n)), (double)(n - 1));
}

/* Paired log ratios of one mode at one level. false: too few, or a value was not positive. */
static bool fill_level(const struct comparison *cmp, const struct series *s, const struct group *g,
		       const struct cell *c, struct level *l)
{
	struct group_pairs p = group_pairs(c, g->baseline, group_metric(s->metric->name));
	const struct judgement *word = judged(cmp, g, c, s->metric);

	*l = (struct level){.n = p.n, .block = p.block, .log_ratio = p.mode, .p = NAN};
	group_stated(cmp, c, g->baseline, s->metric->name, &l->judgement);
	l->median_mode = l->judgement.mode;
	l->median_base = l->judgement.baseline;
	for (size_t i = 0; l->judgement.ratio && i < p.n; i++)
		l->log_ratio[i] = log(p.mode[i] / p.base[i]);
	free(p.base);
	if (p.n < JUDGE_BLOCKS_MIN || !l->judgement.ratio) {
		free(l->block);
		free(l->log_ratio);
		return false;
	}
	if (word) {
		l->word = judge_word_name(word->word);
		l->side = word->word == JUDGE_BETTER ? 1 : word->word == JUDGE_WORSE ? -1 : 0;
	} else {
		l->p = p_of(l->log_ratio, l->n);
	}
	return true;
}

/* The levels of a curve that were not judged by themselves: one family. */
static void find_sides(struct series *s)
{
	_free_ double *p = stats_array(s->n);
	_free_ double *adjusted = stats_array(s->n);

	for (size_t i = 0; i < s->n; i++)
		p[i] = s->level[i].p;
	stats_benjamini_hochberg(p, s->n, adjusted);
	for (size_t i = 0; i < s->n; i++)
		if (!s->level[i].word)
			s->level[i].side =
				side_of(&s->level[i].judgement, adjusted[i] <= JUDGE_ALPHA);
}

/* Between two levels on opposite sides: "at", "low" and "high". */
static void cross(const struct series *s, size_t from, size_t to, json_t *out)
{
	size_t n = to - from + 1;
	_free_ struct crossing_level *level = calloc(n, sizeof(*level));
	struct crossing where;

	if (!level)
		abort();
	for (size_t i = 0; i < n; i++) {
		const struct level *l = &s->level[from + i];

		level[i] = (struct crossing_level){l->at, l->n, l->block, l->log_ratio};
	}
	crossing_find(level, n, &where);
	json_object_set_new(out, "at", json_real(where.at));
	json_object_set_new(out, "low", json_real(where.low));
	json_object_set_new(out, "high", json_real(where.high));
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

/* "at a depth of 2", "at all 3 measured depths from 1 to 4", "at a depth of 1, 4 and 8": the levels from
 * `from` to `to` that lie on this side. */
static void where_text(const struct series *s, size_t from, size_t to, int side, char *out,
		       size_t size)
{
	size_t n = 0, first = SIZE_MAX, last = 0, len, seen = 0;
	char low[32], high[32];

	for (size_t i = from; i <= to; i++)
		if (s->level[i].side == side) {
			n++;
			first = first < i ? first : i;
			last = i;
		}
	if (n > 1 && n == last - first + 1) {
		axis_text(s->axis, s->level[first].at, low, sizeof(low));
		axis_text(s->axis, s->level[last].at, high, sizeof(high));
		snprintf(out, size, "at ");
		crossover_range(s->axis->label, n, low, high, out + 3, size - 3);
		return;
	}
	snprintf(out, size, "at a %s of ", s->axis->label);
	for (size_t i = first; n && i <= last; i++) {
		if (s->level[i].side != side)
			continue;
		len = strlen(out);
		seen++;
		snprintf(out + len, size - len, "%s%s",
			 seen == 1   ? ""
			 : seen == n ? " and "
				     : ", ",
			 axis_text(s->axis, s->level[i].at, low, sizeof(low)));
	}
}

/* `a` and `b`: the last level of the first side, the first of the other. `back`: the level from
 * which the first is told to be better again, or the number of levels. */
static void say_crossing(const struct series *s, size_t a, size_t b, size_t back, json_t *out)
{
	int side = s->level[a].side;
	const char *first = side > 0 ? s->mode : s->baseline;
	const char *then = side > 0 ? s->baseline : s->mode;
	char at[32], low[32], high[32], again[32], turn[128] = "", text[600];
	char below[160], above[160];

	where_text(s, 0, a, side, below, sizeof(below));
	where_text(s, b, back - 1, -side, above, sizeof(above));
	if (back < s->n)
		snprintf(turn, sizeof(turn), ", and %s is better again at %s", first,
			 axis_text(s->axis, s->level[back].at, again, sizeof(again)));
	axis_text(s->axis, jsonio_number(out, "at"), at, sizeof(at));
	axis_text(s->axis, jsonio_number(out, "low"), low, sizeof(low));
	axis_text(s->axis, jsonio_number(out, "high"), high, sizeof(high));
	snprintf(text, sizeof(text),
		 "%s: %s is better %s, %s %s; they cross at about %s [95 %%: %s to %s]%s",
		 s->metric->label, first, below, then, above, at, low, high, turn);
	json_object_set_new(out, "finding", json_string("crossing"));
	json_object_set_new(out, "sentence", json_string(text));
}

static void say_no_crossing(const struct series *s, json_t *out)
{
	const struct level *a = &s->level[0], *b = &s->level[s->n - 1];
	char low[32], high[32], text[400], ea[32], eb[32], range[128];
	size_t better = 0, worse = 0;
	bool throughout;

	for (size_t i = 0; i < s->n; i++) {
		better += s->level[i].side > 0;
		worse += s->level[i].side < 0;
	}
	throughout = better == s->n || worse == s->n;
	axis_text(s->axis, a->at, low, sizeof(low));
	axis_text(s->axis, b->at, high, sizeof(high));
	judge_text(&a->judgement, a->judgement.estimate, ea, sizeof(ea));
	judge_text(&b->judgement, b->judgement.estimate, eb, sizeof(eb));
	crossover_range(s->axis->label, s->n, low, high, range, sizeof(range));
	if (throughout)
		snprintf(text, sizeof(text), "%s: %s is %s than %s at %s (%s to %s)",
			 s->metric->label, s->mode, better ? "better" : "worse", s->baseline, range,
			 ea, eb);
	else
		snprintf(text, sizeof(text),
			 "%s: no crossing of %s and %s is shown between %s %s and %s: %s to %s, "
			 "told apart at %zu of %zu levels",
			 s->metric->label, s->mode, s->baseline, s->axis->label, low, high, ea, eb,
			 better + worse, s->n);
	json_object_set_new(out, "range", json_string(range));
	json_object_set_new(out, "word", json_string(better ? "better" : "worse"));
	json_object_set_new(out, "finding", json_string(throughout ? "throughout" : "none"));
	json_object_set_new(out, "sentence", json_string(text));
}

static json_t *levels_json(const struct series *s)
{
	json_t *list = json_array();
	char at[32];

	for (size_t i = 0; i < s->n; i++) {
		const struct level *l = &s->level[i];
		const struct judgement *j = &l->judgement;

		json_array_append_new(
			list,
			json_pack("{s:f, s:s, s:f, s:o, s:o, s:f, s:I, s:f, s:f, s:i, s:s?}",
				  "level", l->at, "text", axis_text(s->axis, l->at, at, sizeof(at)),
				  "estimate", exp(j->estimate), "low",
				  number_or_null(exp(j->i95.low)), "high",
				  number_or_null(exp(j->i95.high)), "margin", exp(j->margin), "n",
				  (json_int_t)l->n, "mode", l->median_mode, "baseline",
				  l->median_base, "side", l->side, "verdict", l->word));
	}
	return list;
}

static json_t *finding_json(const struct series *s)
{
	size_t last = s->n, a = s->n, b = s->n, back = s->n;
	json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "kind", s->kind->name,
				"title", s->title, "axis", s->axis->key, "axis_label",
				s->axis->label, "metric", s->metric->name, "mode", s->mode,
				"baseline", s->baseline, "levels", levels_json(s));

	for (size_t i = 0; i < s->n; i++) {
		if (!s->level[i].side)
			continue;
		if (last < s->n && s->level[last].side != s->level[i].side) {
			if (a == s->n) {
				a = last;
				b = i;
			} else if (back == s->n) {
				back = i;
			}
		}
		last = i;
	}
	if (a < s->n) {
		cross(s, a, b, out);
		say_crossing(s, a, b, back, out);
	} else {
		say_no_crossing(s, out);
	}
	return out;
}

static int by_level(const void *a, const void *b)
{
	double x = ((const struct level *)a)->at, y = ((const struct level *)b)->at;

	return (x > y) - (x < y);
}

/* One mode and metric over the groups of a family. false: fewer than two levels. */
static bool fill_series(const struct comparison *cmp, const size_t *member, size_t n,
			struct series *s)
{
	s->level = calloc(n, sizeof(*s->level));
	if (!s->level)
		abort();
	for (size_t i = 0; i < n; i++) {
		const struct group *g = &cmp->group[member[i]];

		for (size_t r = 0; r < g->n; r++) {
			const struct cell *c = &cmp->cells->cell[g->cell[r]];
			double at =
				kind_axis_level(s->axis, json_object_get(c->spec, "load"), c->rate);

			if (strcmp(c->mode, s->mode) || !c->used || !(at > 0))
				continue;
			if (fill_level(cmp, s, g, c, &s->level[s->n]))
				s->level[s->n++].at = at;
			break;
		}
	}
	qsort(s->level, s->n, sizeof(s->level[0]), by_level);
	return s->n > 1;
}

static void clear_series(struct series *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->level[i].block);
		free(s->level[i].log_ratio);
	}
	free(s->level);
}

/* What all levels have in common. */
static void title_of(const struct comparison *cmp, const struct group *g,
		     const struct kind_axis *axis, char *out, size_t size)
{
	const struct cell *c = &cmp->cells->cell[g->cell[0]];
	_json_ json_t *load = json_deep_copy(json_object_get(c->spec, "load"));
	char common[160];

	for (const struct kind_axis *a = c->kind->axis; a->key; a++)
		if (kind_axis_holds(axis->key, a->key, json_object_get(c->spec, "load")))
			json_object_del(load, a->key);
	kind_load_text(load, NAN, common, sizeof(common));
	snprintf(out, size, "%.100s, %.40s: %s%s%.80s", jsonio_string(c->spec, "target", "?"),
		 jsonio_string(c->spec, "workload", "?"), common,
		 !*group_placement(c)				     ? ""
		 : json_is_true(json_object_get(c->spec, "of_mode")) ? ", mode "
								     : ", placement ",
		 group_placement(c));
}

static void add_series(struct all_series *all, struct series *s)
{
	struct series *grown = reallocarray(all->item, all->n + 1, sizeof(*grown));

	if (!grown)
		abort();
	all->item = grown;
	all->item[all->n++] = *s;
}

/* One family: the groups that differ in this axis only. */
static void family(const struct comparison *cmp, const size_t *member, size_t n,
		   const struct kind_axis *axis, struct all_series *all)
{
	const struct group *first = &cmp->group[member[0]];
	const char *const metrics[] = {first->kind->rate, first->kind->latency, first->kind->tail,
				       first->kind->cpu};

	for (size_t row = 0; row < first->n; row++) {
		const struct cell *mode = &cmp->cells->cell[first->cell[row]];

		if (!mode->used || mode == first->baseline)
			continue;
		for (size_t m = 0; m < ARRAY_SIZE(metrics); m++) {
			struct series s = {.kind = first->kind,
					   .axis = axis,
					   .mode = mode->mode,
					   .baseline = first->baseline_mode,
					   .metric = metric_find(metrics[m])};

			if (m && !strcmp(metrics[m], metrics[m - 1]))
				continue;
			if (first->open_loop && !m)
				continue; /* rates are given there */
			title_of(cmp, first, axis, s.title, sizeof(s.title));
			if (fill_series(cmp, member, n, &s))
				add_series(all, &s);
			else
				clear_series(&s);
		}
	}
}

/* The groups that differ from the i-th in this axis only, itself the first, unless one before it
 * was.
 */
static size_t find_family(const struct comparison *cmp, size_t i, const struct kind_axis *axis,
			  json_t *done, size_t *member)
{
	const struct group *g = &cmp->group[i];
	_free_ char *key = group_key(&cmp->cells->cell[g->cell[0]], axis->key);
	_free_ char *seen = NULL;
	size_t n = 0;

	if (!axis->label || !key || asprintf(&seen, "%s|%s", axis->key, key) < 0 ||
	    json_object_get(done, seen))
		return 0;
	json_object_set_new(done, seen, json_true());
	for (size_t k = i; k < cmp->n_groups; k++) {
		const struct group *o = &cmp->group[k];
		_free_ char *other = group_key(&cmp->cells->cell[o->cell[0]], axis->key);

		if (other && !strcmp(other, key) && o->baseline && o->baseline->used)
			member[n++] = k;
	}
	return n;
}

json_t *crossover_all(const struct comparison *cmp)
{
	json_t *out = json_array();
	_free_ size_t *member = calloc(cmp->n_groups + 1, sizeof(size_t));
	_json_ json_t *done = json_object();
	struct all_series all = {0};

	for (size_t i = 0; member && i < cmp->n_groups; i++) {
		const struct group *g = &cmp->group[i];

		if (!g->baseline || !g->baseline->used)
			continue;
		for (const struct kind_axis *axis = g->kind->axis; axis->key; axis++) {
			size_t n = find_family(cmp, i, axis, done, member);

			if (n > 1)
				family(cmp, member, n, axis, &all);
		}
	}
	for (size_t i = 0; i < all.n; i++) {
		find_sides(&all.item[i]);
		json_array_append_new(out, finding_json(&all.item[i]));
		clear_series(&all.item[i]);
	}
	free(all.item);
	return out;
}
