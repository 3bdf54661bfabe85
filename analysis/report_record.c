// SPDX-License-Identifier: Apache-2.0
/* What stands behind the numbers: validity, machine, knobs, and how to do it again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/canary.h"
#include "analysis/cells.h"
#include "analysis/detail.h"
#include "analysis/report_html.h"
#include "analysis/report_parts.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "base/num.h"
#include "record/record.h"

#define LEDGER_ROWS 300

static void check_table(FILE *out, const struct report_run *r)
{
	static const char *const head[] = {"Check", "Passed", "Failed", "Not applicable"};
	json_t *checks = json_object_get(r->cells->ledger, "checks"), *counts;
	const char *id;

	if (!json_object_size(checks)) {
		fputs("<p>No check is recorded.</p>\n", out);
		return;
	}
	html_table(out, "Checks of physical consistency over all trials");
	html_head(out, head, ARRAY_SIZE(head));
	json_object_foreach (checks, id, counts) {
		fputs("<tr>", out);
		html_element(out, "th scope=row", id);
		for (size_t k = 0; k < 3; k++) {
			static const char *const words[] = {"pass", "fail", "not_applicable"};
			double n = json_number_value(json_object_get(counts, words[k]));
			char text[24], metric[120];

			snprintf(text, sizeof(text), "%.0f", n);
			snprintf(metric, sizeof(metric), "check:%.80s:%s", id, words[k]);
			fputs("<td class=n data-metric=\"", out);
			html_text(out, metric);
			fprintf(out, "\" data-value=\"%.0f\">%s</td>", n, text);
		}
		fputs("</tr>\n", out);
	}
	html_table_end(out);
}

static void label_table(FILE *out, const struct report_run *r)
{
	static const char *const head[] = {"Label", "Trials"};
	json_t *all = json_object(), *n;
	const char *label;

	for (size_t i = 0; i < r->cells->n; i++)
		if (r->cells->cell[i].detail)
			json_object_foreach (r->cells->cell[i].detail->labels, label, n)
				json_object_set_new(
					all, label,
					json_real(json_number_value(json_object_get(all, label)) +
						  json_number_value(n)));
	if (json_object_size(all)) {
		html_table(out, "Labels: what a reader must know of trials that were used");
		html_head(out, head, ARRAY_SIZE(head));
		json_object_foreach (all, label, n) {
			fputs("<tr>", out);
			html_element(out, "th scope=row", label);
			html_elementf(out, "td class=n", "%.0f", json_number_value(n));
			fputs("</tr>\n", out);
		}
		html_table_end(out);
	}
	json_decref(all);
}

static void trial_table(FILE *out, const struct report_run *r)
{
	static const char *const head[] = {"Trial", "Block", "Cell", "Status", "Why"};
	const json_t *list = json_object_get(r->cells->ledger, "trials"), *one, *why;
	size_t i, k;

	if (!json_array_size(list)) {
		fputs("<p>Every trial was valid and in force, and no check failed.</p>\n", out);
		return;
	}
	html_table(out, "Trials that were not used, or of which a check spoiled a value");
	html_head(out, head, ARRAY_SIZE(head));
	json_array_foreach (list, i, one) {
		if (i == LEDGER_ROWS)
			break;
		fputs("<tr>", out);
		html_element(out, "th scope=row", jsonio_string(one, "trial", "?"));
		html_elementf(out, "td class=n", "%.0f", jsonio_number(one, "block"));
		html_element(out, "td", jsonio_string(one, "cell", "?"));
		html_elementf(out, "td class=v", "%s, %s", jsonio_string(one, "status", "?"),
			      jsonio_string(one, "mode", "?"));
		fputs("<td class=w>", out);
		json_array_foreach (json_object_get(one, "why"), k, why) {
			fputs(k ? " | " : "", out);
			html_text(out, json_string_value(why) ?: "?");
		}
		fputs("</td></tr>\n", out);
	}
	html_table_end(out);
	if (json_array_size(list) > LEDGER_ROWS)
		fprintf(out, "<p>%zu more are not shown; 'iomodes check' lists all.</p>\n",
			json_array_size(list) - LEDGER_ROWS);
}

/* "CPU work 2.31M/s", "timer wake-up 41.7 us" */
static void canary_text(const char *name, double value, char *out, size_t size)
{
	const struct canary_limit *limits;
	const char *label = name;
	char number[32];
	size_t n;

	limits = canary_limits(&n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(limits[i].name, name))
			label = limits[i].label;
	if (strlen(name) > 3 && !strcmp(name + strlen(name) - 3, "_ns"))
		num_ns_text(value, number, sizeof(number));
	else if (value >= 1e6)
		snprintf(number, sizeof(number), "%.3gM/s", value / 1e6);
	else
		snprintf(number, sizeof(number), "%.4g/s", value);
	snprintf(out, size, "%s %s", label, number);
}

