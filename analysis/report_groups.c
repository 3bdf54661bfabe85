// SPDX-License-Identifier: Apache-2.0
/* A part for each load: the table with its verdicts, its figures, and the views across loads. */
#include <math.h>
#include <string.h>

#include "analysis/detail.h"
#include "analysis/kind.h"
#include "analysis/report_html.h"
#include "analysis/report_parts.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/metric.h"

static void verdict_cells(FILE *out, const json_t *group, const json_t *row)
{
	const json_t *one = text_comparison(row);
	const char *word = jsonio_string(one, "verdict", "");
	bool measured = !strcmp(jsonio_string(row, "state", ""), "measured");

	if (!strcmp(jsonio_string(row, "mode", ""), jsonio_string(group, "baseline", "-"))) {
		fputs("<td class=n>baseline</td><td></td>", out);
		return;
	}
	if (!one) {
		fprintf(out, "<td class=n>-</td><td>%s</td>", measured ? "not judged" : "excluded");
		return;
	}
	if (isnan(jsonio_number(one, "estimate"))) {
		fputs("<td class=n>", out);
	} else {
		fputs("<td class=n data-metric=\"estimate:", out);
		html_text(out, jsonio_string(one, "metric", ""));
		fprintf(out, "\" data-value=\"%.15g\">", jsonio_number(one, "estimate"));
	}
	html_text(out, jsonio_string(one, "text", "-"));
	fputs("</td><td class=v>", out);
	html_verdict(out, word);
	fputs("</td>", out);
}

static void one_row(FILE *out, const struct report_run *r, const json_t *group, const json_t *row,
		    const struct metric *const *metric, size_t n)
{
	char text[96];

	fputs(strcmp(jsonio_string(row, "state", ""), "measured") ? "<tr class=out data-cell=\""
								  : "<tr data-cell=\"",
	      out);
	html_text(out, jsonio_string(row, "cell", "?"));
	fprintf(out, "\" data-run=%zu>", r->number);
	html_element(out, "th scope=row", jsonio_string(row, "mode", "?"));
	html_element(out, "td class=v", text_state(row, text, sizeof(text)));
	for (size_t k = 0; k < n; k++) {
		const json_t *m = json_object_get(json_object_get(row, "metrics"), metric[k]->name);
		double value = jsonio_number(m, "value");

		html_number(out, metric[k]->name, value,
			    text_value(metric[k], value, text, sizeof(text)));
	}
	html_element(out, "td class=n", text_used(row, text, sizeof(text)));
	verdict_cells(out, group, row);
	fputs("</tr>\n", out);
}

static bool never_ran(const json_t *row)
{
	const char *state = jsonio_string(row, "state", "");

	return !strcmp(state, "unsupported") || !strcmp(state, "left_out") ||
	       !strcmp(state, "not_run");
}

static const char *first_reason(const json_t *row)
{
	const json_t *reason = json_array_get(json_object_get(row, "reasons"), 0);

	return json_string_value(reason) ?: "";
}

/* What did not run for one reason stands in one line. */
static void excluded_rows(FILE *out, const json_t *group, size_t columns)
{
	const json_t *rows = json_object_get(group, "rows"), *row, *other;
	json_t *done = json_object();
	char text[96];
	size_t i, k;

	json_array_foreach (rows, i, row) {
		const char *sep = "";

		if (!never_ran(row) || json_object_get(done, first_reason(row)))
			continue;
		json_object_set_new(done, first_reason(row), json_true());
		fputs("<tr class=out><th scope=row style=\"white-space:normal\">", out);
		json_array_foreach (rows, k, other) {
			if (!never_ran(other) || strcmp(first_reason(other), first_reason(row)))
				continue;
			fputs(sep, out);
			html_text(out, jsonio_string(other, "mode", "?"));
			sep = ", ";
		}
		fputs("</th>", out);
		html_element(out, "td class=v", text_state(row, text, sizeof(text)));
		fprintf(out, "<td colspan=%zu>", columns - 2);
		html_text(out, first_reason(row));
		fputs("</td></tr>\n", out);
	}
	json_decref(done);
}

