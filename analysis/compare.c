// SPDX-License-Identifier: Apache-2.0
#include "analysis/compare.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/by_placement.h"
#include "analysis/cells.h"
#include "analysis/compare_groups.h"
#include "analysis/instruments.h"
#include "analysis/judge.h"
#include "analysis/kind.h"
#include "analysis/noise.h"
#include "analysis/precision.h"
#include "analysis/published.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/suggest.h"
#include "record/metric.h"
#include "record/record.h"

/* "sdb, ioloop: randread 4 KiB, depth 16, 2 jobs, open loop at 12000/s" */
static void group_title(const struct cell *c, char *out, size_t size)
{
	char load[160], where[96] = "";

	kind_load_text(json_object_get(c->spec, "load"), c->rate, load, sizeof(load));
	if (group_placement(c)[0])
		snprintf(where, sizeof(where), ", %s%s",
			 json_is_true(json_object_get(c->spec, "of_mode")) ? "mode "
			 : jsonio_string(c->spec, "placement_asked",
					 jsonio_string(c->spec, "placement.name", NULL))
				 ? "placement "
				 : "CPUs ",
			 group_placement(c));
	snprintf(out, size, "%s, %s: %s%s", jsonio_string(c->spec, "target", "?"),
		 jsonio_string(c->spec, "workload", "?"), load, where);
}

/* The baseline of a run is a mode of one kind of target; a kind that does not know it (network
 * beside block) is compared with its own first mode, the order of an experiment being its priority.
 */
static const char *baseline_of(const struct comparison *cmp, const struct kind *kind)
{
	const char *first = NULL;
	bool elsewhere = false;

	for (size_t i = 0; cmp->baseline && i < cmp->cells->n; i++) {
		const struct cell *c = &cmp->cells->cell[i];
		bool same = !strcmp(c->mode, cmp->baseline);

		if (kind_is_network(c->kind) != kind_is_network(kind)) {
			elsewhere |= same;
			continue;
		}
		if (same)
			return cmp->baseline;
		if (!first && (c->used || json_is_true(json_object_get(c->spec, "supported"))))
			first = c->mode;
	}
	return elsewhere && first ? first : cmp->baseline;
}

static void find_group_baseline(const struct comparison *cmp, struct group *g)
{
	g->baseline_mode = baseline_of(cmp, g->kind);
	for (size_t i = 0; g->baseline_mode && i < g->n; i++)
		if (!strcmp(cmp->cells->cell[g->cell[i]].mode, g->baseline_mode))
			g->baseline = &cmp->cells->cell[g->cell[i]];
}

static int make_groups(struct comparison *cmp)
{
	struct cells *cells = cmp->cells;
	_json_ json_t *index = json_object();

	cmp->group = calloc(cells->n + 1, sizeof(*cmp->group));
	if (!cmp->group)
		return -ENOMEM;
	for (size_t i = 0; i < cells->n; i++) {
		_free_ char *key = group_key(&cells->cell[i], NULL);
		const json_t *at = key ? json_object_get(index, key) : NULL;
		struct group *g = &cmp->group[at ? (size_t)json_integer_value(at) : cmp->n_groups];

		if (!key)
			return -ENOMEM;
		if (!at) {
			json_object_set_new(index, key, json_integer((json_int_t)cmp->n_groups++));
			g->cell = calloc(cells->n, sizeof(size_t));
			if (!g->cell)
				return -ENOMEM;
			g->kind = cells->cell[i].kind;
			g->open_loop = kind_open_loop(json_object_get(cells->cell[i].spec, "load"));
		}
		g->cell[g->n++] = i;
	}
	for (size_t i = 0; i < cmp->n_groups; i++)
		find_group_baseline(cmp, &cmp->group[i]);
	return 0;
}

