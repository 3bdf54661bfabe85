// SPDX-License-Identifier: Apache-2.0
#include "analysis/bundle/redact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/bundle/tree.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/scrub.h"
#include "record/record.h"

#define FILE_MOST (1u << 30)

/* Members of run.json's lists of devices that name one. */
static const struct {
	const char *list, *member;
	enum scrub_kind kind;
} named[] = {
	{"machine.disks", "serial", SCRUB_SERIAL},
	{"machine.disks", "wwid", SCRUB_WWID},
	{"machine.nics", "mac", SCRUB_MAC},
	{"machine.nics", "permanent_address", SCRUB_MAC},
};

/* What hwloc tells of a machine or a part of it that no other one has (hwloc's "Object attributes",
 * info attributes); "Port1GID0" and the like are GUIDs, too, made of a MAC address. */
static const struct {
	const char *name;
	enum scrub_kind kind;
} infos[] = {
	{"HostName", SCRUB_HOST},
	{"DMIProductSerial", SCRUB_SERIAL},
	{"DMIProductUUID", SCRUB_UUID},
	{"DMIBoardSerial", SCRUB_SERIAL},
	{"DMIBoardAssetTag", SCRUB_SERIAL},
	{"DMIChassisSerial", SCRUB_SERIAL},
	{"DMIChassisAssetTag", SCRUB_SERIAL},
	{"SerialNumber", SCRUB_SERIAL},
	{"NodeGUID", SCRUB_WWID},
	{"SysImageGUID", SCRUB_WWID},
	{"Address", SCRUB_MAC},
	{"LinuxCgroup", SCRUB_CGROUP},
	{"ProcessName", SCRUB_KINDS}, /* a word that is no name elsewhere: goes from here alone */
};

struct info {
	enum scrub_kind kind;
	char *value;
	size_t len;
};

/* The next of them in hwloc's XML from `at` on; false: there is none. */
static bool next_info(char *at, struct info *info)
{
	static const char begin[] = "<info name=\"", middle[] = "\" value=\"";

	while ((at = strstr(at, begin))) {
		char *name = at + strlen(begin), *end = name + strcspn(name, "\"\n");
		bool listed =
			!strncmp(name, "Port", 4) && memmem(name, (size_t)(end - name), "GID", 3);

		at = end;
		if (strncmp(end, middle, strlen(middle)))
			continue;
		info->kind = SCRUB_WWID;
		for (size_t i = 0; i < ARRAY_SIZE(infos); i++)
			if (strlen(infos[i].name) == (size_t)(end - name) &&
			    !strncmp(infos[i].name, name, (size_t)(end - name))) {
				info->kind = infos[i].kind;
				listed = true;
			}
		info->value = end + strlen(middle);
		info->len = strcspn(info->value, "\"\n");
		if (listed)
			return true;
	}
	return false;
}

static int learn_hwloc(struct scrub *s, int run_fd, struct diag *d)
{
	_free_ char *text = NULL;
	struct info info;
	size_t len;
	int err = tree_load(run_fd, "machine/hwloc.xml", FILE_MOST, &text, &len, d);

	if (err)
		return err == -ENOENT ? 0 : err;
	for (char *at = text; !err && next_info(at, &info); at = info.value + info.len) {
		_free_ char *value = strndup(info.value, info.len);

		if (info.kind == SCRUB_KINDS || (value && !strcmp(value, "/")))
			continue;
		err = value ? scrub_learn(s, info.kind, value) : -ENOMEM;
	}
	return err ? diag_errno(d, err, "machine/hwloc.xml") : 0;
}

/* Short names are not learned, for they stand in other words: here they go altogether. */
static size_t blank_hwloc(char *text)
{
	struct info info;

	for (char *at = text; next_info(at, &info); at = info.value)
		memmove(info.value, info.value + info.len, strlen(info.value + info.len) + 1);
	return strlen(text);
}

/* Who is told of in one file is to be found in all others. */
static int learn_people(struct scrub *s, int run_fd, struct diag *d)
{
	struct tree t;
	int err = tree_read(run_fd, NULL, &t, d);

	for (size_t i = 0; !err && i < t.n; i++) {
		_free_ char *text = NULL;
		size_t len;

		err = tree_load(run_fd, t.path[i], FILE_MOST, &text, &len, d);
		if (!err && scrub_find(s, text, len, true))
			err = diag_errno(d, -ENOMEM, "%s", t.path[i]);
	}
	tree_free(&t);
	return err;
}

