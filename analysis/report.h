/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of one or several runs: one HTML file that needs nothing else, neither network nor
 * script, and its figures with data and gnuplot scripts beside it.
 */
#pragma once
#include <stddef.h>

struct diag;

struct report_options {
	const char *out;      /* directory for report.html and figures/; NULL: the run's own */
	const char *baseline; /* as in compare */
	/* Called as the work goes on; `total` is 0 where it is not known. May be NULL. */
	void (*progress)(void *context, const char *phase, size_t done, size_t total);
	void *context;
};

struct report_result {
	char path[4200]; /* of report.html */
	size_t rows_measured, trials, figures, left_out;
	char no_figures[300]; /* why some are missing, or "" */
};

/* Several runs: each has its part, and those after the first are compared with it. -errno as
 * compare_run(); -ENOTEMPTY never: an older report is replaced. */
int report_write(const char *const *runs, size_t n, const struct report_options *options,
		 struct report_result *result, struct diag *d);