/* Rates are given, not measured, at open loop; there latency is what a mode decides. */
static bool applies(const struct comparison *cmp, const struct group *g, const struct metric *m)
{
	const struct metric *all;
	size_t n;

	all = metric_all(&n);
	if (g->open_loop && m->better == METRIC_HIGHER && !(m->margin_absolute > 0))
		return false;
	for (size_t i = 0; i < g->n; i++) /* of this kind: some row has it */
		if (group_collect(&cmp->cells->cell[g->cell[i]], (size_t)(m - all), NULL, NULL))
			return true;
	return false;
}

static int add_pair(struct comparison *cmp, struct group *g, size_t row, const char *name,
		    bool declared)
{
	const struct cell *c = &cmp->cells->cell[g->cell[row]], *b = g->baseline;
	struct pair *grown = reallocarray(cmp->pair, cmp->n_pairs + 1, sizeof(*grown));
	size_t metric = group_metric(name);
	struct group_pairs p;

	if (!grown)
		return -ENOMEM;
	cmp->pair = grown;
	/* a metric that this workload does not have */
	if (!group_collect(c, metric, NULL, NULL) && !group_collect(b, metric, NULL, NULL))
		return 0;
	p = group_pairs(c, b, metric);
	free(p.block);
	cmp->pair[cmp->n_pairs++] = (struct pair){.metric = metric_find(name),
						  .baseline = p.base,
						  .mode = p.mode,
						  .n = p.n,
						  .group = g,
						  .row = row,
						  .declared = declared,
						  .left_out = group_left_out(c, b)};
	if (group_left_out(c, b))
		cmp->pair[cmp->n_pairs - 1].all = group_pairs_all(c, b, metric);
	return 0;
}

/* Bootstraps cost milliseconds each and share nothing: every CPU takes the next pair. */
struct estimator {
	struct comparison *cmp;
	atomic_size_t next;
};

static void *estimate_some(void *context)
{
	struct estimator *e = context;
	size_t i;

	while ((i = atomic_fetch_add(&e->next, 1)) < e->cmp->n_pairs) {
		struct pair *p = &e->cmp->pair[i];
		double floor = noise_floor(e->cmp->cells->run->run, p->metric->name);
		struct judgement with;

		judge_estimate(&p->judgement, p->metric, p->baseline, p->mode, p->n, e->cmp->seed);
		judge_raise_margin(&p->judgement, floor);
		if (!p->left_out)
			continue;
		judge_estimate(&with, p->metric, p->all.base, p->all.mode, p->all.n, e->cmp->seed);
		judge_raise_margin(&with, floor);
		judge_put_back(&p->judgement, &with, p->left_out);
	}
	return NULL;
}

#define ESTIMATORS 8
static void estimate_pairs(struct comparison *cmp)
{
	struct estimator e = {.cmp = cmp};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t thread[ESTIMATORS];
	size_t n = 0, most = cpus > ESTIMATORS ? ESTIMATORS : cpus > 1 ? (size_t)cpus : 1;

	while (n + 1 < most && n + 1 < cmp->n_pairs &&
	       !pthread_create(&thread[n], NULL, estimate_some, &e))
		n++;
	estimate_some(&e); /* as many as could be started, and this one */
	while (n)
		pthread_join(thread[--n], NULL);
}

/* Which metrics are judged in a group: those asked for, else the declared ones that apply, else (an
 * open loop for which none was declared) the median latency. */
size_t group_judged(const struct comparison *cmp, const struct group *g,
		    const struct compare_options *o, const char **names, bool *is_declared)
{
	const json_t *declared = json_object_get(cmp->cells->run->run, "primary_metrics");
	const json_t *one;
	size_t n = 0, i, k;

	json_array_foreach (declared, i, one)
		if (!o->n_metrics && n < COMPARE_METRICS &&
		    applies(cmp, g, metric_find(json_string_value(one)))) {
			is_declared[n] = true;
			names[n++] = json_string_value(one);
		}
	for (i = 0; i < o->n_metrics && n < COMPARE_METRICS; i++) {
		is_declared[n] = false;
		json_array_foreach (declared, k, one)
			is_declared[n] |= !strcmp(json_string_value(one), o->metrics[i]);
		names[n++] = o->metrics[i];
	}
	if (!n) {
		is_declared[n] = true;
		names[n++] = g->open_loop ? g->kind->latency : g->kind->rate;
	}
	return n;
}

