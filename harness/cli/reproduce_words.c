// SPDX-License-Identifier: Apache-2.0
#include "reproduce_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/yaml.h"
#include "reproduce_cost.h"

/* Members of run.json's "command" (setup.c), and the options they came from. */
static const struct {
	const char *member, *option;
	enum { NUMBER, TIME, FLAG, PERCENT } kind;
} harmless[] = {
	{"blocks", "--blocks", NUMBER},
	{"max_blocks", "--max-blocks", NUMBER},
	{"ramp_ns", "--ramp-time", TIME},
	{"runtime_ns", "--runtime", TIME},
	{"max_cells", "--max-cells", NUMBER},
	{"max_net_cells", "--max-net-cells", NUMBER},
	{"precision", "--precision", PERCENT},
	{"no_cpu_left", "--no-cpu-left", FLAG},
	{"ignore_requires", "--ignore-requires", FLAG},
};

/* What names a place or a device of somebody else's machine, or changes more than knobs. */
static const struct {
	const char *member, *option;
	bool flag;
} dangerous[] = {
	{"target", "--target", false},
	{"peer", "--peer", false},
	{"scratch", "--scratch", false},
	{"prepare", "--prepare", false},
	{"allow_rebind", "--allow-rebind", true},
};

static bool is_given(char **given, const char *option)
{
	size_t len = strlen(option);
	bool target = !strcmp(option, "--target");

	for (; *given; given++)
		if ((!strncmp(*given, option, len) && (!(*given)[len] || (*given)[len] == '=')) ||
		    (target && !strncmp(*given, "-t", 2)))
			return true;
	return false;
}

static void add(json_t *words, const char *option, const char *value)
{
	json_array_append_new(words,
			      value ? json_sprintf("%s=%s", option, value) : json_string(option));
}

static int too_much(const char *what, const char *most, bool trust, json_t *trusted, struct diag *d)
{
	if (trust) {
		json_array_append_new(trusted, json_string(what));
		return 0;
	}
	return diag_set(
		d, -EPERM,
		"the bundle says %s; of a stranger's at most %s is taken: give yours behind "
		"--, or --trust to take this",
		what, most);
}

static int look_at_time(const char *what, uint64_t ns, bool trust, json_t *trusted, struct diag *d)
{
	char sentence[120], most[32];

	if (ns <= REPRODUCE_TRIAL_MOST_S * 1000000000ull)
		return 0;
	snprintf(sentence, sizeof(sentence), "%.40s: %llu s", what,
		 (unsigned long long)(ns / 1000000000u));
	snprintf(most, sizeof(most), "%d s", REPRODUCE_TRIAL_MOST_S);
	return too_much(sentence, most, trust, trusted, d);
}

static int add_harmless(const json_t *command, bool trust, char **given, json_t *words,
			json_t *trusted, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(harmless); i++) {
		const json_t *value = json_object_get(command, harmless[i].member);
		char text[40];

		if (!value || is_given(given, harmless[i].option))
			continue;
		snprintf(text, sizeof(text), "%lld%s", (long long)json_integer_value(value),
			 harmless[i].kind == TIME ? "ns" : "");
		if (harmless[i].kind == TIME && json_is_integer(value))
			err = look_at_time(harmless[i].option, (uint64_t)json_integer_value(value),
					   trust, trusted, d);
		if (json_is_integer(value))
			add(words, harmless[i].option, text);
		else if (harmless[i].kind == FLAG && json_is_true(value))
			add(words, harmless[i].option, NULL);
		else if (harmless[i].kind == PERCENT && json_is_string(value))
			add(words, harmless[i].option, json_string_value(value));
	}
	return err;
}

static int add_dangerous(const json_t *command, bool trust, char **given, json_t *words,
			 json_t *trusted, struct diag *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(dangerous); i++) {
		const json_t *value = json_object_get(command, dangerous[i].member);
		const char *text = dangerous[i].flag ? NULL : json_string_value(value),
			   *option = dangerous[i].option;

		if (!value || json_is_false(value) || is_given(given, option))
			continue;
		if (!strcmp(option, "--scratch") && !trust)
			continue; /* a directory of theirs; ours is beside the results */
		if (text &&
		    (!strcmp(text, "scratch") || !strcmp(text, "veth") || !strcmp(text, "none"))) {
			add(words, option, text); /* names no place */
			continue;
		}
		if (!trust)
			return diag_set(
				d, -EPERM,
				"the run was made with %s%s%s, which a bundle may not decide: "
				"give yours behind --, or --trust to take this",
				option, text ? " " : "", text ? text : "");
		add(words, option, text);
		json_array_append_new(
			trusted, json_sprintf("%s%s%s", option, text ? " " : "", text ? text : ""));
	}
	return 0;
}

