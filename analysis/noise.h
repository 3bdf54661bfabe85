/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two identical arms show on a machine (`iomodes aa`): how often the verdict calls them
 * different, and how far apart the intervals reach. The reach is the noise floor of a metric: the
 * smallest margin that a comparison on this machine may claim.
 */
#pragma once
#include <jansson.h>

struct cells;
struct diag;

#define NOISE_AGAIN " (again)" /* behind the name of a mode: its second arm */

/* Of the cells of an A/A run: {"identity", "run", "made", "blocks", "series", "false_positives",
 * "metrics": {name: {"series", "false_positives", "floor", "margin"}}}; "floor" and "margin" are
 * relative (0.01 = 1 %). -ENODATA when no pair of arms has the blocks for an interval. */
int noise_measure(struct cells *cells, json_t **noise, struct diag *d);
/* Keeps what an earlier A/A of the same machine found for metrics that this one did not measure (an
 * A/A of a network says nothing of disks); each metric gets "made" and "run". `before` may be NULL.
 */
void noise_keep(json_t *noise, const json_t *before);
/* The same of a run directory. */
int noise_of_run(const char *dir, json_t **noise, struct diag *d);
/* The floor of a metric that a run carries (run.json's "noise_floor"), as a ratio; 0 when none was
 * measured on its machine, or the run is itself an A/A. */
double noise_floor(const json_t *run, const char *metric);
