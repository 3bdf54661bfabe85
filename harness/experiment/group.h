/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of an experiment file -> cells. Internal to experiment/. */
#pragma once
#include "experiment/experiment.h"

struct yaml_node;

/* The mode of this kind that a scalar names; an unknown one is an error with the nearest. */
int group_find_mode(const struct yaml_node *node, const struct modes *modes, enum mode_target kind,
		    const struct mode **mode, struct diag *d);
/* Append the cells of every group to `e`. `defaults` is the file's load: map, or NULL. */
int groups_expand(const struct yaml_node *groups, const struct yaml_node *defaults,
		  const struct modes *modes, struct experiment *e, struct diag *d);
