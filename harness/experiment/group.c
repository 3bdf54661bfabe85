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

#define CELLS_MAX 100000

static const char *const rw_words[] = {"read", "write", "randread", "randwrite", "rw", "randrw"};

static int set_rw(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	char hint[160];

	for (size_t i = 0; i < ARRAY_SIZE(rw_words); i++) {
		if (!strcmp(node->text, rw_words[i])) {
			snprintf(load->rw, sizeof(load->rw), "%s", node->text);
			return 0;
		}
	}
	return yaml_error(
		node, d, -EINVAL, "unknown rw \"%s\"%s", node->text,
		suggest_text(node->text, rw_words, ARRAY_SIZE(rw_words), hint, sizeof(hint)));
}

static int set_bs(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	int err = yaml_bytes(node, &load->bs, d);

	if (!err && (load->bs < 512 || load->bs % 512 || load->bs > 64u << 20))
		err = yaml_error(node, d, -ERANGE, "bs must be a multiple of 512, at most 64M");
	return err;
}

static int set_positive(const struct yaml_node *node, uint64_t *value, uint64_t max, struct diag *d)
{
	int err = yaml_u64(node, value, d);

	if (!err && (!*value || *value > max))
		err = yaml_error(node, d, -ERANGE, "must be 1 to %llu", (unsigned long long)max);
	return err;
}

static int set_iodepth(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return set_positive(node, &load->iodepth, 4096, d);
}

static int set_numjobs(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return set_positive(node, &load->numjobs, 1024, d);
}

static int set_rwmixread(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return set_positive(node, &load->rwmixread, 100, d);
}

static int set_dsync(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	return yaml_bool(node, &load->dsync, d);
}

/* "20%": share of the best rate seen in calibration; "5000": arrivals a second. */
static int set_rate(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	size_t len = strlen(node->text);
	char *end;
	double value = strtod(node->text, &end);
	bool share = end > node->text && !strcmp(end, "%");

	load->open_loop = true;
	if (end == node->text || (*end && !share) || !(value > 0) || value > 1e9 ||
	    (share && value > 100) || !len)
		return yaml_error(
			node, d, -EINVAL,
			"rate \"%s\" is neither arrivals a second (5000) nor a share of the best "
			"measured rate (20%%)",
			node->text);
	load->rate_share = share ? value / 100 : 0;
	load->rate_iops = share ? 0 : value;
	return 0;
}

static int set_process(struct experiment_load *load, const struct yaml_node *node, struct diag *d)
{
	load->poisson = !strcmp(node->text, "poisson");
	if (!load->poisson && strcmp(node->text, "constant"))
		return yaml_error(node, d, -EINVAL,
				  "rate_process is constant or poisson, not \"%s\"", node->text);
	return 0;
}

/* The axes of a load: each may be one value or a list; the last varies fastest. */
static const struct axis {
	const char *key;
	int (*set)(struct experiment_load *load, const struct yaml_node *node, struct diag *d);
} axes[] = {
	{"rw", set_rw},		  {"bs", set_bs},
	{"numjobs", set_numjobs}, {"rwmixread", set_rwmixread},
	{"dsync", set_dsync},	  {"rate_process", set_process},
	{"iodepth", set_iodepth}, {"rate", set_rate},
};
static const char *const load_keys[] = {
	"rw", "bs", "numjobs", "rwmixread", "dsync", "rate_process", "iodepth", "rate",
};
static const char *const group_keys[] = {
	"modes",     "workloads", "rw",		  "bs",	     "numjobs",
	"rwmixread", "dsync",	  "rate_process", "iodepth", "rate",
};

