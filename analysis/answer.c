// SPDX-License-Identifier: Apache-2.0
/* What a person can do with a group: which mode is better, at what price, which is cheapest. What
 * was judged is said as it was judged; of a metric that nobody declared the interval is stated. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_groups.h"
#include "analysis/kind.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "record/metric.h"

struct point {
	const struct cell *cell;
	double speed, cpu; /* as the table shows them; NAN */
	bool dominated;
};

/* Shown to be better in one of the two, and better or the same in the other, by the blocks that
 * both have in common. What is not known rules nobody out. */
static bool dominates(const struct comparison *cmp, const struct metric *speed,
		      const struct metric *cpu, const struct point *a, const struct point *b)
{
	const struct metric *m[] = {speed, cpu};
	size_t better = 0, same = 0;

	for (size_t i = 0; i < ARRAY_SIZE(m); i++) {
		struct judgement j;
		int side;

		if (!group_stated(cmp, a->cell, b->cell, m[i]->name, &j))
			return false;
		side = judge_side(&j);
		if (side && (side > 0) == (m[i]->better == METRIC_HIGHER))
			better++;
		else if (!side && judge_same(&j))
			same++;
		else
			return false;
	}
	return better && better + same == ARRAY_SIZE(m);
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

/* What the lead costs: known to be something, known to be nothing, or not known. */
static void price(const struct comparison *cmp, const struct group *g, const struct point *fast,
		  const char *base_name, char *out, size_t size)
{
	const struct metric *cpu = metric_find(g->kind->cpu);
	struct judgement j;
	char text[128], back[192];

	*out = '\0';
	if (isnan(fast->cpu) || !group_stated(cmp, fast->cell, g->baseline, g->kind->cpu, &j))
		return;
	judge_change_text(&j, text, sizeof(text));
	judge_back_text(&j, back, sizeof(back));
	if (judge_same(&j))
		snprintf(out, size, ", for the same %s to %.2g %%", cpu->label,
			 expm1(j.equivalence) * 100);
	else if (!judge_side(&j))
		snprintf(out, size, ", at a price in %s that is not known: %s%s%s", cpu->label,
			 text, *back ? ", " : "", back);
	else if (j.estimate > log(2))
		snprintf(out, size, ", for %.1f times [%.1f, %.1f] the CPU of %s", exp(j.estimate),
			 exp(j.i95.low), exp(j.i95.high), base_name);
	else
		snprintf(out, size, ", %s %s", cpu->label, text);
}

/* Rows beside the baseline, by what may be said of their speed. */
struct lead {
	/* of those that are better, whom none of the others is shown to beat: told apart from the
	 * baseline, and not from each other */
	const struct point **best;
	size_t n_best;
	const struct point *nominal; /* the fastest by its value, the baseline among them */
	const struct point *last;    /* of the others */
	size_t others, better, worse, equivalent;
};

static bool is_faster(const struct metric *m, const struct point *a, const struct point *b)
{
	if (isnan(a->speed) || (b && isnan(b->speed)))
		return !isnan(a->speed);
	return !b || (m->better == METRIC_HIGHER ? a->speed > b->speed : a->speed < b->speed);
}

/* A verdict where there is one: what is said here claims nothing that it does not. */
static enum judge_word word_of(const struct comparison *cmp, const struct group *g,
			       const struct cell *c, const struct metric *m)
{
	const struct judgement *word = judged(cmp, g, c, m->name);
	struct judgement j;
	int side;

	if (word)
		return word->word;
	side = group_stated(cmp, c, g->baseline, m->name, &j) ? judge_side(&j) : 0;
	if (!side)
		return JUDGE_INCONCLUSIVE;
	return (side > 0) == (m->better == METRIC_HIGHER) ? JUDGE_BETTER : JUDGE_WORSE;
}

/* Leaves those of `some` that none of the others is shown to beat, by the blocks that two have in
 * common, and so no two that are told apart. Returns how many. */
static size_t keep_leaders(const struct comparison *cmp, const struct metric *m,
			   const struct point **some, size_t n)
{
	_free_ bool *beaten = calloc(n + 1, sizeof(*beaten));
	size_t kept = 0;

	for (size_t i = 0; beaten && i < n; i++)
		for (size_t k = i + 1; k < n; k++) {
			struct judgement j;
			int side = group_stated(cmp, some[i]->cell, some[k]->cell, m->name, &j)
					   ? judge_side(&j)
					   : 0;

			if (side)
				beaten[(side > 0) == (m->better == METRIC_HIGHER) ? k : i] = true;
		}
	for (size_t i = 0; beaten && i < n; i++)
		if (!beaten[i])
			some[kept++] = some[i];
	return kept;
}

/* `room` holds n; what is found points to it. */
static struct lead find_lead(const struct comparison *cmp, const struct group *g,
			     const struct point *p, size_t n, const struct metric *m,
			     const struct point **room)
{
	struct lead l = {.best = room};

	for (size_t i = 0; i < n; i++) {
		enum judge_word word;

		if (is_faster(m, &p[i], l.nominal))
			l.nominal = &p[i];
		if (p[i].cell == g->baseline)
			continue;
		word = word_of(cmp, g, p[i].cell, m);
		l.others++;
		l.last = &p[i];
		l.worse += word == JUDGE_WORSE;
		l.equivalent += word == JUDGE_EQUIVALENT;
		if (word == JUDGE_BETTER)
			room[l.better++] = &p[i];
	}
	l.n_best = keep_leaders(cmp, m, room, l.better);
	return l;
}

/* "3 worse, 1 equivalent, 2 inconclusive" */
static void count_text(const struct lead *l, char *out, size_t size)
{
	const struct {
		size_t n;
		const char *word;
	} part[] = {{l->worse, "worse"},
		    {l->equivalent, "equivalent"},
		    {l->others - l->better - l->worse - l->equivalent, "inconclusive"}};
	size_t len = 0;

	*out = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(part); i++)
		if (part[i].n)
			len += (size_t)snprintf(out + len, size - len, "%s%zu %s", len ? ", " : "",
						part[i].n, part[i].word);
}

