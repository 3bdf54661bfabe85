// SPDX-License-Identifier: Apache-2.0
/* The shape of records as tables; results/schema says the same to other languages. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/metric.h"
#include "record/record.h"

enum {
	IS_OBJECT = 1,
	IS_ARRAY = 2,
	IS_STRING = 4,
	IS_INTEGER = 8,
	IS_NUMBER = 16,
	IS_BOOL = 32,
	IS_NULL = 64,
};

struct member {
	const char *path; /* "load.rw"; a parent that may be null is checked before its members */
	unsigned types;
	const char *const *words; /* strings: one of these, NULL-terminated */
};

static const char *const statuses[] = {"valid", "invalid", "failed", NULL};
static const char *const modes[] = {"in_force", "not_in_force", "unproven", "unsupported", NULL};
static const char *const grades[] = {"counter", "accepted", NULL};
static const char *const results[] = {"pass", "fail", "not_applicable", NULL};

static const struct member trial_members[] = {
	{"trial", IS_STRING, NULL},
	{"run", IS_STRING, NULL},
	{"block", IS_INTEGER, NULL},
	{"order", IS_INTEGER, NULL},
	{"cell", IS_STRING, NULL},
	{"target", IS_STRING, NULL},
	{"mode", IS_STRING, NULL},
	{"workload", IS_STRING, NULL},
	{"placement", IS_OBJECT, NULL},
	{"load", IS_OBJECT, NULL},
	{"started", IS_STRING, NULL},
	{"status", IS_STRING, statuses},
	{"checks", IS_ARRAY, NULL},
	{"verdict", IS_OBJECT, NULL},
	{"verdict.mode", IS_STRING, modes},
	{"verdict.grade", IS_STRING, grades},
	{"verdict.reasons", IS_ARRAY, NULL},
	{"verdict.expectations", IS_ARRAY, NULL},
	{"counts", IS_OBJECT, NULL},
	{"metrics", IS_OBJECT, NULL},
	{"evidence", IS_OBJECT, NULL},
	{"evidence.counters", IS_OBJECT, NULL},
	{"evidence.absent", IS_OBJECT, NULL},
	{"knobs", IS_ARRAY, NULL},
	{"labels", IS_ARRAY, NULL},
	{"timing", IS_OBJECT, NULL},
	{"timing.measured_ns", IS_INTEGER, NULL},
	{"error", IS_STRING | IS_NULL, NULL},
};

static const struct member run_members[] = {
	{"run", IS_STRING, NULL},
	{"experiment", IS_OBJECT, NULL},
	{"seed", IS_INTEGER, NULL},
	{"order", IS_ARRAY, NULL},
	{"cells", IS_ARRAY, NULL},
	{"started", IS_STRING, NULL},
	{"machine", IS_OBJECT, NULL},
	{"build", IS_OBJECT, NULL},
	{"baseline", IS_STRING | IS_NULL, NULL},
	{"primary_metrics", IS_ARRAY, NULL},
};

static const char *const trial_required[] = {
	"schema",   "trial",	 "run",	  "block",   "order",  "cell",	 "target",  "mode",
	"workload", "placement", "load",  "started", "status", "checks", "verdict", "counts",
	"metrics",  "evidence",	 "knobs", "labels",  "timing", "error",	 NULL};
static const char *const run_required[] = {"schema", "run",	 "experiment",	    "seed",
					   "order",  "cells",	 "started",	    "machine",
					   "build",  "baseline", "primary_metrics", NULL};

const char *const *record_required_trial(void)
{
	return trial_required;
}

const char *const *record_required_run(void)
{
	return run_required;
}

static bool type_is(const json_t *v, unsigned types)
{
	return (types & IS_OBJECT && json_is_object(v)) || (types & IS_ARRAY && json_is_array(v)) ||
	       (types & IS_STRING && json_is_string(v)) ||
	       (types & IS_INTEGER && json_is_integer(v)) ||
	       (types & IS_NUMBER && json_is_number(v)) ||
	       (types & IS_BOOL && json_is_boolean(v)) || (types & IS_NULL && json_is_null(v));
}

static const char *type_text(unsigned types)
{
	return types & IS_OBJECT    ? "an object"
	       : types & IS_ARRAY   ? "an array"
	       : types & IS_STRING  ? types & IS_NULL ? "a string or null" : "a string"
	       : types & IS_INTEGER ? "a whole number"
	       : types & IS_NUMBER  ? "a number"
				    : "true or false";
}

static int check_member(const json_t *record, const struct member *m, struct diag *d)
{
	const json_t *v = jsonio_at(record, m->path);
	const char *text = json_string_value(v);

	if (!v)
		return diag_set(d, -EINVAL, "\"%s\" is missing", m->path);
	if (!type_is(v, m->types))
		return diag_set(d, -EINVAL, "\"%s\" is not %s", m->path, type_text(m->types));
	if (!m->words)
		return 0;
	for (const char *const *w = m->words; *w; w++)
		if (!strcmp(text, *w))
			return 0;
	return diag_set(d, -EINVAL, "\"%s\" is \"%.40s\", which is no word of it (%s, …)", m->path,
			text, m->words[0]);
}

