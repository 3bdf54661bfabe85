// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/precision.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/table.h"
#include "cli.h"
#include "plan_print.h"
#include "setup.h"
#include "trial/prepare.h"
#include "trial/retry.h"

/* Once for all instances that get the same value. */
static void print_at_both_ends(const struct plan_cell *c, size_t i, char *out, size_t size)
{
	const struct knob_setting *k = &c->settings[i];

	for (size_t j = 0; j < i; j++)
		if (c->settings[j].knob == k->knob && !strcmp(c->settings[j].value, k->value))
			return;
	snprintf(out + strlen(out), size - strlen(out), "%s%s=%.256s", i ? ", " : "", k->knob->name,
		 k->value);
}

static void print_settings(const struct plan_cell *c, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < c->n_settings; i++) {
		const struct knob_setting *k = &c->settings[i];

		if (c->cell->load.kind == MODE_NET) { /* the same at both ends, mostly */
			print_at_both_ends(c, i, out, size);
			continue;
		}

		snprintf(out + strlen(out), size - strlen(out), "%s%s%s%.128s=%.256s",
			 i ? ", " : "", k->knob->name, *k->instance ? ":" : "", k->instance,
			 k->value);
	}
}

/* An interface that is down tells none of its instances: what the mode's row says. */
static void print_row_settings(const struct mode *m, char *out, size_t size)
{
	for (size_t i = 0; i < m->set.n; i++)
		snprintf(out + strlen(out), size - strlen(out), "%s%s=%.256s", i ? ", " : "",
			 m->set.item[i].name, m->set.item[i].value);
}

/* Many drivers have vectors only while they are up: until then a named placement is not known. */
static bool is_open(const struct plan *p, const struct plan_cell *c)
{
	return c->placement.role && !c->placement.unpinned && c->cell->load.kind == MODE_NET &&
	       *p->net->tentative;
}

static int print_cells(const struct plan *p)
{
	static const struct table_column columns[] = {
		{.name = "CELL"},
		{.name = "CPU", .right = true},
		{.name = "SQ, SERVER", .right = true},
		{.name = "GRADE"},
		{.name = "KNOB CHANGES", .wrap = true},
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; t && i < p->n_run; i++) {
		const struct plan_cell *c = &p->cells[p->run[i]];
		_free_ char *cpus = cpulist_text(&c->placement.workers);
		_free_ char *server = cpulist_text(&c->placement.server);
		char settings[4096], sq[32] = "";
		bool open = is_open(p, c);

		if (open)
			strcpy(sq, "?");
		else if (c->placement.has_sq)
			snprintf(sq, sizeof(sq), "%u", c->placement.sq_cpu);
		else if (server)
			snprintf(sq, sizeof(sq), "%.31s", server);
		print_settings(c, settings, sizeof(settings));
		if (!c->n_settings && c->cell->load.kind == MODE_NET && *p->net->tentative)
			print_row_settings(c->cell->mode, settings, sizeof(settings));
		if (table_row(t, (const char *const[]){c->cell->id, open ? "?" : cpus, sq,
						       verdict_grade_name(c->cell->mode->grade),
						       *settings ? settings : "none"}))
			break;
	}
	if (t)
		table_print(t, stdout);
	table_free(t);
	return t ? 0 : -1;
}

static const char *describe(const struct plan *p, const struct plan_cell *c, char *out, size_t size)
{
	if (!is_open(p, c))
		return placement_text(&c->placement, out, size);
	snprintf(out, size, "CPUs and vectors are known when the run has brought it up (%s)",
		 p->net->tentative);
	return out;
}

