/* SPDX-License-Identifier: Apache-2.0 */
/* A text table for people, laid out by libsmartcols. JSON output does not go through here. */
#pragma once
#include <stdbool.h>
#include <stdio.h>

struct table;

struct table_column {
	const char *name;
	bool right; /* numbers stand to the right */
	bool wrap;  /* may be broken over lines when the terminal is narrow */
	/* Left out on a terminal that is too narrow, 1 first, and named below; 0: never. */
	unsigned spare;
};

/* NULL on lack of memory; freed by table_free(). `columns` is copied. */
struct table *table_new(const struct table_column *columns, size_t n);
/* Add a row of as many cells as there are columns; cells are copied, NULL is an empty cell. */
int table_row(struct table *t, const char *const *cells);
/* Print to `out`; on a terminal its width is respected, elsewhere lines are as long as needed. */
int table_print(struct table *t, FILE *out);
void table_free(struct table *t);
