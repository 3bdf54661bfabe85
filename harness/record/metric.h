/* SPDX-License-Identifier: Apache-2.0 */
/* Every metric there is: help, docs, schema, tables and report come from this one table. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum metric_better { METRIC_HIGHER, METRIC_LOWER, METRIC_NEITHER };

struct metric {
	const char *name;  /* unit in the name: "latency_p99_ns", "interrupts_per_io" */
	const char *unit;  /* "1/s", "ns", "ns/IO" … */
	const char *label; /* short heading in tables: "p99" */
	enum metric_better better;
	double margin_relative; /* default practical margin of a comparison, 0.01 = 1 % */
	double margin_absolute; /* in the metric's unit; a difference must exceed both */
	double quantile;	/* of a latency percentile: 0.99; else 0 */
	const char *doc;	/* the sentence that explains it */
};

const struct metric *metric_all(size_t *n);
const struct metric *metric_find(const char *name);
