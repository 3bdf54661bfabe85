// SPDX-License-Identifier: Apache-2.0
#include "experiment/group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/suggest.h"
#include "base/yaml.h"
#include "experiment/axis.h"
#include "experiment/group_fio.h"
#include "experiment/group_placement.h"
#include "experiment/published.h"

#define CELLS_MAX 100000

/* What may measure a cell of each kind; the first does unless the group says else. */
static const struct {
	const char *name[2];
	size_t n;
} known_workloads[MODE_TARGETS] = {
	[MODE_BLOCK] = {{"ioloop", "fio"}, 2},
	[MODE_NET] = {{"netloop", "iperf3"}, 2},
};

static int unknown_mode(const struct yaml_node *node, const struct modes *modes,
			enum mode_target kind, struct diag *d)
{
	enum mode_target other = kind == MODE_NET ? MODE_BLOCK : MODE_NET;
	const char *names[256];
	char hint[160];
	size_t n = modes_names(modes, kind, names, ARRAY_SIZE(names));

	if (modes_find(modes, other, node->text))
		return yaml_error(node, d, -EINVAL,
				  "mode \"%s\" is one of %s targets, and this group is one of %s: "
				  "give it a group of its own",
				  node->text, mode_target_name(other), mode_target_name(kind));
	return yaml_error(node, d, -EINVAL, "unknown mode \"%s\"%s", node->text,
			  suggest_text(node->text, names, n, hint, sizeof(hint)));
}

int group_find_mode(const struct yaml_node *node, const struct modes *modes, enum mode_target kind,
		    const struct mode **mode, struct diag *d)
{
	int err = yaml_expect(node, YAML_SCALAR, d);

	if (err)
		return err;
	*mode = modes_find(modes, kind, node->text);
	return *mode ? 0 : unknown_mode(node, modes, kind, d);
}

/* A group says its kind (target: net); else it is that of its modes, block where both have them. */
static int group_kind(const struct yaml_node *group, const struct modes *modes,
		      enum mode_target *kind, struct diag *d)
{
	const struct yaml_node *said = yaml_get(group, "target"), *list = yaml_get(group, "modes");

	*kind = MODE_BLOCK;
	if (said)
		return mode_target_parse(said, kind, d);
	for (size_t i = 0; i < list->n; i++) {
		const char *name = list->item[i]->text;

		if (list->item[i]->kind != YAML_SCALAR || !modes_find_any(modes, name))
			continue;
		if (!modes_find(modes, MODE_BLOCK, name))
			*kind = MODE_NET;
		else if (!modes_find(modes, MODE_NET, name)) {
			*kind = MODE_BLOCK;
			return 0; /* whatever is of the other kind is refused by name */
		}
	}
	return 0;
}

static const char *size_word(uint64_t bytes, char *out, size_t size)
{
	if (bytes % 1024)
		snprintf(out, size, "%llu", (unsigned long long)bytes);
	else if (bytes % (1 << 20))
		snprintf(out, size, "%lluk", (unsigned long long)bytes >> 10);
	else
		snprintf(out, size, "%lluM", (unsigned long long)bytes >> 20);
	return out;
}

static const char *rate_word(const struct experiment_load *l, char *out, size_t size)
{
	out[0] = '\0';
	if (l->open_loop && l->rate_share > 0)
		snprintf(out, size, "/open%g%%%s", l->rate_share * 100, l->poisson ? "" : "c");
	else if (l->open_loop)
		snprintf(out, size, "/open%g%s", l->rate_per_s, l->poisson ? "" : "c");
	return out;
}

static char *block_id(const struct experiment_cell *c)
{
	const struct experiment_load *l = &c->load;
	char bs[32], jobs[32] = "", mix[32] = "", rate[48], *id;

	size_word(l->bs, bs, sizeof(bs));
	if (l->numjobs > 1)
		snprintf(jobs, sizeof(jobs), "/j%llu", (unsigned long long)l->numjobs);
	if (l->rwmixread && (!strcmp(l->rw, "rw") || !strcmp(l->rw, "randrw")))
		snprintf(mix, sizeof(mix), "/mix%llu", (unsigned long long)l->rwmixread);
	if (asprintf(&id, "%s/%s/%s/d%llu%s%s%s%s%s%s", c->mode->name, l->rw, bs,
		     (unsigned long long)l->iodepth, jobs, mix, l->dsync ? "/dsync" : "",
		     rate_word(l, rate, sizeof(rate)), strcmp(c->workload, "ioloop") ? "/" : "",
		     strcmp(c->workload, "ioloop") ? c->workload : "") < 0)
		return NULL;
	return id;
}

