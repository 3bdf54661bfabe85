// SPDX-License-Identifier: Apache-2.0
#include "experiment/experiment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/num.h"
#include "base/suggest.h"
#include "base/yaml.h"
#include "experiment/group.h"
#include "experiment/group_fio.h"
#include "record/metric.h"

static const char *const experiment_keys[] = {
	"name",	    "doc",    "target",	 "net_target",	  "net_peer",	  "scratch_size",
	"baseline", "set",    "design",	 "load",	  "allow_rebind", "poll_queues",
	"primary",  "groups", "prepare", "prepare_round",
};
static const char *const design_keys[] = {"blocks", "ramp",	"runtime",	 "max_cells",
					  "seed",   "cpu_left", "max_net_cells", "corunner"};

static int load_text(const struct yaml_node *root, const char *key, char **out, struct diag *d)
{
	const struct yaml_node *node = yaml_get(root, key);
	int err;

	if (!node)
		return 0;
	err = yaml_expect(node, YAML_SCALAR, d);
	if (err)
		return err;
	*out = strdup(node->text);
	return *out ? 0 : -ENOMEM;
}

static int load_corunner(const struct yaml_node *node, struct experiment *e, struct diag *d)
{
	static const char *const words[] = {"none", "cpu", "sibling"};
	int err = yaml_expect(node, YAML_SCALAR, d);

	for (size_t i = 0; !err && i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i], node->text)) {
			e->corunner = (enum experiment_corunner)i;
			return 0;
		}
	return err ? err
		   : yaml_error(node, d, -EINVAL,
				"corunner is none, cpu (on the measured CPUs) or sibling (on their "
				"SMT "
				"siblings), not \"%s\"",
				node->text);
}

static int load_block_count(const struct yaml_node *node, uint64_t *blocks, struct diag *d)
{
	int err = yaml_u64(node, blocks, d);

	if (!err && (*blocks < EXPERIMENT_BLOCKS_MIN || *blocks > EXPERIMENT_BLOCKS_MAX))
		err = yaml_error(node, d, -ERANGE,
				 "blocks must be %d to %d: below %d no 95 %% interval for a median "
				 "exists",
				 EXPERIMENT_BLOCKS_MIN, EXPERIMENT_BLOCKS_MAX,
				 EXPERIMENT_BLOCKS_MIN);
	return err;
}

int experiment_precision_parse(const char *text, double *share)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || strcmp(end, "%") || !(value >= 0.1) || !(value <= 50))
		return -EINVAL;
	*share = value / 100;
	return 0;
}

static int load_precision(const struct yaml_node *node, struct experiment *e, struct diag *d)
{
	int err = yaml_expect(node, YAML_SCALAR, d);

	if (!err && experiment_precision_parse(node->text, &e->precision))
		err = yaml_error(node, d, -EINVAL,
				 "precision is half the width of a 95 %% interval, 0.1%% to 50%%, "
				 "not \"%s\"",
				 node->text);
	return err;
}

/* "blocks: 10", or "blocks: {min: 10, max: 30, precision: 2%}" */
static int load_blocks(const struct yaml_node *node, struct experiment *e, struct diag *d)
{
	static const char *const keys[] = {"min", "max", "precision"};
	const struct yaml_node *min, *max, *precision;
	int err;

	if (node->kind != YAML_MAP) {
		err = load_block_count(node, &e->blocks, d);
		e->blocks_min = e->blocks;
		return err;
	}
	err = yaml_check_keys(node, keys, ARRAY_SIZE(keys), d);
	min = yaml_get(node, "min");
	max = yaml_get(node, "max");
	precision = yaml_get(node, "precision");
	if (!err && !max)
		err = yaml_error(node, d, -EINVAL,
				 "blocks needs max: the run ends there, precise or not");
	if (!err && min)
		err = load_block_count(min, &e->blocks_min, d);
	if (!err)
		err = load_block_count(max, &e->blocks, d);
	if (!err && e->blocks < e->blocks_min)
		err = yaml_error(max, d, -ERANGE, "max: %llu is below min: %llu",
				 (unsigned long long)e->blocks, (unsigned long long)e->blocks_min);
	return !err && precision ? load_precision(precision, e, d) : err;
}

