/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a report: one run, what was read of it, and the parts of its page. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include "analysis/cells.h"
#include "analysis/report_figure.h"

struct diag;

struct report_run {
	const char *dir;
	const json_t *run; /* run.json */
	json_t *result;	   /* of compare_cells() */
	struct cells *cells;
	size_t number; /* of the run in the report, from 0: prefix of anchors and figures */
};

/* The cell of a row of the result. */
const struct cell *report_cell(const struct report_run *r, const json_t *row);
/* Index of a figure of this run by what follows "rN-", or -1. */
int report_figure(const struct figures *f, const struct report_run *r, const char *name);
/* <figure> of it; nothing for -1. */
void report_show_figure(FILE *out, const struct figures *f, int index);

/* report_draw.c: data and scripts of every figure of the run. */
int report_draw(const struct report_run *r, struct figures *f, struct diag *d);

/* report_load.c: those over an axis of load. */
int report_draw_loads(const struct report_run *r, struct figures *f, struct diag *d);
int report_draw_interrupts(const struct report_run *r, struct figures *f, struct diag *d);
/* Begin "rN-name"; the name of its files; how a mode looks, the same in every figure. */
int report_begin_figure(struct figures *f, const struct report_run *r, const char *name,
			const char *title, const char *alt, struct diag *d);
const char *report_figure_file(const struct figures *f);
size_t report_mode_index(const struct report_run *r, const char *mode);
const char *report_mode_colour(size_t index);
void report_line_style(FILE *script, size_t index);

/* Each writes its sections. */
void report_answer(FILE *out, const struct report_run *r); /* first screen */
void report_modes(FILE *out, const struct report_run *r);  /* proof and reasons */
void report_groups(FILE *out, const struct report_run *r, const struct figures *f);
void report_validity(FILE *out, const struct report_run *r); /* ledger */
void report_machine(FILE *out, const struct report_run *r);  /* environment */
void report_knobs(FILE *out, const struct report_run *r);
void report_reproduce(FILE *out, const struct report_run *r);
/* report_published.c: items of a list, of a row and of its group. */
void report_published_row(FILE *out, const json_t *row);
void report_published_words(FILE *out, const json_t *group);
/* report_placement.c: matrix and recommendation, where placements are compared; else nothing. */
void report_placement(FILE *out, const struct report_run *r);
/* report_instruments.c: nothing where no mode has two. */
void report_instruments(FILE *out, const struct report_run *r);
/* report_across.c: several runs, from across_cells(). */
void report_across(FILE *out, const json_t *result);
