/* SPDX-License-Identifier: Apache-2.0 */
/* What a comparison of placements says at the end: the matrix, and what to set. */
#pragma once
#include <jansson.h>

struct diag;

/* Matrix and recommendation of every group that compares placements. `dir`: of the run. */
int placement_print(const json_t *result, const char *dir, struct diag *d);
/*
 * placement-N-set.sh and placement-N-undo.sh of the recommendation of every group, or of the
 * placement `of` where that is measured, into `to` (made if need be; no file is overwritten).
 * -ENOENT: there is none. What comes from the record is checked before it becomes part of a script:
 * -EBADMSG.
 */
int placement_scripts(const json_t *result, const char *dir, const char *to, const char *of,
		      struct diag *d);
