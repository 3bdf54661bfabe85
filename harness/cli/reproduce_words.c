// SPDX-License-Identifier: Apache-2.0
#include "reproduce_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/yaml.h"

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

static void add_harmless(const json_t *command, char **given, json_t *words)
{
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
		const json_t *value = json_object_get(command, harmless[i].member);
		char text[40];

		if (!value || is_given(given, harmless[i].option))
			continue;
		snprintf(text, sizeof(text), "%lld%s", (long long)json_integer_value(value),
			 harmless[i].kind == TIME ? "ns" : "");
		if (json_is_integer(value))
			add(words, harmless[i].option, text);
		else if (harmless[i].kind == FLAG && json_is_true(value))
			add(words, harmless[i].option, NULL);
		else if (harmless[i].kind == PERCENT && json_is_string(value))
			add(words, harmless[i].option, json_string_value(value));
	}
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
	target = text_of(root, "target");
	net = text_of(root, "net_target");
	if (target && strcmp(target, "scratch"))
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
	add_harmless(command, given, list);
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
