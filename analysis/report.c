// SPDX-License-Identifier: Apache-2.0
#include "analysis/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/across.h"
#include "analysis/cells.h"
#include "analysis/compare.h"
#include "analysis/report_figure.h"
#include "analysis/report_html.h"
#include "analysis/report_parts.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/record.h"

#define NAME	  "report.html"
#define TEMPORARY ".report.html.new"

const struct cell *report_cell(const struct report_run *r, const json_t *row)
{
	const char *id = jsonio_string(row, "cell", "");

	for (size_t i = 0; i < r->cells->n; i++)
		if (!strcmp(jsonio_string(r->cells->cell[i].spec, "id", "?"), id))
			return &r->cells->cell[i];
	return NULL;
}

int report_figure(const struct figures *f, const struct report_run *r, const char *name)
{
	char full[64];

	snprintf(full, sizeof(full), "r%zu-%s", r->number, name);
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->item[i].name, full))
			return (int)i;
	return -1;
}

void report_show_figure(FILE *out, const struct figures *f, int index)
{
	const struct figure *one = index < 0 ? NULL : &f->item[index];

	if (!one)
		return;
	fprintf(out, "<figure id=\"fig-%s\">", one->name);
	if (one->svg) {
		fputs("<div tabindex=0 role=region aria-label=\"", out);
		html_text(out, one->title);
		fputs("\"><img alt=\"", out);
		html_text(out, one->alt);
		fputs("\" width=720 src=\"data:image/svg+xml;base64,", out);
		html_base64(out, one->svg, one->svg_len);
		fputs("\"></div>", out);
	}
	fputs("<figcaption>", out);
	html_element(out, "strong", one->title);
	fputs(". ", out);
	html_text(out, one->alt);
	if (!one->svg) {
		fputs(" <strong>Not drawn: ", out);
		html_text(out, f->why);
		fputs("</strong>", out);
	}
	fprintf(out, " Data: <code>figures/%s.tsv</code></figcaption></figure>\n", one->name);
}

static void contents(FILE *out, const struct report_run *r)
{
	const struct {
		const char *id, *text;
	} parts[] = {{"answer", "The answer"},
		     {"modes", r->cells->by_placement ? "Was each placement really in force?"
						      : "Was each mode really in force?"},
		     {"results", "Results by load"},
		     {"load", "Over the load"},
		     {"irq", "Interrupts"},
		     {"placement", "Placement"},
		     {"time", "Trials over time"},
		     {"instruments", "Instruments"},
		     {"ledger", "Validity ledger"},
		     {"machine", "Environment"},
		     {"knobs", "Settings before, during and after"},
		     {"again", "How to do it again"}};

	fputs("<nav aria-label=\"Contents\"><ul>\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strcmp(parts[i].id, "instruments") ||
		    json_array_size(json_object_get(r->result, "instruments")))
			fprintf(out, "<li><a href=\"#r%zu-%s\">%s</a></li>\n", r->number,
				parts[i].id, parts[i].text);
	fputs("</ul></nav>\n", out);
}

static void write_run(FILE *out, const struct report_run *r, const struct figures *f)
{
	report_answer(out, r);
	report_modes(out, r);
	contents(out, r);
	report_groups(out, r, f);
	report_instruments(out, r);
	report_validity(out, r);
	report_machine(out, r);
	report_knobs(out, r);
	report_reproduce(out, r);
}

static void write_page(FILE *out, const struct report_run *runs, size_t n, const json_t *across,
		       const struct figures *f)
{
	const char *name =
		jsonio_string(runs->run, "experiment.name", jsonio_string(runs->run, "run", "?"));

	fputs("<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<meta name=viewport "
	      "content=\"width=device-width,initial-scale=1\">\n<link rel=icon href=\"data:,\">\n"
	      "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; img-src "
	      "data:; "
	      "style-src 'unsafe-inline'\">\n<title>iomodes: ",
	      out);
	html_text(out, name);
	fputs("</title>\n", out);
	html_style(out);
	fputs("</head>\n<body>\n<a class=skip href=\"#main\">Skip to the answer</a>\n<header><h1>",
	      out);
	html_text(out, name);
	fprintf(out, ": which %s, at which load, at what price?</h1>\n<p>",
		runs->cells->by_placement ? "placement" : "I/O mode");
	html_text(out, jsonio_string(runs->run, "experiment.doc", ""));
	fputs("</p></header>\n<main id=main>\n", out);
	if (across)
		report_across(out, across);
	for (size_t i = 0; i < n; i++) {
		if (n > 1)
			html_elementf(out, "h1", "Run %zu: %s", i + 1,
				      jsonio_string(runs[i].run, "run", "?"));
		write_run(out, &runs[i], f);
	}
	fputs("</main>\n<footer><p>Numbers: medians of trials in force, one a block; percentiles "
	      "of "
	      "the histograms of all blocks together (64 buckets per power of two, values spread "
	      "evenly within a "
	      "bucket), at "
	      "open loop from the intended start; a percentile that the sample cannot support is "
	      "not "
	      "stated. A change compares each block's own value, of a percentile, too. Verdicts: "
	      "better or worse when the 95 % interval of the change, paired by "
	      "block, "
	      "lies beyond the margin and p &le; 0.05 after Benjamini and Hochberg's correction; "
	      "equivalent when the 90 % interval lies inside the margin; else "
	      "inconclusive.</p></footer>"
	      "\n</body>\n</html>\n",
	      out);
}

