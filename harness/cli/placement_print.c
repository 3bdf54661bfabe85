// SPDX-License-Identifier: Apache-2.0
#include "placement_print.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analysis/placement_matrix.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "placement_script.h"

static const char *matrix_word(const json_t *one, char *out, size_t size)
{
	const char *state = jsonio_string(one, "state", "");

	if (!strcmp(jsonio_string(one, "placement", ""), "local"))
		snprintf(out, size, "%s", strcmp(state, "measured") ? state : "1");
	else if (!strcmp(state, "measured"))
		snprintf(out, size, "%s %s", jsonio_string(one, "text", ""),
			 jsonio_string(one, "verdict", ""));
	else
		snprintf(out, size, "%s", strcmp(state, "absent") ? state : "not asked for");
	return out;
}

/* "placement remote-node: this machine has one node" -> from "this" on */
static const char *bare_reason(const json_t *one)
{
	const char *reason = jsonio_string(one, "reason", ""), *colon = strstr(reason, ": ");

	return !strncmp(reason, "placement ", 10) && colon ? colon + 2 : reason;
}

static bool is_missing(const json_t *one)
{
	const char *state = jsonio_string(one, "state", "");

	return strcmp(state, "measured") && strcmp(state, "absent");
}

/* Why what is missing is: each reason once, with the placements that it keeps out. */
static void print_reasons(const json_t *matrix)
{
	for (size_t i = 0; i < json_array_size(matrix); i++) {
		const json_t *first = json_array_get(matrix, i);
		const char *reason = bare_reason(first), *sep = "  ";
		bool said = !is_missing(first);

		for (size_t k = 0; k < i; k++)
			said |= is_missing(json_array_get(matrix, k)) &&
				!strcmp(bare_reason(json_array_get(matrix, k)), reason);
		if (said)
			continue;
		for (size_t k = i; k < json_array_size(matrix); k++) {
			const json_t *one = json_array_get(matrix, k);

			if (!is_missing(one) || strcmp(bare_reason(one), reason))
				continue;
			printf("%s%s", sep, jsonio_string(one, "placement", "?"));
			sep = ", ";
		}
		printf(": %s\n", *reason ? reason : jsonio_string(first, "state", ""));
	}
}

/* Four lines, of thread and interrupt; two columns, of memory: as the table has them in turn. */
static void print_matrix(const json_t *group, const json_t *matrix)
{
	printf("%s\n%-34s  %-44s %s\n", jsonio_string(group, "title", ""), "relative to local",
	       "memory at home", "memory away");
	for (size_t i = 0; i + 1 < json_array_size(matrix); i += 2) {
		const json_t *home = json_array_get(matrix, i),
			     *away = json_array_get(matrix, i + 1);
		char line[64], at_home[160], far[160];

		snprintf(line, sizeof(line), "thread %s, interrupts %s",
			 jsonio_string(home, "thread", "?"), jsonio_string(home, "interrupt", "?"));
		printf("  %-32s  %-44s %s\n", line, matrix_word(home, at_home, sizeof(at_home)),
		       matrix_word(away, far, sizeof(far)));
	}
	print_reasons(matrix);
	putchar('\n');
}

static json_t *load_run(const char *dir, struct diag *d)
{
	char path[4300];
	json_error_t error;
	json_t *run;

	snprintf(path, sizeof(path), "%.4200s/run.json", dir);
	run = json_load_file(path, 0, &error);
	if (!run)
		diag_set(d, -EBADMSG, "%s: %s", path, error.text);
	return run;
}

/* Groups of a comparison by mode have modes as rows: no advice about placements. */
static json_t *advice_of(const json_t *result, const json_t *group)
{
	return strcmp(jsonio_string(result, "baseline", ""), "local") ? NULL
								      : placement_advice(group);
}

int placement_print(const json_t *result, const char *dir, struct diag *d)
{
	const json_t *groups = json_object_get(result, "groups"), *group;
	_json_ json_t *run = load_run(dir, d);
	bool by_placement = !strcmp(jsonio_string(result, "by", ""), "placement");
	size_t i;

	if (!run)
		return -EBADMSG;
	json_array_foreach (groups, i, group) {
		_json_ json_t *matrix = placement_matrix(group);
		_json_ json_t *advice = advice_of(result, group);
		const json_t *cell = jsonio_find(json_object_get(run, "cells"), "id",
						 jsonio_string(advice, "cell", ""));

		if (matrix && by_placement)
			print_matrix(group, matrix);
		if (!cell)
			continue;
		printf("Recommended for %s: %s\n", jsonio_string(group, "title", ""),
		       jsonio_string(advice, "sentence", ""));
		placement_script_print(cell, stdout);
		putchar('\n');
	}
	return 0;
}

/* The id of the row's cell where it was measured. */
static const char *measured_cell(const json_t *group, const char *placement)
{
	const json_t *rows = json_object_get(group, "rows"), *row;
	size_t i;

	json_array_foreach (rows, i, row)
		if (!strcmp(jsonio_string(row, "mode", ""), placement) &&
		    !strcmp(jsonio_string(row, "state", ""), "measured"))
			return jsonio_string(row, "cell", "");
	return "";
}

int placement_scripts(const json_t *result, const char *dir, const char *to, const char *of,
		      struct diag *d)
{
	const json_t *groups = json_object_get(result, "groups"), *group;
	_json_ json_t *run = load_run(dir, d);
	bool by_placement = !strcmp(jsonio_string(result, "by", ""), "placement");
	int err = run ? 0 : -EBADMSG;
	unsigned written = 0;
	size_t i;

	json_array_foreach (groups, i, group) {
		_json_ json_t *advice = advice_of(result, group);
		const char *id = !of		? jsonio_string(advice, "cell", "")
				 : by_placement ? measured_cell(group, of)
						: "";
		const json_t *cell = jsonio_find(json_object_get(run, "cells"), "id", id);

		if (err || !cell)
			continue;
		err = placement_script_write(cell, to, (unsigned)i + 1, d);
		written++;
	}
	if (!err && !written)
		err = diag_set(d, -ENOENT,
			       of ? "no script: %s was not measured in a comparison of placements"
				  : "no script: this is no comparison of placements%.0s",
			       of ? of : "");
	return err;
}