/* The modes of the group that gave nothing to compare with. */
static void absent_text(const struct comparison *cmp, const struct group *g, char *out, size_t size)
{
	size_t n = 0, len;

	*out = '\0';
	for (size_t i = 0; i < g->n; i++) {
		const struct cell *c = &cmp->cells->cell[g->cell[i]];

		if (c->used || ++n > 4)
			continue;
		len = strlen(out);
		snprintf(out + len, size - len, "%s%.40s", n > 1 ? ", " : " (not: ", c->mode);
	}
	len = strlen(out);
	if (n > 4)
		snprintf(out + len, size - len, " and %zu more", n - 4);
	len = strlen(out);
	if (n)
		snprintf(out + len, size - len, ")");
}

/* Where trials were left out, on how many the number stands. */
static const char *used_text(const struct cell *c, char *out, size_t size)
{
	*out = '\0';
	if (c->used < c->trials)
		snprintf(out, size, " in %zu of %zu trials", c->used, c->trials);
	return out;
}

static void say_none(const struct comparison *cmp, const struct group *g, const struct lead *l,
		     const struct metric *speed, char *out, size_t size)
{
	const char *base = g->baseline->mode;
	const char *what = cmp->cells->by_placement ? "placement" : "mode";
	char change[128], back[192], value[64], words[160], absent[240];
	const struct judgement *word;
	struct judgement j;
	size_t len;

	text_value(speed, group_value(g->baseline, speed), value, sizeof(value));
	absent_text(cmp, g, absent, sizeof(absent));
	if (!l->others) {
		snprintf(out, size, "only %s was in force%s: nothing to compare it with", base,
			 absent);
		return;
	}
	count_text(l, words, sizeof(words));
	if (l->others == 1)
		snprintf(out, size,
			 "%s, the one other %s in force%s, is not shown to be better than %s in "
			 "%s (%s): %s",
			 l->last->cell->mode, what, absent, base, speed->label, value,
			 strchr(words, ' ') + 1);
	else
		snprintf(out, size,
			 "none of the %zu other %ss in force%s is shown to be better than %s in "
			 "%s (%s): %s",
			 l->others, what, absent, base, speed->label, value, words);
	if (!l->nominal || l->nominal->cell == g->baseline ||
	    !group_stated(cmp, l->nominal->cell, g->baseline, speed->name, &j))
		return;
	len = strlen(out);
	word = judged(cmp, g, l->nominal->cell, speed->name);
	snprintf(out + len, size - len, "; %s, nominally first, is at %s%s", l->nominal->cell->mode,
		 judge_change_text(&j, change, sizeof(change)),
		 j.noisy ? ", which identical arms on this machine reach too" : "");
	len = strlen(out);
	if (j.back.left_out)
		snprintf(out + len, size - len, "%s, %s",
			 used_text(l->nominal->cell, value, sizeof(value)),
			 judge_back_text(&j, back, sizeof(back)));
	len = strlen(out);
	if (word && judge_side(word) && !isnan(word->adjusted))
		snprintf(out + len, size - len, ", p %.2g after correction for %zu comparison%s",
			 word->adjusted, word->family, word->family == 1 ? "" : "s");
}

