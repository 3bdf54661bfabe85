// SPDX-License-Identifier: Apache-2.0
#include "mode/mode.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/suggest.h"
#include "base/yaml.h"
#include "evidence/evidence.h"
#include "mode/expect.h"

static const char *const mode_keys[] = {
	"doc",	   "target", "only",  "requires", "set",	 "ioloop",	 "fio",
	"netloop", "iperf3", "grade", "expect",	  "any_command", "set_if_there",
};
static const struct {
	const char *name;
	enum mode_target target;
} workloads[] = {
	{"ioloop", MODE_BLOCK},
	{"fio", MODE_BLOCK},
	{"netloop", MODE_NET},
	{"iperf3", MODE_NET},
};
static const char *const target_names[MODE_TARGETS] = {
	[MODE_BLOCK] = "block",
	[MODE_NET] = "net",
};

static char *copy(const char *text)
{
	return strdup(text ? text : "");
}

int mode_pairs_load(const struct yaml_node *map, struct mode_pairs *pairs, struct diag *d)
{
	int err = yaml_expect(map, YAML_MAP, d);

	if (err)
		return err;
	pairs->item = calloc(map->n + 1, sizeof(*pairs->item));
	if (!pairs->item)
		return -ENOMEM;
	for (size_t i = 0; i < map->n; i++) {
		struct mode_pair *p = &pairs->item[i];

		err = yaml_expect(map->item[i], YAML_SCALAR, d);
		if (err)
			return err;
		p->name = copy(map->key[i]->text);
		p->value = copy(map->item[i]->text);
		p->line = map->key[i]->line;
		p->col = map->key[i]->col;
		pairs->n++;
		if (!p->name || !p->value)
			return -ENOMEM;
	}
	return 0;
}

void mode_pairs_free(struct mode_pairs *pairs)
{
	for (size_t i = 0; i < pairs->n; i++) {
		free(pairs->item[i].name);
		free(pairs->item[i].value);
	}
	free(pairs->item);
	*pairs = (struct mode_pairs){0};
}

static int unknown_name(const char *file, const struct mode_pair *p, const char *what,
			const char *const *names, size_t n, struct diag *d)
{
	char hint[160];

	return diag_set(d, -EINVAL, "%s:%u:%u: unknown %s \"%s\"%s", file, p->line, p->col, what,
			p->name, suggest_text(p->name, names, n, hint, sizeof(hint)));
}

int mode_check_knobs(const char *file, const struct mode_pairs *pairs, int target, struct diag *d)
{
	const char *names[256];
	size_t n;
	const struct knob *const *all = knob_all(&n);

	for (size_t i = 0; i < pairs->n; i++) {
		const struct mode_pair *p = &pairs->item[i];
		const char *end;
		const struct knob *k = mode_knob(p->name, &end);

		if (k && target != MODE_ANY && !mode_knob_of(k, (enum mode_target)target))
			return diag_set(d, -EINVAL,
					"%s:%u:%u: knob \"%s\" belongs to %s targets, not to %s",
					file, p->line, p->col, p->name,
					target_names[target == MODE_NET ? MODE_BLOCK : MODE_NET],
					target_names[target]);
		if (k && *end && !mode_knob_of(k, MODE_NET))
			return diag_set(d, -EINVAL,
					"%s:%u:%u: \"%s\": only a knob of a network has two ends",
					file, p->line, p->col, p->name);
		if (k && (k->flags & KNOB_READ_ONLY))
			return diag_set(d, -EINVAL,
					"%s:%u:%u: knob \"%s\" can only be read; it belongs under "
					"requires:",
					file, p->line, p->col, p->name);
		if (k && (k->flags & KNOB_WHOLE_RUN))
			return diag_set(
				d, -EINVAL,
				"%s:%u:%u: knob \"%s\" is a condition of a whole run, not "
				"of a mode: an experiment asks for it by allow_rebind: true",
				file, p->line, p->col, p->name);
		if (k)
			continue;
		for (size_t j = 0; j < n && j < ARRAY_SIZE(names); j++)
			names[j] = all[j]->name;
		return unknown_name(file, p, "knob", names, n < 256 ? n : 256, d);
	}
	return 0;
}

static int check_requires(const char *file, const struct mode_pairs *pairs, struct diag *d)
{
	const char *names[256];
	size_t n;
	const struct capability *all = capability_all(&n);

	for (size_t i = 0; i < pairs->n; i++) {
		const struct mode_pair *p = &pairs->item[i];

		if (capability_find(p->name) || knob_find(p->name))
			continue;
		for (size_t j = 0; j < n && j < ARRAY_SIZE(names); j++)
			names[j] = all[j].name;
		return unknown_name(file, p, "requirement", names, n < 256 ? n : 256, d);
	}
	return 0;
}

