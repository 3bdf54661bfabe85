// SPDX-License-Identifier: Apache-2.0
#include "analysis/instruments.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check.h"
#include "analysis/kind.h"
#include "analysis/noise.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/record.h"
#include "record/view.h"

#define METRICS_MAX 4

/* One metric of one pair of cells. */
struct item {
	struct judgement judgement;
	size_t pair;
};

struct all {
	const struct comparison *cmp;
	struct instruments *pair;
	size_t n_pairs;
	struct item *item;
	size_t n_items;
};

static void note_failed(json_t *facts, const json_t *failed)
{
	json_t *failing = json_object_get(facts, "failing");
	const json_t *one;
	size_t i;

	json_array_foreach (failed, i, one) {
		const char *id = jsonio_string(one, "id", "?");
		json_t *seen = json_object_get(failing, id);

		if (strcmp(jsonio_string(one, "result", ""), "fail"))
			continue;
		if (!seen) {
			seen = json_pack("{s:i, s:O}", "trials", 0, "check", one);
			json_object_set_new(failing, id, seen);
		}
		json_object_set_new(
			seen, "trials",
			json_integer(1 + json_integer_value(json_object_get(seen, "trials"))));
	}
}

/* The same in every trial of a cell, so those of the first are taken. */
static void note_ring(json_t *facts, const struct view *trial)
{
	_json_ json_t *report = view_json(trial, "workload_report");
	_json_ json_t *proof = NULL, *counters = NULL;
	json_t *setup = jsonio_at(report, "flags.setup");
	struct view evidence;

	if (setup)
		json_object_set(facts, "setup", setup);
	if (!view_make(view_get(trial, "evidence"), &evidence))
		return;
	proof = view_json(&evidence, "proof");
	counters = view_json(&evidence, "counters");
	if (jsonio_at(proof, "counters.io_uring_rings")) {
		json_object_set(facts, "rings", jsonio_at(proof, "counters.io_uring_rings"));
		json_object_set(facts, "rings_defer_taskrun",
				jsonio_at(proof, "counters.io_uring_defer_taskrun_rings"));
	}
	json_object_set_new(
		facts, "sqpoll",
		json_boolean(json_object_get(counters, "sq_thread_runnable_share") != NULL));
}

void instruments_note(json_t **facts, const struct view *trial, const json_t *failed)
{
	if (!*facts) {
		*facts = json_pack("{s:i, s:{}}", "trials", 0, "failing");
		note_ring(*facts, trial);
	}
	json_object_set_new(
		*facts, "trials",
		json_integer(1 + json_integer_value(json_object_get(*facts, "trials"))));
	note_failed(*facts, failed);
}

static bool is_own(const char *workload)
{
	return !strcmp(workload, "ioloop") || !strcmp(workload, "netloop");
}

static const char *workload_of(const struct cell *c)
{
	return jsonio_string(c->spec, "workload", "?");
}

static void add_pair(struct all *a, const struct cell *first, const struct cell *second)
{
	struct instruments *grown =
		reallocarray(a->pair, a->n_pairs + 1, sizeof(struct instruments));

	if (!grown)
		abort();
	if (is_own(workload_of(second)) && !is_own(workload_of(first))) {
		const struct cell *swap = first;

		first = second;
		second = swap;
	}
	a->pair = grown;
	grown[a->n_pairs++] =
		(struct instruments){.cmp = a->cmp,
				     .cell = {first, second},
				     .name = {workload_of(first), workload_of(second)}};
}

/* Cells that differ in nothing but the program: the first that is found of a mode and load, and
 * each later one. */
static void find_pairs(struct all *a)
{
	const struct cells *cells = a->cmp->cells;
	_json_ json_t *index = json_object();

	for (size_t i = 0; i < cells->n; i++) {
		const struct cell *c = &cells->cell[i], *first;
		_free_ char *load = group_key(c, "workload");
		_free_ char *key = NULL;
		const json_t *at;

		if (!load || asprintf(&key, "%s %s", c->mode, load) < 0)
			abort();
		at = json_object_get(index, key);
		if (!at) {
			json_object_set_new(index, key, json_integer((json_int_t)i));
			continue;
		}
		first = &cells->cell[json_integer_value(at)];
		if (strcmp(workload_of(first), workload_of(c)))
			add_pair(a, first, c);
	}
}