/* "a", "a and b", "a, b and c": in front of the i-th of n. */
static const char *joint(size_t i, size_t n)
{
	return !i ? "" : i + 1 < n ? ", " : " and ";
}

#define LEADERS 4 /* are named; the others of them are counted */

/* ", but p99 +212 % [+52 %, +479 %]": of rate, median and tail what is shown to be worse. */
static void drawbacks(const struct comparison *cmp, const struct group *g, const struct cell *c,
		      const struct metric *speed, char *out, size_t size)
{
	const char *const names[] = {g->kind->rate, g->kind->latency, g->kind->tail};
	const char *last = speed->name, *sep = ", but";
	struct judgement j;
	size_t len = 0;
	char text[128];

	*out = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names) && len < size; i++) {
		const struct metric *m = metric_find(names[i]);

		if (!strcmp(names[i], speed->name) || !strcmp(names[i], last) ||
		    word_of(cmp, g, c, m) != JUDGE_WORSE ||
		    !group_stated(cmp, c, g->baseline, m->name, &j))
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s %s %s", sep, m->label,
					judge_change_text(&j, text, sizeof(text)));
		sep = ",";
		last = names[i];
	}
}

/* "sqpoll has the best IOPS: 13.3k against …" of one, "at 13.3k, …" of several. */
static void leader_text(const struct comparison *cmp, const struct group *g, const struct point *p,
			const struct metric *speed, bool alone, char *out, size_t size)
{
	char text[128], value[32], base_value[32], against[96] = "", cost[400], used[64], but[320];
	const char *base = g->baseline->mode;
	struct judgement j;

	drawbacks(cmp, g, p->cell, speed, but, sizeof(but));
	group_stated(cmp, p->cell, g->baseline, speed->name, &j);
	price(cmp, g, p, base, cost, sizeof(cost));
	if (alone)
		snprintf(against, sizeof(against), " against %s of %s",
			 text_value(speed, group_value(g->baseline, speed), base_value,
				    sizeof(base_value)),
			 base);
	snprintf(out, size, "%s%s, %s%s%s%s", text_value(speed, p->speed, value, sizeof(value)),
		 against, judge_change_text(&j, text, sizeof(text)),
		 used_text(p->cell, used, sizeof(used)), cost, but);
}

static void say_best(const struct comparison *cmp, const struct group *g, const struct lead *l,
		     const struct metric *speed, char *out, size_t size)
{
	size_t shown = l->n_best < LEADERS ? l->n_best : LEADERS, len = 0;
	const char *base = g->baseline->mode;
	char text[1200], value[32], more[96] = "";

	if (l->n_best == 1) {
		if (l->better > 1)
			snprintf(more, sizeof(more), " of %zu that are better than %s", l->better,
				 base);
		leader_text(cmp, g, l->best[0], speed, true, text, sizeof(text));
		snprintf(out, size, "%s has the best %s%s: %s", l->best[0]->cell->mode,
			 speed->label, more, text);
		return;
	}
	for (size_t i = 0; i < shown && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s",
					joint(i, l->n_best > shown ? SIZE_MAX : shown),
					l->best[i]->cell->mode);
	if (l->n_best > shown && len < size)
		len += (size_t)snprintf(out + len, size - len, " and %zu more", l->n_best - shown);
	if (l->better > l->n_best)
		snprintf(more, sizeof(more), ", the best of %zu that are,", l->better);
	if (len < size)
		len += (size_t)snprintf(
			out + len, size - len,
			" are better than %s in %s (%s)%s and not told apart from each other", base,
			speed->label,
			text_value(speed, group_value(g->baseline, speed), value, sizeof(value)),
			more);
	for (size_t i = 0; i < shown && len < size; i++) {
		leader_text(cmp, g, l->best[i], speed, false, text, sizeof(text));
		len += (size_t)snprintf(out + len, size - len, "%s %s at %s", i ? ";" : ":",
					l->best[i]->cell->mode, text);
	}
}

