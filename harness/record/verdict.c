// SPDX-License-Identifier: Apache-2.0
#include "record/verdict.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/suggest.h"

static const char *const mode_names[] = {[VERDICT_IN_FORCE] = "in_force",
					 [VERDICT_NOT_IN_FORCE] = "not_in_force",
					 [VERDICT_UNPROVEN] = "unproven",
					 [VERDICT_UNSUPPORTED] = "unsupported"};
static const char *const grade_names[] = {
	[GRADE_COUNTER] = "counter", [GRADE_ACCEPTED] = "accepted"};

const char *verdict_mode_name(enum verdict_mode mode)
{
	return mode_names[mode];
}

const char *verdict_grade_name(enum verdict_grade grade)
{
	return grade_names[grade];
}

static int parse(const char *text, const char *const *names, size_t n, const char *what,
		 struct diag *d)
{
	char hint[128];

	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, names[i]))
			return (int)i;
	return diag_set(d, -EINVAL, "unknown %s \"%s\"%s", what, text,
			suggest_text(text, names, n, hint, sizeof(hint)));
}

int verdict_mode_parse(const char *text, enum verdict_mode *mode, struct diag *d)
{
	int i = parse(text, mode_names, ARRAY_SIZE(mode_names), "verdict", d);

	if (i >= 0)
		*mode = (enum verdict_mode)i;
	return i < 0 ? i : 0;
}

int verdict_grade_parse(const char *text, enum verdict_grade *grade, struct diag *d)
{
	int i = parse(text, grade_names, ARRAY_SIZE(grade_names), "grade", d);

	if (i >= 0)
		*grade = (enum verdict_grade)i;
	return i < 0 ? i : 0;
}

void verdict_decide(enum verdict_grade declared, const struct expectation_result *results, size_t n,
		    struct verdict *v)
{
	size_t count[4] = {0}, weak = 0, missed = 0;

	*v = (struct verdict){.grade = declared, .share = NAN};
	for (size_t i = 0; i < n; i++) {
		if (!results[i].limits || results[i].outcome != EXPECTATION_PASSED)
			count[results[i].outcome]++;
		weak += results[i].weak;
		missed += results[i].missed;
		if (results[i].outcome == EXPECTATION_FAILED)
			v->share = fmin(v->share, results[i].share); /* fmin ignores NAN */
	}
	if (count[EXPECTATION_FAILED]) {
		v->mode = VERDICT_NOT_IN_FORCE;
		v->grade = GRADE_COUNTER; /* whatever was declared, a counter says no */
	} else if (count[EXPECTATION_ABSENT]) {
		v->mode = VERDICT_UNPROVEN;
	} else if (declared == GRADE_ACCEPTED || count[EXPECTATION_PASSED]) {
		v->mode = VERDICT_IN_FORCE;
	} else if (weak && !missed) { /* it was set and read back; this load cannot show more */
		v->mode = VERDICT_IN_FORCE;
		v->grade = GRADE_ACCEPTED;
	} else {
		v->mode = VERDICT_UNPROVEN;
	}
}

static void add_reasons(json_t *reasons, const struct verdict *v,
			const struct expectation_result *results, size_t n)
{
	enum expectation_outcome telling = v->mode == VERDICT_NOT_IN_FORCE ? EXPECTATION_FAILED
					   : v->mode == VERDICT_UNPROVEN   ? EXPECTATION_ABSENT
									   : EXPECTATION_PASSED;

	for (size_t i = 0; i < n; i++)
		if (results[i].outcome == telling ||
		    (v->mode == VERDICT_UNPROVEN && results[i].missed))
			json_array_append_new(reasons, json_string(results[i].sentence));
	if (json_array_size(reasons))
		return;
	if (v->mode == VERDICT_UNPROVEN)
		json_array_append_new(
			reasons, json_string("no expectation of this mode applies to this load"));
	else
		json_array_append_new(reasons,
				      json_string("the kernel accepted it; no counter shows more"));
}

json_t *verdict_evaluate(const struct expectation *e, size_t n, enum verdict_grade declared,
			 const json_t *evidence, const struct denominators *over,
			 const json_t *load, struct verdict *v)
{
	_free_ struct expectation_result *results = calloc(n ? n : 1, sizeof(*results));
	json_t *all = json_array(), *reasons = json_array(), *out;
	struct verdict local;

	if (!v)
		v = &local;
	if (!results)
		abort(); /* a few hundred bytes; jansson would not survive it either */
	for (size_t i = 0; i < n; i++) {
		expectation_evaluate(&e[i], evidence, over, load, &results[i]);
		json_array_append_new(all, expectation_json(&e[i], &results[i]));
	}
	verdict_decide(declared, results, n, v);
	add_reasons(reasons, v, results, n);
	out = json_pack("{s:s, s:s, s:s, s:o, s:o}", "mode", mode_names[v->mode], "grade",
			grade_names[v->grade], "declared", grade_names[declared], "reasons",
			reasons, "expectations", all);
	if (!isnan(v->share))
		json_object_set_new(out, "share", json_real(v->share));
	return out;
}

json_t *verdict_unsupported(enum verdict_grade declared, const char *reason)
{
	return json_pack("{s:s, s:s, s:s, s:[s], s:[]}", "mode", mode_names[VERDICT_UNSUPPORTED],
			 "grade", grade_names[declared], "declared", grade_names[declared],
			 "reasons", reason, "expectations");
}

int verdict_again(const json_t *trial, json_t **again, struct diag *d)
{
	const json_t *verdict = json_object_get(trial, "verdict");
	const json_t *list = json_object_get(verdict, "expectations"), *one;
	const json_t *evidence = json_object_get(trial, "evidence");
	_free_ struct expectation *e = calloc(json_array_size(list) + 1, sizeof(*e));
	struct denominators over;
	enum verdict_grade declared;
	enum verdict_mode mode;
	size_t i;
	int err;

	if (!e)
		return -ENOMEM;
	err = verdict_mode_parse(jsonio_string(verdict, "mode", "?"), &mode, d);
	if (!err)
		err = verdict_grade_parse(
			jsonio_string(verdict, "declared", jsonio_string(verdict, "grade", "?")),
			&declared, d);
	if (err)
		return diag_prefix(d, err, "verdict");
	if (mode == VERDICT_UNSUPPORTED) { /* the machine's word, not that of a counter */
		*again = json_incref((json_t *)verdict);
		return 0;
	}
	json_array_foreach (list, i, one) {
		err = expectation_from_json(one, &e[i], d);
		if (err)
			return err;
	}
	denominators_read(trial, &over);
	*again = verdict_evaluate(e, json_array_size(list), declared, evidence, &over,
				  json_object_get(trial, "load"), NULL);
	return 0;
}