/* What both should agree on. At open loop the rate is given, and a latency from the intended start
 * is one that fio does not have. */
static size_t metrics_of(const struct cell *c, const char *name[METRICS_MAX])
{
	bool open = kind_open_loop(json_object_get(c->spec, "load"));
	const char *const closed_loop[] = {c->kind->rate, c->kind->latency, c->kind->tail};
	const char *const open_loop[] = {"service_p50_ns", "service_p99_ns", NULL};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(closed_loop); i++) {
		const char *one = open ? open_loop[i] : closed_loop[i];

		if (one && (!n || strcmp(one, name[n - 1])))
			name[n++] = one;
	}
	return n;
}

/* CPU time of both in their common blocks; SQ threads are the mode's, not the instrument's. */
static struct group_pairs own_cpu(const struct instruments *b)
{
	struct group_pairs p =
		group_pairs(b->cell[1], b->cell[0], group_metric(b->cell[0]->kind->cpu));
	struct group_pairs sq _group_pairs_ =
		group_pairs(b->cell[1], b->cell[0], group_metric("cpu_ns_per_io_sq_thread"));

	for (size_t i = 0, k = 0; i < p.n && k < sq.n; i++) {
		if (sq.block[k] != p.block[i])
			continue;
		p.base[i] -= sq.base[k];
		p.mode[i] -= sq.mode[k++];
	}
	return p;
}

static void measure_pair(struct all *a, size_t pair)
{
	struct instruments *b = &a->pair[pair];
	const json_t *run = a->cmp->cells->run->run;
	const char *name[METRICS_MAX];
	size_t n_metrics = metrics_of(b->cell[0], name);
	struct item *grown = reallocarray(a->item, a->n_items + n_metrics + 1, sizeof(*grown));
	struct group_pairs cpu _group_pairs_ = {0};

	if (!grown)
		abort();
	a->item = grown;
	if (!b->cell[0]->used || !b->cell[1]->used)
		return;
	cpu = own_cpu(b);
	judge_interval(&b->cpu, metric_find(b->cell[0]->kind->cpu), cpu.base, cpu.mode, cpu.n);
	for (size_t i = 0; i < n_metrics; i++) {
		struct item *item = &a->item[a->n_items];
		struct group_pairs p _group_pairs_ =
			group_pairs(b->cell[1], b->cell[0], group_metric(name[i]));

		if (!p.n)
			continue;
		*item = (struct item){.pair = pair};
		judge_estimate(&item->judgement, metric_find(name[i]), p.base, p.mode, p.n,
			       a->cmp->seed);
		judge_raise_margin(&item->judgement, noise_floor(run, name[i]));
		a->n_items++;
	}
}

static void judge_items(const struct all *a)
{
	_free_ struct judgement **family = calloc(a->n_items + 1, sizeof(*family));

	if (!family)
		abort();
	for (size_t i = 0; i < a->n_items; i++)
		family[i] = &a->item[i].judgement;
	judge_family(family, a->n_items);
}

static const char *agreement(const struct judgement *j)
{
	return j->word == JUDGE_EQUIVALENT     ? "agree"
	       : j->word == JUDGE_INCONCLUSIVE ? "undecided"
					       : "disagree";
}

static json_t *item_json(const struct instruments *b, const struct judgement *j)
{
	json_t *out = judge_json(j, false), *why = json_array();
	bool disagree = !strcmp(agreement(j), "disagree");
	char text[1200] = "";
	const json_t *one;
	size_t i, used = 0;

	if (disagree)
		instruments_explain(b, j, why);
	json_array_foreach (why, i, one)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.40s: %.400s",
					 i ? "; " : "", jsonio_string(one, "rule", "?"),
					 jsonio_string(one, "sentence", ""));
	json_object_set_new(out, "agreement", json_string(agreement(j)));
	json_object_set_new(out, "explanations", why);
	json_object_set_new(out, "why", json_string(*text ? text : disagree ? "unexplained" : ""));
	/* "better" is said of modes; an instrument that is faster is not right */
	json_object_del(out, "verdict");
	json_object_del(out, "declared");
	return out;
}

