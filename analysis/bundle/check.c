// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/bundle/bag.h"
#include "analysis/bundle/bounds.h"
#include "analysis/bundle/bundle.h"
#include "analysis/bundle/contents.h"
#include "analysis/bundle/derived.h"
#include "analysis/bundle/tree.h"
#include "analysis/check.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

#define DIFFERENCES_MOST 20 /* of one file */
#define FILE_MOST	 (64u << 20)

static const char *const common[] = {"data/bundle.json", "data/redaction.json", "data/LICENSE",
				     "data/README.md", "data/FORMAT.md"};

/* Facts without which nobody can tell what a result was made on. */
static const char *const facts[] = {"kernel.release",  "kernel.cmdline", "kernel.version",
				    "cpu.model",       "cpu.microcode",	 "cpu.governor",
				    "cpu.mitigations", "memory.total",	 "clock.source"};
static const char *const members[] = {"machine.cpus", "machine.disks", "build.version",
				      "build.commit", "build.flags",   "tools.iomodes.sha256",
				      "machine_key",  "seed"};

bool bundle_is(const char *path)
{
	struct stat st;

	return !stat(path, &st) && (S_ISREG(st.st_mode) || (S_ISDIR(st.st_mode) && bag_is(path)));
}

static int load_json(struct bundle *b, struct diag *d)
{
	_free_ char *text = NULL;
	json_error_t why;
	size_t len;
	double schema;
	int err = tree_load(b->fd, "data/bundle.json", FILE_MOST, &text, &len, d);

	if (err)
		return diag_prefix(d, err == -ENOENT ? -EINVAL : err, "%s: no bundle of iomodes",
				   b->path);
	b->json = json_loadb(text, len, 0, &why);
	if (!b->json)
		return diag_set(d, -EBADMSG, "%s: data/bundle.json:%d:%d: %s", b->path, why.line,
				why.column, why.text);
	schema = jsonio_number(b->json, "schema");
	if (schema > BUNDLE_SCHEMA)
		return diag_set(
			d, -EPROTONOSUPPORT,
			"%s: data/bundle.json has schema %.0f; this iomodes knows schema %d: "
			"a newer one reads it",
			b->path, schema, BUNDLE_SCHEMA);
	if (!(schema >= 1) || !json_array_size(json_object_get(b->json, "runs")))
		return diag_set(d, -EBADMSG, "%s: data/bundle.json names no schema or no run",
				b->path);
	return 0;
}

int bundle_open(const char *path, const struct unpack_limits *limits, struct bundle *b,
		struct diag *d)
{
	struct stat st;
	int err;

	*b = (struct bundle){.fd = -1};
	snprintf(b->path, sizeof(b->path), "%s", path);
	if (stat(path, &st))
		return diag_errno(d, -errno, "%s", path);
	if (S_ISDIR(st.st_mode)) {
		snprintf(b->dir, sizeof(b->dir), "%s", path);
		b->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (b->fd < 0)
			return diag_errno(d, -errno, "%s", path);
	} else {
		b->fd = tree_scratch(NULL, b->scratch, d);
		if (b->fd < 0)
			return b->fd;
		snprintf(b->dir, sizeof(b->dir), "%s", b->scratch);
		err = unpack_archive(path, limits, b->fd, &b->unpacked, d);
		if (err)
			return err;
	}
	err = bounds_check(b->fd, d);
	return err ? diag_prefix(d, err, "%s", path) : load_json(b, d);
}

const char *bundle_run_dir(const struct bundle *b, const char *run, char out[static 4096])
{
	snprintf(out, 4096, "%.3500s/data/runs/%.500s", b->dir, run);
	return out;
}

void bundle_close(struct bundle *b)
{
	if (b->fd >= 0)
		close(b->fd);
	tree_remove(b->scratch);
	json_decref(b->json);
	*b = (struct bundle){.fd = -1};
}

/* --- checking -----------------------------------------------------------------------------------
 */

struct checking {
	struct bundle *b;
	json_t *differences, *notes, *runs;
	size_t claims;
	const char *made_by;
	struct diag *d;
};

static void must_be_there(struct checking *c, const char *path)
{
	_fd_ int fd = tree_open(c->b->fd, path, NULL);

	if (fd < 0)
		bag_differs(c->differences, path, "file", "part of every bundle", "not there");
}