static const struct evidence_counter *counter_find(const char *name)
{
	size_t n;
	const struct evidence_counter *all = evidence_counters(&n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return NULL;
}

/* Every counter is one of the registry's, which knows which are of proof trials only. */
static int check_counters(const struct yaml_node *list, struct mode *m, struct diag *d)
{
	const char *names[256];
	char hint[160];
	size_t n;
	const struct evidence_counter *all = evidence_counters(&n);

	for (size_t i = 0; i < m->n_expect; i++) {
		const struct evidence_counter *c = counter_find(m->expect[i].evidence);

		if (c) {
			m->expect[i].proof = c->proof;
			continue;
		}
		for (size_t j = 0; j < n && j < ARRAY_SIZE(names); j++)
			names[j] = all[j].name;
		suggest_text(m->expect[i].evidence, names, n < 256 ? n : 256, hint, sizeof(hint));
		return yaml_error(list->item[i], d, -EINVAL, "unknown evidence \"%s\"%s",
				  m->expect[i].evidence, hint);
	}
	return 0;
}

const char *mode_target_name(enum mode_target target)
{
	return target_names[target];
}

int mode_target_parse(const struct yaml_node *node, enum mode_target *target, struct diag *d)
{
	char hint[160];
	int err = yaml_expect(node, YAML_SCALAR, d);

	for (size_t i = 0; !err && i < MODE_TARGETS; i++) {
		if (!strcmp(node->text, target_names[i])) {
			*target = (enum mode_target)i;
			return 0;
		}
	}
	return err ? err
		   : yaml_error(node, d, -EINVAL, "unknown target \"%s\"%s", node->text,
				suggest_text(node->text, target_names, MODE_TARGETS, hint,
					     sizeof(hint)));
}

static int load_options(const struct yaml_node *body, struct mode *m, struct diag *d)
{
	m->options = calloc(ARRAY_SIZE(workloads), sizeof(*m->options));
	if (!m->options)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(workloads); i++) {
		const struct yaml_node *section = yaml_get(body, workloads[i].name);
		struct mode_options *o = &m->options[m->n_options];
		int err;

		if (!section)
			continue;
		if (workloads[i].target != m->target)
			return yaml_error(section, d, -EINVAL,
					  "%s: measures %s targets; mode \"%s\" is one of %s",
					  workloads[i].name, target_names[workloads[i].target],
					  m->name, target_names[m->target]);
		m->n_options++;
		o->workload = copy(workloads[i].name);
		if (!o->workload)
			return -ENOMEM;
		err = mode_pairs_load(section, &o->options, d);
		if (err)
			return err;
	}
	return 0;
}

static int load_expect(const struct yaml_node *body, struct mode *m, struct diag *d)
{
	const struct yaml_node *list = yaml_get(body, "expect"), *only = yaml_get(body, "only");
	int err = 0;

	if (only)
		err = condition_load(only, m->target, m->only, &m->n_only, d);
	if (err || !list)
		return err;
	err = yaml_expect(list, YAML_SEQ, d);
	if (err)
		return err;
	m->expect = calloc(list->n + 1, sizeof(*m->expect));
	if (!m->expect)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		err = expectation_load(list->item[i], m->target, &m->expect[i], d);
		if (err)
			return err;
		m->n_expect++;
	}
	return check_counters(list, m, d);
}

static int load_mode(const struct yaml_node *key, const struct yaml_node *body, struct mode *m,
		     struct diag *d)
{
	const struct yaml_node *node;
	int err = yaml_check_keys(body, mode_keys, ARRAY_SIZE(mode_keys), d);

	if (err)
		return err;
	m->name = copy(key->text);
	m->file = copy(key->file);
	m->line = key->line;
	m->col = key->col;
	node = yaml_get(body, "doc");
	if (!node || node->kind != YAML_SCALAR || !*node->text)
		return yaml_error(key, d, -EINVAL, "mode \"%s\" needs a doc: sentence", key->text);
	m->doc = copy(node->text);
	node = yaml_get(body, "target");
	if (!node)
		return yaml_error(key, d, -EINVAL, "mode \"%s\" needs target: block or net",
				  key->text);
	err = mode_target_parse(node, &m->target, d);
	node = yaml_get(body, "grade");
	if (!err && !node)
		return yaml_error(key, d, -EINVAL, "mode \"%s\" needs grade: counter or accepted",
				  key->text);
	if (!err)
		err = grade_load(node, &m->grade, d);
	node = yaml_get(body, "requires");
	if (!err && node)
		err = mode_pairs_load(node, &m->requires, d);
	if (!err)
		err = check_requires(m->file, &m->requires, d);
	node = yaml_get(body, "set");
	if (!err && node)
		err = mode_pairs_load(node, &m->set, d);
	if (!err)
		err = mode_check_knobs(m->file, &m->set, (int)m->target, d);
	node = yaml_get(body, "set_if_there");
	if (!err && node)
		err = mode_pairs_load(node, &m->set_if_there, d);
	if (!err)
		err = mode_check_knobs(m->file, &m->set_if_there, (int)m->target, d);
	if (!err)
		err = load_options(body, m, d);
	node = yaml_get(body, "any_command");
	if (!err && node)
		err = yaml_bool(node, &m->any_command, d);
	return err ? err : load_expect(body, m, d);
}