static json_t *cpu_json(const struct instruments *b)
{
	const struct judgement *j = &b->cpu;
	bool known = j->n && j->ratio && j->i95.level > 0;

	if (!j->n)
		return NULL;
	return json_pack("{s:s, s:f, s:f, s:o, s:o, s:o}", "metric", j->metric->name, "first",
			 j->baseline, "second", j->mode, "estimate",
			 known ? json_real(exp(j->estimate)) : json_null(), "low",
			 known ? json_real(exp(j->i95.low)) : json_null(), "high",
			 known ? json_real(exp(j->i95.high)) : json_null());
}

/* Why two cells cannot be set against each other at all. */
static bool not_compared(const struct instruments *b, char *out, size_t size)
{
	const char *reason[2];

	for (int i = 0; i < 2; i++)
		reason[i] = json_is_false(json_object_get(b->cell[i]->spec, "supported"))
				    ? jsonio_string(b->cell[i]->spec, "reason", "unsupported")
				    : NULL;
	if (reason[0] && reason[1] && !strcmp(reason[0], reason[1])) {
		snprintf(out, size, "neither can measure it here: %.300s", reason[0]);
		return true;
	}
	for (int i = 0; i < 2; i++) {
		if (b->cell[i]->used)
			continue;
		if (reason[i])
			snprintf(out, size, "%s cannot measure it: %.300s", b->name[i], reason[i]);
		else
			snprintf(out, size, "%s has no valid trial in which the mode was in force",
				 b->name[i]);
		return true;
	}
	return false;
}

/* A metric that a check keeps out owes its reason. */
static json_t *missing_json(const struct all *a, size_t pair)
{
	const struct instruments *b = &a->pair[pair];
	const char *name[METRICS_MAX];
	size_t n = metrics_of(b->cell[0], name);
	json_t *out = json_array();
	char text[400];

	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t k = 0; k < a->n_items; k++)
			found |= a->item[k].pair == pair &&
				 !strcmp(a->item[k].judgement.metric->name, name[i]);
		if (found)
			continue;
		if (!instruments_spoiled(b, 0, name[i], text, sizeof(text)) &&
		    !instruments_spoiled(b, 1, name[i], text, sizeof(text)))
			snprintf(text, sizeof(text), "no block has it of both");
		json_array_append_new(out,
				      json_pack("{s:s, s:s}", "metric", name[i], "sentence", text));
	}
	return out;
}

static json_t *pair_json(const struct all *a, size_t pair)
{
	const struct instruments *b = &a->pair[pair];
	const json_t *load = json_object_get(b->cell[0]->spec, "load");
	json_t *comparisons = json_array(), *out, *cpu = cpu_json(b);
	char title[160], why[400];
	bool none = not_compared(b, why, sizeof(why));

	kind_load_text(load, b->cell[0]->rate, title, sizeof(title));
	for (size_t i = 0; i < a->n_items; i++)
		if (a->item[i].pair == pair)
			json_array_append_new(comparisons, item_json(b, &a->item[i].judgement));
	out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:[s, s], s:[s, s], s:o, s:o}", "title",
			title, "mode", b->cell[0]->mode, "kind", b->cell[0]->kind->name, "target",
			jsonio_string(b->cell[0]->spec, "target", "?"), "placement",
			group_placement(b->cell[0]), "load", load, "instruments", b->name[0],
			b->name[1], "cells", jsonio_string(b->cell[0]->spec, "id", "?"),
			jsonio_string(b->cell[1]->spec, "id", "?"), "comparisons", comparisons,
			"missing", none ? json_array() : missing_json(a, pair));
	if (none)
		json_object_set_new(out, "reason", json_string(why));
	if (cpu)
		json_object_set_new(out, "cpu", cpu);
	return out;
}

json_t *instruments_all(const struct comparison *cmp)
{
	struct all a = {.cmp = cmp};
	json_t *out = json_array();

	find_pairs(&a);
	for (size_t i = 0; i < a.n_pairs; i++)
		measure_pair(&a, i);
	judge_items(&a);
	for (size_t i = 0; i < a.n_pairs; i++)
		json_array_append_new(out, pair_json(&a, i));
	free(a.pair);
	free(a.item);
	return out;
}
