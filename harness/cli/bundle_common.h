/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that read or write bundles share. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct bundle;
struct diag;

/* "iomodes 0.1.0 (commit)". Returns `out`. */
const char *bundle_made_by(char *out, size_t size);
/* The option --max-size; 0: as the library says. */
/* Until bundle_end(), a signal that ends the program removes what was unpacked. */
int bundle_open_within(const char *path, uint64_t bytes, struct bundle *b, struct diag *d);
/* bundle_close() of one that was opened so. */
void bundle_end(struct bundle *b);
/* EXIT_INVALID for what is damaged, newer or too large; EXIT_USAGE for what is not there. */
int bundle_status(int err);
/* All of bundle_check(). */
int bundle_check_here(struct bundle *b, json_t **report, struct diag *d);
/* "differs    FILE: WHAT: recorded X, again Y", one line each; at most `most`. */
void bundle_print_differences(const json_t *report, size_t most);
