// SPDX-License-Identifier: Apache-2.0
#include "record/expectation.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/suggest.h"

static const char *const per_names[] = {[PER_NONE] = "none",
					[PER_IO] = "io",
					[PER_PACKET] = "packet",
					[PER_SECOND] = "second",
					[PER_TRANSACTION] = "transaction"};
static const char *const per_suffix[] = {[PER_NONE] = "",
					 [PER_IO] = " per I/O",
					 [PER_PACKET] = " per packet",
					 [PER_SECOND] = "/s",
					 [PER_TRANSACTION] = " per transaction"};
static const char *const outcome_names[] = {[EXPECTATION_PASSED] = "passed",
					    [EXPECTATION_FAILED] = "failed",
					    [EXPECTATION_NOT_APPLICABLE] = "not_applicable",
					    [EXPECTATION_ABSENT] = "absent"};
static const char *const op_names[] = {[CONDITION_EQUAL] = "equal",
				       [CONDITION_AT_LEAST] = "at_least",
				       [CONDITION_AT_MOST] = "at_most"};

const char *expectation_per_name(enum expectation_per per)
{
	return per_names[per];
}

const char *expectation_outcome_name(enum expectation_outcome outcome)
{
	return outcome_names[outcome];
}

int expectation_per_parse(const char *text, enum expectation_per *per, struct diag *d)
{
	char hint[128];

	for (size_t i = 0; i < ARRAY_SIZE(per_names); i++) {
		if (strcmp(text, per_names[i]))
			continue;
		*per = (enum expectation_per)i;
		return 0;
	}
	return diag_set(d, -EINVAL,
			"per: \"%s\" is none of io, packet, transaction, second, none%s", text,
			suggest_text(text, per_names, ARRAY_SIZE(per_names), hint, sizeof(hint)));
}

bool condition_holds(const struct condition *c, const json_t *load)
{
	const json_t *at = json_object_get(load, c->key);
	double number;

	if (c->is_text)
		return json_is_string(at) && !strcmp(json_string_value(at), c->text);
	if (json_is_boolean(at))
		number = json_is_true(at);
	else if (json_is_number(at))
		number = json_number_value(at);
	else
		return false;
	switch (c->op) {
	case CONDITION_AT_LEAST:
		return number >= c->number;
	case CONDITION_AT_MOST:
		return number <= c->number;
	default:
		return number == c->number;
	}
}

static void read_counts(const json_t *counts, const json_t *evidence, struct denominators *over)
{
	over->io = jsonio_number(counts, "io");
	over->packet = jsonio_number(counts, "packet");
	over->transaction = jsonio_number(counts, "transaction");
	over->second = jsonio_number(evidence, "window_ns") / 1e9;
	if (isnan(over->packet))
		over->packet = jsonio_number(evidence, "counters.net_rx_packets");
}

void denominators_read(const json_t *trial, struct denominators *over)
{
	const json_t *evidence = json_object_get(trial, "evidence");
	const json_t *counts = json_object_get(evidence, "counts");

	read_counts(json_is_object(counts) ? counts : json_object_get(trial, "counts"), evidence,
		    over);
}

static double denominator(const struct expectation *e, const struct denominators *over)
{
	switch (e->per) {
	case PER_IO:
		return over->io;
	case PER_PACKET:
		return over->packet;
	case PER_SECOND:
		return over->second;
	case PER_TRANSACTION:
		return over->transaction;
	default:
		return 1;
	}
}

/* How much of the effect was there: 1 at the bound, 0 where the machine is without the mode. */
static double effect_share(const struct expectation *e, double measured)
{
	double otherwise = e->otherwise, bound, share;

	if (isnan(e->at_most) || measured <= e->at_most)
		bound = e->at_least;
	else
		bound = e->at_most;
	if (isnan(otherwise)) {
		if (bound == e->at_least)
			otherwise = 0;
		else if (bound < 1 &&
			 (e->per == PER_IO || e->per == PER_PACKET || e->per == PER_TRANSACTION))
			otherwise = 1;
		else
			return NAN;
	}
	if (otherwise == bound)
		return NAN;
	share = (otherwise - measured) / (otherwise - bound);
	return fmin(1, fmax(0, share));
}

