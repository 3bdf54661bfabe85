/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a file of a run what the run left? A run that ends lists the digest of each of its files in
 * SHA256SUMS; records have digests of their own, but one that was taken out leaves no trace in the
 * others. This finds an edit, not a forger, who makes the list anew.
 */
#pragma once

struct diag;

enum sums_state {
	SUMS_HOLD,
	SUMS_NONE, /* no list, or the file is not in it: the run was killed, or is no run of ours */
	SUMS_DIFFER /* `d` says so */
};

enum sums_state sums_check(const char *dir, const char *name, struct diag *d);
