/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>

/* Published ratios of a group's rows beside ours, on standard output; nothing when there are none.
 */
int published_print(const json_t *group);