int group_find_mode(const struct yaml_node *node, const struct modes *modes,
		    const struct mode **mode, struct diag *d)
{
	const char *names[256];
	char hint[160];
	int err = yaml_expect(node, YAML_SCALAR, d);
	const struct mode *found = err ? NULL : modes_find(modes, node->text);
	size_t n = 0;

	if (found && mode)
		*mode = found;
	if (err || found)
		return err;
	for (; n < modes->n && n < ARRAY_SIZE(names); n++)
		names[n] = modes->mode[n].name;
	return yaml_error(node, d, -EINVAL, "unknown mode \"%s\"%s", node->text,
			  suggest_text(node->text, names, n, hint, sizeof(hint)));
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

static char *cell_id(const struct experiment_cell *c)
{
	const struct experiment_load *l = &c->load;
	char bs[32], jobs[32] = "", mix[32] = "", rate[48] = "", *id;

	size_word(l->bs, bs, sizeof(bs));
	if (l->numjobs > 1)
		snprintf(jobs, sizeof(jobs), "/j%llu", (unsigned long long)l->numjobs);
	if (l->rwmixread && (!strcmp(l->rw, "rw") || !strcmp(l->rw, "randrw")))
		snprintf(mix, sizeof(mix), "/mix%llu", (unsigned long long)l->rwmixread);
	if (l->open_loop && l->rate_share > 0)
		snprintf(rate, sizeof(rate), "/open%g%%%s", l->rate_share * 100,
			 l->poisson ? "" : "c");
	else if (l->open_loop)
		snprintf(rate, sizeof(rate), "/open%g%s", l->rate_iops, l->poisson ? "" : "c");
	if (asprintf(&id, "%s/%s/%s/d%llu%s%s%s%s%s%s", c->mode->name, l->rw, bs,
		     (unsigned long long)l->iodepth, jobs, mix, l->dsync ? "/dsync" : "", rate,
		     strcmp(c->workload, "ioloop") ? "/" : "",
		     strcmp(c->workload, "ioloop") ? c->workload : "") < 0)
		return NULL;
	return id;
}

static int append_cell(struct experiment *e, const struct mode *mode, const char *workload,
		       const struct experiment_load *load, unsigned group)
{
	struct experiment_cell *grown = reallocarray(e->cells, e->n_cells + 1, sizeof(*grown)), *c;

	if (!grown)
		return -ENOMEM;
	e->cells = grown;
	c = &grown[e->n_cells++];
	*c = (struct experiment_cell){.mode = mode, .load = *load, .group = group};
	c->workload = strdup(workload);
	c->id = c->workload ? cell_id(c) : NULL;
	return c->id ? 0 : -ENOMEM;
}

struct expand {
	const struct yaml_node *group, *defaults;
	const struct modes *modes;
	struct experiment *e;
	unsigned index;
	struct diag *d;
};

/* A group's own value, or the file's default. */
static const struct yaml_node *axis_node(const struct expand *x, const char *key)
{
	const struct yaml_node *node = yaml_get(x->group, key);

	return node ? node : yaml_get(x->defaults, key);
}

static int expand_modes(struct expand *x, const struct experiment_load *load)
{
	const struct yaml_node *modes = yaml_get(x->group, "modes");
	const struct yaml_node *workloads = yaml_get(x->group, "workloads");
	int err = 0;

	for (size_t i = 0; !err && i < modes->n; i++) {
		const struct mode *mode = NULL;

		err = group_find_mode(modes->item[i], x->modes, &mode, x->d);
		for (size_t j = 0; !err && j < (workloads ? workloads->n : 1); j++) {
			const char *workload = workloads ? workloads->item[j]->text : "ioloop";

			if (x->e->n_cells >= CELLS_MAX)
				return yaml_error(x->group, x->d, -E2BIG, "more than %d cells",
						  CELLS_MAX);
			if (!mode_options(mode, workload))
				return yaml_error(modes->item[i], x->d, -EINVAL,
						  "mode \"%s\" has no %s: section", mode->name,
						  workload);
			err = append_cell(x->e, mode, workload, load, x->index);
		}
	}
	return err;
}

static int expand_axis(struct expand *x, size_t axis, const struct experiment_load *load)
{
	const struct yaml_node *node;

	if (axis == ARRAY_SIZE(axes))
		return expand_modes(x, load);
	node = axis_node(x, axes[axis].key);
	if (!node)
		return expand_axis(x, axis + 1, load);
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

static int check_group(const struct yaml_node *group, struct diag *d)
{
	const struct yaml_node *modes = yaml_get(group, "modes");
	const struct yaml_node *workloads = yaml_get(group, "workloads");
	static const char *const known[] = {"ioloop"};
	char hint[160];
	int err = yaml_check_keys(group, group_keys, ARRAY_SIZE(group_keys), d);

	if (!err && !modes)
		return yaml_error(group, d, -EINVAL, "a group needs modes: [...]");
	if (!err)
		err = yaml_expect(modes, YAML_SEQ, d);
	if (!err && workloads)
		err = yaml_expect(workloads, YAML_SEQ, d);
	for (size_t i = 0; !err && workloads && i < workloads->n; i++) {
		err = yaml_expect(workloads->item[i], YAML_SCALAR, d);
		if (!err && strcmp(workloads->item[i]->text, "ioloop"))
			err = yaml_error(workloads->item[i], d, -EINVAL,
					 "unknown workload \"%s\"%s", workloads->item[i]->text,
					 suggest_text(workloads->item[i]->text, known, 1, hint,
						      sizeof(hint)));
	}
	return err;
}

int groups_expand(const struct yaml_node *groups, const struct yaml_node *defaults,
		  const struct modes *modes, struct experiment *e, struct diag *d)
{
	static const struct experiment_load start = {
		.rw = "randread",
		.bs = 4096,
		.iodepth = 1,
		.numjobs = 1,
		.rwmixread = 50,
		.poisson = true,
	};
	int err = yaml_expect(groups, YAML_SEQ, d);

	if (!err && defaults)
		err = yaml_check_keys(defaults, load_keys, ARRAY_SIZE(load_keys), d);
	for (size_t i = 0; !err && i < groups->n; i++) {
		struct expand x = {groups->item[i], defaults, modes, e, (unsigned)i, d};

		err = check_group(groups->item[i], d);
		if (!err)
			err = expand_axis(&x, 0, &start);
	}
	if (!err && !e->n_cells)
		err = yaml_error(groups, d, -EINVAL, "no cell: nothing would be measured");
	return err;
}
