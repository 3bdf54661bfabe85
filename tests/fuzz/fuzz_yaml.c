// SPDX-License-Identifier: Apache-2.0
/* A YAML file of modes or an experiment, as a tree. */
#include "base/yaml.h"
#include "fuzz.h"

static void walk(const struct yaml_node *node)
{
	uint64_t number;
	double real;
	bool flag;

	PROMISE(node->line && node->col);
	for (size_t i = 0; i < node->n; i++) {
		if (node->kind == YAML_MAP)
			PROMISE(yaml_get(node, node->key[i]->text));
		walk(node->item[i]);
	}
	if (node->kind != YAML_SCALAR)
		return;
	PROMISE(node->text);
	yaml_u64(node, &number, NULL);
	yaml_ns(node, &number, NULL);
	yaml_bytes(node, &number, NULL);
	yaml_f64(node, &real, NULL);
	yaml_bool(node, &flag, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml_node *root = NULL;
	struct diag d = {""};

	if (yaml_load_text("x", (const char *)data, size, &root, &d))
		PROMISE(*d.text);
	else
		walk(root);
	yaml_tree_free(root);
	return 0;
}
