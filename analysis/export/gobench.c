// SPDX-License-Identifier: Apache-2.0
/* The Go benchmark data format (golang/proposal 14313): configuration lines, then a line a trial,
 * the parts of its name as /key=value, so that `benchstat -col /mode -row /iodepth` works. */
#include "analysis/export/export.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/kind.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/metric.h"

/* A name may hold neither blanks nor slashes; '-N' at its end would be read as GOMAXPROCS. */
static void part(FILE *out, const char *key, const char *value)
{
	if (!*value)
		return;
	fprintf(out, "/%s=", key);
	for (const char *c = value; *c; c++)
		putc(isspace((unsigned char)*c) || *c == '/' ? '_' : *c, out);
}

/* "interrupt-affinity" from "interrupt": first letter upper case, letters and digits only. */
static void name(FILE *out, const char *experiment)
{
	fputs("Benchmark", out);
	for (int first = 1; *experiment; experiment++) {
		if (!isalnum((unsigned char)*experiment)) {
			first = 1;
			continue;
		}
		putc(first ? toupper((unsigned char)*experiment) : *experiment, out);
		first = 0;
	}
}

/* Only what makes rows comparable: with a mode's own engine in its name, no two modes would meet. */
static void load(FILE *out, const json_t *row)
{
	const json_t *all = json_object_get(row, "load");

	for (const struct kind_axis *axis = kind_of(all)->axis; axis->key; axis++) {
		json_t *value = json_object_get(all, axis->key);
		_free_ char *text = NULL;

		if (!value || json_is_null(value))
			continue;
		text = json_is_string(value)
			       ? strdup(json_string_value(value))
			       : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
		part(out, axis->key, text ? text : "?");
	}
}

static void units(FILE *out)
{
	const struct metric *all;
	size_t n;

	all = metric_all(&n);
	for (size_t i = 0; i < n; i++)
		if (all[i].better != METRIC_NEITHER)
			fprintf(out, "Unit %s better=%s\n", all[i].name,
				all[i].better == METRIC_HIGHER ? "higher" : "lower");
}

int export_gobench(FILE *out, const json_t *trials, struct diag *d)
{
	const char *run = "", *key;
	json_t *row, *value;
	size_t i;

	units(out);
	json_array_foreach (trials, i, row) {
		if (strcmp(run, jsonio_string(row, "run", "?"))) {
			run = jsonio_string(row, "run", "?");
			fprintf(out, "\nrun: %s\nexperiment: %s\nstarted: %s\n", run,
				jsonio_string(row, "experiment", "?"),
				jsonio_string(row, "started", "?"));
		}
		name(out, jsonio_string(row, "experiment", "?"));
		part(out, "mode", jsonio_string(row, "mode", "?"));
		part(out, "target", jsonio_string(row, "target", "?"));
		part(out, "workload", jsonio_string(row, "workload", "?"));
		part(out, "placement", jsonio_string(row, "placement", ""));
		load(out, row);
		/* one set-up is one value, whatever number of I/Os made it */
		fputs(" 1", out);
		json_object_foreach (json_object_get(row, "metrics"), key, value) {
			putc(' ', out);
			export_number(out, json_number_value(value));
			fprintf(out, " %s", key);
		}
		putc('\n', out);
	}
	return 0;
}