/* Named placements, resolved: a line for each that differs. */
static void print_placements(const struct plan *p)
{
	bool first = true;

	for (size_t i = 0; i < p->n_run; i++) {
		const struct plan_cell *c = &p->cells[p->run[i]], *other;
		char text[512], before[512];
		bool said = false;

		if (!c->placement.role)
			continue;
		describe(p, c, text, sizeof(text));
		for (size_t j = 0; j < i && !said; j++) {
			other = &p->cells[p->run[j]];
			said = other->placement.role &&
			       !strcmp(other->placement.name, c->placement.name) &&
			       !strcmp(describe(p, other, before, sizeof(before)), text);
		}
		if (said)
			continue;
		printf("%s  %-24s %s", first ? "\nPlacements:\n" : "", c->placement.name, text);
		for (size_t k = 0; k < c->placement.n_moves && !is_open(p, c); k++)
			printf("%s%s to %s", k ? ", " : "; moves ", c->placement.moves[k].vector,
			       c->placement.moves[k].cpus);
		puts("");
		first = false;
	}
}

static void print_left_out(const struct plan *p)
{
	bool first = true;

	for (size_t i = 0; i < p->n_cells; i++) {
		const struct plan_cell *c = &p->cells[i];

		if (c->runs)
			continue;
		printf("%s  %s: %s%s%s\n", first ? "\nDoes not run:\n" : "", c->cell->id, c->reason,
		       *c->remedy ? "; " : "", c->remedy);
		first = false;
	}
}

/* Every line of a job file that is not the user's, and every one that only trust lets through. */
static void print_fio(const struct plan *p)
{
	for (size_t i = 0; i < p->n_run; i++) {
		const struct plan_cell *c = &p->cells[p->run[i]];
		const json_t *list = json_object_get(c->fio, "imposed"), *one, *old;
		size_t k, n;

		if (json_array_size(list))
			printf("\n%s: imposed on the job file (no warm-up: its first I/Os are "
			       "measured):\n",
			       c->cell->id);
		json_array_foreach (list, k, one) {
			const char *line = json_string_value(json_object_get(one, "line"));

			printf("  %-32s %s\n", line ? line : "(left out)",
			       json_string_value(json_object_get(one, "why")));
			json_array_foreach (json_object_get(one, "instead_of"), n, old)
				printf("      instead of %s\n", json_string_value(old));
		}
		list = json_object_get(c->fio, "untrusted");
		json_array_foreach (list, k, one)
			printf("  trusted: %s\n", json_string_value(one));
	}
}

static void print_not_applied(const struct plan *p)
{
	for (size_t i = 0; i < p->n_not_applied; i++)
		printf("%s  %s\n", i ? "" : "\nNot set, because it needs root:\n",
		       p->not_applied[i]);
}

static void print_rebind(const struct rebind *r)
{
	if (!r->asked)
		return;
	if (!r->n)
		printf("Rebind      none: %s\n", r->why);
	for (size_t i = 0; i < r->n; i++)
		printf("Rebind      NVMe controller %s with nvme.poll_queues=%u for the whole run "
		       "(now %s); the polled modes need it\n",
		       r->controller[i].pci, r->asked, r->controller[i].before);
}

static void print_corunner(const struct plan *p)
{
	_free_ char *cpus = cpulist_text(&p->corunner);

	if (p->e->corunner)
		printf("Co-runner   a program of normal priority on CPU %s beside every trial\n",
		       cpus ? cpus : "?");
}

static void print_preparation(const struct plan *p)
{
	char size[32];

	if (!p->e->prepare || !p->target)
		return;
	if (p->target->scratch && p->e->prepare == EXPERIMENT_PREPARE_FILL) {
		puts("Prepare     fill: a scratch file is written whole when it is made");
		return;
	}
	printf("Prepare     %s: overwrites %s of %s", prepare_name(p->e->prepare),
	       num_bytes_text(p->target->bytes, size, sizeof(size)), p->target->label);
	if (p->e->prepare == EXPERIMENT_PREPARE_PTS)
		printf(" twice, then 5 to 25 rounds of %.3g s until five are steady",
		       (double)p->e->prepare_round_ns / 1e9);
	printf("; about %.0f s if the drive is as fast as most\n", (double)p->prepare_ns / 1e9);
}

static void print_duration(uint64_t ns)
{
	printf("%u min %02u s", (unsigned)(ns / 60000000000u), (unsigned)(ns / 1000000000u % 60));
}

