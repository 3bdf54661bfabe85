/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a trial: its frame, and the metrics that come from counters. Internal to trial/. */
#pragma once
#include "trial/trial.h"

/* Identity, cell, load, placement, empty metrics; status "failed" until something better is known.
 * New reference, NULL on lack of memory. */
json_t *trial_record_new(const struct trial_context *ctx, const struct trial_request *r);

/* Metrics per I/O, per packet and per transaction: counters of the record's evidence over the
 * counts of the same window. */
void trial_record_metrics(json_t *record, enum mode_target kind);
/* What the spinner did beside the workload, in ns of its work alone; of a co-runner, what it lost.
 */
void trial_record_spinner(json_t *record, const json_t *spinner, const json_t *idle, bool corunner);

/* Verdict on the mode and every check; sets "verdict", "checks" and "status". */
int trial_record_judge(json_t *record, const struct trial_request *r);

/* The window was not measured: keep the record, say why. `refused`: the device did not take a
 * setting of the mode, which is then "unsupported" here, in the device's words. */
void trial_record_failed(json_t *record, const struct trial_request *r, bool refused,
			 const struct diag *d);
