// SPDX-License-Identifier: Apache-2.0
#include "analysis/bundle/derived.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/bundle/bag.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/record.h"

/* --- the table ----------------------------------------------------------------------------------
 */

static json_t *some_of(const json_t *from, const char *const *members, size_t n)
{
	json_t *to = json_object();

	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(from, members[i]);

		if (value)
			json_object_set(to, members[i], value);
	}
	return to;
}

static json_t *table_row(const json_t *row)
{
	static const char *const of_row[] = {"cell", "mode", "state", "grade", "share", "trials"};
	static const char *const of_metric[] = {"value", "low", "high", "level", "n"};
	static const char *const of_pair[] = {
		"metric", "declared", "n", "scale",	 "baseline", "mode",   "estimate", "low",
		"high",	  "level",    "p", "p_adjusted", "family",   "margin", "verdict"};
	json_t *to = some_of(row, of_row, ARRAY_SIZE(of_row)), *metrics = json_object(),
	       *pairs = json_array(), *one;
	const char *name;
	size_t i;

	json_object_foreach (json_object_get(row, "metrics"), name, one)
		json_object_set_new(metrics, name, some_of(one, of_metric, ARRAY_SIZE(of_metric)));
	json_array_foreach (json_object_get(row, "comparisons"), i, one)
		json_array_append_new(pairs, some_of(one, of_pair, ARRAY_SIZE(of_pair)));
	json_object_set_new(to, "metrics", metrics);
	json_object_set_new(to, "comparisons", pairs);
	return to;
}

json_t *derived_table(const json_t *comparison)
{
	static const char *const of_group[] = {"title", "kind", "baseline"};
	json_t *groups = json_array(), *group, *row;
	size_t i, k;

	json_array_foreach (json_object_get(comparison, "groups"), i, group) {
		json_t *to = some_of(group, of_group, ARRAY_SIZE(of_group)), *rows = json_array();

		json_array_foreach (json_object_get(group, "rows"), k, row)
			json_array_append_new(rows, table_row(row));
		json_object_set_new(to, "rows", rows);
		json_array_append_new(groups, to);
	}
	return json_pack("{s:s?, s:o}", "baseline", jsonio_string(comparison, "baseline", NULL),
			 "groups", groups);
}

/* --- planned against actual order ---------------------------------------------------------------
 */

struct order {
	json_t *by_place; /* "block/position" -> trial, of pass "measure" */
	json_t *others;	  /* every other one */
};

static int note_trial(void *context, json_t *trial, struct diag *d)
{
	static const char *const members[] = {"trial", "pass",	 "block",  "order",
					      "cell",  "status", "started"};
	struct order *o = context;
	json_t *small = some_of(trial, members, ARRAY_SIZE(members));
	char place[64];

	snprintf(place, sizeof(place), "%.0f/%.0f", jsonio_number(trial, "block"),
		 jsonio_number(trial, "order"));
	if (strcmp(jsonio_string(trial, "pass", "measure"), "measure") ||
	    json_object_get(o->by_place, place))
		return json_array_append_new(o->others, small);
	return json_object_set_new(o->by_place, place, small);
}

static void print_line(FILE *out, double block, double position, const char *cell,
		       const json_t *trial)
{
	const char *id = jsonio_string(trial, "trial", "-"), *slash = strchr(id, '/');

	fprintf(out, "%.0f\t%.0f\t%s\t%s\t%s\t%s\t%s\n", block, position, cell,
		slash ? slash + 1 : id, jsonio_string(trial, "pass", "measure"),
		jsonio_string(trial, "started", "-"), jsonio_string(trial, "status", "not run"));
}

static void planned(const json_t *run, double blocks, struct order *o, const char *file, FILE *out,
		    json_t *differences)
{
	const json_t *row, *index;
	size_t b, i;

	json_array_foreach (json_object_get(run, "order"), b, row) {
		json_array_foreach (row, i, index) {
			const json_t *cell = json_array_get(json_object_get(run, "cells"),
							    (size_t)json_integer_value(index)),
				     *trial;
			const char *id = jsonio_string(cell, "id", "?");
			char place[64], what[96];

			snprintf(place, sizeof(place), "%zu/%zu", b, i);
			snprintf(what, sizeof(what), "block %zu, position %zu", b, i);
			trial = json_object_get(o->by_place, place);
			print_line(out, (double)b, (double)i, id, trial);
			if (!trial && (double)b < blocks)
				bag_differs(differences, file, what, id, "no record and no reason");
			else if (trial && strcmp(jsonio_string(trial, "cell", "?"), id))
				bag_differs(differences, file, what, id,
					    jsonio_string(trial, "cell", "?"));
			json_object_del(o->by_place, place);
		}
	}
}

