/* SPDX-License-Identifier: Apache-2.0 */
/* Which modes a device can run, and what is missing for the others: in `probe` and `modes`. */
#pragma once
#include <jansson.h>

struct machine;
struct machine_disk;
struct modes;

/* A table of every mode on one disk, on standard output. */
int modes_print(const struct modes *modes, const struct machine *m,
		const struct machine_disk *disk);
/* [{"mode", "doc", "grade", "available", "reason", "remedy", "needs_root"}]; new reference. `disk`
 * NULL: the modes alone. */
json_t *modes_json(const struct modes *modes, const struct machine *m,
		   const struct machine_disk *disk);
