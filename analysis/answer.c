// SPDX-License-Identifier: Apache-2.0
/* What a person can do with a group: which mode is fastest, which is cheapest, what lies between.
 * Intervals here are of metrics that nobody declared as primary: they are stated, not judged. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_groups.h"
#include "analysis/kind.h"
#include "analysis/noise.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "record/metric.h"
#include "record/record.h"

struct point {
	const struct cell *cell;
	double speed, cpu; /* as the table shows them; NAN */
	bool dominated;
};

/* How much worse b is than a, beyond what the metric's margin calls nothing: > 0 when it is. */
static double worse_by(const struct metric *m, double a, double b)
{
	double better = m->better == METRIC_HIGHER ? a - b : b - a;

	return better - fmax(m->margin_relative * fabs(a), m->margin_absolute);
}

static bool dominates(const struct metric *speed, const struct metric *cpu, const struct point *a,
		      const struct point *b)
{
	/* what a check spoilt is not known to be better */
	bool known = !isnan(a->speed) && !isnan(a->cpu);
	bool faster = worse_by(speed, a->speed, b->speed) > 0;
	bool slower = worse_by(speed, b->speed, a->speed) > 0;
	bool cheaper = worse_by(cpu, a->cpu, b->cpu) > 0;
	bool dearer = worse_by(cpu, b->cpu, a->cpu) > 0;

	return known && !slower && !dearer && (faster || cheaper);
}

static const struct point *best(const struct point *p, size_t n, bool by_cpu, bool higher)
{
	const struct point *found = NULL;

	for (size_t i = 0; i < n; i++) {
		double v = by_cpu ? p[i].cpu : p[i].speed;
		double f = !found ? NAN : by_cpu ? found->cpu : found->speed;

		if (!isnan(v) && (!found || (higher ? v > f : v < f)))
			found = &p[i];
	}
	return found;
}

/* The paired change of one metric and its 95 % interval, by signed ranks; its margin is never below
 * the machine's noise floor. false: none exists. */
static bool change(const struct comparison *cmp, const struct cell *c, const struct cell *base,
		   const char *metric, struct judgement *j)
{
	_group_pairs_ struct group_pairs p = group_pairs(c, base, group_metric(metric));

	judge_interval(j, metric_find(metric), p.base, p.mode, p.n);
	judge_raise_margin(j, noise_floor(cmp->cells->run->run, metric));
	return p.n && j->ratio && j->i95.level > 0;
}

static bool beyond_margin(const struct judgement *j)
{
	return j->i95.low > j->margin || j->i95.high < -j->margin;
}

/* What was judged of this cell and metric; NULL: it was not asked for. */
static const struct judgement *judged(const struct comparison *cmp, const struct group *g,
				      const struct cell *c, const char *metric)
{
	for (size_t i = 0; i < cmp->n_pairs; i++) {
		const struct pair *p = &cmp->pair[i];

		if (p->group == g && &cmp->cells->cell[g->cell[p->row]] == c &&
		    !strcmp(p->metric->name, metric))
			return &p->judgement;
	}
	return NULL;
}

static void price(const struct comparison *cmp, const struct group *g, const struct point *fast,
		  const char *base_name, char *out, size_t size)
{
	const struct metric *cpu = metric_find(g->kind->cpu);
	struct judgement j;
	char low[32], high[32], est[32];

	*out = '\0';
	if (isnan(fast->cpu) || !change(cmp, fast->cell, g->baseline, g->kind->cpu, &j))
		return;
	if (!beyond_margin(&j)) {
		snprintf(out, size, ", at no visible price in %s", cpu->label);
		return;
	}
	judge_text(&j, j.i95.low, low, sizeof(low));
	judge_text(&j, j.i95.high, high, sizeof(high));
	judge_text(&j, j.estimate, est, sizeof(est));
	if (j.estimate > log(2))
		snprintf(out, size, ", for %.2g times the CPU of %s", exp(j.estimate), base_name);
	else
		snprintf(out, size, ", %s %s [%s, %s]", cpu->label, est, low, high);
}

/* The lead of the fastest, as it was judged: a sentence here claims nothing that a verdict does
 * not.
 */
static void lead(const struct comparison *cmp, const struct group *g, const struct point *fast,
		 const struct judgement *j, double at_base, char *out, size_t size)
{
	const struct judgement *word = judged(cmp, g, fast->cell, j->metric->name);
	char low[32], high[32], est[32], value[32], base_value[32], cost[160];
	const char *base = g->baseline->mode;

	judge_text(j, j->estimate, est, sizeof(est));
	judge_text(j, j->i95.low, low, sizeof(low));
	judge_text(j, j->i95.high, high, sizeof(high));
	if (word && word->word != JUDGE_BETTER) {
		snprintf(out, size,
			 "%s has the best %s, %s [%s, %s] against %s, but that is %s: p is "
			 "%.2g after correction for %zu comparison%s",
			 fast->cell->mode, j->metric->label, est, low, high, base,
			 judge_word_name(word->word), word->adjusted, word->family,
			 word->family == 1 ? "" : "s");
		return;
	}
	price(cmp, g, fast, base, cost, sizeof(cost));
	snprintf(out, size, "%s has the best %s: %s against %s of %s, %s [%s, %s]%s",
		 fast->cell->mode, j->metric->label,
		 text_value(j->metric, fast->speed, value, sizeof(value)),
		 text_value(j->metric, at_base, base_value, sizeof(base_value)), base, est, low,
		 high, cost);
}

