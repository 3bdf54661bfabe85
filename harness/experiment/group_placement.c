// SPDX-License-Identifier: Apache-2.0
#include "experiment/group_placement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/yaml.h"
#include "placement/role.h"

int group_placement_check(const struct yaml_node *node, struct diag *d)
{
	struct placement_spec spec = {.role = NULL};
	struct diag why = {""};
	int err = yaml_expect(node, YAML_SCALAR, d);

	if (err)
		return err;
	err = placement_spec_parse(node->text, &spec, &why);
	placement_spec_free(&spec);
	return err ? yaml_error(node, d, err, "%s", why.text) : 0;
}

int group_placement_name(struct experiment_cell *cell, const char *placement)
{
	char *id;

	cell->placement = strdup(placement);
	if (!cell->placement)
		return -ENOMEM;
	if (!strcmp(placement, PLACEMENT_DEFAULT))
		return 0;
	if (asprintf(&id, "%s/%s", cell->id, placement) < 0)
		return -ENOMEM;
	free(cell->id);
	cell->id = id;
	return 0;
}
