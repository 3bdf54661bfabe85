// SPDX-License-Identifier: Apache-2.0
/* The figures of a run: their data, their scripts, and in words what they show. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_groups.h"
#include "analysis/detail.h"
#include "analysis/kind.h"
#include "analysis/report_parts.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/metric.h"

/* Okabe and Ito's palette in an order whose greys differ; lines have dashes and points of their own
 * as well. */
static const char *const colours[] = {"#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7",
				      "#56b4e9", "#e69f00", "#8c7a00", "#6a3d9a", "#7f7f7f"};
/* Light and dark by turns, for areas that touch. */
static const char *const fills[CPU_PARTS] = {"#c7dcef", "#0b4f8a", "#e69f00",
					     "#4d4d4d", "#d9d9d9", "#8c2d04"};

size_t report_mode_index(const struct report_run *r, const char *mode)
{
	size_t n = 0;

	/* by first appearance among what was measured, so that a mode looks the same everywhere */
	for (size_t i = 0; i < r->cells->n; i++) {
		bool known = !r->cells->cell[i].used;

		for (size_t k = 0; !known && k < i; k++)
			known = r->cells->cell[k].used &&
				!strcmp(r->cells->cell[k].mode, r->cells->cell[i].mode);
		if (known)
			continue;
		if (!strcmp(r->cells->cell[i].mode, mode))
			return n;
		n++;
	}
	return n;
}

const char *report_mode_colour(size_t index)
{
	return colours[index % ARRAY_SIZE(colours)];
}

void report_line_style(FILE *script, size_t i)
{
	fprintf(script, "lc rgb '%s' dt %zu lw 2 pt %zu ps 0.8", colours[i % ARRAY_SIZE(colours)],
		i / ARRAY_SIZE(colours) + i % 3 + 1, i + 4);
}

int report_begin_figure(struct figures *f, const struct report_run *r, const char *name,
			const char *title, const char *alt, struct diag *d)
{
	char full[64];

	snprintf(full, sizeof(full), "r%zu-%s", r->number, name);
	return figure_begin(f, full, title, alt, d);
}

const char *report_figure_file(const struct figures *f)
{
	return f->item[f->n - 1].name;
}

/* The percentile curve of each mode's merged histogram, as far as its sample supports it: x is
 * 1 / (1 - p) on a logarithmic scale, so each nine of a percentile has the same room. */
static int draw_distribution(const struct report_run *r, struct figures *f, const json_t *group,
			     size_t number, struct diag *d)
{
	const json_t *rows = json_object_get(group, "rows"), *row;
	const char *shown[64];
	size_t i, n = 0;
	char name[32], alt[300];
	int err;

	json_array_foreach (rows, i, row) {
		const struct cell *c = report_cell(r, row);

		if (n < ARRAY_SIZE(shown) && c && c->used && c->in_force &&
		    c->in_force->latency.count > 1)
			shown[n++] = c->mode;
	}
	if (!n)
		return 0;
	snprintf(name, sizeof(name), "dist%zu", number);
	snprintf(alt, sizeof(alt),
		 "Latency at each percentile for %zu modes, both axes logarithmic; each curve ends "
		 "at "
		 "the highest percentile its sample supports.",
		 n);
	err = report_begin_figure(f, r, name, "Latency distribution", alt, d);
	if (err)
		return err;
	fputs("# percentile\t1/(1-p)\tlatency_ns\tmode; an index a mode\n", f->data);
	json_array_foreach (rows, i, row) {
		const struct cell *c = report_cell(r, row);
		const struct hist *h;

		if (!c || !c->used || !c->in_force || c->in_force->latency.count <= 1)
			continue;
		h = &c->in_force->latency;
		for (double tail = 0.9; tail > 1e-9; tail /= pow(10, 1.0 / 12)) {
			double p = 1 - tail;

			if (!hist_supports(h->count, p))
				break;
			fprintf(f->data, "%.15g\t%.15g\t%.15g\t", p, 1 / tail, hist_quantile(h, p));
			figure_field(f->data, c->mode);
			fputc('\n', f->data);
		}
		fputs("\n\n", f->data);
	}
	fputs("set logscale xy\nset xlabel 'percentile'\nset ylabel 'latency (us)'\n"
	      "set xrange [1.1:*]\nset xtics ('50' 2, '90' 10, '99' 100, '99.9' 1e3, '99.99' 1e4, "
	      "'99.999' 1e5, '99.9999' 1e6)\nplot ",
	      f->script);
	for (size_t k = 0; k < n; k++) {
		fprintf(f->script, "'%s.tsv' index %zu using 2:($3/1e3) with lines ",
			report_figure_file(f), k);
		report_line_style(f->script, report_mode_index(r, shown[k]));
		fputs(" title ", f->script);
		figure_quote(f->script, shown[k]);
		fputs(k + 1 < n ? ", " : "\n", f->script);
	}
	err = figure_end(f, d);
	return err < 0 ? err : 0;
}

