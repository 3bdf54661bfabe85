// SPDX-License-Identifier: Apache-2.0
/* Figures of interrupts: how many an event takes, and which CPU takes them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/cells.h"
#include "analysis/detail.h"
#include "analysis/kind.h"
#include "analysis/report_figure.h"
#include "analysis/report_parts.h"
#include "base/cleanup.h"
#include "base/jsonio.h"

#define ROWS_MAX 48 /* of a figure that can be read */

static bool is_shown(const struct cell *c)
{
	return c && c->used && c->detail && c->detail->events > 0;
}

/* The vertical axis: a row a mode and load. */
static void row_names(FILE *script, const struct cell *const *shown, size_t n)
{
	char load[160], text[240];

	fprintf(script, "set yrange [%zu.5:-0.5]\nset ytics (", n - 1);
	for (size_t i = 0; i < n; i++) {
		kind_load_text(json_object_get(shown[i]->spec, "load"), shown[i]->rate, load,
			       sizeof(load));
		snprintf(text, sizeof(text), "%.40s, %.60s", shown[i]->mode, load);
		if (i)
			fputs(", ", script);
		figure_quote(script, text);
		fprintf(script, " %zu", i);
	}
	fputs(") font ',11'\n", script);
}

/* What a row's table says: the first of the metrics that it has. */
static double row_number(const json_t *row, const char *first, const char *second)
{
	const json_t *metrics = json_object_get(row, "metrics");
	double value = jsonio_number(json_object_get(metrics, first), "value");

	return isnan(value) && second ? jsonio_number(json_object_get(metrics, second), "value")
				      : value;
}

static void number_field(FILE *data, double value)
{
	if (isnan(value))
		fputs("\t-", data);
	else
		fprintf(data, "\t%.15g", value);
}

/* Interrupts an event of each row, on a logarithmic axis whose left end is "none". */
static int draw_rates(const struct report_run *r, struct figures *f, struct diag *d)
{
	const struct cell *shown[ROWS_MAX];
	const json_t *of[ROWS_MAX], *group, *row;
	size_t n = 0, g, i;
	bool soft = false;
	int err;

	json_array_foreach (json_object_get(r->result, "groups"), g, group)
		json_array_foreach (json_object_get(group, "rows"), i, row) {
			const struct cell *c = report_cell(r, row);
			double hard = row_number(row, "interrupts_per_io", "interrupts_per_packet");
			double net = row_number(row, "net_rx_softirqs_per_packet", NULL);

			if (n == ROWS_MAX || !is_shown(c) || (isnan(hard) && isnan(net)))
				continue;
			soft |= !isnan(net);
			of[n] = row;
			shown[n++] = c;
		}
	if (!n)
		return 0;
	err = report_begin_figure(
		f, r, "irqs", "Interrupts per I/O or packet",
		"A row a mode and load: interrupts of the device's vectors per I/O (a network: per "
		"packet, and soft interrupts that receive), medians over blocks, on a logarithmic "
		"axis. What is at its left end is one in a thousand or less.",
		d);
	if (err)
		return err;
	fputs("# row\tinterrupts\tnet_rx soft interrupts\tcell\n", f->data);
	for (i = 0; i < n; i++) {
		fprintf(f->data, "%zu", i);
		number_field(f->data,
			     row_number(of[i], "interrupts_per_io", "interrupts_per_packet"));
		number_field(f->data, row_number(of[i], "net_rx_softirqs_per_packet", NULL));
		fputc('\t', f->data);
		figure_field(f->data, jsonio_string(shown[i]->spec, "id", "?"));
		fputc('\n', f->data);
	}
	fprintf(f->script,
		"set terminal svg size 720,%zu noenhanced\nset datafile missing '-'\nset logscale "
		"x 10\nset "
		"xrange [0.0007:20]\nset xtics ('none' 0.001, '0.01' 0.01, '0.1' 0.1, '1' 1, '10' "
		"10)\nset xlabel 'per I/O or packet'\nset grid ytics xtics\nset tmargin 4\nset "
		"key at screen 0.98, screen 0.995 right top vertical maxrows 2\n",
		180 + 26 * n);
	row_names(f->script, shown, n);
	fprintf(f->script,
		"plot '%s.tsv' using ($2 < 0.001 ? 0.001 : $2):1 with points pt 5 ps 1.1 lc rgb "
		"'#08306b' title 'interrupts of the device'",
		report_figure_file(f));
	if (soft)
		fputs(", '' using ($3 < 0.001 ? 0.001 : $3):1 with points pt 6 ps 1.3 lw 2 lc rgb "
		      "'#d55e00' title 'receiving soft interrupts'",
		      f->script);
	fputs("\nset terminal svg size 720,430 noenhanced\n", f->script);
	err = figure_end(f, d);
	return err < 0 ? err : 0;
}