static void check_environment(struct checking *c, const char *id, const char *dir)
{
	_json_ json_t *run = NULL;
	char path[4200], file[600];

	snprintf(path, sizeof(path), "%s/run.json", dir);
	snprintf(file, sizeof(file), "data/runs/%.300s/run.json", id);
	if (jsonio_read(path, &run, NULL))
		return; /* said by then */
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (!jsonio_at(run, members[i]))
			bag_differs(c->differences, file, members[i], "recorded", "missing");
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (!json_object_get(jsonio_at(run, "machine.facts"), facts[i]))
			bag_differs(c->differences, file, facts[i], "recorded", "missing");
}

/* What 'iomodes check RUN' says, with the file in place of the trial. */
static int check_records(struct checking *c, const char *id, const char *dir)
{
	_json_ json_t *report = NULL;
	struct diag why = {""};
	const json_t *one;
	char file[600], what[300];
	size_t i;
	int err = check_run(dir, &report, &why);

	snprintf(file, sizeof(file), "data/runs/%.300s/trials.jsonl", id);
	if (err == -EPROTONOSUPPORT) {
		diag_set(c->d, err, "%s", why.text);
		return err;
	}
	if (err) {
		bag_differs(c->differences, file, "run", "readable", why.text);
		return 0;
	}
	json_array_foreach (json_object_get(report, "left_out"), i, one) {
		snprintf(what, sizeof(what), "line %.0f", jsonio_number(one, "line"));
		bag_differs(c->differences, file, what, "a record",
			    jsonio_string(one, "reason", "?"));
	}
	json_array_foreach (json_object_get(report, "differences"), i, one) {
		const char *subject = jsonio_string(one, "trial", "?");
		bool digest = !strcmp(jsonio_string(one, "what", ""), "sha256");
		char listed[900];

		snprintf(listed, sizeof(listed), "data/runs/%.300s/%.500s", id, subject);
		snprintf(what, sizeof(what), "%.100s%s%.100s", digest ? "" : subject,
			 digest ? "" : ": ", jsonio_string(one, "what", "?"));
		bag_differs(c->differences, digest ? listed : file, what,
			    jsonio_string(one, "recorded", "?"), jsonio_string(one, "again", "?"));
	}
	json_array_append_new(c->runs, json_pack("{s:s, s:O, s:O}", "run", id, "trials",
						 json_object_get(report, "trials"), "failing",
						 json_object_get(report, "failing")));
	return 0;
}

/* The first line in which two texts differ. */
static void text_differs(struct checking *c, const char *path, const char *recorded,
			 const char *again)
{
	size_t line = 1, from = 0, i = 0;
	char what[64], one[121], two[121];

	while (recorded[i] && recorded[i] == again[i]) {
		if (recorded[i++] != '\n')
			continue;
		line++;
		from = i;
	}
	if (recorded[i] == again[i])
		return;
	snprintf(what, sizeof(what), "line %zu", line);
	snprintf(one, sizeof(one), "%.*s", (int)strcspn(recorded + from, "\n"), recorded + from);
	snprintf(two, sizeof(two), "%.*s", (int)strcspn(again + from, "\n"), again + from);
	bag_differs(c->differences, path, what, one, two);
}

/* What is left out is no less a difference than what is changed; but an older version may not have
 * known it. */
static void compare_json(struct checking *c, const struct contents_file *f, const json_t *recorded)
{
	size_t before = json_array_size(c->differences);
	_json_ json_t *lacks = json_array();

	derived_differences(recorded, f->json, f->path, DIFFERENCES_MOST, c->differences);
	if (json_array_size(c->differences) > before)
		return;
	derived_differences(f->json, recorded, f->path, 1, lacks);
	if (!json_array_size(lacks))
		return;
	if (strcmp(c->made_by, jsonio_string(c->b->json, "made_by", "?")))
		json_array_append_new(c->notes,
				      json_sprintf("%s: it lacks what this version of iomodes "
						   "would write",
						   f->path));
	else
		bag_differs(c->differences, f->path,
			    jsonio_string(json_array_get(lacks, 0), "what", "?"), "nothing",
			    "something");
}

/* Another version may word the same commands in another way; but a script that is meant to be run
 * by root, and is not what these records give, is a difference whoever says to have made it. */
