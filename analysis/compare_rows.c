// SPDX-License-Identifier: Apache-2.0
/* A row of a comparison: what one cell came to, and why it did not. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/compare_groups.h"
#include "analysis/kind.h"
#include "analysis/steady.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/metric.h"

static const char *cell_state(const struct cell *c)
{
	if (json_is_true(json_object_get(c->spec, "left_out")))
		return "left_out";
	if (json_is_false(json_object_get(c->spec, "supported")))
		return "unsupported";
	if (c->used)
		return "measured";
	if (c->verdicts[VERDICT_NOT_IN_FORCE])
		return "not_in_force";
	if (c->verdicts[VERDICT_UNPROVEN])
		return "unproven";
	if (c->verdicts[VERDICT_UNSUPPORTED])
		return "unsupported";
	if (c->invalid)
		return c->given_up ? "failed" : "invalid";
	return c->failed ? "failed" : "not_run";
}

/* A percentile of the cell: that of the merged histogram, or the reason why there is none. */
static void merged_percentile(const struct cell *c, const struct metric *m, json_t *out)
{
	const struct cell_hists *hists = c->used ? c->in_force : c->other;
	const struct hist *h = NULL;
	char why[96];

	if (hists)
		h = strncmp(m->name, "service", 7) ? &hists->latency : &hists->service;
	if (!h || !h->count)
		return; /* no histogram was recorded: the median over trials stands */
	/* low and high are of that median: what the percentile of a block is, not of all of them */
	if (json_object_get(out, "value"))
		json_object_set(out, "block_median", json_object_get(out, "value"));
	json_object_set_new(out, "samples", json_integer((json_int_t)h->count));
	if (hist_supports(h->count, m->quantile)) {
		json_object_set_new(out, "value", json_real(hist_quantile(h, m->quantile)));
		return;
	}
	snprintf(why, sizeof(why), "%llu samples; %s needs %.0f", (unsigned long long)h->count,
		 m->label, ceil(log(0.05) / log(m->quantile)));
	json_object_set_new(out, "value", json_null());
	json_object_set_new(out, "reason", json_string(why));
}

/* Percentiles of the histograms that this kind of trial records. */
static bool belongs(const struct cell *c, const struct metric *m)
{
	return !strncmp(m->name, c->kind->prefix, strlen(c->kind->prefix)) ||
	       (!strncmp(m->name, "service", 7) && !strcmp(c->kind->name, "block"));
}

double group_value(const struct cell *c, const struct metric *m)
{
	_free_ double *value = stats_array(c->n_samples);
	_json_ json_t *one = json_object();
	size_t n = group_collect(c, group_metric(m->name), NULL, value);

	if (m->quantile > 0 && belongs(c, m))
		merged_percentile(c, m, one);
	if (json_object_get(one, "value"))
		return jsonio_number(one, "value");
	return stats_median(value, n);
}

static json_t *row_metrics(const struct cell *c)
{
	_free_ double *value = calloc(c->n_samples + 1, sizeof(double));
	json_t *out = json_object();
	const struct metric *all;
	size_t n_metrics;

	all = metric_all(&n_metrics);
	for (size_t m = 0; value && m < n_metrics; m++) {
		size_t n = group_collect(c, m, NULL, value);
		struct stats_interval i;
		json_t *one;

		if (!n && !(all[m].quantile > 0 && belongs(c, &all[m])))
			continue;
		stats_sort(value, n);
		i = stats_order_interval(value, n, 0.5, 0.95);
		one = json_pack("{s:o, s:I}", "value",
				number_or_null(n ? stats_quantile(value, n, 0.5) : NAN), "n",
				(json_int_t)n);
		if (i.level > 0) {
			json_object_set_new(one, "low", json_real(i.low));
			json_object_set_new(one, "high", json_real(i.high));
			json_object_set_new(one, "level", json_real(i.level));
		}
		if (all[m].quantile > 0 && belongs(c, &all[m]))
			merged_percentile(c, &all[m], one);
		if (n || json_object_get(one, "samples"))
			json_object_set(out, all[m].name, one);
		json_decref(one);
	}
	if (!isnan(c->cpu_left))
		json_object_set_new(out, c->kind->left,
				    json_pack("{s:f, s:i}", "value", c->cpu_left, "n", 1));
	return out;
}

/* SNIA's rule over the blocks, in their order; null with fewer than five. */
static json_t *row_steady(const struct cell *c)
{
	_free_ double *value = calloc(c->n_samples + 1, sizeof(*value));
	const struct metric *all;
	size_t n;

	all = metric_all(&n);
	n = value ? group_collect(c, (size_t)(metric_find(c->kind->rate) - all), NULL, value) : 0;
	return steady_json(value, n);
}

json_t *group_row(const struct cell *c)
{
	json_t *reasons = json_array(), *row;
	const char *shape, *state = cell_state(c);
	json_t *one;
	char text[480];

	if (json_is_false(json_object_get(c->spec, "supported")) &&
	    jsonio_string(c->spec, "reason", NULL))
		json_array_append(reasons, json_object_get(c->spec, "reason"));
	if (!strcmp(state, "not_run"))
		json_array_append_new(reasons, json_string("no trial of it is in the run"));
	json_object_foreach (c->reasons, shape, one) {
		const char *sentence = jsonio_string(one, "first", "?");

		if (c->trials > 1)
			snprintf(text, sizeof(text), "in %.0f of %zu trials%s: %.400s",
				 jsonio_number(one, "n"), c->trials,
				 json_is_true(json_object_get(one, "varies")) ? ", for example"
									      : "",
				 sentence);
		else
			snprintf(text, sizeof(text), "%s", sentence);
		json_array_append_new(reasons, json_string(text));
		if (json_array_size(reasons) >= 8)
			break;
	}
	row = json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:I, s:I, s:I, s:I, s:I, s:I}, s:o, s:[]}",
			"cell", jsonio_string(c->spec, "id", "?"), "mode", c->mode, "state", state,
			"grade", verdict_grade_name(c->grade), "reasons", reasons, "trials", "all",
			(json_int_t)c->trials, "used", (json_int_t)c->used, "invalid",
			(json_int_t)c->invalid, "failed", (json_int_t)c->failed, "not_in_force",
			(json_int_t)c->verdicts[VERDICT_NOT_IN_FORCE], "unproven",
			(json_int_t)c->verdicts[VERDICT_UNPROVEN], "metrics", row_metrics(c),
			"comparisons");
	if (!isnan(c->share))
		json_object_set_new(row, "share", json_real(c->share));
	if (json_object_get(c->spec, "published"))
		json_object_set(row, "published", json_object_get(c->spec, "published"));
	json_object_set_new(row, "steady", row_steady(c));
	return row;
}