/* CPU time of the measured CPUs an event, stacked by where the kernel says it went. */
static int draw_cpu(const struct report_run *r, struct figures *f, const json_t *group,
		    size_t number, struct diag *d)
{
	const struct kind *kind = kind_find(jsonio_string(group, "kind", "block"));
	const json_t *rows = json_object_get(group, "rows"), *row;
	bool used[CPU_PARTS] = {false};
	size_t i, n = 0, first = 0;
	char name[32], alt[300];
	int err;

	json_array_foreach (rows, i, row) {
		const struct cell *c = report_cell(r, row);

		if (!c || !c->used || !c->detail || !c->detail->with_cpu ||
		    !(c->detail->events > 0))
			continue;
		n++;
		for (int p = 0; p < CPU_PARTS; p++)
			used[p] |= c->detail->cpu_ns[p] > 0;
	}
	if (!n)
		return 0;
	snprintf(name, sizeof(name), "cpu%zu", number);
	snprintf(alt, sizeof(alt),
		 "CPU time of the measured CPUs per %s for %zu modes, stacked by user, system, SQ "
		 "thread, irq, softirq and idle polling, as far as there was any, as the ticks of "
		 "/proc/stat divide it; squares are the exact CPU time of the tasks.",
		 kind->event, n);
	err = report_begin_figure(f, r, name, "Where CPU time goes", alt, d);
	if (err)
		return err;
	fputs("# mode", f->data);
	for (int p = 0; p < CPU_PARTS; p++)
		fprintf(f->data, "\t%s", cpu_part_name(p));
	fprintf(f->data, "\ttasks (schedstat)\tall in ns per %s\n", kind->event);
	json_array_foreach (rows, i, row) {
		const struct cell *c = report_cell(r, row);

		if (!c || !c->used || !c->detail || !c->detail->with_cpu ||
		    !(c->detail->events > 0))
			continue;
		figure_field(f->data, c->mode);
		for (int p = 0; p < CPU_PARTS; p++)
			fprintf(f->data, "\t%.15g", detail_cpu(c->detail, p));
		fprintf(f->data, "\t%.15g\n", c->detail->task_cpu_ns / c->detail->events);
	}
	fprintf(f->script,
		"set style data histograms\nset style histogram rowstacked\nset style fill solid 1 "
		"border lc rgb '#1a1a1a'\nset boxwidth 0.7\nset ylabel 'CPU per %s (us)'\nset "
		"yrange "
		"[0:*]\nset xtics rotate by -30\nset grid noxtics\nplot ",
		kind->event);
	for (int p = 0; p < CPU_PARTS; p++) {
		if (!used[p])
			continue;
		fprintf(f->script, "%s'%s.tsv' using ($%d/1e3):xtic(1) lc rgb '%s' title '%s'",
			first++ ? ", " : "", report_figure_file(f), p + 2, fills[p],
			cpu_part_name(p));
	}
	/* ticks are coarse and, in a virtual machine, blind to much: the exact sum beside them */
	fprintf(f->script,
		"%s'%s.tsv' using 0:($%d/1e3):xtic(1) with points pt 4 ps 1.4 lw 2 lc rgb "
		"'#000000' "
		"title 'tasks, exact'",
		first ? ", " : "", report_figure_file(f), CPU_PARTS + 2);
	fputc('\n', f->script);
	err = figure_end(f, d);
	return err < 0 ? err : 0;
}

/* One trial against the median of its cell. */
struct moment {
	double minutes, ratio;
	size_t block;
	const struct cell *cell;
};

static int by_minutes(const void *a, const void *b)
{
	double x = ((const struct moment *)a)->minutes, y = ((const struct moment *)b)->minutes;

	return (x > y) - (x < y);
}

static int by_ratio(const void *a, const void *b)
{
	double x = ((const struct moment *)a)->ratio, y = ((const struct moment *)b)->ratio;

	return (x > y) - (x < y);
}

/* Rates of closed loops, median latencies of open ones; the trials that rows stand on. */
static struct moment *all_moments(const struct report_run *r, size_t *n)
{
	struct moment *list;
	double start = INFINITY;
	size_t room = 1;

