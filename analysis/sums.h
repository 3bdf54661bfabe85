/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a file of a run what the run left? A run that ends lists the digest of each of its files in
 * SHA256SUMS; records have digests of their own, but one that was taken out leaves no trace in the
 * others. This finds an edit, not a forger, who makes the list anew.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct diag;

enum sums_state {
	SUMS_HOLD,
	SUMS_NONE,  /* no list, or the file is not in it; `d` says which */
	SUMS_DIFFER /* `d` says so */
};

enum sums_state sums_check(const char *dir, const char *name, struct diag *d);

/* Why run.json or trials.jsonl cannot be held to a list: a complete run leaves one, one that was
 * killed has none, and nobody can tell that it was not taken away. The records vouch for themselves
 * only then. "" where both are listed. */
void sums_unverified(const char *dir, const json_t *run, char *out, size_t size);
