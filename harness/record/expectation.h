/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be seen for a mode to count as in force: a bound on a counter of the measured window,
 * mostly per I/O or per packet. Evaluated against the evidence object of a trial; the result
 * carries its own bounds, so that `check` can evaluate a record again years later.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct diag;

enum expectation_per { PER_NONE, PER_IO, PER_PACKET, PER_SECOND, PER_TRANSACTION };
enum condition_op { CONDITION_EQUAL, CONDITION_AT_LEAST, CONDITION_AT_MOST };

/* One condition of `when`, on a key of the trial's load ("iodepth", "rw", "engine" …). */
struct condition {
	char key[32];
	enum condition_op op;
	bool is_text; /* compared with `text`, op EQUAL only */
	double number;
	char text[64];
};

/* Of a load that has no such key: false. */
bool condition_holds(const struct condition *c, const json_t *load);

#define EXPECTATION_CONDITIONS 4
struct expectation {
	char evidence[64]; /* name of a counter in evidence.counters */
	enum expectation_per per;
	double at_most, at_least; /* NAN = unset; inclusive */
	/* What the counter would be without the mode, for the share of a partial effect. NAN = 1
	 * for an at_most below 1 per I/O, packet or transaction (no event instead of one), else
	 * unknown. */
	double otherwise;
	/* Packets a second from which keeping the bound shows the mode; fewer keep it without, and
	 * what passed then shows nothing. 0 = any. */
	double proves_from;
	/* It must hold, but would without the mode, too: passed, it shows nothing. */
	bool limits;
	/* On a counter that only a proof trial of the same set-up has ("evidence.proof"). Where it
	 * could not be counted there, it does not apply. */
	bool proof;
	struct condition when[EXPECTATION_CONDITIONS]; /* all must hold */
	size_t n_when;
};

/* Counts of the same window as the counters; NAN = not known. */
struct denominators {
	double io, packet, second, transaction;
};
/* Of a trial's record: counters were read around the timed window; where that window saw other
 * counts than the measured one, the evidence carries its own ("evidence.counts"). Packets are what
 * the interfaces received when nobody says otherwise. */
void denominators_read(const json_t *trial, struct denominators *over);

enum expectation_outcome {
	EXPECTATION_PASSED,
	EXPECTATION_FAILED,
	EXPECTATION_NOT_APPLICABLE, /* `when` does not hold for this load */
	EXPECTATION_ABSENT,	    /* the counter or its denominator is not there; see sentence */
};

struct expectation_result {
	enum expectation_outcome outcome;
	double measured; /* counter / denominator; NAN when absent or not applicable */
	double share;	 /* of the effect that was there, 0..1, when failed; NAN = cannot be said */
	char sentence[256];
	bool limits; /* it can fail, but does not show that the mode was there: of the placement …
		      */
	bool weak; /* … or of a bound that the row calls a limit, or too few packets for it (limits
		      is set, too) */
	bool missed; /* not applicable because the proof trial could not count it */
};

const char *expectation_per_name(enum expectation_per per);
const char *expectation_outcome_name(enum expectation_outcome outcome);
/* -EINVAL for an unknown word. */
int expectation_per_parse(const char *text, enum expectation_per *per, struct diag *d);

/* `evidence`: {"counters": {name: number}, "absent": {name: reason}}; `load`: keys of the trial. */
void expectation_evaluate(const struct expectation *e, const json_t *evidence,
			  const struct denominators *over, const json_t *load,
			  struct expectation_result *result);

/* {"evidence","per","at_most","at_least","otherwise","proves_from","limits","when","result","measured","share",
 * "sentence"}; unset bounds are left out. `result` may be NULL. New reference. */
json_t *expectation_json(const struct expectation *e, const struct expectation_result *result);
/* Reads the above (result members are ignored). -EINVAL with the reason. */
int expectation_from_json(const json_t *j, struct expectation *e, struct diag *d);
