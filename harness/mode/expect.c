// SPDX-License-Identifier: Apache-2.0
#include "mode/expect.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/yaml.h"

static const char *const block_keys[] = {
	"iodepth", "bs", "numjobs", "rw", "open_loop", "dsync", "iostats_passthrough", "workload",
};
static const char *const net_keys[] = {
	"depth",	 "flows",	   "protocol",	     "pattern",	 "open_loop",
	"request_bytes", "response_bytes", "has_interrupts", "workload",
};
static const struct {
	const char *const *keys;
	size_t n;
} condition_keys[MODE_TARGETS] = {
	[MODE_BLOCK] = {block_keys, ARRAY_SIZE(block_keys)},
	[MODE_NET] = {net_keys, ARRAY_SIZE(net_keys)},
};
static const char *const op_keys[] = {"at_least", "at_most"};
static const char *const expectation_keys[] = {
	"evidence", "per", "at_most", "at_least", "otherwise", "proves_from", "limits", "when",
};

static int add_condition(const struct yaml_node *key, const struct yaml_node *value,
			 enum condition_op op, struct condition *conditions, size_t *n,
			 struct diag *d)
{
	struct condition *c = &conditions[*n];
	char *end;

	if (*n == EXPECTATION_CONDITIONS)
		return yaml_error(key, d, -E2BIG, "more than %d conditions",
				  EXPECTATION_CONDITIONS);
	*c = (struct condition){.op = op};
	snprintf(c->key, sizeof(c->key), "%s", key->text);
	c->number = strtod(value->text, &end);
	c->is_text = end == value->text || *end;
	if (c->is_text && op != CONDITION_EQUAL)
		return yaml_error(value, d, -EINVAL, "\"%s\" is not a number", value->text);
	snprintf(c->text, sizeof(c->text), "%s", value->text);
	(*n)++;
	return 0;
}

int condition_load(const struct yaml_node *map, enum mode_target target,
		   struct condition *conditions, size_t *n, struct diag *d)
{
	int err = yaml_check_keys(map, condition_keys[target].keys, condition_keys[target].n, d);

	*n = 0;
	for (size_t i = 0; !err && i < map->n; i++) {
		const struct yaml_node *value = map->item[i];

		if (value->kind == YAML_SCALAR) {
			err = add_condition(map->key[i], value, CONDITION_EQUAL, conditions, n, d);
			continue;
		}
		err = yaml_check_keys(value, op_keys, ARRAY_SIZE(op_keys), d);
		for (size_t j = 0; !err && j < value->n; j++) {
			enum condition_op op = strcmp(value->key[j]->text, "at_least")
						       ? CONDITION_AT_MOST
						       : CONDITION_AT_LEAST;

			err = yaml_expect(value->item[j], YAML_SCALAR, d);
			if (!err)
				err = add_condition(map->key[i], value->item[j], op, conditions, n,
						    d);
		}
	}
	return err;
}

static int load_bound(const struct yaml_node *map, const char *key, double *bound, struct diag *d)
{
	const struct yaml_node *node = yaml_get(map, key);

	*bound = NAN;
	return node ? yaml_f64(node, bound, d) : 0;
}

int expectation_load(const struct yaml_node *map, enum mode_target target, struct expectation *e,
		     struct diag *d)
{
	const struct yaml_node *node;
	int err = yaml_check_keys(map, expectation_keys, ARRAY_SIZE(expectation_keys), d);

	*e = (struct expectation){.at_most = NAN, .at_least = NAN, .otherwise = NAN};
	if (err)
		return err;
	node = yaml_get(map, "evidence");
	if (!node || node->kind != YAML_SCALAR || strlen(node->text) >= sizeof(e->evidence))
		return yaml_error(map, d, -EINVAL, "an expectation needs evidence: NAME");
	snprintf(e->evidence, sizeof(e->evidence), "%s", node->text);
	node = yaml_get(map, "per");
	if (!node)
		return yaml_error(map, d, -EINVAL,
				  "an expectation needs per: io, packet, transaction, second or "
				  "none");
	err = yaml_expect(node, YAML_SCALAR, d);
	if (!err) {
		err = expectation_per_parse(node->text, &e->per, d);
		if (err)
			return diag_prefix(d, err, "%s:%u:%u", node->file, node->line, node->col);
	}
	if (!err)
		err = load_bound(map, "at_most", &e->at_most, d);
	if (!err)
		err = load_bound(map, "at_least", &e->at_least, d);
	if (!err)
		err = load_bound(map, "otherwise", &e->otherwise, d);
	if (!err && yaml_get(map, "proves_from"))
		err = load_bound(map, "proves_from", &e->proves_from, d);
	node = yaml_get(map, "limits");
	if (!err && node)
		err = yaml_bool(node, &e->limits, d);
	if (!err && isnan(e->at_most) && isnan(e->at_least))
		return yaml_error(map, d, -EINVAL, "an expectation needs at_most: or at_least:");
	node = yaml_get(map, "when");
	if (!err && node)
		err = condition_load(node, target, e->when, &e->n_when, d);
	return err;
}

int grade_load(const struct yaml_node *node, enum verdict_grade *grade, struct diag *d)
{
	int err = yaml_expect(node, YAML_SCALAR, d);

	if (err)
		return err;
	err = verdict_grade_parse(node->text, grade, d);
	return err ? diag_prefix(d, err, "%s:%u:%u", node->file, node->line, node->col) : 0;
}