static void say(const struct expectation *e, struct expectation_result *r)
{
	char bound[64] = "", share[48] = "";

	if (!isnan(e->at_most) && !isnan(e->at_least))
		snprintf(bound, sizeof(bound), "%.4g to %.4g", e->at_least, e->at_most);
	else if (!isnan(e->at_most))
		snprintf(bound, sizeof(bound), "at most %.4g", e->at_most);
	else
		snprintf(bound, sizeof(bound), "at least %.4g", e->at_least);
	if (r->outcome == EXPECTATION_FAILED && !isnan(r->share) && r->share > 0)
		snprintf(share, sizeof(share), "; %.0f %% of the effect was there", r->share * 100);
	snprintf(r->sentence, sizeof(r->sentence), "%s: %.4g%s, expected %s%s", e->evidence,
		 r->measured, per_suffix[e->per], bound, share);
}

static void weaken(struct expectation_result *r, const char *why)
{
	size_t len = strlen(r->sentence);

	r->limits = r->weak = true;
	snprintf(r->sentence + len, sizeof(r->sentence) - len, "%s", why);
}

/* Below so many packets a second the bound would be kept without the mode, too. */
static void weigh(const struct expectation *e, const struct denominators *over,
		  struct expectation_result *r)
{
	double rate = over->packet / over->second;
	char why[96];

	if (rate >= e->proves_from) /* false for NAN */
		return;
	snprintf(why, sizeof(why), "; shows nothing below %.4g packets/s (%.4g)", e->proves_from,
		 rate);
	weaken(r, why);
}

void expectation_evaluate(const struct expectation *e, const json_t *evidence,
			  const struct denominators *over, const json_t *load,
			  struct expectation_result *r)
{
	const json_t *proof = e->proof ? json_object_get(evidence, "proof") : NULL;
	const json_t *counter, *why;
	struct denominators of_proof;
	double by;

	if (proof) {
		evidence = proof;
		read_counts(json_object_get(proof, "counts"), proof, &of_proof);
		over = &of_proof;
	}
	counter = json_object_get(json_object_get(evidence, "counters"), e->evidence);
	why = json_object_get(json_object_get(evidence, "absent"), e->evidence);
	by = denominator(e, over);
	*r = (struct expectation_result){
		.measured = NAN,
		.share = NAN,
		.limits = !strncmp(e->evidence, "placement_", 10),
	};
	for (size_t i = 0; i < e->n_when; i++) {
		if (condition_holds(&e->when[i], load))
			continue;
		r->outcome = EXPECTATION_NOT_APPLICABLE;
		snprintf(r->sentence, sizeof(r->sentence), "%s: not expected of this load (%s)",
			 e->evidence, e->when[i].key);
		return;
	}
	if (!json_is_number(counter) || !(by > 0)) {
		r->outcome = e->proof ? EXPECTATION_NOT_APPLICABLE : EXPECTATION_ABSENT;
		r->missed = e->proof;
		if (json_is_number(counter))
			snprintf(r->sentence, sizeof(r->sentence),
				 "%s: nothing to divide by (per %s)", e->evidence,
				 per_names[e->per]);
		else
			snprintf(r->sentence, sizeof(r->sentence), "%s: %.180s", e->evidence,
				 json_is_string(why) ? json_string_value(why) : "was not read");
		return;
	}
	r->measured = json_number_value(counter) / by;
	r->outcome = EXPECTATION_PASSED;
	if (r->measured > e->at_most || r->measured < e->at_least) { /* false for NAN bounds */
		r->outcome = EXPECTATION_FAILED;
		r->share = effect_share(e, r->measured);
	}
	say(e, r);
	if (e->limits && r->outcome == EXPECTATION_PASSED)
		weaken(r, "; holds without the mode, too");
	else if (e->proves_from > 0 && r->outcome == EXPECTATION_PASSED)
		weigh(e, over, r);
}

static void set_number(json_t *j, const char *key, double value)
{
	if (!isnan(value))
		json_object_set_new(j, key, json_real(value));
}

