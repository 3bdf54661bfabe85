/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle: runs as one archive that others can check and repeat (results/FORMAT.md, "Bundles").
 * What comes in a bundle is data: it is read, compared and never executed.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "analysis/bundle/pack.h"

struct diag;

#define BUNDLE_SCHEMA 1 /* of bundle.json */

struct bundle_options {
	const char *licence;	 /* SPDX id, or a file with the text; NULL: CC-BY-4.0 */
	bool redact;		 /* take out what identifies machine and owner */
	const char *salt;	 /* of the tokens, for tests; NULL: random, and thrown away */
	const char *const *word; /* what else is to be replaced */
	size_t n_words;
	const char *host;    /* name of this host, or NULL */
	const char *user;    /* of the person who packs, or NULL */
	const char *made_by; /* "iomodes 0.1.0 (commit)" */
};

/*
 * Pack whole runs into the new file `output`; never over one that is there. *report: {"file",
 * "runs", "claims", "licence", "redaction": redact_list() or null}. -EINVAL when a run is not
 * whole, does not check out, or redaction would change a result; -EEXIST; nothing is left then.
 */
int bundle_make(const char *const *run, size_t n, const char *output,
		const struct bundle_options *o, json_t **report, struct diag *d);

/* One that was unpacked into a directory of our own, or that is one. */
struct bundle {
	char path[4096];    /* as given */
	char dir[4096];	    /* the bag */
	char scratch[4096]; /* to be removed; "" when `path` is the bag */
	struct unpacked unpacked;
	json_t *json; /* bundle.json */
	int fd;
};

/* Is it a bundle (an archive, or a directory with bagit.txt), or a run's directory? */
bool bundle_is(const char *path);
/* `b` is valid for bundle_close() in any case. -EPROTONOSUPPORT for a newer schema; otherwise as
 * unpack_archive(). */
int bundle_open(const char *path, const struct unpack_limits *limits, struct bundle *b,
		struct diag *d);
/* Directory of a run in it. Returns `out`. */
const char *bundle_run_dir(const struct bundle *b, const char *run, char out[static 4096]);
void bundle_close(struct bundle *b);

/*
 * Digests, schema, planned = executed + accounted for, every table, claim and verdict made again:
 * {"bundle", "runs": [{"run", "trials", "failing"}], "claims", "licence", "made_by",
 * "differences": [{"file", "what", "recorded", "again"}], "notes": [sentence]}. `made_by`: this
 * program, as bundle_options has it. New reference.
 */
int bundle_check(struct bundle *b, const char *made_by, json_t **report, struct diag *d);