/* A row a mode and load, a column a CPU: interrupts of the device's vectors an event. */
static int draw_by_cpu(const struct report_run *r, struct figures *f, struct diag *d)
{
	const struct cell *shown[ROWS_MAX];
	const json_t *group, *row;
	size_t n = 0, g, i;
	unsigned cpus = 0;
	const char *cpu;
	json_t *v;
	int err;

	json_array_foreach (json_object_get(r->result, "groups"), g, group)
		json_array_foreach (json_object_get(group, "rows"), i, row) {
			const struct cell *c = report_cell(r, row);

			if (n == ROWS_MAX || !is_shown(c) ||
			    !json_object_size(c->detail->irq_by_cpu))
				continue;
			shown[n++] = c;
			json_object_foreach (c->detail->irq_by_cpu, cpu, v)
				if ((unsigned)atoi(cpu) + 1 > cpus)
					cpus = (unsigned)atoi(cpu) + 1;
		}
	if (!n || !cpus || cpus > 1024)
		return 0;
	err = report_begin_figure(
		f, r, "irq", "Which CPU takes the interrupts",
		"Heat map: a row a mode and load, a column a CPU; the darker, the more "
		"interrupts of "
		"the device's vectors per event. The table below has the numbers.",
		d);
	if (err)
		return err;
	fputs("# row\tcpu\tinterrupts_per_event\tcell\n", f->data);
	for (i = 0; i < n; i++) {
		for (unsigned k = 0; k < cpus; k++) {
			char key[16];
			double count;

			snprintf(key, sizeof(key), "%u", k);
			count = json_number_value(
				json_object_get(shown[i]->detail->irq_by_cpu, key));
			fprintf(f->data, "%zu\t%u\t%.15g\t", i, k,
				count / shown[i]->detail->events);
			figure_field(f->data, jsonio_string(shown[i]->spec, "id", "?"));
			fputc('\n', f->data);
		}
		fputc('\n', f->data);
	}
	fprintf(f->script,
		"set terminal svg size 720,%zu noenhanced\nunset key\nset palette defined (0 "
		"'#ffffff', 0.5 "
		"'#7fb3d5', 1 '#08306b')\nset cbrange [0:*]\nset cblabel 'interrupts per "
		"event'\nset "
		"xlabel 'CPU'\nset xrange [-0.5:%u.5]\nset xtics %u\nunset grid\n",
		180 + 26 * n, cpus - 1, cpus > 32 ? 8 : 1);
	row_names(f->script, shown, n);
	fprintf(f->script, "plot '%s.tsv' using 2:1:3 with image pixels", report_figure_file(f));
	if (cpus <= 16)
		fprintf(f->script, ", '' using 2:1:(sprintf($3 >= 0.0005 ? '%%.2g' : '', $3)) with "
				   "labels font "
				   "',11' tc rgb '#000000' boxed");
	fputs("\nset terminal svg size 720,430 noenhanced\n", f->script);
	err = figure_end(f, d);
	return err < 0 ? err : 0;
}

int report_draw_interrupts(const struct report_run *r, struct figures *f, struct diag *d)
{
	int err = draw_rates(r, f, d);

	return err ? err : draw_by_cpu(r, f, d);
}