/* The cheapest of those whose lead over the baseline cannot be chance, else that there is none. */
static void say_cheapest(const struct comparison *cmp, const struct group *g, const struct point *p,
			 size_t n, const struct lead *l, char *out, size_t size)
{
	const struct metric *cpu = metric_find(g->kind->cpu);
	_free_ const struct point **cheap = calloc(n + 1, sizeof(*cheap));
	size_t n_cheap = 0, shown, len = 0;
	struct judgement j;
	char value[32];

	for (size_t i = 0; cheap && i < n; i++)
		if (p[i].cell != g->baseline && !isnan(p[i].cpu) &&
		    group_stated(cmp, p[i].cell, g->baseline, cpu->name, &j) && judge_side(&j) < 0)
			cheap[n_cheap++] = &p[i];
	n_cheap = keep_leaders(cmp, cpu, cheap, n_cheap);
	if (n_cheap == 1 && l->n_best == 1 && cheap[0] == l->best[0])
		snprintf(out, size, ", and the least CPU (%s %s)",
			 text_value(cpu, cheap[0]->cpu, value, sizeof(value)), cpu->label);
	else if (n_cheap == 1)
		snprintf(out, size, "; %s costs the least CPU (%s %s)", cheap[0]->cell->mode,
			 text_value(cpu, cheap[0]->cpu, value, sizeof(value)), cpu->label);
	else if (!n_cheap && l->others && !isnan(group_value(g->baseline, cpu)))
		snprintf(out, size, "; none is shown to cost less CPU than %s (%s %s)",
			 g->baseline->mode,
			 text_value(cpu, group_value(g->baseline, cpu), value, sizeof(value)),
			 cpu->label);
	shown = n_cheap < LEADERS ? n_cheap : LEADERS;
	for (size_t i = 0; n_cheap > 1 && i < shown && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s (%s)",
					i ? joint(i, n_cheap > shown ? SIZE_MAX : shown) : "; ",
					cheap[i]->cell->mode,
					text_value(cpu, cheap[i]->cpu, value, sizeof(value)));
	if (n_cheap > shown && len < size)
		len += (size_t)snprintf(out + len, size - len, " and %zu more", n_cheap - shown);
	if (n_cheap > 1 && len < size)
		snprintf(out + len, size - len,
			 " cost the least CPU (%s) and are not told apart from each other",
			 cpu->label);
}

json_t *answer_group(const struct comparison *cmp, const struct group *g)
{
	const char *metric = g->open_loop ? g->kind->latency : g->kind->rate;
	const struct metric *speed = metric_find(metric), *cpu = metric_find(g->kind->cpu);
	_free_ struct point *p = calloc(g->n + 1, sizeof(*p));
	_free_ const struct point **room = calloc(g->n + 1, sizeof(*room));
	json_t *pareto = json_array(), *leaders = json_array();
	char text[4500];
	struct lead l;
	size_t n = 0, len;

	for (size_t i = 0; p && i < g->n; i++) {
		const struct cell *c = &cmp->cells->cell[g->cell[i]];

		if (c->used)
			p[n++] = (struct point){.cell = c,
						.speed = group_value(c, speed),
						.cpu = group_value(c, cpu)};
	}
	if (!n || !room || !g->baseline || !g->baseline->used) {
		json_decref(pareto);
		json_decref(leaders);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; !p[i].dominated && k < n; k++)
			p[i].dominated = k != i && dominates(cmp, speed, cpu, &p[k], &p[i]);
	for (size_t i = 0; i < n; i++)
		if (!p[i].dominated && !isnan(p[i].speed) && !isnan(p[i].cpu))
			json_array_append_new(pareto, json_string(p[i].cell->mode));
	l = find_lead(cmp, g, p, n, speed, room);
	if (!l.nominal) { /* what it would be about was not measured: fio's latency at open loop */
		json_decref(pareto);
		json_decref(leaders);
		return NULL;
	}
	for (size_t i = 0; i < l.n_best; i++)
		json_array_append_new(leaders, json_string(l.best[i]->cell->mode));
	if (l.n_best)
		say_best(cmp, g, &l, speed, text, sizeof(text));
	else
		say_none(cmp, g, &l, speed, text, sizeof(text));
	len = strlen(text);
	say_cheapest(cmp, g, p, n, &l, text + len, sizeof(text) - len);
	return json_pack("{s:s?, s:o, s:o, s:s, s:s, s:s}", "best",
			 l.n_best == 1 ? l.best[0]->cell->mode : NULL, "leaders", leaders, "pareto",
			 pareto, "speed_metric", metric, "cpu_metric", g->kind->cpu, "sentence",
			 text);
}
