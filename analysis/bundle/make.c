// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
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
#include "analysis/bundle/redact.h"
#include "analysis/bundle/tree.h"
#include "analysis/check.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/jsonio.h"
#include "base/scrub.h"
#include "record/record.h"

#define LICENCE "CC-BY-4.0"

/* Licences that data is given under; any other comes as a file. */
static const struct {
	const char *id, *name, *url;
} licences[] = {
	{"CC-BY-4.0", "Creative Commons Attribution 4.0 International",
	 "https://creativecommons.org/licenses/by/4.0/legalcode"},
	{"CC-BY-SA-4.0", "Creative Commons Attribution-ShareAlike 4.0 International",
	 "https://creativecommons.org/licenses/by-sa/4.0/legalcode"},
	{"CC0-1.0", "Creative Commons Zero 1.0 Universal",
	 "https://creativecommons.org/publicdomain/zero/1.0/legalcode"},
	{"ODC-By-1.0", "Open Data Commons Attribution License 1.0",
	 "https://opendatacommons.org/licenses/by/1-0/"},
	{"ODbL-1.0", "Open Data Commons Open Database License 1.0",
	 "https://opendatacommons.org/licenses/odbl/1-0/"},
	{"Apache-2.0", "Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0"},
};

static const char readme[] =
	"# A result set of iomodes\n\n"
	"- `runs/` the runs as they were made: plan and order (`run.json`), records "
	"(`trials.jsonl`), what was set and put\n"
	"  back (`journal.jsonl`), raw outputs (`raw/`), the machine before and after "
	"(`machine/`)\n"
	"- `claims/` what the runs claim, `tables/` the numbers behind it, `order/` planned "
	"against actual order,\n"
	"  `environment/` what the machine was after the run that it had not been before: all "
	"made from `runs/` alone\n"
	"- `reproduce/` the same as plain commands; `schema/` and `FORMAT.md` explain every "
	"member\n"
	"- `redaction.json` what was replaced; `LICENSE` what you may do with it\n\n"
	"`iomodes check` on the archive, or on this directory's parent, makes everything again "
	"and names what differs;\n"
	"`iomodes reproduce` measures the same plan on your machine and judges every claim. "
	"Without iomodes:\n"
	"`sha512sum -c manifest-sha512.txt`.\n";

struct making {
	const struct bundle_options *o;
	char scratch[4096];
	int fd;
	struct scrub scrub;
	json_t *runs;
	size_t claims;
	char first[300]; /* id of the first run */
	char ended[32];
	struct diag *d;
};

static bool is_derived(const char *path)
{
	return *path == '.' || !strcmp(path, "report.html") || !strcmp(path, "figures");
}

static const char *run_path(const struct making *m, const char *id, char out[static 4096])
{
	snprintf(out, 4096, "%.3500s/data/runs/%.300s", m->scratch, id);
	return out;
}

static int copy_file(int from_dir, int to_dir, const char *path, const char *as, struct diag *d)
{
	_fd_ int from = tree_open(from_dir, path, d);
	_fd_ int to = from < 0 ? -1 : tree_create(to_dir, as, d);
	char buf[65536];
	ssize_t n;
	int err = 0;

	if (from < 0 || to < 0)
		return from < 0 ? from : to;
	while (!err && (n = read(from, buf, sizeof(buf))) > 0)
		err = jsonio_write_all(to, buf, (size_t)n);
	return err || n < 0 ? diag_errno(d, err ? err : -errno, "%s", as) : 0;
}

static int copy_run(struct making *m, const char *dir, const char *id)
{
	_fd_ int from = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tree t;
	int err = from < 0 ? diag_errno(m->d, -errno, "%s", dir)
			   : tree_read(from, is_derived, &t, m->d);

	if (err)
		return from < 0 ? err : diag_prefix(m->d, err, "%s", dir);
	for (size_t i = 0; !err && contents_of_run[i]; i++)
		if (!tree_has(&t, contents_of_run[i]))
			err = diag_set(m->d, -EINVAL,
				       "%s: no %s: only a run that ended is bundled; 'iomodes run "
				       "--resume %s' ends one that was cut short",
				       dir, contents_of_run[i], dir);
	for (size_t i = 0; !err && i < t.n; i++) {
		char as[2 * TREE_PATH];

		snprintf(as, sizeof(as), "data/runs/%.300s/%s", id, t.path[i]);
		err = copy_file(from, m->fd, t.path[i], as, m->d);
	}
	tree_free(&t);
	return err;
}