	*n = 0;
	for (size_t i = 0; i < r->cells->n; i++)
		room += r->cells->cell[i].n_samples;
	list = calloc(room, sizeof(*list));
	for (size_t i = 0; list && i < r->cells->n; i++) {
		const struct cell *c = &r->cells->cell[i];
		bool open = kind_open_loop(json_object_get(c->spec, "load"));
		size_t m = group_metric(open ? c->kind->latency : c->kind->rate);
		_free_ double *v = calloc(c->n_samples + 1, sizeof(double));
		double median = v ? stats_median(v, group_collect(c, m, NULL, v)) : NAN;

		for (size_t s = 0; s < c->n_samples; s++) {
			const struct sample *t = &c->sample[s];

			if (isnan(t->value[m]) || !(median > 0) || (c->used && !t->in_force))
				continue;
			start = fmin(start, t->started_s);
			list[(*n)++] =
				(struct moment){t->started_s, t->value[m] / median, t->block, c};
		}
	}
	for (size_t i = 0; i < *n; i++)
		list[i].minutes = (list[i].minutes - start) / 60;
	if (*n)
		qsort(list, *n, sizeof(*list), by_minutes);
	return list;
}

static int by_block(const void *a, const void *b)
{
	size_t x = ((const struct moment *)a)->block, y = ((const struct moment *)b)->block;

	return x != y ? (x > y) - (x < y) : by_ratio(a, b);
}

/* The middle of each block, as the second index of the data. */
static void block_medians(FILE *data, const struct moment *list, size_t n)
{
	_free_ struct moment *of = calloc(n + 1, sizeof(*of));

	if (!of)
		return;
	memcpy(of, list, n * sizeof(*of));
	qsort(of, n, sizeof(*of), by_block);
	for (size_t from = 0, to; from < n; from = to) {
		double minutes = 0;

		for (to = from; to < n && of[to].block == of[from].block; to++)
			minutes += of[to].minutes;
		fprintf(data, "%.6f\t%.15g\t%zu\n", minutes / (double)(to - from),
			(of[(from + to - 1) / 2].ratio + of[(from + to) / 2].ratio) / 2,
			of[from].block);
	}
}

/* A drift of the host bends all of it. A few far outliers must not flatten the rest: they stay in
 * the data, the frame holds 19 in 20, and the caption counts what is outside. */
static int draw_time(const struct report_run *r, struct figures *f, struct diag *d)
{
	size_t n, outside = 0;
	_free_ struct moment *list = all_moments(r, &n);
	_free_ struct moment *sorted = calloc(n + 1, sizeof(*sorted));
	double low, high;
	char alt[400];
	int err;

	if (!list || !sorted)
		return -ENOMEM;
	if (!n)
		return 0;
	memcpy(sorted, list, n * sizeof(*list));
	qsort(sorted, n, sizeof(*sorted), by_ratio);
	low = fmin(0.9, sorted[n / 40].ratio / 1.05);
	high = fmax(1.1, sorted[n - 1 - n / 40].ratio * 1.05);
	for (size_t i = 0; i < n; i++)
		outside += list[i].ratio < low || list[i].ratio > high;
	snprintf(
		alt, sizeof(alt),
		"Each trial's rate (open loops: median latency) divided by the median of its cell, "
		"against time; the line is the median of each block. On a host that does not drift "
		"it "
		"is flat at 1. %zu of %zu trials lie outside the frame.",
		outside, n);
	err = report_begin_figure(f, r, "time", "Trials over time", alt, d);
	if (err)
		return err;
	fputs("# minutes\tratio to the cell's median\tblock\tcell; second index: minutes, median "
	      "of a "
	      "block, block\n",
	      f->data);
	for (size_t i = 0; i < n; i++) {
		fprintf(f->data, "%.6f\t%.15g\t%zu\t", list[i].minutes, list[i].ratio,
			list[i].block);
		figure_field(f->data, jsonio_string(list[i].cell->spec, "id", "?"));
		fputc('\n', f->data);
	}
	fputs("\n\n", f->data);
	block_medians(f->data, list, n);
	fprintf(f->script,
		"set xlabel 'minutes since the first trial'\nset ylabel 'ratio to the cell "
		"median'\nset "
		"yrange [%.6g:%.6g]\nplot 1 lc rgb '#7f7f7f' dt 2 notitle, '%s.tsv' index 0 using "
		"1:2 with "
		"points pt 6 ps 0.5 lc rgb '#0072b2' title 'trial', '' index 1 using 1:2 with "
		"linespoints pt 7 ps 0.7 lw 2 lc rgb '#000000' title 'median of a block'\n",
		low, high, report_figure_file(f));
	err = figure_end(f, d);
	return err < 0 ? err : 0;
}

int report_draw(const struct report_run *r, struct figures *f, struct diag *d)
{
	const json_t *group;
	size_t i;
	int err = report_draw_loads(r, f, d);

	json_array_foreach (json_object_get(r->result, "groups"), i, group) {
		if (!err)
			err = draw_distribution(r, f, group, i, d);
		if (!err)
			err = draw_cpu(r, f, group, i, d);
	}
	if (!err)
		err = report_draw_interrupts(r, f, d);
	if (!err)
		err = draw_time(r, f, d);
	return err;
}
