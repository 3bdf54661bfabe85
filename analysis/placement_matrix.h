/* SPDX-License-Identifier: Apache-2.0 */
/* Thread node x interrupt node x memory node of one group of a comparison of placements. */
#pragma once
#include <jansson.h>

/*
 * Of a group of compare_run() whose rows are placements: [{"placement", "thread": "home"|"away",
 * "interrupt": ..., "memory": ..., "state", "text", "verdict", "reason"}], the eight in a fixed
 * order, relative to local as the row's first comparison says; "absent" where the run did not ask
 * for one. NULL where the group has none but local. New reference.
 */
json_t *placement_matrix(const json_t *group);

/*
 * The placement to take, of those measured in force: the best of those that are better than local
 * by the first declared metric, else local. {"placement", "cell", "sentence"}; NULL where local was
 * not measured or nothing was compared with it. New reference.
 */
json_t *placement_advice(const json_t *group);
