/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Was the mode in force? Decided from the results of its expectations and the grade its row
 * declares, once here, for the trial as it runs and for `check` on a record.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include "record/expectation.h"

struct diag;

enum verdict_mode {
	VERDICT_IN_FORCE,
	VERDICT_NOT_IN_FORCE, /* an expectation failed; a partial effect is this, with its share */
	VERDICT_UNPROVEN,     /* what would show it was not there to be read, or nothing applied */
	VERDICT_UNSUPPORTED,  /* the machine cannot; set by who looked (plan), with the reason */
};

/* counter: a kernel counter shows it. accepted: the kernel took the flag from our own loop, nothing
 * more can be known. */
enum verdict_grade { GRADE_COUNTER, GRADE_ACCEPTED };

struct verdict {
	enum verdict_mode mode;
	enum verdict_grade grade;
	double share; /* of the effect, the smallest among the failed; NAN when it cannot be said */
};

const char *verdict_mode_name(enum verdict_mode mode);
const char *verdict_grade_name(enum verdict_grade grade);
int verdict_mode_parse(const char *text, enum verdict_mode *mode, struct diag *d);
int verdict_grade_parse(const char *text, enum verdict_grade *grade, struct diag *d);

/*
 * A failed expectation: not_in_force. Else an absent one: unproven. Else, declared `accepted`:
 * in_force by acceptance (passed expectations do not raise it: they show no harm, not the mode).
 * Else one that passed: in_force by counter; one of the placement does not count for that. Else
 * (none applies to this load): unproven.
 */
void verdict_decide(enum verdict_grade declared, const struct expectation_result *results, size_t n,
		    struct verdict *v);

/* Evaluates all, decides, and returns the record's "verdict" member as a new reference:
 * {"mode", "grade", "share"?, "reasons": [sentence], "expectations": [result]}. `v` may be NULL. */
json_t *verdict_evaluate(const struct expectation *e, size_t n, enum verdict_grade declared,
			 const json_t *evidence, const struct denominators *over,
			 const json_t *load, struct verdict *v);
/* The same member for a cell that was not run. */
json_t *verdict_unsupported(enum verdict_grade declared, const char *reason);
/* The verdict again, from what a trial record holds (evidence, counts, load, bounds). New
 * reference. -EINVAL when the record's bounds cannot be read. */
int verdict_again(const json_t *trial, json_t **again, struct diag *d);
