/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs against each other: the same mode at the same load in the first run and in each later one
 * (another kernel, firmware, date, machine). Runs share no blocks, so samples are independent, and
 * what changed between two days without being recorded is in the difference, too: the interval
 * holds what varies within a run, not from run to run.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>

struct cells;
struct compare_options;
struct diag;

/*
 * {"runs": [{"run", "dir", "started", "key": machine_key()["digest"], "noise_floor":
 * noise_note()}], "against": [{"run": index, "relation", "environment": machine_key_difference(),
 * "rows": [{"title", "mode", "kind", "cell", "n_first", "n_second", "comparison": a comparison of
 * compare_run()}], "unmatched": [{"title", "mode", "reason"}]}], "rows_measured", "words"}. -EINVAL
 * as compare_run().
 */
int across_cells(struct cells *const *cells, const char *const *dirs, size_t n,
		 const struct compare_options *options, json_t **result, struct diag *d);
int across_runs(const char *const *dirs, size_t n, const struct compare_options *options,
		json_t **result, struct diag *d);