static int one_of_file(const char *key, const char *value, const char *option, bool trust,
		       char **given, json_t *trusted, struct diag *d)
{
	if (option && is_given(given, option))
		return 0;
	if (!trust && option)
		return diag_set(
			d, -EPERM,
			"the bundle's experiment says %s: %s, which is for the owner of a machine "
			"to say: give yours behind -- (%s), or --trust to take this",
			key, value, option);
	if (!trust)
		return diag_set(d, -EPERM,
				"the bundle's experiment says %s: %s, a file that a bundle may not "
				"name: --trust reads it",
				key, value);
	json_array_append_new(trusted, json_sprintf("%s: %s", key, value));
	return 0;
}

static const char *text_of(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = map && map->kind == YAML_MAP ? yaml_get(map, key) : NULL;

	return node && node->kind == YAML_SCALAR ? node->text : NULL;
}

/* How much of a disk and of a day it asks for; the whole of it is in reproduce_cost.h. */
static int look_at_sizes(const struct yaml_node *root, bool trust, char **given, json_t *trusted,
			 struct diag *d)
{
	static const char *const times[][2] = {{"ramp", "--ramp-time"}, {"runtime", "--runtime"}};
	bool is_map = root->kind == YAML_MAP;
	const struct yaml_node *scratch = is_map ? yaml_get(root, "scratch_size") : NULL,
			       *design = is_map ? yaml_get(root, "design") : NULL, *node;
	char sentence[120], most[32];
	uint64_t value = 0;
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(times); i++) {
		node = design && design->kind == YAML_MAP ? yaml_get(design, times[i][0]) : NULL;
		if (node && !is_given(given, times[i][1]) && !(err = yaml_ns(node, &value, d)))
			err = look_at_time(times[i][0], value, trust, trusted, d);
	}
	if (err || !scratch || (err = yaml_bytes(scratch, &value, d)) ||
	    value <= REPRODUCE_SCRATCH_MOST)
		return err;
	snprintf(sentence, sizeof(sentence), "scratch_size: %llu bytes", (unsigned long long)value);
	snprintf(most, sizeof(most), "%llu GiB", REPRODUCE_SCRATCH_MOST >> 30);
	return too_much(sentence, most, trust, trusted, d);
}

/* The experiment's own words for places and files. Everything else in it goes through closed lists
 * (modes, knobs, fio options) that an experiment of one's own passes, too. */
static int look_at_file(const char *experiment, bool trust, char **given, json_t *trusted,
			struct diag *d)
{
	struct yaml_node *root = NULL;
	const struct yaml_node *groups;
	const char *target, *net, *peer, *rebind;
	int err = yaml_load_file(experiment, &root, d);

	if (err)
		return err;
	err = look_at_sizes(root, trust, given, trusted, d);
	target = text_of(root, "target");
	net = text_of(root, "net_target");
	if (!err && target && strcmp(target, "scratch"))
		err = one_of_file("target", target, "--target", trust, given, trusted, d);
	if (!err && net && strcmp(net, "veth") && strcmp(net, "lo"))
		err = one_of_file("net_target", net, "--target", trust, given, trusted, d);
	peer = text_of(root, "net_peer");
	rebind = text_of(root, "allow_rebind");
	if (!err && peer)
		err = one_of_file("net_peer", peer, "--peer", trust, given, trusted, d);
	if (!err && rebind && strcmp(rebind, "false"))
		err = one_of_file("allow_rebind", rebind, "--allow-rebind", trust, given, trusted,
				  d);
	groups = root->kind == YAML_MAP ? yaml_get(root, "groups") : NULL;
	for (size_t i = 0; !err && groups && groups->kind == YAML_SEQ && i < groups->n; i++) {
		const char *job = text_of(groups->item[i], "fio_job");

		if (job)
			err = one_of_file("fio_job", job, NULL, trust, given, trusted, d);
	}
	yaml_tree_free(root);
	return err;
}

int reproduce_words(const json_t *run, const char *experiment, bool trust, char **given,
		    json_t **words, json_t *trusted, struct diag *d)
{
	const json_t *command = json_object_get(run, "command"), *mode;
	_json_ json_t *list = json_array();
	size_t i;
	int err;

	if (json_is_true(json_object_get(command, "aa")) ||
	    json_is_true(json_object_get(command, "single_block")))
		return diag_set(d, -EINVAL,
				"run %s is %s: it claims nothing of a mode that could be repeated",
				jsonio_string(run, "run", "?"),
				json_is_true(json_object_get(command, "aa"))
					? "an A/A run"
					: "a single block of an interleaved comparison");
	err = look_at_file(experiment, trust, given, trusted, d);
	if (err)
		return err;
	err = add_harmless(command, trust, given, list, trusted, d);
	if (!err)
		err = add_dangerous(command, trust, given, list, trusted, d);
	if (err)
		return err;
	json_array_foreach (json_object_get(command, "modes"), i, mode)
		if (json_is_string(mode))
			add(list, "--mode", json_string_value(mode));
	if (trust)
		add(list, "--trust", NULL);
	if (json_is_integer(json_object_get(run, "seed")) && !is_given(given, "--seed"))
		json_array_append_new(
			list, json_sprintf("--seed=%lld", (long long)json_integer_value(
								  json_object_get(run, "seed"))));
	*words = json_incref(list);
	return 0;
}
