/* SPDX-License-Identifier: Apache-2.0 */
/* Values of metrics and states of rows as people read them: the same words in tables, in the report
 * and in sentences. */
#pragma once
#include <jansson.h>
#include <stddef.h>

struct metric;

/* "12.3k", "81.4 us", "0.063"; "-" for NAN. Returns `out`. */
const char *text_value(const struct metric *m, double value, char *out, size_t size);
/* The proof of a row of compare_run(): "in force (counter)", "NOT in force (61 %)". Returns `out`.
 */
const char *text_state(const json_t *row, char *out, size_t size);
/* "10", or "8/10" where trials were left out. Returns `out`. */
const char *text_used(const json_t *row, char *out, size_t size);
/* The columns of a group's kind that any of its rows has; the first, its rate, always. `metric` has
 * room for KIND_COLUMNS (kind.h). */
size_t text_columns(const json_t *group, const struct metric **metric);
/* The comparison that stands in a row's line; NULL: it has none. Borrowed. */
const json_t *text_comparison(const json_t *row);
/* That of the first row of the group that has one: what the column is called after. */
const json_t *text_judged(const json_t *group);
/* "better than", "inconclusive against". */
const char *text_verdict(const char *word);