static int load_design(const struct yaml_node *design, struct experiment *e, struct diag *d)
{
	const struct yaml_node *node;
	int err = yaml_check_keys(design, design_keys, ARRAY_SIZE(design_keys), d);

	if (!err && (node = yaml_get(design, "blocks")))
		err = load_blocks(node, e, d);
	if (!err && (node = yaml_get(design, "ramp")))
		err = yaml_ns(node, &e->ramp_ns, d);
	if (!err && (node = yaml_get(design, "runtime"))) {
		err = yaml_ns(node, &e->runtime_ns, d);
		if (!err && e->runtime_ns < 100000000)
			err = yaml_error(node, d, -ERANGE, "runtime must be at least 100ms");
	}
	if (!err && (node = yaml_get(design, "max_cells")))
		err = yaml_u64(node, &e->max_cells, d);
	if (!err && (node = yaml_get(design, "max_net_cells")))
		err = yaml_u64(node, &e->max_net_cells, d);
	if (!err && (node = yaml_get(design, "seed")))
		err = yaml_u64(node, &e->seed, d);
	if (!err && (node = yaml_get(design, "cpu_left")))
		err = yaml_bool(node, &e->cpu_left, d);
	if (!err && (node = yaml_get(design, "corunner")))
		err = load_corunner(node, e, d);
	return err;
}

static int load_primary(const struct yaml_node *list, struct experiment *e, struct diag *d)
{
	const char *names[256];
	char hint[160];
	size_t n;
	const struct metric *all = metric_all(&n);
	int err = yaml_expect(list, YAML_SEQ, d);

	if (err)
		return err;
	e->primary = calloc(list->n + 1, sizeof(*e->primary));
	if (!e->primary)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		err = yaml_expect(list->item[i], YAML_SCALAR, d);
		if (err)
			return err;
		if (!metric_find(list->item[i]->text)) {
			for (size_t j = 0; j < n && j < ARRAY_SIZE(names); j++)
				names[j] = all[j].name;
			return yaml_error(list->item[i], d, -EINVAL, "unknown metric \"%s\"%s",
					  list->item[i]->text,
					  suggest_text(list->item[i]->text, names,
						       n < 256 ? n : 256, hint, sizeof(hint)));
		}
		e->primary[e->n_primary] = strdup(list->item[i]->text);
		if (!e->primary[e->n_primary++])
			return -ENOMEM;
	}
	return 0;
}

static int load_baseline(const struct yaml_node *root, const struct modes *modes,
			 struct experiment *e, struct diag *d)
{
	const struct yaml_node *node = yaml_get(root, "baseline");
	int err = load_text(root, "baseline", &e->baseline, d);

	if (err)
		return err;
	for (size_t i = 0; node && i < e->n_cells; i++)
		if (!strcmp(e->cells[i].mode->name, e->baseline))
			return 0;
	if (node && !modes_find_any(modes, e->baseline)) {
		const struct mode *mode;

		return group_find_mode(node, modes,
				       experiment_has(e, MODE_BLOCK) ? MODE_BLOCK : MODE_NET, &mode,
				       d);
	}
	if (node)
		return yaml_error(node, d, -EINVAL,
				  "baseline \"%s\" is in no group: nothing could be compared "
				  "with it",
				  e->baseline);
	e->baseline = e->n_cells ? strdup(e->cells[0].mode->name) : NULL;
	return e->baseline ? 0 : -ENOMEM;
}

static int check_unique(const struct yaml_node *groups, const struct experiment *e, struct diag *d)
{
	for (size_t i = 0; i < e->n_cells; i++)
		for (size_t j = i + 1; j < e->n_cells; j++)
			if (!strcmp(e->cells[i].id, e->cells[j].id))
				return yaml_error(groups->item[e->cells[j].group], d, -EINVAL,
						  "cell %s is already in an earlier group",
						  e->cells[j].id);
	return 0;
}

