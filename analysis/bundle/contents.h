/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a bundle has for each of its runs beside the run itself. */
#pragma once
#include <jansson.h>
#include <stddef.h>

struct diag;

/* Schemas and FORMAT.md, as they were built in. */
struct contents_text {
	const char *path; /* below data/ */
	const unsigned char *text;
	size_t len;
};
extern const struct contents_text contents_texts[];
extern const size_t contents_n_texts;

struct contents_file {
	char path[512]; /* "data/tables/RUN.json" */
	char *text;
	json_t *json; /* the same as a value, where it is one */
};

enum {
	CONTENTS_TABLE,
	CONTENTS_CLAIMS,
	CONTENTS_ORDER,
	CONTENTS_ENVIRONMENT,
	CONTENTS_COMMANDS,
	CONTENTS_FILES
};

/* All of them for the run in `run_dir`, whose id is `run`. `differences` gets what derived_order()
 * finds. Freed by contents_free() in any case. */
int contents_make(const char *run_dir, const char *run, struct contents_file f[CONTENTS_FILES],
		  json_t *differences, struct diag *d);
void contents_free(struct contents_file f[CONTENTS_FILES]);

/* Files that every run of a bundle must have. NULL-terminated. */
extern const char *const contents_of_run[];
