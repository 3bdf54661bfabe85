/* SPDX-License-Identifier: Apache-2.0 */
/* The exact settings of a placement that was measured, for people and as shell scripts. */
#pragma once
#include <jansson.h>
#include <stdio.h>

struct diag;

/* `cell`: of run.json. How to start a program there, and what is set. */
void placement_script_print(const json_t *cell, FILE *out);
/* DIR/placement-NUMBER-set.sh and -undo.sh, for root and until the next boot. -EEXIST; -EBADMSG
 * when something in the record could not be part of a script. */
int placement_script_write(const json_t *cell, const char *dir, unsigned number, struct diag *d);
