// SPDX-License-Identifier: Apache-2.0
/* The first screen: what was found, which modes were in force, what was not possible and why. */
#include <math.h>
#include <string.h>

#include "analysis/cells.h"
#include "analysis/kind.h"
#include "analysis/precision.h"
#include "analysis/prepared.h"
#include "analysis/report_html.h"
#include "analysis/report_parts.h"
#include "analysis/text.h"
#include "base/jsonio.h"
#include "record/record.h"

/* More of them would be no answer; the rest stands in the tables below. */
#define CURVES_SHOWN  6
#define ANSWERS_SHOWN 14

static size_t list_sentences(FILE *out, const json_t *list, const char *member, size_t most)
{
	const json_t *one;
	size_t i, shown = 0;

	json_array_foreach (list, i, one) {
		const char *sentence = json_string_value(jsonio_at(one, member));

		if (!sentence || shown >= most)
			continue;
		fputs("<li>", out);
		html_text(out, jsonio_string(one, "title", "?"));
		fputs(": ", out);
		html_element(out, "strong", sentence);
		fputs(".</li>\n", out);
		shown++;
	}
	return shown;
}

/* Along an axis of load what a mode gives and costs, and where it crosses; then each load. */
static void list_answers(FILE *out, const struct report_run *r)
{
	size_t shown;

	fputs("<ul>\n", out);
	shown = list_sentences(out, json_object_get(r->result, "tradeoffs"), "sentence",
			       CURVES_SHOWN);
	shown += list_sentences(out, json_object_get(r->result, "groups"), "answer.sentence",
				ANSWERS_SHOWN - shown);
	if (!shown)
		fputs("<li><strong>Nothing can be said: no group has a baseline that was in "
		      "force.</strong></li>\n",
		      out);
	fputs("</ul>\n", out);
}

/* What the host did: blocks in which work moved that no mode touches, rows that drift. */
static void host_warnings(FILE *out, const struct report_run *r)
{
	size_t suspect = json_array_size(jsonio_at(r->result, "canary.suspect")), unsteady = 0, i,
	       k;
	const json_t *group, *row;

	json_array_foreach (json_object_get(r->result, "groups"), i, group)
		json_array_foreach (json_object_get(group, "rows"), k, row)
			unsteady += json_is_false(jsonio_at(row, "steady.reached"));
	if (suspect)
		fprintf(out,
			"<p class=warn><strong>Host suspect:</strong> work that no mode touches "
			"moved "
			"%zu time%s in %zu blocks; %s (<a href=\"#r%zu-ledger\">validity "
			"ledger</a>).</p>\n",
			suspect, suspect == 1 ? "" : "s", r->cells->blocks,
			json_is_string(jsonio_at(r->run, "canary.hypervisor"))
				? "in a virtual machine nobody can send the neighbours away, so "
				  "that "
				  "all numbers hold those blocks"
				: "the trials of those blocks are not used",
			r->number);
	if (unsteady)
		fprintf(out,
			"<p class=warn><strong>Not steady:</strong> %zu row%s of the tables below "
			"drift%s over the blocks, by SNIA's rule (<code>iomodes compare</code> "
			"names "
			"them).</p>\n",
			unsteady, unsteady == 1 ? "" : "s", unsteady == 1 ? "s" : "");
}

