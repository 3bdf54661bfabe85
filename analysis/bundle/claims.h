/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a published run claims, and whether another run bears it out. A claim is the verdict on a
 * mode (it was in force, or not), or one comparison that came to a word other than "inconclusive".
 * Against another run it is
 *   reproduced      the same word, and the intervals meet when widened by the margin
 *   not_reproduced  another word, or intervals that do not meet
 *   not_comparable  what was measured is not the same thing, or cannot be told; with what differs
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

/* Of a comparison (compare.h): [{"id", "kind": "mode" | "comparison", "cell", "mode", "word", …}].
 * New reference. */
json_t *claims_of(const json_t *comparison);

struct claims_other {
	const json_t *run;	  /* run.json, or as much of one as is known before measuring */
	const json_t *comparison; /* NULL: not measured yet; then only what differs is said */
	bool any_machine;	  /* judge although the machines differ */
	bool redacted;		  /* the published run does not say which machine it was made on */
};

/*
 * {"relation", "environment": machine_key_difference(), "claims": [{"id", "verdict", "reason",
 * "differs": [sentence], "published", "here"?}], "words": {verdict: count}}. A claim that stands
 * open before measuring has the verdict "open". New reference.
 */
json_t *claims_judge(const json_t *claims, const json_t *published_run,
		     const struct claims_other *other);