static int pair_group(struct comparison *cmp, struct group *g, const struct compare_options *o)
{
	const char *names[COMPARE_METRICS];
	bool is_declared[COMPARE_METRICS];
	size_t n = group_judged(cmp, g, o, names, is_declared);
	int err = 0;

	for (size_t row = 0; !err && row < g->n; row++) {
		const struct cell *c = &cmp->cells->cell[g->cell[row]];

		if (c == g->baseline || !c->used)
			continue;
		for (size_t i = 0; !err && i < n; i++)
			err = add_pair(cmp, g, row, names[i], is_declared[i]);
	}
	return err;
}

/* One family of the declared metrics, one of those that were asked for afterwards. */
static int judge_pairs(struct comparison *cmp)
{
	_free_ struct judgement **family = calloc(cmp->n_pairs + 1, sizeof(*family));

	if (!family)
		return -ENOMEM;
	for (int declared = 0; declared < 2; declared++) {
		size_t n = 0;

		for (size_t i = 0; i < cmp->n_pairs; i++)
			if (cmp->pair[i].declared == declared)
				family[n++] = &cmp->pair[i].judgement;
		judge_family(family, n);
	}
	return 0;
}

static json_t *groups_json(struct comparison *cmp)
{
	json_t *out = json_array();

	for (size_t i = 0; i < cmp->n_groups; i++) {
		struct group *g = &cmp->group[i];
		const struct cell *first = &cmp->cells->cell[g->cell[0]];
		char title[256];

		g->rows = json_array();
		for (size_t r = 0; r < g->n; r++) {
			const struct cell *c = &cmp->cells->cell[g->cell[r]];

			if (isnan(first->rate) && !isnan(c->rate))
				first = c;
			json_array_append_new(g->rows, group_row(c));
		}
		group_title(first, title, sizeof(title));
		json_array_append_new(
			out, json_pack("{s:s, s:s?, s:s, s:s, s:s, s:O, s:o, s:s, s:b, s:o}",
				       "kind", g->kind->name, "baseline", g->baseline_mode,
				       "target", jsonio_string(first->spec, "target", "?"),
				       "workload", jsonio_string(first->spec, "workload", "?"),
				       "placement", group_placement(first), "load",
				       json_object_get(first->spec, "load"), "rate",
				       number_or_null(first->rate), "title", title, "open_loop",
				       g->open_loop, "rows", g->rows));
		published_beside_ours(json_array_get(out, i));
	}
	return out;
}

/* Beside the judged pairs: what each group and each axis of load say to a person. */
static void add_answers(const struct comparison *cmp, json_t *groups)
{
	json_t *group;
	size_t i;

	json_array_foreach (groups, i, group) {
		json_t *answer = answer_group(cmp, &cmp->group[i]);

		if (answer)
			json_object_set_new(group, "answer", answer);
	}
}

/* What else changed with a row, judged or not: where the interval lies beyond the margin. */
static json_t *beside_json(const struct comparison *cmp, const struct group *g,
			   const struct cell *c)
{
	const char *const shown[] = {g->kind->rate, g->kind->latency, g->kind->tail, g->kind->cpu};
	json_t *out = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		struct judgement j;
		char text[128];

		if ((i && !strcmp(shown[i], shown[i - 1])) ||
		    !group_stated(cmp, c, g->baseline, shown[i], &j) || !judge_side(&j))
			continue;
		json_array_append_new(out,
				      json_pack("{s:s, s:f, s:f, s:f, s:s}", "metric", shown[i],
						"estimate", exp(j.estimate), "low", exp(j.i95.low),
						"high", exp(j.i95.high), "text",
						judge_change_text(&j, text, sizeof(text))));
	}
	return out;
}