/* Nothing is published that its own check would find fault with. */
static int must_check_out(const char *dir, struct diag *d)
{
	_json_ json_t *report = NULL;
	const json_t *list, *one;
	int err = check_run(dir, &report, d);

	if (err)
		return err;
	if (!(jsonio_number(report, "trials") > 0))
		return diag_set(d, -EINVAL, "%s: a run without trials", dir);
	list = json_object_get(report, "left_out");
	one = json_array_get(list, 0);
	if (one)
		return diag_set(d, -EINVAL, "%s: trials.jsonl:%.0f: %s ('iomodes check' names all)",
				dir, jsonio_number(one, "line"), jsonio_string(one, "reason", "?"));
	list = json_object_get(report, "differences");
	one = json_array_get(list, 0);
	if (one)
		return diag_set(
			d, -EINVAL,
			"%s: %s: %s: recorded %.100s, again %.100s ('iomodes check' names "
			"all)",
			dir, jsonio_string(one, "trial", "?"), jsonio_string(one, "what", "?"),
			jsonio_string(one, "recorded", "?"), jsonio_string(one, "again", "?"));
	return 0;
}

static int take_run(struct making *m, const char *dir)
{
	static const char *const members[] = {"run", "started", "ended", "build", "tools"};
	_json_ json_t *run = NULL;
	json_t *entry, *known;
	char path[4200], id[300];
	size_t i;
	int err;

	snprintf(path, sizeof(path), "%.4000s/run.json", dir);
	err = jsonio_read(path, &run, m->d);
	if (!err)
		err = must_check_out(dir, m->d);
	if (err)
		return err;
	snprintf(id, sizeof(id), "%s", jsonio_string(run, "run", "?"));
	if (!*id || strchr(id, '/') || tree_path_check(id, NULL))
		return diag_set(m->d, -EINVAL, "%s: no run is called \"%s\"", dir, id);
	if (!json_is_true(json_object_get(run, "complete")))
		return diag_set(m->d, -EINVAL,
				"%s is not complete: %s; 'iomodes run --resume' goes on with it",
				dir, jsonio_string(run, "error", "it was cut short"));
	json_array_foreach (m->runs, i, known)
		if (!strcmp(jsonio_string(known, "run", ""), id))
			return diag_set(m->d, -EINVAL, "%s is given twice", dir);
	entry = json_pack("{s:s}", "experiment", jsonio_string(run, "experiment.name", "?"));
	for (i = 0; i < ARRAY_SIZE(members); i++)
		if (json_object_get(run, members[i]))
			json_object_set(entry, members[i], json_object_get(run, members[i]));
	json_array_append_new(m->runs, entry);
	if (!*m->first)
		snprintf(m->first, sizeof(m->first), "%s", id);
	if (strcmp(jsonio_string(run, "ended", ""), m->ended) > 0)
		snprintf(m->ended, sizeof(m->ended), "%.30s", jsonio_string(run, "ended", ""));
	return copy_run(m, dir, id);
}

/* The list of a run's digests, of its files as they are now. */
static int seal_again(int run_fd, struct diag *d)
{
	_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct tree t = {0};
	int err = out ? 0 : -ENOMEM;

	if (unlinkat(run_fd, "SHA256SUMS", 0) && errno != ENOENT)
		err = -errno;
	if (!err)
		err = tree_read(run_fd, NULL, &t, d);
	for (size_t i = 0; !err && i < t.n; i++) {
		char digest[DIGEST_TEXT];

		err = digest_file(run_fd, t.path[i], digest, d);
		if (!err)
			fprintf(out, "%s  %s\n", digest, t.path[i]);
	}
	if (out && fclose(out) && !err)
		err = -ENOMEM;
	tree_free(&t);
	return err ? err : tree_write(run_fd, "SHA256SUMS", text, len, d);
}