static void canary(FILE *out, const struct report_run *r)
{
	const json_t *judged = json_object_get(r->result, "canary"), *one;
	json_t *medians = json_object_get(judged, "medians"), *value;
	const char *name;
	char text[96];
	size_t i;

	if (!json_object_size(medians))
		return;
	fputs("<p>Canary of each block (work that no mode can touch), medians: ", out);
	json_object_foreach (medians, name, value) {
		canary_text(name, json_number_value(value), text, sizeof(text));
		html_text(out, text);
		fputs("; ", out);
	}
	fprintf(out, "%zu suspect.</p>\n<ul>\n",
		json_array_size(json_object_get(judged, "suspect")));
	json_array_foreach (json_object_get(judged, "suspect"), i, one) {
		fprintf(out, "<li>block %.0f: ", jsonio_number(one, "block"));
		html_text(out, jsonio_string(one, "sentence", "?"));
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

void report_validity(FILE *out, const struct report_run *r)
{
	const json_t *left = json_object_get(r->result, "left_out"), *one;
	size_t i;

	fprintf(out, "<h2 id=r%zu-ledger>Validity ledger</h2>\n", r->number);
	if (json_array_size(left)) {
		fputs("<ul>\n", out);
		json_array_foreach (left, i, one) {
			fputs("<li>left out: ", out);
			html_elementf(out, "code", "trials.jsonl:%.0f", jsonio_number(one, "line"));
			fputc(' ', out);
			html_text(out, jsonio_string(one, "trial", ""));
			fputs(": ", out);
			html_text(out, jsonio_string(one, "reason", "?"));
			fputs("</li>\n", out);
			if (i == LEDGER_ROWS)
				break;
		}
		fputs("</ul>\n", out);
	}
	canary(out, r);
	check_table(out, r);
	label_table(out, r);
	trial_table(out, r);
}

static void value_cell(FILE *out, const json_t *fact)
{
	const json_t *value = json_object_get(fact, "value");

	if (json_is_string(value)) {
		html_element(out, "td class=w", json_string_value(value));
		return;
	}
	fputs("<td class=w>- (", out);
	html_text(out, jsonio_string(fact, "why", jsonio_string(fact, "reason", "not recorded")));
	fputs(")</td>", out);
}

/* Devices that are no stand-ins: every plain member that is known. */
static void device_table(FILE *out, const struct report_run *r, const char *kind,
			 const char *caption)
{
	static const char *const head[] = {"Device", "What is known of it"};
	json_t *list = json_object_get(jsonio_at(r->run, "machine"), kind), *one, *v;
	const char *key;
	bool begun = false;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *sep = "";

		if (json_is_true(json_object_get(one, "virtual")))
			continue;
		if (!begun) {
			html_table(out, caption);
			html_head(out, head, ARRAY_SIZE(head));
		}
		begun = true;
		fputs("<tr>", out);
		html_element(out, "th scope=row", jsonio_string(one, "name", "?"));
		fputs("<td class=w>", out);
		json_object_foreach (one, key, v) {
			_free_ char *text = NULL;

			if (json_is_object(v) || json_is_array(v) || json_is_null(v) ||
			    !strcmp(key, "name"))
				continue;
			text = json_is_string(v) ? strdup(json_string_value(v))
						 : json_dumps(v, JSON_ENCODE_ANY);
			fputs(sep, out);
			html_text(out, key);
			fputc(' ', out);
			html_text(out, text ?: "?");
			sep = ", ";
		}
		fputs("</td></tr>\n", out);
	}
	if (begun)
		html_table_end(out);
}

void report_machine(FILE *out, const struct report_run *r)
{
	static const char *const head[] = {"What", "Value"};
	static const char *const tools[] = {"Program", "SHA-256"};
	json_t *facts = jsonio_at(r->run, "machine.facts"), *fact, *tool;
	json_t *programs = json_object_get(r->run, "tools");
	const char *name;

	fprintf(out, "<h2 id=r%zu-machine>Environment</h2>\n", r->number);
	if (!json_object_size(facts))
		fputs("<p>The run recorded no facts of its machine.</p>\n", out);
	else {
		html_table(out, "The machine as it was found before the first trial");
		html_head(out, head, ARRAY_SIZE(head));
		json_object_foreach (facts, name, fact) {
			fputs("<tr>", out);
			html_element(out, "th scope=row", name);
			value_cell(out, fact);
			fputs("</tr>\n", out);
		}
		html_table_end(out);
	}
	device_table(out, r, "disks", "Block devices");
	device_table(out, r, "nics", "Network interfaces");
	html_table(out, "The programs that made the numbers");
	html_head(out, tools, ARRAY_SIZE(tools));
	json_object_foreach (programs, name, tool) {
		fputs("<tr>", out);
		html_element(out, "th scope=row", name);
		html_element(out, "td class=mono", jsonio_string(tool, "sha256", "?"));
		fputs("</tr>\n", out);
	}
	fputs("<tr><th scope=row>compiler</th>", out);
	html_elementf(out, "td", "%s%s%s", jsonio_string(r->run, "build.compiler", "not recorded"),
		      jsonio_string(r->run, "build.flags", NULL) ? ", " : "",
		      jsonio_string(r->run, "build.flags", ""));
	fputs("</tr>\n", out);
	html_table_end(out);
}

static void text_cell(FILE *out, const json_t *v)
{
	_free_ char *text = json_is_string(v) || !v ? NULL : json_dumps(v, JSON_ENCODE_ANY);

	html_element(out, "td",
		     json_is_string(v)		? json_string_value(v)
		     : json_is_null(v) || !text ? "-"
						: text);
}

void report_knobs(FILE *out, const struct report_run *r)
{
	static const char *const head[] = {"Cell",   "Setting", "On",	  "Before", "Wanted",
					   "During", "After",	"Status", "Trials"};
	static const char *const members[] = {"knob",	"instance", "before", "wanted",
					      "during", "after",    "status"};
	const json_t *missing;
	bool any = false;
	size_t k;

	fprintf(out, "<h2 id=r%zu-knobs>Settings before, during and after</h2>\n", r->number);
	html_table(out, "Every setting that was written, over all trials of a cell");
	html_head(out, head, ARRAY_SIZE(head));
	for (size_t i = 0; i < r->cells->n; i++) {
		const struct cell *c = &r->cells->cell[i];
		const char *text;
		json_t *n;

		if (!c->detail)
			continue;
		json_object_foreach (c->detail->knobs, text, n) {
			_json_ json_t *knob = json_loads(text, 0, NULL);

			any = true;
			fputs("<tr data-cell=\"", out);
			html_text(out, jsonio_string(c->spec, "id", "?"));
			fputs("\">", out);
			html_element(out, "th scope=row", jsonio_string(c->spec, "id", c->mode));
			for (size_t m = 0; m < ARRAY_SIZE(members); m++)
				text_cell(out, json_object_get(knob, members[m]));
			html_elementf(out, "td class=n", "%.0f", json_number_value(n));
			fputs("</tr>\n", out);
		}
	}
	if (!any)
		fputs("<tr><td colspan=9>No setting was written.</td></tr>\n", out);
	html_table_end(out);
	json_array_foreach (json_object_get(r->run, "knobs_not_applied"), k, missing) {
		fputs("<p>Not set, because it needs root: ", out);
		html_text(out, json_string_value(missing) ?: "?");
		fputs("</p>\n", out);
	}
}

/* A word for a shell. */
static void shell_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_./:=+,%@";
	char one[2] = "";

	if (*word && strspn(word, plain) == strlen(word)) {
		html_text(out, word);
		return;
	}
	html_text(out, "'");
	for (; *word; word++) {
		*one = *word;
		html_text(out, *word == '\'' ? "'\\''" : one);
	}
	html_text(out, "'");
}