static void compare_file(struct checking *c, const struct contents_file *f)
{
	_free_ char *text = NULL;
	_json_ json_t *recorded = NULL;
	size_t len;

	if (tree_load(c->b->fd, f->path, FILE_MOST, &text, &len, NULL)) {
		bag_differs(c->differences, f->path, "file", "part of every bundle", "not there");
		return;
	}
	if (f->json) {
		recorded = json_loadb(text, len, 0, NULL);
		if (recorded)
			compare_json(c, f, recorded);
		else
			bag_differs(c->differences, f->path, "text", "JSON", "something else");
		return;
	}
	if (strlen(text) != len) /* what stands behind it, a shell would run */
		bag_differs(c->differences, f->path, "text", "no zero byte", "one");
	text_differs(c, f->path, text, f->text);
}

static int check_one(struct checking *c, const char *id)
{
	struct contents_file f[CONTENTS_FILES];
	char dir[4096], path[900];
	struct diag why = {""};
	int err;

	if (strchr(id, '/') || tree_path_check(id, NULL)) {
		bag_differs(c->differences, "data/bundle.json", "runs", "the name of a run", id);
		return 0;
	}
	bundle_run_dir(c->b, id, dir);
	for (size_t i = 0; contents_of_run[i]; i++) {
		snprintf(path, sizeof(path), "data/runs/%.300s/%s", id, contents_of_run[i]);
		must_be_there(c, path);
	}
	err = check_records(c, id, dir);
	if (err)
		return err;
	check_environment(c, id, dir);
	err = contents_make(dir, id, f, c->differences, &why);
	if (err)
		bag_differs(c->differences, "data/runs", id, "readable", why.text);
	for (int i = 0; !err && i < CONTENTS_FILES; i++)
		compare_file(c, &f[i]);
	c->claims += err ? 0 : json_array_size(f[CONTENTS_CLAIMS].json);
	contents_free(f);
	return 0;
}

static bool is_known(const struct checking *c, const char *id, size_t len)
{
	const json_t *run;
	size_t i;

	json_array_foreach (json_object_get(c->b->json, "runs"), i, run) {
		const char *known = jsonio_string(run, "run", "");

		if (strlen(known) == len && !strncmp(known, id, len))
			return true;
	}
	return false;
}

/* A run that bundle.json does not name would not be looked at. */
static int check_strays(struct checking *c)
{
	static const char below[] = "data/runs/";
	struct tree t;
	int err = tree_read(c->b->fd, NULL, &t, c->d);

	for (size_t i = 0; !err && i < t.n; i++) {
		const char *id = t.path[i] + strlen(below);

		if (!strncmp(t.path[i], below, strlen(below)) && !is_known(c, id, strcspn(id, "/")))
			bag_differs(c->differences, t.path[i], "run", "named in data/bundle.json",
				    "not named");
	}
	if (!err)
		tree_free(&t);
	return err;
}

/* A file may be faulty for several reasons that are one: its digest says it already. */
static int check_files(struct checking *c)
{
	int err = bag_check(c->b->fd, c->differences, c->d);

	if (!err)
		err = check_strays(c);
	if (!err && *c->b->scratch)
		err = unpack_verify(c->b->path, &c->b->unpacked, c->b->fd,
				    jsonio_string(c->b->json, "libraries", "unknown"),
				    c->differences, c->notes, c->d);
	for (size_t i = 0; !err && i < ARRAY_SIZE(common); i++)
		must_be_there(c, common[i]);
	return err;
}

int bundle_check(struct bundle *b, const char *made_by, json_t **report, struct diag *d)
{
	struct checking c = {.b = b,
			     .differences = json_array(),
			     .notes = json_array(),
			     .runs = json_array(),
			     .made_by = made_by,
			     .d = d};
	const json_t *run;
	size_t i;
	int err = check_files(&c);

	json_array_foreach (json_object_get(b->json, "runs"), i, run)
		if (!err)
			err = check_one(&c, jsonio_string(run, "run", ""));
	*report = json_pack("{s:s, s:o, s:I, s:s, s:s, s:o, s:o}", "bundle", b->path, "runs",
			    c.runs, "claims", (json_int_t)c.claims, "licence",
			    jsonio_string(b->json, "licence", "?"), "made_by",
			    jsonio_string(b->json, "made_by", "?"), "differences", c.differences,
			    "notes", c.notes);
	if (err) {
		json_decref(*report);
		*report = NULL;
	}
	return err;
}