static void findings(FILE *out, const json_t *group)
{
	const char *base = jsonio_string(group, "baseline", "?");
	const json_t *row, *one, *reason;
	char text[96];
	size_t i, k;

	fputs("<ul class=notes>\n", out);
	report_published_words(out, group);
	json_array_foreach (json_object_get(group, "rows"), i, row) {
		bool measured = !strcmp(jsonio_string(row, "state", ""), "measured");

		json_array_foreach (json_object_get(row, "comparisons"), k, one) {
			fputs("<li>", out);
			html_element(out, "strong", jsonio_string(row, "mode", "?"));
			fputs(": ", out);
			html_text(out, metric_find(jsonio_string(one, "metric", "iops"))->label);
			fputc(' ', out);
			html_text(out, jsonio_string(one, "text", "?"));
			fprintf(out, ", %s ", text_verdict(jsonio_string(one, "verdict", "?")));
			html_text(out, base);
			fputs(": ", out);
			html_text(out, jsonio_string(one, "sentence", ""));
			fputs(".</li>\n", out);
		}
		report_published_row(out, row);
		if (never_ran(row) || !json_array_size(json_object_get(row, "reasons")))
			continue;
		fputs("<li>", out);
		html_element(out, "strong", jsonio_string(row, "mode", "?"));
		fputs(": ", out);
		html_text(out, measured ? "some trials or values left out"
					: text_state(row, text, sizeof(text)));
		json_array_foreach (json_object_get(row, "reasons"), k, reason) {
			fputs(k ? " | " : ": ", out);
			html_text(out, json_string_value(reason) ?: "?");
		}
		fputs("</li>\n", out);
	}
}

static void pareto(FILE *out, const json_t *group)
{
	const json_t *list = jsonio_at(group, "answer.pareto"), *mode;
	const struct metric *speed =
		metric_find(jsonio_string(group, "answer.speed_metric", "iops"));
	const struct metric *cpu =
		metric_find(jsonio_string(group, "answer.cpu_metric", "cpu_ns_per_io_task"));
	size_t i;

	if (!json_array_size(list))
		return;
	fputs("<p>No other mode is shown to be better in one of ", out);
	html_text(out, speed->label);
	fputs(" and ", out);
	html_text(out, cpu->label);
	fputs(" and better or the same in the other (Pareto set, by paired intervals; what is not "
	      "known rules nobody out): ",
	      out);
	json_array_foreach (list, i, mode) {
		fputs(i ? ", " : "", out);
		html_element(out, "strong", json_string_value(mode) ?: "?");
	}
	fputs(".</p>\n", out);
}

/* A percentile that is not shown owes its reason. */
static void missing(FILE *out, const json_t *group, const struct metric *const *metric, size_t n)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row)
		for (size_t k = 0; k < n; k++) {
			const char *why = jsonio_string(
				json_object_get(json_object_get(row, "metrics"), metric[k]->name),
				"reason", NULL);

			if (!why)
				continue;
			fputs("<li>", out);
			html_text(out, jsonio_string(row, "mode", "?"));
			fprintf(out, ": no %s: ", metric[k]->label);
			html_text(out, why);
			fputs("</li>\n", out);
		}
}

static void one_group(FILE *out, const struct report_run *r, const json_t *group, size_t number,
		      const struct figures *f)
{
	const char *head[KIND_COLUMNS + 5] = {r->cells->by_placement ? "Placement" : "Mode",
					      "Proof"};
	const struct metric *metric[KIND_COLUMNS];
	size_t n = text_columns(group, metric), i;
	const json_t *row, *judged = text_judged(group);
	char change[128], name[32], caption[192];

	for (i = 0; i < n; i++)
		head[2 + i] = metric[i]->label;
	snprintf(change, sizeof(change), "%s vs %s [95 %%]",
		 judged ? metric_find(jsonio_string(judged, "metric", "iops"))->label : "Change",
		 jsonio_string(group, "baseline", "?"));
	head[n + 2] = "Trials";
	head[n + 3] = change;
	head[n + 4] = "Verdict";
	fprintf(out, "<h3 id=r%zu-g%zu>", r->number, number);
	html_text(out, jsonio_string(group, "title", "?"));
	fputs("</h3>\n", out);
	if (jsonio_string(group, "answer.sentence", NULL)) {
		fputs("<p>", out);
		html_text(out, jsonio_string(group, "answer.sentence", ""));
		fputs(".</p>\n", out);
	}
	snprintf(caption, sizeof(caption),
		 "Medians over blocks, percentiles of all blocks together; change against %.60s, "
		 "paired by block",
		 jsonio_string(group, "baseline", "no baseline"));
	html_table(out, caption);
	html_head(out, head, n + 5);
	json_array_foreach (json_object_get(group, "rows"), i, row)
		if (!never_ran(row))
			one_row(out, r, group, row, metric, n);
	excluded_rows(out, group, n + 5);
	html_table_end(out);
	pareto(out, group);
	findings(out, group);
	missing(out, group, metric, n);
	fputs("</ul>\n<div class=figs>\n", out);
	snprintf(name, sizeof(name), "dist%zu", number);
	report_show_figure(out, f, report_figure(f, r, name));
	snprintf(name, sizeof(name), "cpu%zu", number);
	report_show_figure(out, f, report_figure(f, r, name));
	fputs("</div>\n", out);
}