json_t *expectation_json(const struct expectation *e, const struct expectation_result *r)
{
	json_t *j = json_pack("{s:s, s:s}", "evidence", e->evidence, "per", per_names[e->per]);
	json_t *when = json_object();

	set_number(j, "at_most", e->at_most);
	set_number(j, "at_least", e->at_least);
	set_number(j, "otherwise", e->otherwise);
	if (e->proves_from > 0)
		json_object_set_new(j, "proves_from", json_real(e->proves_from));
	if (e->limits)
		json_object_set_new(j, "limits", json_true());
	if (e->proof)
		json_object_set_new(j, "proof", json_true());
	for (size_t i = 0; i < e->n_when; i++) {
		const struct condition *c = &e->when[i];
		json_t *value = c->is_text ? json_string(c->text) : json_real(c->number);

		if (c->op != CONDITION_EQUAL)
			value = json_pack("{s:o}", op_names[c->op], value);
		json_object_set_new(when, c->key, value);
	}
	if (e->n_when)
		json_object_set(j, "when", when);
	json_decref(when);
	if (r) {
		json_object_set_new(j, "result", json_string(outcome_names[r->outcome]));
		set_number(j, "measured", r->measured);
		set_number(j, "share", r->share);
		json_object_set_new(j, "sentence", json_string(r->sentence));
	}
	return j;
}

static int condition_from_json(const char *key, const json_t *value, struct condition *c,
			       struct diag *d)
{
	*c = (struct condition){.op = CONDITION_EQUAL};
	snprintf(c->key, sizeof(c->key), "%s", key);
	if (json_is_object(value)) {
		const char *op = json_object_iter_key(json_object_iter((json_t *)value));

		if (json_object_size(value) != 1)
			return diag_set(d, -EINVAL, "when.%s: one of at_least, at_most", key);
		if (!strcmp(op, "at_least"))
			c->op = CONDITION_AT_LEAST;
		else if (!strcmp(op, "at_most"))
			c->op = CONDITION_AT_MOST;
		else
			return diag_set(d, -EINVAL, "when.%s: \"%s\" is none of at_least, at_most",
					key, op);
		value = json_object_get(value, op);
	}
	if (json_is_string(value) && c->op == CONDITION_EQUAL) {
		c->is_text = true;
		snprintf(c->text, sizeof(c->text), "%s", json_string_value(value));
		return 0;
	}
	if (json_is_boolean(value))
		c->number = json_is_true(value);
	else if (json_is_number(value))
		c->number = json_number_value(value);
	else
		return diag_set(d, -EINVAL, "when.%s: neither a number nor a word", key);
	return 0;
}

int expectation_from_json(const json_t *j, struct expectation *e, struct diag *d)
{
	const char *name = jsonio_string(j, "evidence", NULL), *key;
	double from = jsonio_number(j, "proves_from");
	json_t *value, *when = json_object_get(j, "when");
	int err;

	*e = (struct expectation){.at_most = jsonio_number(j, "at_most"),
				  .at_least = jsonio_number(j, "at_least"),
				  .otherwise = jsonio_number(j, "otherwise"),
				  .proves_from = isnan(from) ? 0 : from,
				  .limits = json_is_true(json_object_get(j, "limits")),
				  .proof = json_is_true(json_object_get(j, "proof"))};
	if (!name)
		return diag_set(d, -EINVAL, "expectation: no \"evidence\"");
	snprintf(e->evidence, sizeof(e->evidence), "%s", name);
	if (isnan(e->at_most) && isnan(e->at_least))
		return diag_set(d, -EINVAL, "expectation %s: neither at_most nor at_least", name);
	err = expectation_per_parse(jsonio_string(j, "per", "none"), &e->per, d);
	if (err)
		return diag_prefix(d, err, "expectation %s", name);
	if (json_object_size(when) > EXPECTATION_CONDITIONS)
		return diag_set(d, -EINVAL, "expectation %s: more than %d conditions", name,
				EXPECTATION_CONDITIONS);
	json_object_foreach (when, key, value) {
		err = condition_from_json(key, value, &e->when[e->n_when++], d);
		if (err)
			return diag_prefix(d, err, "expectation %s", name);
	}
	return 0;
}
