/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader of a comparison must know of the host and of rows that drift. Internal to cli/. */
#pragma once
#include <jansson.h>

/* Suspect blocks of the canary, and rows that were not steady over the blocks. */
void compare_print_notes(const json_t *result);