static void interrupts(FILE *out, const struct report_run *r, const struct figures *f)
{
	static const char *const head[] = {"Mode", "Load", "Interrupts per event", "By CPU"};
	char load[160], text[48];

	fprintf(out, "<h2 id=r%zu-irq>Interrupts</h2>\n", r->number);
	report_show_figure(out, f, report_figure(f, r, "irqs"));
	report_show_figure(out, f, report_figure(f, r, "irq"));
	html_table(out,
		   "Interrupts of the device's vectors over all trials in force, per event (I/O, "
		   "transaction, packet), and how many each CPU took");
	html_head(out, head, ARRAY_SIZE(head));
	for (size_t i = 0; i < r->cells->n; i++) {
		const struct cell *c = &r->cells->cell[i];
		const struct detail *detail = c->detail;
		const char *cpu, *sep = "CPU ";
		double all = 0;
		json_t *n;

		if (!c->used || !detail || !(detail->events > 0) ||
		    !json_object_size(detail->vectors))
			continue;
		json_object_foreach (detail->irq_by_cpu, cpu, n)
			all += json_number_value(n);
		fputs("<tr data-cell=\"", out);
		html_text(out, jsonio_string(c->spec, "id", "?"));
		fprintf(out, "\" data-run=%zu>", r->number);
		html_element(out, "th scope=row", c->mode);
		html_element(out, "td",
			     kind_load_text(json_object_get(c->spec, "load"), c->rate, load,
					    sizeof(load)));
		snprintf(text, sizeof(text), "%.4f", all / detail->events);
		html_number(out, "irq_per_event", all / detail->events, text);
		fputs("<td>", out);
		json_object_foreach (detail->irq_by_cpu, cpu, n) {
			fputs(sep, out);
			html_text(out, cpu);
			fprintf(out, ": %.0f", json_number_value(n));
			sep = ", ";
		}
		fputs("</td></tr>\n", out);
	}
	html_table_end(out);
}

/* {"client": "1", "server": 2}, null: nothing was said of it. */
static void ends_cell(FILE *out, const json_t *ends, const char *unit)
{
	char text[512] = "";
	size_t used = 0;
	const char *end;
	json_t *one;

	json_object_foreach ((json_t *)ends, end, one) {
		const char *list = json_string_value(one);

		if (used >= sizeof(text))
			break;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s",
					 used ? ", " : "", strcmp(end, "device") ? end : "",
					 strcmp(end, "device") ? ": " : "");
		if (used >= sizeof(text))
			break;
		if (json_is_integer(one))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %lld", unit,
						 (long long)json_integer_value(one));
		else
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%.200s",
						 list && *list ? unit : "",
						 list && *list ? " " : "",
						 !list	 ? "any"
						 : *list ? list
							 : "none");
	}
	html_element(out, "td", *text ? text : "any");
}

static void threads_cell(FILE *out, const json_t *p)
{
	const char *server = jsonio_string(p, "server", NULL);

	html_elementf(out, "td", "%s%s%s%s",
		      jsonio_string(p, "workers", jsonio_string(p, "cpus", "?")),
		      server ? ", server: " : "", server ? server : "",
		      json_is_true(json_object_get(p, "unpinned")) ? " (any)" : "");
}

