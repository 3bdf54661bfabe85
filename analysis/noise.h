/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two identical arms show on a machine (`iomodes aa`): how often the verdict calls them
 * different, and how far apart the intervals reach. The reach is the noise floor of a metric: the
 * smallest margin that a comparison on this machine may claim.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>

struct cells;
struct diag;

#define NOISE_AGAIN    " (again)" /* behind the name of a mode: its second arm */
#define NOISE_OLD_DAYS 30	  /* a floor that was found longer before a run is named as old */
#define NOISE_METRICS  12

/* Of the cells of an A/A run: {"identity", "run", "made", "blocks", "kernel", "configuration"
 * (digest of that part of the machine key), "series", "false_positives", "metrics": {name:
 * {"series" (pairs of arms), "false_positives", "floor", "margin", "targets"}}}; "floor" and
 * "margin" are relative (0.01 = 1 %). -ENODATA when no pair of arms has the blocks for an
 * interval. */
int noise_measure(struct cells *cells, json_t **noise, struct diag *d);
/* Keeps what an earlier A/A of the same machine found for metrics that this one did not measure (an
 * A/A of a network says nothing of disks); each metric gets "made", "run", "blocks", "kernel" and
 * "configuration" of the A/A that found it. `before` may be NULL. */
void noise_keep(json_t *noise, const json_t *before);
/* The same of a run directory. */
int noise_of_run(const char *dir, json_t **noise, struct diag *d);
/* The floor of a metric that a run carries (run.json's "noise_floor"), as a ratio; 0 when none was
 * measured on its machine, or the run is itself an A/A. */
double noise_floor(const json_t *run, const char *metric);
/* What the kinds in the run are judged on; returns how many. */
size_t noise_metrics(const struct cells *cells, const char *name[static NOISE_METRICS]);
/* What stands behind the floor that a run is judged by: {"sentence", "warnings": [sentence],
 * "metrics": {name: {"floor", "margin", and of the A/A that found it "series", "blocks", "made",
 * "run", "kernel", "targets"}}}. A warning is a floor that is old, of another kernel or
 * configuration, of other targets, or of one pair of arms; it is used all the same, as without it
 * less would be asked of a difference. New reference. */
json_t *noise_note(const struct cells *cells);
