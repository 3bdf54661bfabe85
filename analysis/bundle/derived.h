/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bundle holds beside its runs, made from them alone: whoever makes a bundle writes it,
 * whoever checks one makes it again and compares.
 */
#pragma once
#include <jansson.h>

struct diag;

/* What every row of the comparison says in numbers and words: {"baseline", "groups": [{"title",
 * "kind", "baseline", "rows": […]}]}, without sentences. New reference. */
json_t *derived_table(const json_t *comparison);

/*
 * Planned against actual order as tab-separated text, one line a trial: block, position, cell as
 * planned, trial, pass, started, status. What was planned and has no record, and no reason why, and
 * what has a record and was not planned, is appended to `differences` (bag.h, named by `file`).
 * -errno as record_read_run().
 */
int derived_order(const char *run_dir, const char *file, char **text, json_t *differences,
		  struct diag *d);

/* What the machine was after the run that it had not been before: {"changed": [{"what", "before",
 * "after"}]}. -ENOENT when one of the two was not recorded. */
int derived_environment(const char *run_dir, json_t **result, struct diag *d);

/* Where two values differ, as "groups[0].rows[1].state"; numbers to 9 digits, members that only
 * `again` has are no difference. Appends at most `most` of them (bag.h, named by `file`). */
void derived_differences(const json_t *recorded, const json_t *again, const char *file, size_t most,
			 json_t *differences);