/* Placements side by side, where the experiment has more than one. */
static void placements(FILE *out, const struct report_run *r)
{
	static const char *const head[] = {"Mode",	 "Load",	  "Placement",
					   "Workers on", "Interrupts on", "Memory on",
					   "Rate",	 "Latency p50",	  "CPU per event"};
	const json_t *group, *row;
	json_t *names = json_object();
	char text[48];
	size_t i, k;

	json_array_foreach (json_object_get(r->result, "groups"), i, group)
		json_object_set_new(names, jsonio_string(group, "placement", ""), json_true());
	fprintf(out, "<h2 id=r%zu-placement>Placement</h2>\n", r->number);
	report_placement(out, r);
	if (json_object_size(names) < 2 && !r->cells->by_placement)
		fputs("<p>One placement in this run; these are its CPUs.</p>\n", out);
	html_table(out, "Placement: where the workload's threads ran, and what came of it");
	html_head(out, head, ARRAY_SIZE(head));
	json_array_foreach (json_object_get(r->result, "groups"), i, group) {
		const struct kind *kind = kind_find(jsonio_string(group, "kind", "block"));
		const char *const metrics[] = {kind->rate, kind->latency, kind->cpu};

		json_array_foreach (json_object_get(group, "rows"), k, row) {
			const struct cell *c = report_cell(r, row);
			const json_t *p = c ? json_object_get(c->spec, "placement") : NULL;
			char load[160];

			if (!c || !c->used)
				continue;
			fputs("<tr data-cell=\"", out);
			html_text(out, jsonio_string(row, "cell", "?"));
			fprintf(out, "\" data-run=%zu>", r->number);
			html_element(out, "th scope=row",
				     r->cells->by_placement
					     ? jsonio_string(c->spec, "placement_asked", "?")
					     : c->mode);
			html_element(out, "td",
				     kind_load_text(json_object_get(c->spec, "load"), c->rate, load,
						    sizeof(load)));
			html_element(out, "td",
				     jsonio_string(p, "name", jsonio_string(p, "rule", "default")));
			threads_cell(out, p);
			ends_cell(out, json_object_get(p, "interrupts"), "CPU");
			ends_cell(out, json_object_get(p, "memory_node"), "node");
			for (size_t m = 0; m < ARRAY_SIZE(metrics); m++) {
				const json_t *v = json_object_get(json_object_get(row, "metrics"),
								  metrics[m]);
				double value = jsonio_number(v, "value");

				if (m && !strcmp(metrics[m], metrics[0])) /* a stream has none */
					value = NAN;
				html_number(out, metrics[m], value,
					    text_value(metric_find(metrics[m]), value, text,
						       sizeof(text)));
			}
			fputs("</tr>\n", out);
		}
	}
	html_table_end(out);
	json_decref(names);
}

static void crossings(FILE *out, const struct report_run *r, const struct figures *f)
{
	static const char *const head[] = {"Where", "Metric", "Mode", "Finding"};
	const json_t *list = json_object_get(r->result, "crossovers"), *one;
	size_t i, silent = 0;
	bool any = false;

	fprintf(out, "<h2 id=r%zu-load>Over the load</h2>\n<div class=figs>\n", r->number);
	for (size_t k = 0; k < f->n; k++) {
		char prefix[24];

		snprintf(prefix, sizeof(prefix), "r%zu-load", r->number);
		if (strncmp(f->item[k].name, prefix, strlen(prefix)))
			continue;
		report_show_figure(out, f, (int)k);
		any = true;
	}
	fputs("</div>\n", out);
	if (!any)
		fputs("<p>No load was measured at two depths, so there is no curve over "
		      "load.</p>\n",
		      out);
	json_array_foreach (list, i, one)
		silent += !strcmp(jsonio_string(one, "finding", ""), "none");
	if (silent)
		fprintf(out,
			"<p>For %zu of %zu pairs of mode and metric no crossing is shown: the "
			"intervals do not lie on opposite sides at any two levels.</p>\n",
			silent, json_array_size(list));
	if (silent == json_array_size(list))
		return;
	html_table(out,
		   "Where one mode overtakes the baseline, with the 95 % interval of the place");
	html_head(out, head, ARRAY_SIZE(head));
	json_array_foreach (list, i, one) {
		if (!strcmp(jsonio_string(one, "finding", ""), "none"))
			continue;
		fputs("<tr>", out);
		html_element(out, "td", jsonio_string(one, "title", "?"));
		html_element(out, "td", metric_find(jsonio_string(one, "metric", "iops"))->label);
		html_element(out, "th scope=row", jsonio_string(one, "mode", "?"));
		html_element(out, "td class=w", jsonio_string(one, "sentence", "?"));
		fputs("</tr>\n", out);
	}
	html_table_end(out);
}

void report_groups(FILE *out, const struct report_run *r, const struct figures *f)
{
	const json_t *group;
	size_t i;

	fprintf(out, "<h2 id=r%zu-results>Results by load</h2>\n", r->number);
	json_array_foreach (json_object_get(r->result, "groups"), i, group)
		one_group(out, r, group, i, f);
	crossings(out, r, f);
	interrupts(out, r, f);
	placements(out, r);
	fprintf(out, "<h2 id=r%zu-time>Trials over time</h2>\n", r->number);
	report_show_figure(out, f, report_figure(f, r, "time"));
}