static void warnings(FILE *out, const struct report_run *r)
{
	size_t left_out = json_array_size(json_object_get(r->result, "left_out")), i;
	const json_t *one;

	if (jsonio_number(r->result, "rows_measured") == 0)
		fputs("<p class=warn><strong>Nothing in this run was measured in force.</strong> "
		      "The "
		      "tables below say why.</p>\n",
		      out);
	if (*r->cells->altered) {
		fputs("<p class=warn><strong>Altered:</strong> ", out);
		html_text(out, r->cells->altered);
		fputs("; <code>iomodes check</code> looks at each record.</p>\n", out);
	}
	if (*r->cells->unverified) {
		fputs("<p class=warn><strong>Not verified:</strong> ", out);
		html_text(out, r->cells->unverified);
		fputs("; each record that is there matches its own digest.</p>\n", out);
	}
	if (r->cells->test_delay_ns > 0)
		fprintf(out,
			"<p class=warn><strong>Slowed down on purpose</strong> by up to %lld ns an "
			"I/O "
			"(--test-delay): a test of the judging, no result.</p>\n",
			r->cells->test_delay_ns);
	host_warnings(out, r);
	json_array_foreach (jsonio_at(r->result, "noise_floor.warnings"), i, one) {
		fputs("<p class=warn><strong>Noise floor:</strong> ", out);
		html_text(out, json_string_value(one) ?: "?");
		fputs("; <code>iomodes aa</code> measures it anew.</p>\n", out);
	}
	if (json_is_true(jsonio_at(r->run, "build.dirty")))
		fputs("<p class=warn><strong>Dirty build:</strong> the program that measured this "
		      "had "
		      "uncommitted changes, so its commit does not reproduce it.</p>\n",
		      out);
	if (!json_object_get(r->run, "ended"))
		fputs("<p class=warn><strong>The run did not end:</strong> what follows is what it "
		      "had "
		      "measured until then.</p>\n",
		      out);
	else if (json_is_false(json_object_get(r->run, "complete"))) {
		fputs("<p class=warn><strong>The run is not complete:</strong> ", out);
		html_text(out, jsonio_string(r->run, "error", "it was cut short"));
		fputs("</p>\n", out);
	}
	if (r->cells->blocks && r->cells->blocks < 6)
		fprintf(out,
			"<p class=warn><strong>%zu block%s:</strong> no interval exists below 6, "
			"so "
			"nothing can be judged.</p>\n",
			r->cells->blocks, r->cells->blocks == 1 ? "" : "s");
	if (left_out)
		fprintf(out,
			"<p class=warn><strong>%zu record%s left out</strong> (cut short, edited, "
			"double "
			"or malformed): see the <a href=\"#r%zu-ledger\">validity "
			"ledger</a>.</p>\n",
			left_out, left_out == 1 ? " was" : "s were", r->number);
}

static void fact(FILE *out, const char *what, const char *text)
{
	fputs("<li>", out);
	html_element(out, "strong", what);
	fputc(' ', out);
	html_text(out, text);
	fputs("</li>\n", out);
}

static const char *machine_fact(const struct report_run *r, const char *name)
{
	const json_t *one = json_object_get(jsonio_at(r->run, "machine.facts"), name);

	return jsonio_string(one, "value", "not known");
}

static void facts(FILE *out, const struct report_run *r)
{
	char text[700];

	fputs("<ul class=facts>\n", out);
	fact(out, "Run", jsonio_string(r->run, "run", "?"));
	fact(out, "Started", jsonio_string(r->run, "started", "?"));
	fact(out, "CPU", machine_fact(r, "cpu.model"));
	fact(out, "Kernel", machine_fact(r, "kernel.release"));
	if (strcmp(machine_fact(r, "host.hypervisor"), "not known"))
		fact(out, "Virtual machine", machine_fact(r, "host.hypervisor"));
	snprintf(text, sizeof(text), "%.0f trials in %zu blocks, baseline %s",
		 jsonio_number(r->result, "trials"), r->cells->blocks,
		 jsonio_string(r->result, "baseline", "none"));
	fact(out, "Measured", text);
	snprintf(text, sizeof(text), "%s, commit %.12s, %s",
		 jsonio_string(r->run, "build.version", "?"),
		 jsonio_string(r->run, "build.commit", "?"),
		 json_is_true(jsonio_at(r->run, "build.dirty")) ? "DIRTY" : "clean");
	fact(out, "iomodes", text);
	snprintf(text, sizeof(text), "%.0f better, %.0f worse, %.0f equivalent, %.0f inconclusive",
		 jsonio_number(r->result, "words.better"), jsonio_number(r->result, "words.worse"),
		 jsonio_number(r->result, "words.equivalent"),
		 jsonio_number(r->result, "words.inconclusive"));
	fact(out, "Judged", text);
	if (json_is_object(json_object_get(r->run, "prepared")))
		fact(out, "Prepared",
		     prepared_text(json_object_get(r->run, "prepared"), text, sizeof(text)));
	fact(out, "Precision",
	     precision_text(json_object_get(r->result, "precision"), text, sizeof(text)));
	fact(out, "Noise floor",
	     jsonio_string(json_object_get(r->result, "noise_floor"), "sentence", "?"));
	fputs("</ul>\n", out);
}

void report_answer(FILE *out, const struct report_run *r)
{
	facts(out, r);
	warnings(out, r);
	fprintf(out,
		"<section class=answer aria-labelledby=r%zu-answer>\n<h2 id=r%zu-answer>The answer"
		"</h2>\n",
		r->number, r->number);
	list_answers(out, r);
	fputs("<p>Changes are against the baseline, paired by block, with 95 % intervals. "
	      "Verdicts per mode and load are in the tables below.</p>\n</section>\n",
	      out);
}