int redact_learn(struct scrub *s, int run_fd, struct diag *d)
{
	_free_ char *text = NULL;
	_json_ json_t *run = NULL;
	const json_t *one;
	size_t len, i;
	int err = tree_load(run_fd, "run.json", FILE_MOST, &text, &len, d);

	if (err)
		return err;
	run = json_loadb(text, len, 0, NULL);
	if (!run)
		return diag_set(d, -EINVAL, "run.json: not JSON");
	err = learn_hwloc(s, run_fd, d);
	if (!err)
		err = learn_people(s, run_fd, d);
	if (err)
		return err;
	err = scrub_learn(s, SCRUB_MACHINE, jsonio_string(run, "machine_key.identity", ""));
	for (size_t k = 0; !err && k < ARRAY_SIZE(named); k++)
		json_array_foreach (jsonio_at(run, named[k].list), i, one)
			if (!err)
				err = scrub_learn(s, named[k].kind,
						  jsonio_string(one, named[k].member, ""));
	return err ? diag_errno(d, err, "run.json") : 0;
}

struct walk {
	struct scrub *scrub;
	bool changed;
	int err;
};

/* A version of four numbers looks like an address. */
static bool is_version(const char *name)
{
	return strstr(name, "version") || strstr(name, "firmware") || strstr(name, "bios") ||
	       strstr(name, "microcode");
}

static json_t *scrub_string(struct walk *w, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	bool everything = w->scrub->everything;
	_free_ char *clean = NULL, *line = NULL;
	size_t len;

	if (strstr(name, "cmdline") && (line = strdup(text))) {
		scrub_cmdline(line);
		text = line;
	}
	w->scrub->everything = everything && !is_version(name);
	w->err = scrub_text(w->scrub, text, strlen(text), &clean, &len);
	w->scrub->everything = everything;
	if (w->err || !strcmp(clean, json_string_value(value)))
		return NULL;
	w->changed = true;
	return json_stringn(clean, len);
}

static void scrub_json(struct walk *w, const char *name, json_t *value);

/* Names of members that hold a value (an object by serial number). What is as short as "io" is the
 * name of a member, whatever else is called so. */
static void scrub_names(struct walk *w, json_t *object)
{
	_json_ json_t *renamed = json_array();
	const char *name;
	json_t *one, *clean;
	size_t i;

	json_object_foreach (object, name, one) {
		_json_ json_t *key = json_string(name);

		clean = key && !w->err && strlen(name) > 3 ? scrub_string(w, "", key) : NULL;
		if (clean)
			json_array_append_new(renamed,
					      json_pack("[o, o]", json_incref(key), clean));
	}
	json_array_foreach (renamed, i, one) {
		const char *old = json_string_value(json_array_get(one, 0));

		json_object_set(object, json_string_value(json_array_get(one, 1)),
				json_object_get(object, old));
		json_object_del(object, old);
	}
}

static void scrub_object(struct walk *w, const char *outer, json_t *object)
{
	const char *name;
	json_t *one, *clean;

	json_object_foreach (object, name, one) {
		/* a fact is {"kernel.cmdline": {"value": ...}} */
		const char *as = !strcmp(name, "value") ? outer : name;

		if (json_is_string(one) && (clean = scrub_string(w, as, one)))
			json_object_set_new(object, name, clean); /* changes no order */
		else
			scrub_json(w, as, one);
	}
	scrub_names(w, object);
}

static void scrub_json(struct walk *w, const char *name, json_t *value)
{
	json_t *one, *clean;
	size_t i;

	if (w->err)
		return;
	if (json_is_object(value))
		scrub_object(w, name, value);
	json_array_foreach (value, i, one) {
		if (json_is_string(one) && (clean = scrub_string(w, name, one)))
			json_array_set_new(value, i, clean);
		else
			scrub_json(w, name, one);
	}
}

