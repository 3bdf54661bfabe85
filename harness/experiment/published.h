/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody else published of the modes of a group, beside which ours are shown:
 *
 *   published:
 *     source: where the figures are from, and on which machine
 *     baseline: interrupt              # their ratios are against this row
 *     says: what is published in words, of all rows together   # values or this, or both
 *     values: {busy-poll: {rtt_p99_ns: 155000}, interrupt: {rtt_p99_ns: 715000}}
 *     differs: in what our set-up is another than theirs
 *     elsewhere: {spdk: {iops: 10400, why: why it is no row of ours}}       # optional
 *
 * Internal to experiment/.
 */
#pragma once
#include "experiment/experiment.h"

struct yaml_node;

/* What was published of `mode`: {"source", "baseline", "values": {metric: number}, "ratios":
 * {metric: number}, "says", "differs", "elsewhere": {name: {"why", "values", "ratios"}}}; *out is a
 * new reference, NULL when nothing was (of rows without values there is what `says` tells of all).
 * Every metric and every mode of the node is checked: `modes` is the group's list. */
int published_load(const struct yaml_node *published, const struct yaml_node *modes,
		   const char *mode, json_t **out, struct diag *d);