static bool is_network(const json_t *group)
{
	return kind_is_network(kind_find(jsonio_string(group, "kind", "block")));
}

struct tally {
	size_t rows, measured, used, all;
	char state[64];
	const char *reason,
		*load; /* the first; load NULL: it holds for every row, or has no trials */
	size_t with_reason;
};

/* All rows of a mode in one: in force everywhere, or what was in the way. */
static void tally_mode(const struct report_run *r, const char *mode, bool network, struct tally *t)
{
	const json_t *group, *row;
	size_t i, k;

	*t = (struct tally){.reason = ""};
	json_array_foreach (json_object_get(r->result, "groups"), i, group)
		json_array_foreach (json_object_get(group, "rows"), k, row) {
			bool measured = !strcmp(jsonio_string(row, "state", ""), "measured");
			const json_t *reason = json_array_get(json_object_get(row, "reasons"), 0);

			if (strcmp(jsonio_string(row, "mode", ""), mode) ||
			    is_network(group) != network)
				continue;
			t->rows++;
			t->measured += measured;
			t->used += (size_t)jsonio_number(row, "trials.used");
			t->all += (size_t)jsonio_number(row, "trials.all");
			/* in force somewhere is the verdict; what is in the way elsewhere follows
			 */
			if (!*t->state || (measured && t->measured == 1))
				text_state(row, t->state, sizeof(t->state));
			if (!*t->reason && reason) {
				t->reason = json_string_value(reason) ?: "";
				t->load = jsonio_string(group, "title", NULL);
			}
			t->with_reason += reason != NULL;
		}
	if (t->rows == 1 || !t->all)
		t->load = NULL;
}

/* The first reason, at which load, and that there are more. */
static void why(FILE *out, const struct tally *t)
{
	fputs("<td class=w>", out);
	if (t->load) {
		html_text(out, t->load);
		fputs(": ", out);
	}
	html_text(out, t->reason);
	if (t->load && t->with_reason > 1)
		fprintf(out, " (%zu more load%s below)", t->with_reason - 1,
			t->with_reason == 2 ? "" : "s");
	fputs("</td>", out);
}

static void mode_row(FILE *out, const struct report_run *r, const char *mode, bool network,
		     bool both)
{
	const char *docs = r->cells->by_placement ? "experiment.placements"
			   : network		  ? "experiment.net_modes"
						  : "experiment.modes";
	const json_t *about = json_object_get(jsonio_at(r->run, docs), mode);
	struct tally t;

	tally_mode(r, mode, network, &t);
	fprintf(out, "<tr%s>", t.measured ? "" : " class=out");
	html_elementf(out, "th scope=row", "%s%s", mode,
		      !both	? ""
		      : network ? " (network)"
				: " (block)");
	html_element(out, "td class=v", t.state);
	why(out, &t);
	html_elementf(out, "td class=n", "%zu of %zu", t.measured, t.rows);
	html_elementf(out, "td class=n", "%zu of %zu", t.used, t.all);
	html_element(out, "td class=d", jsonio_string(about, "doc", ""));
	fputs("</tr>\n", out);
}

void report_modes(FILE *out, const struct report_run *r)
{
	const char *what = r->cells->by_placement ? "placement" : "mode";
	const char *const head[] = {r->cells->by_placement ? "Placement" : "Mode",
				    "Verdict (grade)",
				    "Why, or what is in the way",
				    "Loads in force",
				    "Trials in force",
				    "What it is"};
	json_t *seen[2] = {json_object(), json_object()};
	bool some[2] = {false, false};
	const json_t *group, *row;
	size_t i, k;

	fprintf(out, "<h2 id=r%zu-modes>Was each %s really in force?</h2>\n", r->number, what);
	html_table(out,
		   "Modes: counter = a kernel counter of the measured window shows it; accepted = "
		   "the kernel took the flag and no counter can show more");
	html_head(out, head, sizeof(head) / sizeof(*head));
	json_array_foreach (json_object_get(r->result, "groups"), i, group)
		some[is_network(group)] = true;
	json_array_foreach (json_object_get(r->result, "groups"), i, group)
		json_array_foreach (json_object_get(group, "rows"), k, row) {
			const char *mode = jsonio_string(row, "mode", "?");
			bool network = is_network(group);

			if (json_object_get(seen[network], mode))
				continue;
			json_object_set_new(seen[network], mode, json_true());
			mode_row(out, r, mode, network, some[0] && some[1]);
		}
	html_table_end(out);
	json_decref(seen[0]);
	json_decref(seen[1]);
}
