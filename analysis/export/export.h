/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results in the forms that other tools read. One small file each and one row of the table in
 * registry.c; what a format is made from is a JSON value, so that none of them knows a database.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

struct diag;

enum export_source {
	EXPORT_TRIALS,	/* export_trials() of runs */
	EXPORT_HISTORY, /* history_series() of one experiment on one machine */
	EXPORT_REPORT,	/* nightly_report() */
};

struct exporter {
	const char *name, *doc;
	enum export_source source;
	int (*write)(FILE *out, const json_t *input, struct diag *d);
};

const struct exporter *export_all(size_t *n);
/* -EINVAL with the nearest right word. */
int export_find(const char *name, const struct exporter **out, struct diag *d);

/* The usable trials in force of runs: [{"run", "trial", "started", "experiment", "cell", "mode",
 * "target", "workload", "placement", "load": {}, "block", "metrics": {name: value}}]. */
int export_trials(const char *const *dirs, size_t n, json_t **out, struct diag *d);

int export_junit(FILE *out, const json_t *report, struct diag *d);
int export_gobench(FILE *out, const json_t *trials, struct diag *d);
int export_otava(FILE *out, const json_t *series, struct diag *d);
int export_openmetrics(FILE *out, const json_t *report, struct diag *d);
int export_csv(FILE *out, const json_t *trials, struct diag *d);

/* For the formats: 17 significant digits are noise; 15 give every decimal back. */
void export_number(FILE *out, double value);
/* A field of CSV (RFC 4180), quoted where it must be. */
void export_csv_field(FILE *out, const char *text);
