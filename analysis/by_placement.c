// SPDX-License-Identifier: Apache-2.0
#include "analysis/by_placement.h"

#include <string.h>

#include "analysis/cells.h"
#include "analysis/kind.h"
#include "base/jsonio.h"

/* Cells that name none have their threads where local has them; but nothing else was moved or bound
 * for them, and nothing proven: they are no baseline. */
static const char *placement_of(const struct cell *c)
{
	return jsonio_string(c->spec, "placement_asked", "unnamed");
}

bool by_placement_is_meant(const struct cells *cells)
{
	bool two = false, local = false;

	for (size_t i = 0; i < cells->n; i++)
		for (size_t j = 0; j < i; j++) {
			const struct cell *a = &cells->cell[i], *b = &cells->cell[j];

			if (kind_is_network(a->kind) != kind_is_network(b->kind))
				continue;
			if (strcmp(a->mode, b->mode))
				return false;
			two |= strcmp(placement_of(a), placement_of(b)) != 0;
			local |= !strcmp(placement_of(a), BY_PLACEMENT_BASELINE) ||
				 !strcmp(placement_of(b), BY_PLACEMENT_BASELINE);
		}
	return two && local;
}

void by_placement(struct cells *cells)
{
	if (cells->by_placement)
		return;
	cells->by_placement = true;
	for (size_t i = 0; i < cells->n; i++) {
		struct cell *c = &cells->cell[i];
		json_t *spec = (json_t *)c->spec;
		const char *mode = c->mode;

		/* the name stays where it is read from; its cell is ours until cells_free() */
		json_object_set_new(spec, "row", json_string(placement_of(c)));
		json_object_set_new(spec, "placement_asked", json_string(mode));
		json_object_set_new(spec, "of_mode", json_true());
		c->mode = jsonio_string(spec, "row", BY_PLACEMENT_BASELINE);
	}
}