/* "10", or "10 to 30"; then how a run ends between them. */
static void blocks_text(const struct experiment *e, char *out, size_t size)
{
	if (e->blocks_min == e->blocks)
		snprintf(out, size, "%llu", (unsigned long long)e->blocks);
	else
		snprintf(out, size, "%llu to %llu", (unsigned long long)e->blocks_min,
			 (unsigned long long)e->blocks);
}

static void print_looks(const struct experiment *e)
{
	size_t look[PRECISION_LOOKS], n = precision_looks(e->blocks_min, e->blocks, look);

	if (n < 2)
		return;
	fputs("Ends        after ", stdout);
	for (size_t i = 0; i + 1 < n; i++)
		printf("%s%zu", i ? ", " : "", look[i]);
	fputs(" blocks as soon as the 95 % interval of every declared metric is within ", stdout);
	if (e->precision > 0)
		printf("±%g %%", e->precision * 100);
	else
		fputs("its margin", stdout);
	printf("; after %zu in any case\n", look[n - 1]);
}

void plan_summary(const struct plan *p, char *out, size_t size)
{
	unsigned least = (unsigned)(p->seconds_least_ns / 1000000000u);
	unsigned most = (unsigned)(p->seconds_total_ns / 1000000000u);
	char blocks[48], range[32] = "";

	blocks_text(p->e, blocks, sizeof(blocks));
	if (most > least)
		snprintf(range, sizeof(range), " to %u:%02u", most / 60, most % 60);
	snprintf(out, size, "%zu cells x %s blocks, about %u:%02u%s", p->n_run, blocks, least / 60,
		 least % 60, range);
}

int plan_print(const struct plan *p)
{
	char blocks[48];

	printf("Experiment  %s: %s\n", p->e->name, p->e->doc ? p->e->doc : "");
	if (p->target)
		printf("Target      %s\n", p->target->label);
	if (p->net)
		printf("Network     %s%s%s\n", p->net->label, *p->net->tentative ? "; " : "",
		       p->net->tentative);
	blocks_text(p->e, blocks, sizeof(blocks));
	printf("Design      %zu cells x %s blocks x (%.3g s ramp + %.3g s measured)%s%s%s, seed "
	       "%llu\n",
	       p->n_run, blocks, (double)p->e->ramp_ns / 1e9, (double)p->e->runtime_ns / 1e9,
	       p->calibrates[MODE_BLOCK] || p->calibrates[MODE_NET] ? ", calibration" : "",
	       p->n_proof ? ", proof trials" : "", p->e->cpu_left ? ", CPU-left pass" : "",
	       (unsigned long long)p->seed);
	print_looks(p->e);
	print_rebind(p->rebind);
	print_preparation(p);
	print_corunner(p);
	fputs("Duration    about ", stdout);
	if (p->seconds_least_ns < p->seconds_total_ns) {
		print_duration(p->seconds_least_ns);
		fputs(" to ", stdout);
	}
	print_duration(p->seconds_total_ns);
	printf(", with a canary a block; invalid trials are tried "
	       "again at the end, %llu at most\n\n",
	       (unsigned long long)((double)(p->n_run * p->e->blocks) * RETRY_SHARE));
	if (print_cells(p))
		return EXIT_INVALID;
	print_placements(p);
	print_left_out(p);
	print_fio(p);
	print_not_applied(p);
	return EXIT_OK;
}

int cmd_plan(int argc, char **argv)
{
	size_t n;
	const struct opt *table = setup_option_table(&n);
	struct setup_options o;
	struct setup s;
	struct diag d = {""};
	int first, err, status;

	setup_defaults(&o);
	err = opt_parse(table, n, &o, false, argc, argv, &first, &d);
	if (err > 0)
		return cli_help("plan", table, n, NULL);
	if (!err)
		err = setup_check_words(argc, argv, first, &d);
	if (err)
		return cli_fail("plan", EXIT_USAGE, &d);
	err = setup_make(&o, argv[first], false, &s, &d);
	if (err)
		status = cli_fail("plan", EXIT_USAGE, &d);
	else if (o.json)
		status = cli_print_json(plan_json(&s.plan)) ? EXIT_INVALID : EXIT_OK;
	else
		status = plan_print(&s.plan);
	setup_free(&s);
	return status;
}
