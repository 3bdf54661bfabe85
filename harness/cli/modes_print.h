/* SPDX-License-Identifier: Apache-2.0 */
/* Which modes a device can run, and what is missing for the others: in `probe` and `modes`. */
#pragma once
#include <jansson.h>

struct machine;
struct machine_subject;
struct modes;

/* A table of every mode of the subject's kind, on standard output. */
int modes_print(const struct modes *modes, const struct machine *m,
		const struct machine_subject *subject);
/* [{"mode", "doc", "grade", "available", "reason", "remedy", "needs_root"}], of the subject's kind;
 * new reference. `subject` NULL: all modes, without what depends on one. */
json_t *modes_json(const struct modes *modes, const struct machine *m,
		   const struct machine_subject *subject);
