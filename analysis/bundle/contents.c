// SPDX-License-Identifier: Apache-2.0
#include "analysis/bundle/contents.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/bundle/claims.h"
#include "analysis/bundle/commands.h"
#include "analysis/bundle/derived.h"
#include "analysis/compare.h"
#include "base/cleanup.h"
#include "base/diag.h"

const char *const contents_of_run[] = {
	"run.json",   "trials.jsonl",	     "journal.jsonl",	   "experiment.yaml",
	"SHA256SUMS", "machine/before.json", "machine/after.json", NULL};

static const char *const paths[CONTENTS_FILES] = {
	[CONTENTS_TABLE] = "data/tables/%s.json",
	[CONTENTS_CLAIMS] = "data/claims/%s.json",
	[CONTENTS_ORDER] = "data/order/%s.tsv",
	[CONTENTS_ENVIRONMENT] = "data/environment/%s.json",
	[CONTENTS_COMMANDS] = "data/reproduce/%s.sh",
};

static int put_json(struct contents_file *f, json_t *value)
{
	char *text =
		value ? json_dumps(value, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15))
		      : NULL;

	f->json = value;
	if (!text || asprintf(&f->text, "%s\n", text) < 0)
		f->text = NULL;
	free(text);
	return f->text ? 0 : -ENOMEM;
}

int contents_make(const char *run_dir, const char *run, struct contents_file f[CONTENTS_FILES],
		  json_t *differences, struct diag *d)
{
	struct compare_options none = {0};
	_json_ json_t *comparison = NULL;
	json_t *environment = NULL;
	int err;

	for (int i = 0; i < CONTENTS_FILES; i++) {
		f[i] = (struct contents_file){0};
		snprintf(f[i].path, sizeof(f[i].path), paths[i], run);
	}
	err = compare_run(run_dir, &none, &comparison, d);
	if (!err)
		err = put_json(&f[CONTENTS_TABLE], derived_table(comparison));
	if (!err)
		err = put_json(&f[CONTENTS_CLAIMS], claims_of(comparison));
	if (!err)
		err = derived_order(run_dir, f[CONTENTS_ORDER].path, &f[CONTENTS_ORDER].text,
				    differences, d);
	if (!err)
		err = derived_environment(run_dir, &environment, d);
	if (!err)
		err = put_json(&f[CONTENTS_ENVIRONMENT], environment);
	if (!err)
		err = commands_of_run(run_dir, &f[CONTENTS_COMMANDS].text, d);
	return err;
}

void contents_free(struct contents_file f[CONTENTS_FILES])
{
	for (int i = 0; i < CONTENTS_FILES; i++) {
		free(f[i].text);
		json_decref(f[i].json);
		f[i] = (struct contents_file){0};
	}
}
