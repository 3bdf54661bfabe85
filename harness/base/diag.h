/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentence a person needs when something failed: what was wrong, where (file:line:column or
 * device/knob), what would be right. Every function that can fail for a reason worth telling takes
 * a `struct diag *` last and fills it; the return value is 0 or -errno. Only the command line turns
 * a diag into output.
 */
#pragma once
#include <stdarg.h>

struct diag {
	char text[1024];
};

/* Write the sentence and return `err` (negative errno), so that callers can `return diag_set(...)`.
 * `d` may be NULL. A `%m` in the format stands for errno as usual. */
__attribute__((format(printf, 3, 4))) int diag_set(struct diag *d, int err, const char *fmt, ...);

/* Put context in front of what is there: "context: sentence". Returns `err`. */
__attribute__((format(printf, 3, 4))) int diag_prefix(struct diag *d, int err, const char *fmt,
						      ...);

/* As diag_set, with ": <strerror(-err)>" appended. Returns `err`. */
__attribute__((format(printf, 3, 4))) int diag_errno(struct diag *d, int err, const char *fmt, ...);