/* "busy-poll/udp-rr/16/r64/d32/f4/q1/open20%": the response where it is not the request's size. */
static char *net_id(const struct experiment_cell *c)
{
	const struct experiment_load *l = &c->load;
	bool stream = !strcmp(l->pattern, "stream");
	char size[32], response[40] = "", flows[32] = "", queue[20] = "", rate[48], *id;

	if (!stream && l->response_bytes != l->request_bytes) {
		memcpy(response, "/r", 3);
		size_word(l->response_bytes, response + 2, sizeof(response) - 2);
	}
	if (l->flows > 1)
		snprintf(flows, sizeof(flows), "/f%llu", (unsigned long long)l->flows);
	if (l->queue >= 0)
		snprintf(queue, sizeof(queue), "/q%d%s", l->queue, l->by_rule ? "rule" : "");
	if (asprintf(&id, "%s/%s-%s/%s%s/d%llu%s%s%s%s%s", c->mode->name, l->protocol, l->pattern,
		     size_word(l->request_bytes, size, sizeof(size)), response,
		     (unsigned long long)l->depth, flows, queue, rate_word(l, rate, sizeof(rate)),
		     strcmp(c->workload, "netloop") ? "/" : "",
		     strcmp(c->workload, "netloop") ? c->workload : "") < 0)
		return NULL;
	return id;
}

static int append_cell(struct experiment *e, const struct mode *mode, const char *workload,
		       const struct experiment_load *load, unsigned group, const char *placement)
{
	struct experiment_cell *grown = reallocarray(e->cells, e->n_cells + 1, sizeof(*grown)), *c;

	if (!grown)
		return -ENOMEM;
	e->cells = grown;
	c = &grown[e->n_cells++];
	*c = (struct experiment_cell){.mode = mode, .load = *load, .group = group};
	c->workload = strdup(workload);
	if (c->workload)
		c->id = load->kind == MODE_NET ? net_id(c)
			: load->fio	       ? group_fio_id(c)
					       : block_id(c);
	if (!c->id)
		return -ENOMEM;
	return placement ? group_placement_name(c, placement) : 0;
}

struct expand {
	const struct yaml_node *group, *defaults;
	const struct modes *modes;
	struct experiment *e;
	unsigned index;
	enum mode_target kind;
	struct diag *d;
};

/* A group's own value, or the file's default. */
static const struct yaml_node *axis_node(const struct expand *x, const char *key)
{
	const struct yaml_node *node = yaml_get(x->group, key);

	return node ? node : yaml_get(x->defaults, key);
}

static int expand_placement(struct expand *x, const struct experiment_load *load,
			    const char *placement)
{
	const struct yaml_node *modes = yaml_get(x->group, "modes");
	const struct yaml_node *workloads = yaml_get(x->group, "workloads");
	const struct yaml_node *published = yaml_get(x->group, "published");
	int err = 0;

	for (size_t i = 0; !err && i < modes->n; i++) {
		const struct mode *mode = NULL;

		err = group_find_mode(modes->item[i], x->modes, x->kind, &mode, x->d);
		for (size_t j = 0; !err && j < (workloads ? workloads->n : 1); j++) {
			const char *workload = load->fio   ? "fio"
					       : workloads ? workloads->item[j]->text
							   : known_workloads[x->kind].name[0];

			if (x->e->n_cells >= CELLS_MAX)
				return yaml_error(x->group, x->d, -E2BIG, "more than %d cells",
						  CELLS_MAX);
			/* A foreign program beside ours cannot make every mode: then that row, and
			 * no other, is unsupported. */
			if (!mode_options(mode, workload) &&
			    (!workloads || workloads->n == 1 ||
			     !strcmp(workload, known_workloads[x->kind].name[0])))
				return yaml_error(modes->item[i], x->d, -EINVAL,
						  "mode \"%s\" has no %s: section", mode->name,
						  workload);
			err = append_cell(x->e, mode, workload, load, x->index, placement);
			if (!err && published)
				err = published_load(published, modes, mode->name,
						     &x->e->cells[x->e->n_cells - 1].published,
						     x->d);
		}
	}
	return err;
}

/* The placements of a group, else those of the file, else none that is named. */
static int expand_modes(struct expand *x, const struct experiment_load *load)
{
	const struct yaml_node *node = axis_node(x, GROUP_PLACEMENT);
	bool many = node && node->kind == YAML_SEQ;
	int err = 0;

	for (size_t i = 0; !err && i < (many ? node->n : 1); i++) {
		const struct yaml_node *one = many ? node->item[i] : node;

		err = one ? group_placement_check(one, x->d) : 0;
		if (!err)
			err = expand_placement(x, load, one ? one->text : NULL);
	}
	return err;
}

