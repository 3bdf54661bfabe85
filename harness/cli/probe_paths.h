/* SPDX-License-Identifier: Apache-2.0 */
/* `iomodes probe --paths`: the way of a completion, as a table, a graph or JSON. */
#pragma once
#include <stdbool.h>

struct machine;

enum probe_paths_form { PATHS_TABLE, PATHS_DOT, PATHS_JSON };

/* 0, -ENOMEM, -EIO. */
int probe_paths_print(const struct machine *m, enum probe_paths_form form);
