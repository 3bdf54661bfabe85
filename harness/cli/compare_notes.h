/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader of a comparison must know of the host and of rows that drift. Internal to cli/. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* What stands above all numbers of a comparison, or of one of its runs: records that were altered,
 * that cannot be verified, or that were slowed down on purpose, a host that did something else,
 * rows that drift. "" where warning i does not apply, NULL after the last. */
const char *compare_warning(const json_t *of, unsigned i, char *out, size_t size);
/* Those that apply, a line each. */
void compare_print_warnings(const json_t *of, FILE *out);

/* The noise floor that verdicts were held to, and what speaks against it; of one run of several,
 * too. */
void compare_print_noise(const json_t *of);

/* Suspect blocks of the canary, and rows that were not steady over the blocks. */
void compare_print_notes(const json_t *result);