static int load_scratch_size(const struct yaml_node *node, struct experiment *e, struct diag *d)
{
	int err = yaml_bytes(node, &e->scratch_bytes, d);

	if (!err && (e->scratch_bytes < 1 << 20 || e->scratch_bytes % 4096))
		err = yaml_error(node, d, -ERANGE,
				 "scratch_size must be a multiple of 4k, at least 1M");
	return err;
}

int experiment_prepare_parse(const char *text, enum experiment_prepare *level)
{
	static const char *const words[] = {"none", "fill", "pts"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i], text)) {
			*level = (enum experiment_prepare)i;
			return 0;
		}
	return -EINVAL;
}

static int load_prepare(const struct yaml_node *root, struct experiment *e, struct diag *d)
{
	const struct yaml_node *node = yaml_get(root, "prepare");
	int err = node ? yaml_expect(node, YAML_SCALAR, d) : 0;

	if (!err && node && experiment_prepare_parse(node->text, &e->prepare))
		err = yaml_error(node, d, -EINVAL,
				 "prepare is none, fill (written once) or pts (SNIA's), not \"%s\"",
				 node->text);
	node = yaml_get(root, "prepare_round");
	if (!err && node)
		err = yaml_ns(node, &e->prepare_round_ns, d);
	if (!err && node && e->prepare_round_ns < 100000000)
		err = yaml_error(node, d, -ERANGE, "prepare_round must be at least 100ms");
	return err;
}

static int load_rebind(const struct yaml_node *root, struct experiment *e, struct diag *d)
{
	const struct yaml_node *node = yaml_get(root, "allow_rebind");
	int err = node ? yaml_bool(node, &e->allow_rebind, d) : 0;

	if (err || !(node = yaml_get(root, "poll_queues")))
		return err;
	err = yaml_u64(node, &e->poll_queues, d);
	if (!err && (e->poll_queues < 1 || e->poll_queues > 1024))
		err = yaml_error(node, d, -ERANGE, "poll_queues must be 1 to 1024");
	if (!err && !yaml_get(root, "allow_rebind"))
		err = yaml_error(node, d, -EINVAL,
				 "poll_queues needs allow_rebind: true beside it: the driver makes "
				 "them when it binds");
	return err;
}

/* "DEV" may become part of a path and of a netlink message: what the kernel takes as a name. */
static int check_interface(const struct yaml_node *node, struct diag *d)
{
	if (*node->text && strlen(node->text) < 16 && !strpbrk(node->text, "/:@ \t") &&
	    strcmp(node->text, ".") && strcmp(node->text, ".."))
		return 0;
	return yaml_error(node, d, -EINVAL, "\"%s\" cannot be the name of an interface",
			  node->text);
}

static int load_net_target(const struct yaml_node *root, struct experiment *e, struct diag *d)
{
	const struct yaml_node *target = yaml_get(root, "net_target"),
			       *peer = yaml_get(root, "net_peer");
	int err = load_text(root, "net_target", &e->net_target, d);

	if (!err)
		err = load_text(root, "net_peer", &e->net_peer, d);
	if (!err && target)
		err = check_interface(target, d);
	if (!err && peer)
		err = check_interface(peer, d);
	if (!err && peer && !target)
		err = yaml_error(peer, d, -EINVAL,
				 "net_peer needs net_target beside it: the interface at the other "
				 "end of the cable");
	return err;
}

static int load_root(const struct yaml_node *root, const struct modes *modes, struct experiment *e,
		     struct diag *d)
{
	const struct yaml_node *node, *groups = yaml_get(root, "groups");
	int err = yaml_check_keys(root, experiment_keys, ARRAY_SIZE(experiment_keys), d);

