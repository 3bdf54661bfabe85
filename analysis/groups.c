// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_groups.h"
#include "analysis/kind.h"
#include "analysis/noise.h"
#include "analysis/stats.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/metric.h"
#include "record/record.h"

json_t *number_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

const char *group_placement(const struct cell *c)
{
	/* A cell that does not run has been asked for, too, and stands in the group of those. */
	return jsonio_string(c->spec, "placement_asked",
			     jsonio_string(c->spec, "placement.name",
					   jsonio_string(c->spec, "placement.cpus", "")));
}

size_t group_metric(const char *name)
{
	const struct metric *all, *m = metric_find(name);
	size_t n;

	all = metric_all(&n);
	return (size_t)(m - all);
}

/* What makes two rows comparable: the same work asked for, on the same device by the same program.
 * Options of the mode (engine, polling) are what is compared. */
char *group_key(const struct cell *c, const char *without)
{
	const json_t *asked = json_object_get(c->spec, "load");
	bool open = kind_open_loop(asked);
	bool any_workload = without && !strcmp(without, "workload");
	_json_ json_t *key = json_pack("[s, s, s, s, {}]", jsonio_string(c->spec, "target", "?"),
				       any_workload ? "" : jsonio_string(c->spec, "workload", "?"),
				       group_placement(c), c->kind->name);
	json_t *load = json_array_get(key, 4);

	for (const struct kind_axis *axis = c->kind->axis; axis->key; axis++) {
		json_t *value = json_object_get(asked, axis->key);

		if (without && kind_axis_holds(without, axis->key, asked))
			continue;
		if (value && !json_is_null(value) && !(open && axis->closed_only))
			json_object_set(load, axis->key, value);
	}
	/* else a load of that key, with nothing left out, would look the same */
	if (without && !strcmp(without, KIND_SIZE) &&
	    kind_axis_holds(without, "request_bytes", asked))
		json_object_set_new(load, KIND_SIZE, json_true());
	return jsonio_line(key);
}

static size_t collect(const struct cell *c, size_t metric, bool in_force, size_t *block,
		      double *value)
{
	size_t n = 0, last = SIZE_MAX;

	for (size_t i = 0; i < c->n_samples; i++) {
		const struct sample *s = &c->sample[i];

		if ((in_force && !s->in_force) || s->block == last || isnan(s->value[metric]))
			continue;
		last = s->block;
		if (block)
			block[n] = s->block;
		if (value)
			value[n] = s->value[metric];
		n++;
	}
	return n;
}

size_t group_collect(const struct cell *c, size_t metric, size_t *block, double *value)
{
	return collect(c, metric, c->used > 0, block, value);
}

static struct group_pairs pair_up(const struct cell *c, const struct cell *baseline, size_t metric,
				  bool all)
{
	size_t most = c->n_samples > baseline->n_samples ? c->n_samples : baseline->n_samples;
	struct group_pairs p = {
		.block = calloc(most + 1, sizeof(*p.block)),
		.mode = stats_array(most),
		.base = stats_array(most),
	};
	_free_ size_t *base_block = calloc(baseline->n_samples + 1, sizeof(size_t));
	size_t nx, ny;

	if (!p.block || !base_block)
		abort();
	nx = collect(c, metric, !all && c->used, p.block, p.mode);
	ny = collect(baseline, metric, !all && baseline->used, base_block, p.base);
	for (size_t i = 0, k = 0; i < nx && k < ny;) {
		if (p.block[i] == base_block[k]) {
			p.block[p.n] = p.block[i];
			p.mode[p.n] = p.mode[i++];
			p.base[p.n++] = p.base[k++];
		} else if (p.block[i] < base_block[k]) {
			i++;
		} else {
			k++;
		}
	}
	return p;
}

struct group_pairs group_pairs(const struct cell *c, const struct cell *baseline, size_t metric)
{
	return pair_up(c, baseline, metric, false);
}

struct group_pairs group_pairs_all(const struct cell *c, const struct cell *baseline, size_t metric)
{
	return pair_up(c, baseline, metric, true);
}

size_t group_left_out(const struct cell *c, const struct cell *baseline)
{
	return (c->used ? c->n_samples - c->used : 0) +
	       (baseline->used ? baseline->n_samples - baseline->used : 0);
}

bool group_stated(const struct comparison *cmp, const struct cell *c, const struct cell *baseline,
		  const char *metric, struct judgement *j)
{
	_group_pairs_ struct group_pairs p = group_pairs(c, baseline, group_metric(metric));
	double floor = noise_floor(cmp->cells->run->run, metric);

	judge_interval(j, metric_find(metric), p.base, p.mode, p.n);
	judge_raise_margin(j, floor);
	if (group_left_out(c, baseline)) {
		_group_pairs_ struct group_pairs all =
			group_pairs_all(c, baseline, group_metric(metric));
		struct judgement with;

		judge_interval(&with, metric_find(metric), all.base, all.mode, all.n);
		judge_raise_margin(&with, floor);
		judge_put_back(j, &with, group_left_out(c, baseline));
	}
	return p.n && j->ratio && j->i95.level > 0;
}

void group_pairs_free(struct group_pairs *p)
{
	free(p->block);
	free(p->mode);
	free(p->base);
}