static void option(FILE *out, const char *name, const char *value)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%.50s", name);
	bool ns = len > 3 && !strcmp(text + len - 3, "_ns");

	if (ns)
		text[len - 3] = '\0';
	for (char *c = text; *c; c++)
		*c = *c == '_' ? '-' : *c;
	fputs(" --", out);
	html_text(out, text);
	if (!value)
		return;
	fputc(' ', out);
	shell_word(out, value);
	fputs(ns ? "ns" : "", out);
}

/* What the command line said, as it would be said again. */
static void asked_options(FILE *out, const json_t *command)
{
	json_t *value, *mode;
	const char *key;
	char number[32];
	size_t i;

	json_object_foreach ((json_t *)command, key, value) {
		if (!strcmp(key, "modes"))
			json_array_foreach (value, i, mode)
				option(out, "mode", json_string_value(mode) ?: "?");
		else if (json_is_integer(value)) {
			snprintf(number, sizeof(number), "%lld",
				 (long long)json_integer_value(value));
			option(out, key, number);
		} else if (json_is_string(value))
			option(out, key, json_string_value(value));
		else if (json_is_true(value) && strcmp(key, "aa"))
			option(out, key, NULL);
	}
}

void report_reproduce(FILE *out, const struct report_run *r)
{
	bool aa = json_is_true(jsonio_at(r->run, "command.aa"));
	char text[600];

	fprintf(out, "<h2 id=r%zu-again>How to do it again</h2>\n<ol>\n", r->number);
	fputs("<li>Check what is here: every check and verdict is made again from the records.",
	      out);
	snprintf(text, sizeof(text), "iomodes check %.400s", r->dir);
	html_element(out, "pre", text);
	fputs("</li><li>Build the program that measured this", out);
	if (json_is_true(jsonio_at(r->run, "build.dirty")))
		fputs(" (<strong>it had uncommitted changes</strong>, so this is only near it)",
		      out);
	snprintf(text, sizeof(text), "git checkout %.80s && ./run.sh --version",
		 jsonio_string(r->run, "build.commit", "?"));
	html_element(out, "pre", text);
	fputs("</li><li>Run the same experiment in the same order", out);
	snprintf(text, sizeof(text), "iomodes %s %.300s/experiment.yaml --seed %lld",
		 aa ? "aa" : "run", r->dir,
		 (long long)json_integer_value(json_object_get(r->run, "seed")));
	fputs("<pre>", out);
	html_text(out, text);
	asked_options(out, json_object_get(r->run, "command"));
	fputs("</pre>", out);
	fputs("</li><li>Compare the two", out);
	snprintf(text, sizeof(text), "iomodes compare %.400s NEW-RUN", r->dir);
	html_element(out, "pre", text);
	fputs("</li></ol>\n<p>Every figure has its data and its gnuplot script in "
	      "<code>figures/</code> "
	      "beside this file; every number of the tables comes from "
	      "<code>trials.jsonl</code>.</p>\n",
	      out);
}