static void progress(const struct report_options *o, const char *phase, size_t done, size_t total)
{
	if (o->progress)
		o->progress(o->context, phase, done, total);
}

static void reading(void *context, size_t records)
{
	progress(context, "reading", records, 0);
}

static int read_one(const char *dir, size_t number, const struct report_options *o,
		    struct report_run *r, struct diag *d)
{
	struct cells_options co = {.details = true, .progress = reading, .context = (void *)o};
	struct compare_options how = {.baseline = o->baseline};
	int err = cells_read(dir, &co, &r->cells, d);

	if (err)
		return err;
	r->dir = dir;
	r->number = number;
	r->run = r->cells->run->run;
	progress(o, "comparing", 0, 0);
	return compare_cells(r->cells, &how, &r->result, d);
}

/* As root, not into a directory that another user may write. */
static int open_out(const char *path, struct diag *d)
{
	struct stat st;
	int fd;

	if (mkdir(path, 0755) && errno != EEXIST)
		return diag_errno(d, -errno, "%s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		int err = diag_errno(d, -errno, "%s", path);

		if (fd >= 0)
			close(fd);
		return err;
	}
	if (!geteuid() && (st.st_uid || st.st_mode & S_IWOTH)) {
		close(fd);
		return diag_set(
			d, -EPERM,
			"%s: another user may write there; as root, give a directory of root's "
			"(--output)",
			path);
	}
	return fd;
}

static int write_file(int dir, const struct report_run *runs, size_t n, const json_t *across,
		      const struct figures *f, struct diag *d)
{
	FILE *out;
	int fd, failed;

	unlinkat(dir, TEMPORARY, 0);
	fd = openat(dir, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return diag_errno(d, -errno, TEMPORARY);
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return -ENOMEM;
	}
	write_page(out, runs, n, across, f);
	failed = ferror(out) || fflush(out) || fsync(fd);
	if (fclose(out) || failed || renameat(dir, TEMPORARY, dir, NAME)) {
		int err = diag_errno(d, -(errno ?: EIO), NAME);

		unlinkat(dir, TEMPORARY, 0);
		return err;
	}
	return 0;
}

static int compare_all(const struct report_run *runs, size_t n, json_t **across, struct diag *d)
{
	_free_ struct cells **cells = calloc(n, sizeof(struct cells *));
	_free_ const char **dirs = calloc(n, sizeof(char *));
	struct compare_options none = {0};

	if (!cells || !dirs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		cells[i] = runs[i].cells;
		dirs[i] = runs[i].dir;
	}
	return across_cells(cells, dirs, n, &none, across, d);
}

static int write_all(const struct report_run *runs, size_t n, const struct report_options *o,
		     const char *path, struct report_result *result, struct diag *d)
{
	struct figures f = {.dir = -1};
	_fd_ int dir = open_out(path, d);
	_json_ json_t *across = NULL;
	int err;

	if (dir < 0)
		return dir;
	err = n > 1 ? compare_all(runs, n, &across, d) : 0;
	if (!err)
		err = figures_open(dir, &f, d);
	for (size_t i = 0; !err && i < n; i++)
		err = report_draw(&runs[i], &f, d);
	progress(o, "drawing", 0, f.n);
	if (!err)
		err = figures_draw(&f, d);
	progress(o, "writing", 0, 0);
	if (!err)
		err = write_file(dir, runs, n, across, &f, d);
	result->figures = 0;
	for (size_t i = 0; i < f.n; i++)
		result->figures += f.item[i].svg != NULL;
	snprintf(result->no_figures, sizeof(result->no_figures), "%s", f.why);
	snprintf(result->path, sizeof(result->path), "%.4000s/" NAME, path);
	figures_close(&f);
	return err;
}

int report_write(const char *const *dirs, size_t n, const struct report_options *o,
		 struct report_result *result, struct diag *d)
{
	struct report_run *runs = calloc(n, sizeof(*runs));
	int err = runs && n ? 0 : -ENOMEM;

	*result = (struct report_result){.path = ""};
	for (size_t i = 0; !err && i < n; i++) {
		err = read_one(dirs[i], i, o, &runs[i], d);
		if (err)
			break;
		result->trials += runs[i].cells->run->n_trials;
		result->left_out += runs[i].cells->run->n_notes;
		result->rows_measured += (size_t)jsonio_number(runs[i].result, "rows_measured");
	}
	if (!err)
		err = write_all(runs, n, o, o->out ? o->out : dirs[0], result, d);
	for (size_t i = 0; runs && i < n; i++) {
		json_decref(runs[i].result);
		cells_free(runs[i].cells);
	}
	free(runs);
	return err;
}
