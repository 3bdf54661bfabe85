/* SPDX-License-Identifier: Apache-2.0 */
/* The placements of a group: an axis like its modes. */
#pragma once
#include "experiment/experiment.h"

struct diag;
struct yaml_node;

#define GROUP_PLACEMENT "placement"

/* Is the scalar a placement? -EINVAL with the place in the file and the nearest right word. */
int group_placement_check(const struct yaml_node *node, struct diag *d);
/* Give the cell its placement, and its id the name where it is not the default. -ENOMEM. */
int group_placement_name(struct experiment_cell *cell, const char *placement);
