/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same cells with placements in the place of modes: a group a mode and load, a row a placement,
 * each against "local". What compares modes then compares placements.
 */
#pragma once
#include <stdbool.h>

struct cells;

/* Are there two placements of one mode at least, local among them, and no two modes of one kind of
 * target? */
bool by_placement_is_meant(const struct cells *cells);
/* Swap them, in place; a second time does nothing. The baseline is BY_PLACEMENT_BASELINE then. */
void by_placement(struct cells *cells);
#define BY_PLACEMENT_BASELINE "local"
