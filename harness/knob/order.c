// SPDX-License-Identifier: Apache-2.0
#include "knob/order.h"

#include <string.h>

/* Does a write to `a` change `name`, by the row or by what that changes? The tables nest a few
 * deep. */
static bool reaches(knob_find_fn *find, const struct knob *a, const char *name, unsigned depth)
{
	const struct knob *k = find(name);
	const struct knob *whole = a->part_of ? find(a->part_of) : NULL;

	/* what changes the whole changes its parts */
	if (knob_disturbs(a, name) || (k && k->part_of && knob_disturbs(a, k->part_of)))
		return true;
	for (const char *const *other = a->disturbs; depth && other && *other; other++) {
		const struct knob *next = find(*other);

		if (next && reaches(find, next, name, depth - 1))
			return true;
	}
	return depth && whole && reaches(find, whole, name, depth - 1);
}

static bool goes_before(knob_find_fn *find, const struct knob *a, const struct knob *b)
{
	return reaches(find, a, b->name, 3) || (b->part_of && !strcmp(b->part_of, a->name));
}

void order_settings(knob_find_fn *find, const struct knob_setting *w, size_t n,
		    const struct knob_setting **order)
{
	for (size_t i = 0; i < n; i++)
		order[i] = &w[i];
	for (size_t i = 0; i < n; i++) {
		const struct knob_setting *next;
		size_t first = i;

		for (size_t k = i; k < n; k++) {
			bool ready = true;

			for (size_t j = i; ready && j < n; j++)
				ready = j == k ||
					!goes_before(find, order[j]->knob, order[k]->knob);
			if (ready) {
				first = k;
				break;
			}
		}
		next = order[first];
		memmove(&order[i + 1], &order[i], (first - i) * sizeof(*order));
		order[i] = next;
	}
}

bool order_is_made(knob_find_fn *find, const struct knob_setting *w, size_t n,
		   const struct knob *wanted)
{
	for (size_t i = 0; i < n; i++)
		if ((w[i].knob->flags & KNOB_REMAKES) && reaches(find, w[i].knob, wanted->name, 3))
			return true;
	return false;
}
