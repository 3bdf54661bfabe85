/* SPDX-License-Identifier: Apache-2.0 */
/* What others published of a row (an experiment's `published:`), beside ours. */
#pragma once
#include <jansson.h>

/* Complete the "published" member of a group's rows: "ours": {metric: ratio of our medians, of the
 * published metrics, against the row that they are against}; only where both rows are in force. */
void published_beside_ours(json_t *group);
