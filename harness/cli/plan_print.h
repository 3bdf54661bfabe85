/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct plan;

/* The plan as people read it, on standard output; returns the exit status. */
int plan_print(const struct plan *p);
/* "28 cells x 10 to 30 blocks, about 3:10 to 9:02". */
void plan_summary(const struct plan *p, char *out, size_t size);