static int check_schema(const json_t *record, const char *what, struct diag *d)
{
	const json_t *schema = json_object_get(record, "schema");

	if (!json_is_object(record))
		return diag_set(d, -EINVAL, "%s: not an object", what);
	if (!json_is_integer(schema) || json_integer_value(schema) < 1)
		return diag_set(d, -EINVAL, "%s: \"schema\" is missing", what);
	if (json_integer_value(schema) > RECORD_SCHEMA)
		return diag_set(d, -EPROTONOSUPPORT,
				"%s: schema %lld is newer than this program's %d: use the iomodes "
				"that wrote it, or a newer one",
				what, (long long)json_integer_value(schema), RECORD_SCHEMA);
	return 0;
}

#define METRIC_MOST 1e18 /* in any unit: 32 years in ns, an exabyte */

static int check_metrics(const json_t *metrics, struct diag *d)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)metrics, name, value) {
		if (!metric_find(name))
			return diag_set(d, -EINVAL, "metrics.%s: no such metric", name);
		if (!json_is_number(value) || !(fabs(json_number_value(value)) < METRIC_MOST))
			return diag_set(d, -EINVAL,
					"metrics.%s: not a number (leave it out when "
					"it was not measured)",
					name);
	}
	return 0;
}

static int check_checks(const json_t *checks, struct diag *d)
{
	static const struct member members[] = {{"id", IS_STRING, NULL},
						{"result", IS_STRING, results},
						{"spoils", IS_ARRAY, NULL},
						{"sentence", IS_STRING, NULL}};
	const json_t *one;
	size_t i;
	int err;

	json_array_foreach (checks, i, one) {
		for (size_t m = 0; m < ARRAY_SIZE(members); m++) {
			err = check_member(one, &members[m], d);
			if (err)
				return diag_prefix(d, err, "checks[%zu]", i);
		}
	}
	return 0;
}

int record_validate_trial(const json_t *trial, struct diag *d)
{
	int err = check_schema(trial, "trial", d);

	for (size_t i = 0; !err && i < ARRAY_SIZE(trial_members); i++)
		err = check_member(trial, &trial_members[i], d);
	if (!err)
		err = check_checks(json_object_get(trial, "checks"), d);
	if (!err)
		err = check_metrics(json_object_get(trial, "metrics"), d);
	if (!err && json_integer_value(json_object_get(trial, "block")) < 0)
		err = diag_set(d, -EINVAL, "\"block\" is negative");
	return err;
}

static int check_cell(const json_t *cell, size_t i, struct diag *d)
{
	static const struct member members[] = {
		{"id", IS_STRING, NULL},   {"target", IS_STRING, NULL},
		{"mode", IS_STRING, NULL}, {"workload", IS_STRING, NULL},
		{"load", IS_OBJECT, NULL}, {"supported", IS_BOOL, NULL}};
	int err;

	for (size_t m = 0; m < ARRAY_SIZE(members); m++) {
		err = check_member(cell, &members[m], d);
		if (err)
			return diag_prefix(d, err, "cells[%zu]", i);
	}
	if (json_is_false(json_object_get(cell, "supported")) &&
	    !json_is_string(json_object_get(cell, "reason")))
		return diag_set(d, -EINVAL, "cells[%zu]: unsupported without a \"reason\"", i);
	return 0;
}

int record_validate_run(const json_t *run, struct diag *d)
{
	int err = check_schema(run, "run.json", d);
	_json_ json_t *ids = json_object();
	const json_t *one;
	size_t i;

	for (size_t m = 0; !err && m < ARRAY_SIZE(run_members); m++)
		err = check_member(run, &run_members[m], d);
	if (err)
		return err;
	json_array_foreach (json_object_get(run, "cells"), i, one) {
		err = check_cell(one, i, d);
		if (err)
			return err;
		if (json_object_get(ids, jsonio_string(one, "id", "")))
			return diag_set(d, -EINVAL, "cells[%zu]: \"%s\" is there twice", i,
					jsonio_string(one, "id", ""));
		json_object_set_new(ids, jsonio_string(one, "id", ""), json_true());
	}
	json_object_clear(ids);
	json_array_foreach (json_object_get(run, "primary_metrics"), i, one)
		if (!json_is_string(one) || !metric_find(json_string_value(one)))
			return diag_set(d, -EINVAL, "primary_metrics[%zu]: no such metric", i);
		else if (json_object_get(ids, json_string_value(one)))
			return diag_set(d, -EINVAL, "primary_metrics[%zu]: \"%s\" is there twice",
					i, json_string_value(one));
		else
			json_object_set_new(ids, json_string_value(one), json_true());
	return 0;
}