static void sentence(const struct comparison *cmp, const struct group *g, const struct point *p,
		     size_t n, const struct point *fast, const struct point *cheap, char *out,
		     size_t size)
{
	const char *metric = g->open_loop ? g->kind->latency : g->kind->rate;
	const struct metric *speed = metric_find(metric), *cpu = metric_find(g->kind->cpu);
	const char *base = g->baseline->mode;
	char low[32], high[32], est[32], value[32];
	const char *what = cmp->cells->by_placement ? "placement" : "mode";
	double at_base = group_value(g->baseline, speed);
	struct judgement j;
	size_t len;

	if (n < 2) {
		snprintf(out, size, "only %s was measured in force (%s %s)", base, speed->label,
			 text_value(speed, at_base, value, sizeof(value)));
	} else if (fast->cell == g->baseline) {
		snprintf(out, size, "no %s has a better %s than %s (%s)", what, speed->label, base,
			 text_value(speed, at_base, value, sizeof(value)));
	} else if (!change(cmp, fast->cell, g->baseline, metric, &j)) {
		snprintf(out, size, "too few blocks to say more than medians");
	} else if (!beyond_margin(&j)) {
		snprintf(out, size,
			 "no %s can be told from %s in %s: %s, nominally first, is at %s [%s, "
			 "%s]%s",
			 what, base, speed->label, fast->cell->mode,
			 judge_text(&j, j.estimate, est, sizeof(est)),
			 judge_text(&j, j.i95.low, low, sizeof(low)),
			 judge_text(&j, j.i95.high, high, sizeof(high)),
			 j.noisy ? ", which identical arms on this machine reach too" : "");
	} else {
		lead(cmp, g, fast, &j, at_base, out, size);
	}
	len = strlen(out);
	if (!cheap || cheap == fast || n < 2)
		return;
	if (cheap->cell != g->baseline &&
	    (!change(cmp, cheap->cell, g->baseline, g->kind->cpu, &j) || !beyond_margin(&j))) {
		if (fast->cell == g->baseline)
			return;
		/* its lead over the baseline may be chance */
		snprintf(out + len, size - len, "; none is shown to cost less CPU than %s (%s %s)",
			 base, text_value(cpu, group_value(g->baseline, cpu), value, sizeof(value)),
			 cpu->label);
		return;
	}
	snprintf(out + len, size - len, "; %s costs the least CPU (%s %s)", cheap->cell->mode,
		 text_value(cpu, cheap->cpu, value, sizeof(value)), cpu->label);
}

json_t *answer_group(const struct comparison *cmp, const struct group *g)
{
	const char *metric = g->open_loop ? g->kind->latency : g->kind->rate;
	const struct metric *speed = metric_find(metric), *cpu = metric_find(g->kind->cpu);
	_free_ struct point *p = calloc(g->n + 1, sizeof(*p));
	const struct point *fast, *cheap;
	json_t *pareto = json_array();
	char text[640];
	size_t n = 0;

	for (size_t i = 0; p && i < g->n; i++) {
		const struct cell *c = &cmp->cells->cell[g->cell[i]];

		if (c->used)
			p[n++] = (struct point){.cell = c,
						.speed = group_value(c, speed),
						.cpu = group_value(c, cpu)};
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			p[i].dominated |= k != i && dominates(speed, cpu, &p[k], &p[i]);
	for (size_t i = 0; i < n; i++)
		if (!p[i].dominated && !isnan(p[i].speed) && !isnan(p[i].cpu))
			json_array_append_new(pareto, json_string(p[i].cell->mode));
	fast = best(p, n, false, speed->better == METRIC_HIGHER);
	cheap = best(p, n, true, false);
	if (!fast || !g->baseline || !g->baseline->used) {
		json_decref(pareto);
		return NULL;
	}
	sentence(cmp, g, p, n, fast, cheap, text, sizeof(text));
	return json_pack("{s:s, s:s?, s:o, s:s, s:s, s:s}", "fastest", fast->cell->mode, "cheapest",
			 cheap ? cheap->cell->mode : NULL, "pareto", pareto, "speed_metric", metric,
			 "cpu_metric", g->kind->cpu, "sentence", text);
}