/* One JSON value, indented as jsonio_write() does; untouched when nothing was found. */
static int redact_value(struct scrub *s, json_t *value, char **out)
{
	struct walk w = {.scrub = s};

	*out = NULL;
	scrub_json(&w, "", value);
	if (w.err || !w.changed)
		return w.err;
	*out = json_dumps(value, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
	return *out ? 0 : -ENOMEM;
}

/* JSON lines; records get their seal anew. */
static int redact_lines(struct scrub *s, char *text, char **out, bool *changed, struct diag *d)
{
	char *rest = text, *line;
	size_t len;
	FILE *to = open_memstream(out, &len);
	int err = to ? 0 : -ENOMEM;

	*changed = false;
	while (!err && (line = strsep(&rest, "\n"))) {
		_json_ json_t *record = json_loads(line, 0, NULL);
		struct walk w = {.scrub = s};
		_free_ char *again = NULL;

		if (!*line && !rest)
			break;
		if (record)
			scrub_json(&w, "", record);
		err = w.err;
		if (!err && w.changed && json_object_get(record, "sha256"))
			err = record_seal(record, d);
		if (!err && w.changed)
			again = jsonio_line(record);
		if (!err && w.changed && !again)
			err = -ENOMEM;
		*changed |= w.changed;
		if (!err)
			fprintf(to, "%s\n", again ? again : line);
	}
	if (to && fclose(to) && !err)
		err = -ENOMEM;
	return err;
}

static bool ends_in(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);

	return n >= m && !strcmp(path + n - m, suffix);
}

static int redact_text(struct scrub *s, const char *path, char *text, size_t len, char **out,
		       size_t *out_len, struct diag *d)
{
	_json_ json_t *value = NULL;
	bool changed = false;
	int err;

	*out_len = 0;
	if (ends_in(path, ".jsonl")) {
		err = redact_lines(s, text, out, &changed, d);
		if (!changed) {
			free(*out);
			*out = NULL;
		}
	} else if ((value = json_loadb(text, len, 0, NULL))) {
		err = redact_value(s, value, out);
	} else {
		if (memchr(text, 0, len))
			return diag_set(
				d, -EINVAL,
				"%s is not text (was it rotated away?): nothing can be taken "
				"out of it; --no-redact packs it as it is",
				path);
		err = scrub_text(s, text, len, out, out_len);
		if (!err && ends_in(path, "hwloc.xml"))
			*out_len = blank_hwloc(*out);
		return err ? diag_errno(d, err, "%s", path) : 0;
	}
	*out_len = *out ? strlen(*out) : 0;
	return err ? diag_errno(d, err, "%s", path) : 0;
}

/* A file is not renamed: records name it. */
static int look_at_name(struct scrub *s, const char *path, struct diag *d)
{
	_free_ char *clean = NULL;
	size_t len;
	int err = scrub_text(s, path, strlen(path), &clean, &len);

	if (!err && strcmp(path, clean))
		err = diag_set(
			d, -EINVAL,
			"%s: the name of the file tells what redaction replaces; --no-redact "
			"packs it as it is",
			path);
	return err;
}

static int redact_file(struct scrub *s, int run_fd, const char *path, struct diag *d)
{
	_free_ char *text = NULL, *clean = NULL;
	size_t len, clean_len;
	int err = look_at_name(s, path, d);

	if (!err)
		err = tree_load(run_fd, path, FILE_MOST, &text, &len, d);

	if (err || !strcmp(path, "SHA256SUMS"))
		return err;
	err = redact_text(s, path, text, len, &clean, &clean_len, d);
	/* redact_lines() cuts the lines of `text` apart: only `clean` is whole by now */
	if (err || !clean)
		return err;
	if (unlinkat(run_fd, path, 0))
		return diag_errno(d, -errno, "%s", path);
	return tree_write(run_fd, path, clean, clean_len, d);
}

int redact_run(struct scrub *s, int run_fd, struct diag *d)
{
	struct tree t;
	int err = tree_read(run_fd, NULL, &t, d);

	for (size_t i = 0; !err && i < t.n; i++)
		err = redact_file(s, run_fd, t.path[i], d);
	tree_free(&t);
	return err;
}

json_t *redact_list(const struct scrub *s)
{
	json_t *replaced = json_object(), *tokens = json_array();

	for (int k = 0; k < SCRUB_KINDS; k++)
		if (scrub_replaced(s, (enum scrub_kind)k))
			json_object_set_new(replaced, scrub_kind_name((enum scrub_kind)k),
					    json_integer(scrub_replaced(s, (enum scrub_kind)k)));
	for (size_t i = 0; i < s->n; i++)
		if (s->value[i].replaced)
			json_array_append_new(tokens, json_pack("{s:s, s:s}", "kind",
								scrub_kind_name(s->value[i].kind),
								"token", s->value[i].token));
	return json_pack("{s:s, s:o, s:o, s:s}", "profile", "identity", "replaced", replaced,
			 "tokens", tokens, "note",
			 "the same value has the same token everywhere in this bundle; tokens are "
			 "digests under a random salt that was not kept, the kernel's command "
			 "line has values only where they name nobody, and hwloc.xml is without "
			 "the host's name, serial numbers, GUIDs and control group");
}