static void add_beside(const struct comparison *cmp)
{
	for (size_t i = 0; i < cmp->n_groups; i++) {
		const struct group *g = &cmp->group[i];

		for (size_t r = 0; g->baseline && g->baseline->used && r < g->n; r++) {
			const struct cell *c = &cmp->cells->cell[g->cell[r]];

			if (c != g->baseline && c->used)
				json_object_set_new(json_array_get(g->rows, r), "beside",
						    beside_json(cmp, g, c));
		}
	}
}

/* In force, and with something to show for it: a row of dashes is no result. */
static bool has_numbers(const struct cell *c)
{
	for (const struct kind_column *col = c->kind->column; c->used && col->metric; col++)
		if (group_collect(c, group_metric(col->metric), NULL, NULL))
			return true;
	return false;
}

static json_t *result_json(struct comparison *cmp)
{
	const struct run_data *run = cmp->cells->run;
	size_t words[4] = {0}, measured = 0;
	json_t *left_out = json_array(), *groups = groups_json(cmp);
	json_t *crossovers = crossover_all(cmp), *precision = precision_of(cmp);

	add_answers(cmp, groups);
	add_beside(cmp);
	for (size_t i = 0; i < cmp->cells->n; i++)
		measured += has_numbers(&cmp->cells->cell[i]);
	for (size_t i = 0; i < cmp->n_pairs; i++) {
		struct pair *p = &cmp->pair[i];

		words[p->judgement.word]++;
		json_array_append_new(
			json_object_get(json_array_get(p->group->rows, p->row), "comparisons"),
			judge_json(&p->judgement, p->declared));
	}
	for (size_t i = 0; i < run->n_notes; i++)
		json_array_append_new(left_out,
				      json_pack("{s:I, s:s, s:s}", "line",
						(json_int_t)run->note[i].line, "trial",
						run->note[i].trial, "reason", run->note[i].text));
	if (json_object_get(run->run, "precision"))
		json_object_set(precision, "design", json_object_get(run->run, "precision"));
	return json_pack(
		"{s:s, s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:O?, s:O?, s:O?, s:I, s:I, s:I, s:b, "
		"s:o, "
		"s:o, "
		"s:I, "
		"s:{s:I, "
		"s:I, "
		"s:I, s:I}}",
		"run", jsonio_string(run->run, "run", "?"), "altered",
		*cmp->cells->altered ? cmp->cells->altered : NULL, "unverified",
		*cmp->cells->unverified ? cmp->cells->unverified : NULL, "precision", precision,
		"crossovers", crossovers, "tradeoffs", crossover_tradeoffs(crossovers),
		"throughout", crossover_throughout(crossovers), "baseline",
		cmp->baseline ? json_string(cmp->baseline) : json_null(), "cpu_left_absent",
		json_object_get(run->run, "cpu_left_absent"), "prepared",
		json_object_get(run->run, "prepared"), "canary", cmp->cells->canary,
		"test_delay_ns", (json_int_t)cmp->cells->test_delay_ns, "blocks",
		(json_int_t)cmp->cells->blocks, "trials", (json_int_t)run->n_trials, "dirty",
		json_is_true(jsonio_at(run->run, "build.dirty")), "groups", groups, "left_out",
		left_out, "rows_measured", (json_int_t)measured, "words", "better",
		(json_int_t)words[JUDGE_BETTER], "worse", (json_int_t)words[JUDGE_WORSE],
		"equivalent", (json_int_t)words[JUDGE_EQUIVALENT], "inconclusive",
		(json_int_t)words[JUDGE_INCONCLUSIVE]);
}

int compare_check_metrics(const struct compare_options *o, struct diag *d)
{
	const char *names[128];
	const struct metric *all;
	char hint[128];
	size_t n;

	all = metric_all(&n);
	for (size_t i = 0; i < n && i < ARRAY_SIZE(names); i++)
		names[i] = all[i].name;
	for (size_t i = 0; i < o->n_metrics; i++)
		if (!metric_find(o->metrics[i]))
			return diag_set(d, -EINVAL, "unknown metric \"%s\"%s", o->metrics[i],
					suggest_text(o->metrics[i], names, n, hint, sizeof(hint)));
	return 0;
}