	if (!err)
		err = load_text(root, "name", &e->name, d);
	if (!err && !e->name)
		return yaml_error(root, d, -EINVAL, "an experiment needs a name:");
	if (!err &&
	    strspn(e->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") !=
		    strlen(e->name))
		return yaml_error(
			yaml_get(root, "name"), d, -EINVAL,
			"name \"%s\" becomes part of a directory: letters, digits, . - _ only",
			e->name);
	if (!err)
		err = load_text(root, "doc", &e->doc, d);
	if (!err)
		err = load_text(root, "target", &e->target, d);
	if (!err)
		err = load_net_target(root, e, d);
	if (!err && (node = yaml_get(root, "scratch_size")))
		err = load_scratch_size(node, e, d);
	if (!err && (node = yaml_get(root, "design")))
		err = load_design(node, e, d);
	if (!err)
		err = load_rebind(root, e, d);
	if (!err)
		err = load_prepare(root, e, d);
	if (!err && (node = yaml_get(root, "primary")))
		err = load_primary(node, e, d);
	if (!err && (node = yaml_get(root, "set")))
		err = mode_pairs_load(node, &e->set, d);
	if (!err)
		err = mode_check_knobs(e->file, &e->set, MODE_ANY, d);
	if (!err && !groups)
		return yaml_error(root, d, -EINVAL, "an experiment needs groups: of cells");
	if (!err)
		err = groups_expand(groups, yaml_get(root, "load"), modes, e, d);
	if (!err)
		err = check_unique(groups, e, d);
	return err ? err : load_baseline(root, modes, e, d);
}

int experiment_load_text(const char *name, const char *text, size_t len, const struct modes *modes,
			 struct experiment *e, struct diag *d)
{
	struct yaml_node *root;
	int err = yaml_load_text(name, text, len, &root, d);

	*e = (struct experiment){
		.blocks_min = 10,
		.blocks = 10,
		.ramp_ns = 2000000000,
		.runtime_ns = 10000000000,
		.scratch_bytes = 1u << 30,
		.poll_queues = 2,
		.prepare_round_ns = 60000000000, /* PTS: one minute */
		.file = strdup(name),
	};
	if (!err)
		err = load_root(root, modes, e, d);
	if (!err && !e->target)
		e->target = strdup("scratch");
	if (!err && !e->net_target)
		e->net_target = strdup("veth");
	yaml_tree_free(root);
	if (err)
		experiment_free(e);
	return err;
}

int experiment_load_file(const char *path, const struct modes *modes, struct experiment *e,
			 struct diag *d)
{
	_free_ char *text = NULL;
	_file_ FILE *f = fopen(path, "re");
	size_t size = 0;
	ssize_t len;

	*e = (struct experiment){0};
	if (!f)
		return diag_errno(d, -errno, "%s", path);
	len = getdelim(&text, &size, '\0', f);
	if (len < 0)
		return diag_set(d, -EINVAL, "%s: empty or unreadable", path);
	if (len > 1 << 20)
		return diag_set(d, -EFBIG, "%s: larger than 1 MiB", path);
	return experiment_load_text(path, text, (size_t)len, modes, e, d);
}

bool experiment_has(const struct experiment *e, enum mode_target kind)
{
	for (size_t i = 0; i < e->n_cells; i++)
		if (e->cells[i].load.kind == kind)
			return true;
	return false;
}

void experiment_cell_clear(struct experiment_cell *cell)
{
	free(cell->id);
	free(cell->workload);
	free(cell->placement);
	json_decref(cell->published);
}

void experiment_free(struct experiment *e)
{
	free(e->name);
	free(e->doc);
	free(e->file);
	free(e->target);
	free(e->net_target);
	free(e->net_peer);
	free(e->baseline);
	for (size_t i = 0; i < e->n_primary; i++)
		free(e->primary[i]);
	free(e->primary);
	mode_pairs_free(&e->set);
	for (size_t i = 0; i < e->n_cells; i++) {
		experiment_cell_clear(&e->cells[i]);
	}
	free(e->cells);
	for (size_t i = 0; i < e->n_fio; i++)
		group_fio_free(e->fio[i]);
	free(e->fio);
	*e = (struct experiment){0};
}
