/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON object seen as text: where each of its members begins and ends, without making any value.
 * A trial record is some 15 kB of which a comparison needs one, so a sealed record (its digest
 * vouches for its shape) is read through a view, member by member, and ten thousand take a second
 * less than ten.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *at; /* borrowed from the text; NULL: no such member */
	size_t len;
};

#define VIEW_MEMBERS 64
struct view {
	struct span key[VIEW_MEMBERS]; /* as written, without quotes */
	struct span value[VIEW_MEMBERS];
	size_t n;
};

/* Members of the object that `text` is; blanks around tokens are allowed. false: no object, not
 * balanced, an escape in a key, or more than VIEW_MEMBERS members. What is inside a value is not
 * looked at beyond strings and brackets. */
bool view_make(struct span text, struct view *v);
struct span view_get(const struct view *v, const char *key);
/* The string that a member is, cut to `size`; `otherwise` when it is none. Returns `out`. */
const char *view_word(const struct view *v, const char *key, char *out, size_t size,
		      const char *otherwise);
/* A number, or NAN. */
double view_number(const struct view *v, const char *key);
double span_number(struct span s);
/* The value itself: a new reference, or NULL when there is none or it is not JSON. */
json_t *view_json(const struct view *v, const char *key);
json_t *span_json(struct span s);
bool span_has(struct span s, const char *text);