/* The pass with idle-priority spinners: once for each cell that ran and whose loop is ours. */
static void cpu_left(const json_t *run, const json_t *others, const char *file, json_t *differences)
{
	const json_t *index, *one;
	size_t i, k;

	if (!json_is_true(jsonio_at(run, "experiment.cpu_left")) ||
	    json_object_get(run, "cpu_left_absent"))
		return;
	json_array_foreach (json_array_get(json_object_get(run, "order"), 0), i, index) {
		const json_t *cell = json_array_get(json_object_get(run, "cells"),
						    (size_t)json_integer_value(index));
		const char *id = jsonio_string(cell, "id", "?"),
			   *workload = jsonio_string(cell, "workload", "?");
		bool found = strcmp(workload, "ioloop") && strcmp(workload, "netloop");

		json_array_foreach (others, k, one)
			found |= !strcmp(jsonio_string(one, "pass", ""), "cpu_left") &&
				 !strcmp(jsonio_string(one, "cell", ""), id);
		if (!found)
			bag_differs(differences, file, "pass cpu_left", id,
				    "no record and no reason");
	}
}

/* As many were made again as the run says. */
static void retries(const json_t *run, const json_t *others, const char *file, json_t *differences)
{
	double made = jsonio_number(run, "retries.made");
	char wanted[32], found[32];
	const json_t *one;
	unsigned n = 0;
	size_t i;

	json_array_foreach (others, i, one)
		n += !strcmp(jsonio_string(one, "pass", ""), "retry");
	if (!(made > n))
		return;
	snprintf(wanted, sizeof(wanted), "%.0f", made);
	snprintf(found, sizeof(found), "%u have a record", n);
	bag_differs(differences, file, "trials made again", wanted, found);
}

/* Why a cell has no trials at all; blocks that were not needed. */
static void reasons(const json_t *run, double blocks, const char *file, FILE *out,
		    json_t *differences)
{
	const json_t *cell;
	size_t i;

	if (blocks < (double)json_array_size(json_object_get(run, "order")))
		fprintf(out,
			"# the run ended after %.0f blocks: its intervals were as narrow as "
			"asked\n",
			blocks);
	json_array_foreach (json_object_get(run, "cells"), i, cell) {
		const char *id = jsonio_string(cell, "id", "?"),
			   *why = jsonio_string(cell, "reason", "");

		if (json_is_true(json_object_get(cell, "left_out")))
			fprintf(out, "# %s: left out, as more cells than allowed were asked for\n",
				id);
		else if (!json_is_true(json_object_get(cell, "supported"))) {
			fprintf(out, "# %s: unsupported: %s\n", id, why);
			if (!*why)
				bag_differs(differences, file, id, "a reason why it did not run",
					    "none");
		}
	}
}

int derived_order(const char *run_dir, const char *file, char **text, json_t *differences,
		  struct diag *d)
{
	struct order o = {json_object(), json_array()};
	struct run_data *data = NULL;
	const char *place;
	json_t *trial;
	size_t i, len;
	FILE *out = open_memstream(text, &len);
	int err = out ? record_read_run(run_dir, note_trial, &o, &data, d) : -ENOMEM;

	if (!err) {
		double blocks = jsonio_number(data->run, "precision.blocks");

		if (!isfinite(blocks))
			blocks = (double)json_array_size(json_object_get(data->run, "order"));
		fputs("block\tposition\tplanned\ttrial\tpass\tstarted\tstatus\n", out);
		planned(data->run, blocks, &o, file, out, differences);
		json_object_foreach (o.by_place, place, trial) {
			print_line(out, jsonio_number(trial, "block"),
				   jsonio_number(trial, "order"), "-", trial);
			bag_differs(differences, file, jsonio_string(trial, "trial", "?"),
				    "not planned", "executed");
		}
		json_array_foreach (o.others, i, trial)
			print_line(out, jsonio_number(trial, "block"),
				   jsonio_number(trial, "order"), jsonio_string(trial, "cell", "?"),
				   trial);
		cpu_left(data->run, o.others, file, differences);
		retries(data->run, o.others, file, differences);
		reasons(data->run, blocks, file, out, differences);
		if (!json_is_true(json_object_get(data->run, "complete")))
			bag_differs(differences, file, "run.json: complete", "true",
				    jsonio_string(data->run, "error", "not ended"));
	}
	if (out && fclose(out) && !err)
		err = -ENOMEM;
	record_free_run(data);
	json_decref(o.by_place);
	json_decref(o.others);
	return err;
}