static int open_run(const struct making *m, const char *id)
{
	char path[4096];
	int fd = open(run_path(m, id, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? diag_errno(m->d, -errno, "%s", path) : fd;
}

static int learn(struct making *m)
{
	const json_t *run;
	size_t i;
	int err = 0;

	m->scrub.everything = true;
	if (m->o->salt)
		snprintf(m->scrub.salt, sizeof(m->scrub.salt), "%s", m->o->salt);
	else
		err = scrub_salt(&m->scrub);
	if (!err && m->o->host)
		err = scrub_learn(&m->scrub, SCRUB_HOST, m->o->host);
	if (!err && m->o->user)
		err = scrub_learn(&m->scrub, SCRUB_USER, m->o->user);
	for (size_t k = 0; !err && k < m->o->n_words; k++)
		err = scrub_learn(&m->scrub, SCRUB_WORD, m->o->word[k]);
	if (err)
		return diag_errno(m->d, err, "redaction");
	json_array_foreach (m->runs, i, run) {
		_fd_ int fd = open_run(m, jsonio_string(run, "run", "?"));

		err = fd < 0 ? fd : redact_learn(&m->scrub, fd, m->d);
		if (err)
			return err;
	}
	return 0;
}

/* Is what the numbers say still the same? A host may be called "interrupt". */
static int same_results(const json_t *before, const json_t *after, const char *id, struct diag *d)
{
	_json_ json_t *differences = json_array();
	const json_t *one;

	derived_differences(before, after, id, 1, differences);
	one = json_array_get(differences, 0);
	return one ? diag_set(
			     d, -EINVAL,
			     "redaction would change a result: %s would be %.200s instead of "
			     "%.200s; "
			     "some name of this machine is a word of the records, too: --no-redact "
			     "keeps it",
			     jsonio_string(one, "what", "?"), jsonio_string(one, "again", "?"),
			     jsonio_string(one, "recorded", "?"))
		   : 0;
}

static int finish_run(struct making *m, const char *id, bool redact)
{
	struct contents_file before[CONTENTS_FILES] = {0}, f[CONTENTS_FILES] = {0};
	_json_ json_t *differences = json_array();
	char path[4096];
	const json_t *one;
	int err = contents_make(run_path(m, id, path), id, f, differences, m->d);

	if (!err && redact) {
		_fd_ int fd = open_run(m, id);

		memcpy(before, f, sizeof(f));
		memset(f, 0, sizeof(f));
		json_array_clear(differences);
		err = fd < 0 ? fd : redact_run(&m->scrub, fd, m->d);
		if (!err)
			err = seal_again(fd, m->d);
		if (!err)
			err = contents_make(path, id, f, differences, m->d);
		if (!err)
			err = same_results(before[CONTENTS_CLAIMS].json, f[CONTENTS_CLAIMS].json,
					   id, m->d);
		if (!err)
			err = must_check_out(path, m->d);
	}
	one = json_array_get(differences, 0);
	if (!err && one)
		err = diag_set(m->d, -EINVAL, "%s: %s: planned %s, executed: %s", id,
			       jsonio_string(one, "what", "?"), jsonio_string(one, "recorded", "?"),
			       jsonio_string(one, "again", "?"));
	for (int i = 0; !err && i < CONTENTS_FILES; i++)
		err = tree_write(m->fd, f[i].path, f[i].text, strlen(f[i].text), m->d);
	m->claims += json_array_size(f[CONTENTS_CLAIMS].json);
	contents_free(before);
	contents_free(f);
	return err;
}

static int write_licence(struct making *m, const char **id)
{
	const char *asked = m->o->licence ? m->o->licence : LICENCE;
	_free_ char *text = NULL, *names = strdup("");
	char buf[65536];
	_file_ FILE *f = NULL;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(licences); i++) {
		_free_ char *old = names;

		if (!strcmp(asked, licences[i].id)) {
			names = NULL;
			*id = licences[i].id;
			if (asprintf(&text,
				     "SPDX-License-Identifier: %s\n\nThe data in this bundle is "
				     "available under the %s licence:\n%s\n",
				     licences[i].id, licences[i].name, licences[i].url) < 0)
				return -ENOMEM;
			return tree_write(m->fd, "data/LICENSE", text, strlen(text), m->d);
		}
		if (asprintf(&names, "%s%s%s", old, *old ? ", " : "", licences[i].id) < 0)
			return -ENOMEM;
	}
	*id = "LicenseRef-file";
	if (access(asked, R_OK))
		return diag_set(m->d, -EINVAL, "--license %s: neither a file nor one of %s", asked,
				names);
	f = fopen(asked, "re");
	len = f ? fread(buf, 1, sizeof(buf), f) : 0;
	return len && len < sizeof(buf)
		       ? tree_write(m->fd, "data/LICENSE", buf, len, m->d)
		       : diag_set(m->d, -EINVAL, "--license %s: empty, or larger than 64 KiB",
				  asked);
}

static int write_json(struct making *m, const char *path, const json_t *value)
{
	_free_ char *text =
		json_dumps(value, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
	_free_ char *line = NULL;

	if (!text || asprintf(&line, "%s\n", text) < 0)
		return -ENOMEM;
	return tree_write(m->fd, path, line, strlen(line), m->d);
}

static int write_common(struct making *m, json_t *report)
{
	_json_ json_t *redaction = m->o->redact ? redact_list(&m->scrub)
						: json_pack("{s:s, s:{}, s:[]}", "profile", "none",
							    "replaced", "tokens");
	_json_ json_t *about = NULL;
	const char *licence = NULL;
	int err = write_licence(m, &licence);

	for (size_t i = 0; !err && i < contents_n_texts; i++)
		err = tree_write(m->fd, contents_texts[i].path, contents_texts[i].text,
				 contents_texts[i].len, m->d);
	if (!err)
		err = tree_write(m->fd, "data/README.md", readme, strlen(readme), m->d);
	if (!err)
		err = write_json(m, "data/redaction.json", redaction);
	about = json_pack("{s:i, s:s, s:O, s:s, s:s, s:s}", "schema", BUNDLE_SCHEMA, "kind",
			  "iomodes bundle", "runs", m->runs, "licence", licence ?: "", "made_by",
			  m->o->made_by, "libraries", pack_libraries());
	if (!err)
		err = write_json(m, "data/bundle.json", about);
	json_object_set_new(report, "licence", json_string(licence ?: ""));
	json_object_set(report, "redaction", m->o->redact ? redaction : json_null());
	return err;
}

static int fill(struct making *m, const char *const *run, size_t n, json_t *report)
{
	char info[1024];
	const json_t *one;
	size_t k;
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = take_run(m, run[i]);
	if (!err && m->o->redact)
		err = learn(m);
	json_array_foreach (m->runs, k, one)
		if (!err)
			err = finish_run(m, jsonio_string(one, "run", "?"), m->o->redact);
	if (!err)
		err = write_common(m, report);
	if (err)
		return err;
	snprintf(info, sizeof(info),
		 "Bag-Software-Agent: %.200s\nBagging-Date: %.10s\nExternal-Identifier: %.300s\n",
		 m->o->made_by, m->ended, m->first);
	err = bounds_check(m->fd, m->d); /* a reader would refuse it */
	return err ? err : bag_write(m->fd, info, m->d);
}

static int pack(struct making *m, const char *output, const char *filter)
{
	char top[400];
	/* never over a file that is there, never through a link */
	_fd_ int fd = open(output, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int err;

	if (fd < 0)
		return diag_errno(m->d, -errno, "%s", output);
	snprintf(top, sizeof(top), "iomodes-%.300s", m->first);
	err = pack_tree(m->fd, top, filter, fd, m->d);
	if (!err && fsync(fd))
		err = diag_errno(m->d, -errno, "%s", output);
	if (err)
		unlink(output); /* ours: it was made exclusively */
	return err;
}

int bundle_make(const char *const *run, size_t n, const char *output,
		const struct bundle_options *o, json_t **report, struct diag *d)
{
	struct making m = {.o = o, .fd = -1, .runs = json_array(), .d = d};
	const char *filter, *slash = strrchr(output, '/');
	_json_ json_t *out = json_pack("{s:s}", "file", output);
	_free_ char *parent = slash ? strndup(output, (size_t)(slash - output) + 1) : strdup(".");
	int err = pack_filter(output, &filter, d);

	if (!err && !access(output, F_OK))
		err = diag_errno(d, -EEXIST, "%s", output);
	if (!err) {
		m.fd = tree_scratch(parent, m.scratch, d);
		err = m.fd < 0 ? m.fd : fill(&m, run, n, out);
	}
	if (!err)
		err = pack(&m, output, filter);
	if (m.fd >= 0)
		close(m.fd);
	tree_remove(m.scratch);
	explicit_bzero(m.scrub.salt, sizeof(m.scrub.salt));
	scrub_free(&m.scrub);
	json_object_set_new(out, "runs", m.runs);
	json_object_set_new(out, "claims", json_integer((json_int_t)m.claims));
	if (!err)
		*report = json_incref(out);
	return err;
}
