/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges the newest run of an experiment against its history, and says for each flag what a
 * confirmation could compare. The report is one JSON value; exports and the command line read it.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>

struct diag;
struct history;

/*
 * {"experiment", "run", "version", "identity", "floor_from", "test_delay_ns"?,
 *  "series": [{"series", "cell", "metric", "unit", "state": clean | flagged | skipped, "sentence",
 *    "points", "value"?, "low"?, "high"?, "expected"?, "floor"?, "effect"?, "worse"?, "rules": [],
 *    "since"?: version, "since_run"?, "good_run"?, "good_version"?, "alert"?: confirmed |
 * unconfirmed | refuted, "confirmation"?: {"kind": paired | repeat, "why", "n", "estimate", "low",
 * "high", "p", "text"}}], "errors": [sentence], "counts": {"series", "judged", "skipped", "clean",
 * "flagged", "alerts", "unconfirmed", "refuted", "errors"}, "skipped_why": {reason: n}, "status":
 * ok | worse | inconclusive | invalid} `run`: NULL for the newest of this experiment. Only series
 * of the run's own machine are judged.
 */
int nightly_report(struct history *h, const char *experiment, const char *run, json_t **report,
		   struct diag *d);

/* How a flag can be confirmed here: the run of the last good version against that of the suspect.
 * "paired": the old state can be made again, its programs are in *programs (borrowed from the
 * history's value); "repeat": it cannot, or nothing that is recorded differs; `why` says what. */
const char *nightly_confirm_kind(const json_t *good, const json_t *suspect, char *why, size_t size);

/* The values of a confirmation into one series of the report. */
void nightly_confirm(json_t *series, const char *kind, const char *why, const double *good,
		     size_t n, const double *suspect, size_t m);
/* Counts and status again, after confirmations. */
void nightly_close(json_t *report);