/* The last row's name must be new among those of its kind. */
static int check_new(const struct modes *modes, const struct yaml_node *key, struct diag *d)
{
	const struct mode *m = &modes->mode[modes->n - 1];
	const struct mode *old = modes_find(modes, m->target, m->name);

	return old == m ? 0
			: yaml_error(key, d, -EINVAL, "mode \"%s\" is already there, at %s:%u",
				     old->name, old->file, old->line);
}

static int load_root(const struct yaml_node *root, struct modes *modes, struct diag *d)
{
	int err = yaml_expect(root, YAML_MAP, d);

	for (size_t i = 0; !err && i < root->n; i++) {
		struct mode *grown;

		grown = reallocarray(modes->mode, modes->n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		modes->mode = grown;
		grown[modes->n] = (struct mode){0};
		modes->n++;
		err = load_mode(root->key[i], root->item[i], &grown[modes->n - 1], d);
		if (!err)
			err = check_new(modes, root->key[i], d);
	}
	return err;
}

int modes_load_text(const char *name, const char *text, size_t len, struct modes *modes,
		    struct diag *d)
{
	struct yaml_node *root;
	int err = yaml_load_text(name, text, len, &root, d);

	if (!err)
		err = load_root(root, modes, d);
	yaml_tree_free(root);
	if (err)
		modes_free(modes);
	return err;
}

static int is_yaml(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 && !strcmp(e->d_name + len - 5, ".yaml");
}

int modes_load(const char *dir, struct modes *modes, struct diag *d)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, is_yaml, alphasort), err = 0;

	*modes = (struct modes){0};
	if (n < 0)
		return diag_errno(d, -errno, "%s", dir);
	for (int i = 0; i < n; i++) {
		char path[4096];
		struct yaml_node *root = NULL;

		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (!err)
			err = yaml_load_file(path, &root, d);
		if (!err)
			err = load_root(root, modes, d);
		yaml_tree_free(root);
		free(entries[i]);
	}
	free(entries);
	if (!err && !modes->n)
		err = diag_set(d, -ENOENT, "%s: no mode in any *.yaml", dir);
	if (err)
		modes_free(modes);
	return err;
}

void modes_free(struct modes *modes)
{
	for (size_t i = 0; i < modes->n; i++) {
		struct mode *m = &modes->mode[i];

		free(m->name);
		free(m->doc);
		free(m->file);
		mode_pairs_free(&m->requires);
		mode_pairs_free(&m->set);
		mode_pairs_free(&m->set_if_there);
		for (size_t j = 0; j < m->n_options; j++) {
			free(m->options[j].workload);
			mode_pairs_free(&m->options[j].options);
		}
		free(m->options);
		free(m->expect);
	}
	free(modes->mode);
	*modes = (struct modes){0};
}

const struct mode *modes_find(const struct modes *modes, enum mode_target target, const char *name)
{
	for (size_t i = 0; i < modes->n; i++)
		if (modes->mode[i].target == target && modes->mode[i].name &&
		    !strcmp(modes->mode[i].name, name))
			return &modes->mode[i];
	return NULL;
}

const struct mode *modes_find_any(const struct modes *modes, const char *name)
{
	const struct mode *m = modes_find(modes, MODE_BLOCK, name);

	return m ? m : modes_find(modes, MODE_NET, name);
}

size_t modes_names(const struct modes *modes, enum mode_target target, const char **names,
		   size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < modes->n && n < max; i++)
		if (modes->mode[i].target == target)
			names[n++] = modes->mode[i].name;
	return n;
}

const struct mode_pairs *mode_options(const struct mode *m, const char *workload)
{
	for (size_t i = 0; i < m->n_options; i++)
		if (!strcmp(m->options[i].workload, workload))
			return &m->options[i].options;
	return NULL;
}
