/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures: each is data (NAME.tsv), a gnuplot script (NAME.gp, to be run in the same directory) and
 * the SVG that gnuplot makes of them. Scripts are one stream to one gnuplot, so a hundred figures
 * cost one start. Text of records goes into scripts only through figure_quote().
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct diag;

struct figure {
	char name[64];	   /* of its files, [a-z0-9-] */
	char *title, *alt; /* heading; what it shows, in words */
	char *script;
	char *svg; /* NULL: gnuplot made none, see figures.why */
	size_t svg_len;
};

struct figures {
	int dir; /* of figures/ */
	struct figure *item;
	size_t n;
	FILE *data, *script; /* of the figure that is being made */
	char *text;	     /* of `script` */
	size_t text_len;
	char why[300]; /* there are no SVGs (or not all), and why; else "" */
};

/* Open or make figures/ under the directory; what is not a directory there is refused. */
int figures_open(int dirfd, struct figures *f, struct diag *d);
/* Begin one: write data to f->data and commands to f->script (terminal and output are set). */
int figure_begin(struct figures *f, const char *name, const char *title, const char *alt,
		 struct diag *d);
/* Ends it. Returns its index, or -errno. */
int figure_end(struct figures *f, struct diag *d);
/* A string of a script: in single quotes, nothing in it is expanded. */
void figure_quote(FILE *script, const char *text);
/* A field of the data: no tab, newline or quote. */
void figure_field(FILE *data, const char *text);
/* Have gnuplot draw all of them; `why` says what could not be. -errno only when files cannot be
 * written. */
int figures_draw(struct figures *f, struct diag *d);
void figures_close(struct figures *f);