static int find_baseline(struct comparison *cmp, const struct compare_options *o, struct diag *d)
{
	_free_ const char **modes = calloc(cmp->cells->n + 1, sizeof(*modes));
	struct cells *cells = cmp->cells;
	char hint[128];

	if (o->by == COMPARE_PLACEMENTS ||
	    (o->by == COMPARE_AUTO && !o->baseline && by_placement_is_meant(cells)))
		by_placement(cells);
	cmp->baseline = o->baseline	      ? o->baseline
			: cells->by_placement ? BY_PLACEMENT_BASELINE
					      : jsonio_string(cells->run->run, "baseline", NULL);
	for (size_t i = 0; modes && i < cmp->cells->n; i++)
		modes[i] = cmp->cells->cell[i].mode;
	for (size_t i = 0; modes && i < cmp->cells->n; i++)
		if (!cmp->baseline || !strcmp(modes[i], cmp->baseline))
			return 0;
	if (!modes || !o->baseline)
		return modes ? 0
			     : -ENOMEM; /* that of the run has no cell: rows without comparison */
	return diag_set(d, -EINVAL, "no mode \"%s\" in this run%s", o->baseline,
			suggest_text(o->baseline, modes, cmp->cells->n, hint, sizeof(hint)));
}

int comparison_make(struct cells *cells, const struct compare_options *o, struct comparison *cmp,
		    struct diag *d)
{
	int err = compare_check_metrics(o, d);

	*cmp = (struct comparison){.cells = cells};
	if (!err)
		err = find_baseline(cmp, o, d);
	if (!err)
		err = make_groups(cmp);
	cmp->seed = (uint64_t)json_integer_value(json_object_get(cells->run->run, "seed"));
	for (size_t i = 0; !err && i < cmp->n_groups; i++)
		if (cmp->group[i].baseline && cmp->group[i].baseline->used)
			err = pair_group(cmp, &cmp->group[i], o);
	if (!err)
		estimate_pairs(cmp);
	return err;
}

void comparison_clear(struct comparison *cmp)
{
	for (size_t i = 0; i < cmp->n_groups; i++)
		free(cmp->group[i].cell);
	free(cmp->group);
	for (size_t i = 0; i < cmp->n_pairs; i++) {
		free(cmp->pair[i].baseline);
		free(cmp->pair[i].mode);
		group_pairs_free(&cmp->pair[i].all);
	}
	free(cmp->pair);
	*cmp = (struct comparison){0};
}

static void say_by_placement(json_t *result)
{
	json_t *groups = json_object_get(result, "groups"), *group;
	size_t i;

	json_object_set_new(result, "by", json_string("placement"));
	json_array_foreach (groups, i, group)
		json_object_set_new(group, "by", json_string("placement"));
}

int compare_cells(struct cells *cells, const struct compare_options *o, json_t **result,
		  struct diag *d)
{
	struct comparison cmp;
	int err = comparison_make(cells, o, &cmp, d);

	if (!err)
		err = judge_pairs(&cmp);
	if (!err)
		*result = result_json(&cmp);
	if (!err)
		json_object_set_new(*result, "instruments", instruments_all(&cmp));
	if (!err)
		json_object_set_new(*result, "noise_floor", noise_note(cells));
	/* then "mode" of a row is a placement, and "placement" of a group a mode */
	if (!err && cells->by_placement)
		say_by_placement(*result);
	comparison_clear(&cmp);
	return err;
}

int compare_run(const char *dir, const struct compare_options *o, json_t **result, struct diag *d)
{
	struct cells *cells = NULL;
	int err = compare_check_metrics(o, d);

	if (!err)
		err = cells_read(dir, NULL, &cells, d);
	if (!err)
		err = compare_cells(cells, o, result, d);
	cells_free(cells);
	return err;
}
