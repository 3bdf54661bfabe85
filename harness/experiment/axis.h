/* SPDX-License-Identifier: Apache-2.0 */
/* The axes of a load: what may stand in `load:` and in a group. Internal to experiment/. */
#pragma once
#include "experiment/experiment.h"

struct yaml_node;

struct load_axis {
	const char *key;
	unsigned kinds; /* bit of each enum mode_target whose loads have it */
	int (*set)(struct experiment_load *load, const struct yaml_node *node, struct diag *d);
};

/* In the order of expansion: each may be one value or a list; the last varies fastest. */
const struct load_axis *load_axes(size_t *n);
/* Is `key` an axis of this kind of load? */
bool load_axis_of(const char *key, enum mode_target kind);
/* What a load starts from, and what is filled in or refused once every axis has been set. `at`: for
 * messages. */
void load_start(enum mode_target kind, struct experiment_load *load);
int load_finish(struct experiment_load *load, const struct yaml_node *at, struct diag *d);
