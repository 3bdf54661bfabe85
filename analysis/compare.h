/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of one run: per target, workload, placement and load a group with a row a mode, each
 * against the baseline. Everything that was planned has a row: what was not measured, not in force
 * or not supported stays there with its reason and is excluded from every comparison.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>

struct cells;
struct diag;

struct compare_options {
	const char *baseline;	    /* mode; NULL: that of run.json */
	const char *const *metrics; /* judge these instead of run.json's primary ones … */
	size_t n_metrics;	    /* … then marked "declared": false */
	/* Placements against "local" instead of modes against the baseline. AUTO: where the run has
	 * one mode and several placements, and no baseline is named. */
	enum { COMPARE_AUTO, COMPARE_MODES, COMPARE_PLACEMENTS } by;
};

/*
 * *result is a new reference:
 * {"run", "altered": null or why its records are not what the run left, "unverified": null or why
 * nobody can tell (sums.h), "baseline",
 * "blocks", "dirty", "groups": [{"kind", "baseline", "target", "workload", "placement", "load",
 * "rate", "title", "open_loop", "answer"?: answer_group(), "rows": [{"cell", "mode", "state",
 * "grade", "share"?, "reasons": [], "trials": {"all", "used", "invalid", "failed", "not_in_force",
 * "unproven"}, "metrics": {name:
 *     {"value", "block_median"? (of percentiles, whose value is
 *     that of the merged histogram: what low and high are of), "low"?, "high"?, "level"?, "n",
 * "reason"?}}, "comparisons": [{"metric", "declared", "n", "scale", "baseline", "mode", "estimate",
 * "low", "high", "level", "p", "p_adjusted", "family", "margin", "detectable", "blocks_needed",
 * "verdict", "sentence", "text", "put_back"?: where trials were left out as not in force, the same
 * with them in: {"left_out", "n", "scale", "estimate", "low", "high", "p", "p_adjusted", "verdict",
 * "sentence"}}], "beside"?: of rate, median, tail and CPU what is shown to have changed, judged or
 * not: [{"metric", "estimate", "low", "high", "text"}]}]}], "precision": precision_of(), with
 * "design": run.json's member of that name, if it has one, "noise_floor": noise_note(),
 * "instruments": instruments_all(), "crossovers": crossover_all(), "throughout": […], "left_out":
 * [{"line", "trial", "reason"}], "words": {word: count}, "rows_measured", "test_delay_ns",
 * "canary": {"medians", "suspect":
 * [{"block", "retry", "sentence"}]}, "notes": []}
 *
 * "state": measured | not_in_force | unproven | unsupported | invalid | failed | not_run. Values of
 * rows in force are over their valid trials in force; rows that were never in force show what their
 * valid trials gave. A value that cannot be stated is null with its reason; estimates of scale
 * "ratio" are ratios (1.03), of "difference" differences. -EINVAL with the nearest right word for
 * an unknown metric or mode; else as record_read_run().
 */
int compare_run(const char *dir, const struct compare_options *options, json_t **result,
		struct diag *d);
/* The same of cells that were read already. */
int compare_cells(struct cells *cells, const struct compare_options *options, json_t **result,
		  struct diag *d);
/* -EINVAL with the nearest right word for a metric that there is not. */
int compare_check_metrics(const struct compare_options *options, struct diag *d);