/* --- differences of two values ------------------------------------------------------------------
 */

struct walk {
	void (*found)(void *context, const char *path, const json_t *a, const json_t *b);
	void *context;
	bool both_ways; /* members that only b has count, too */
	double tolerance;
};

static bool same_number(const json_t *a, const json_t *b, double tolerance)
{
	double x = json_number_value(a), y = json_number_value(b);

	return fabs(x - y) <= tolerance * fmax(fabs(x), fabs(y)) || (!isfinite(x) && !isfinite(y));
}

static void walk(const struct walk *w, const char *path, const json_t *a, const json_t *b)
{
	char below[600];
	const char *name;
	json_t *one;
	size_t i;

	if (json_is_object(a) && json_is_object(b)) {
		json_object_foreach ((json_t *)a, name, one) {
			snprintf(below, sizeof(below), "%.400s%s%.150s", path, *path ? "." : "",
				 name);
			walk(w, below, one, json_object_get(b, name));
		}
		json_object_foreach ((json_t *)b, name, one) {
			snprintf(below, sizeof(below), "%.400s%s%.150s", path, *path ? "." : "",
				 name);
			if (w->both_ways && !json_object_get(a, name))
				w->found(w->context, below, NULL, one);
		}
	} else if (json_is_array(a) && json_is_array(b)) {
		size_t n = json_array_size(a), m = json_array_size(b);

		for (i = 0; i < (n > m ? n : m); i++) {
			snprintf(below, sizeof(below), "%.400s[%zu]", path, i);
			walk(w, below, json_array_get(a, i), json_array_get(b, i));
		}
	} else if (json_is_number(a) && json_is_number(b)) {
		if (!same_number(a, b, w->tolerance))
			w->found(w->context, path, a, b);
	} else if (!a || !b || !json_equal(a, b)) {
		w->found(w->context, path, a, b);
	}
}

static char *value_text(const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS |
						       JSON_REAL_PRECISION(15))
			   : strdup("nothing");

	if (text && strlen(text) > 120)
		strcpy(text + 117, "...");
	return text;
}

struct differing {
	const char *file;
	size_t most;
	json_t *to;
};

static void add_difference(void *context, const char *path, const json_t *a, const json_t *b)
{
	struct differing *c = context;
	_free_ char *one = value_text(a), *two = value_text(b);

	if (!c->most)
		return;
	c->most--;
	bag_differs(c->to, c->file, path, one ?: "?", two ?: "?");
}

void derived_differences(const json_t *recorded, const json_t *again, const char *file, size_t most,
			 json_t *differences)
{
	struct differing c = {file, most, differences};
	const struct walk w = {add_difference, &c, false, 1e-9};

	walk(&w, "", recorded, again);
}

/* --- the machine before and after ---------------------------------------------------------------
 */

/* Counts and clocks go on by themselves. */
static bool goes_on(const char *path)
{
	return strstr(path, "host.uptime") || strstr(path, ".napi") || strstr(path, "temperature");
}

static void add_change(void *context, const char *path, const json_t *a, const json_t *b)
{
	_free_ char *one = value_text(a), *two = value_text(b);

	if (!goes_on(path))
		json_array_append_new(context, json_pack("{s:s, s:s, s:s}", "what", path, "before",
							 one ?: "?", "after", two ?: "?"));
}

int derived_environment(const char *run_dir, json_t **result, struct diag *d)
{
	_json_ json_t *before = NULL, *after = NULL;
	json_t *changed = json_array();
	const struct walk w = {add_change, changed, true, 0};
	char path[4300];
	int err;

	snprintf(path, sizeof(path), "%.4000s/machine/before.json", run_dir);
	err = jsonio_read(path, &before, d);
	snprintf(path, sizeof(path), "%.4000s/machine/after.json", run_dir);
	if (!err)
		err = jsonio_read(path, &after, d);
	if (err) {
		json_decref(changed);
		return err;
	}
	walk(&w, "", before, after);
	*result = json_pack("{s:o}", "changed", changed);
	return 0;
}