static int expand_axis(struct expand *x, size_t axis, const struct experiment_load *load)
{
	const struct yaml_node *node;
	size_t n;
	const struct load_axis *axes = load_axes(&n);

	while (axis < n && !((axes[axis].kinds & 1u << x->kind) && axis_node(x, axes[axis].key)))
		axis++;
	if (axis == n) {
		struct experiment_load whole = *load;
		int err = load_finish(&whole, x->group, x->d);

		return err ? err : expand_modes(x, &whole);
	}
	node = axis_node(x, axes[axis].key);
	for (size_t i = 0; i < (node->kind == YAML_SEQ ? node->n : 1); i++) {
		const struct yaml_node *one = node->kind == YAML_SEQ ? node->item[i] : node;
		struct experiment_load next = *load;
		int err = yaml_expect(one, YAML_SCALAR, x->d);

		if (!err)
			err = axes[axis].set(&next, one, x->d);
		if (!err)
			err = expand_axis(x, axis + 1, &next);
		if (err)
			return err;
	}
	return 0;
}

/* Every key an axis or one of `others`; a group takes only the axes of its kind. */
static int check_axes(const struct yaml_node *map, const char *const *others, size_t n_others,
		      const enum mode_target *kind, struct diag *d)
{
	const char *keys[64];
	size_t n, n_keys = 0;
	const struct load_axis *axes = load_axes(&n);
	int err;

	for (size_t i = 0; i < n_others; i++)
		keys[n_keys++] = others[i];
	for (size_t i = 0; i < n && n_keys < ARRAY_SIZE(keys); i++)
		keys[n_keys++] = axes[i].key;
	err = yaml_check_keys(map, keys, n_keys, d);
	for (size_t i = 0; !err && kind && i < map->n; i++) {
		enum mode_target other = *kind == MODE_NET ? MODE_BLOCK : MODE_NET;
		const char *key = map->key[i]->text;

		if (load_axis_of(key, other) && !load_axis_of(key, *kind))
			err = yaml_error(map->key[i], d, -EINVAL,
					 "\"%s\" belongs to loads of %s targets; this group is one "
					 "of %s (target: %s makes it one)",
					 key, mode_target_name(other), mode_target_name(*kind),
					 mode_target_name(other));
	}
	return err;
}

static int check_workloads(const struct yaml_node *workloads, enum mode_target kind, struct diag *d)
{
	const char *const *known = known_workloads[kind].name;
	size_t n = known_workloads[kind].n, k;
	char hint[160];
	int err = yaml_expect(workloads, YAML_SEQ, d);

	for (size_t i = 0; !err && i < workloads->n; i++) {
		err = yaml_expect(workloads->item[i], YAML_SCALAR, d);
		for (k = 0; !err && k < n && strcmp(workloads->item[i]->text, known[k]);)
			k++;
		if (!err && k == n)
			err = yaml_error(workloads->item[i], d, -EINVAL,
					 "unknown workload \"%s\"%s", workloads->item[i]->text,
					 suggest_text(workloads->item[i]->text, known, n, hint,
						      sizeof(hint)));
	}
	return err;
}

static int check_group(const struct yaml_node *group, const struct modes *modes,
		       enum mode_target *kind, struct diag *d)
{
	static const char *const others[] = {"modes",	"workloads",   "target",       "published",
					     "fio_job", "fio_section", GROUP_PLACEMENT};
	const struct yaml_node *list, *workloads;
	int err = check_axes(group, others, ARRAY_SIZE(others), NULL, d);

	if (err)
		return err;
	list = yaml_get(group, "modes");
	workloads = yaml_get(group, "workloads");
	if (!list)
		return yaml_error(group, d, -EINVAL, "a group needs modes: [...]");
	err = yaml_expect(list, YAML_SEQ, d);
	if (!err)
		err = group_kind(group, modes, kind, d);
	if (!err)
		err = check_axes(group, others, ARRAY_SIZE(others), kind, d);
	if (!err && workloads)
		err = check_workloads(workloads, *kind, d);
	return err;
}

int groups_expand(const struct yaml_node *groups, const struct yaml_node *defaults,
		  const struct modes *modes, struct experiment *e, struct diag *d)
{
	int err = yaml_expect(groups, YAML_SEQ, d);

	if (!err && defaults)
		err = check_axes(defaults, (const char *const[]){GROUP_PLACEMENT}, 1, NULL, d);
	for (size_t i = 0; !err && i < groups->n; i++) {
		struct expand x = {groups->item[i], defaults, modes, e, (unsigned)i, MODE_BLOCK, d};
		struct experiment_load start;

		err = check_group(groups->item[i], modes, &x.kind, d);
		load_start(x.kind, &start);
		if (!err && group_fio_is(groups->item[i])) {
			err = x.kind == MODE_NET
				      ? yaml_error(groups->item[i], d, -EINVAL,
						   "a fio_job needs a group of block modes")
				      : group_fio_load(groups->item[i], e, &start, d);
			if (!err)
				err = expand_modes(&x, &start);
			continue;
		}
		if (!err)
			err = expand_axis(&x, 0, &start);
	}
	if (!err && !e->n_cells)
		err = yaml_error(groups, d, -EINVAL, "no cell: nothing would be measured");
	return err;
}
