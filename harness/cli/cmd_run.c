// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/compare.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "arms.h"
#include "cli.h"
#include "compare_print.h"
#include "placement_print.h"
#include "plan_print.h"
#include "knob/transaction.h"
#include "setup.h"
#include "trial/run.h"

/* One line, rewritten in place on a terminal; a line a block elsewhere. */
struct progress_line {
	bool terminal;
	char phase[64];
};

static void show_progress(void *context, const struct run_progress *p)
{
	struct progress_line *line = context;
	unsigned left = (unsigned)(p->left_ns / 1000000000u);
	unsigned most = (unsigned)(p->most_ns / 1000000000u);
	char at_most[32] = "";

	if (most > left)
		snprintf(at_most, sizeof(at_most), ", %u:%02u at most", most / 60, most % 60);
	if (line->terminal) {
		fprintf(stderr, "\r\033[K[%llu/%llu] %s %s, about %u:%02u left%s",
			(unsigned long long)p->done, (unsigned long long)p->total, p->phase,
			p->cell, left / 60, left % 60, at_most);
	} else if (strcmp(line->phase, p->phase)) {
		snprintf(line->phase, sizeof(line->phase), "%s", p->phase);
		fprintf(stderr, "iomodes run: %s, about %u:%02u left%s\n", p->phase, left / 60,
			left % 60, at_most);
	}
	fflush(stderr);
}

/* What the last look said, plainly. */
static void print_precision(const json_t *precision)
{
	const json_t *looks = json_object_get(precision, "looks");
	const json_t *last = json_array_get(looks, json_array_size(looks) - 1);
	const json_t *at = json_object_get(precision, "at");
	double most = json_number_value(json_array_get(at, json_array_size(at) - 1));

	if (json_array_size(at) == 1 && last)
		printf("Precision %s (the number of blocks, %.0f, was fixed): %s.\n",
		       json_is_true(json_object_get(last, "met")) ? "met" : "not met", most,
		       jsonio_string(last, "sentence", "?"));
	else if (last)
		printf("Precision %s after %.0f of %.0f blocks: %s.\n",
		       json_is_true(json_object_get(last, "met")) ? "met" : "NOT met",
		       jsonio_number(last, "blocks"), most, jsonio_string(last, "sentence", "?"));
}

static int report(const struct run_result *r, int err, const struct diag *d)
{
	if (*r->dir)
		printf("Results: %s\n", r->dir);
	if (r->residue || err == -EUCLEAN) {
		cli_fail("run", EXIT_RESIDUE, d);
		fputs("iomodes run: 'iomodes status' lists what is not as it was; 'iomodes "
		      "restore' "
		      "tries again\n",
		      stderr);
		return EXIT_RESIDUE;
	}
	if (err == -EINTR) {
		fprintf(stderr,
			"iomodes run: stopped by signal %d; every knob is back as it was. Go on "
			"with: "
			"iomodes run --resume %s\n",
			r->signal, r->dir);
		return 128 + (r->signal ? r->signal : 15);
	}
	if (err == -EALREADY || err == -EINVAL) /* cannot be resumed: nothing was touched */
		return cli_fail("run", EXIT_USAGE, d);
	if (err)
		return cli_fail("run", err == -EBUSY ? EXIT_BUSY : EXIT_INVALID, d);
	printf("Measured %llu trials in %.0f s", (unsigned long long)r->trials, r->actual_seconds);
	if (r->failed)
		printf(", %llu of them failed", (unsigned long long)r->failed);
	if (r->retried)
		printf(", %llu of them a second try", (unsigned long long)r->retried);
	puts(". Every knob is back as it was.");
	print_precision(r->precision);
	if (r->cells_unmeasured)
		fprintf(stderr,
			"iomodes run: %llu cells have no valid trial; 'iomodes compare' says why\n",
			(unsigned long long)r->cells_unmeasured);
	return r->cells_unmeasured ? EXIT_INVALID : EXIT_OK;
}

/* What --trust lets through is shown before it runs. */
static void print_trusted(const struct plan *p)
{
	for (size_t i = 0; i < p->n_run; i++) {
		const struct plan_cell *c = &p->cells[p->run[i]];
		const json_t *one;
		size_t k;

		json_array_foreach (json_object_get(c->fio, "untrusted"), k, one)
			printf("Trusted, in %s: %s\n", c->cell->id, json_string_value(one));
	}
}

static int execute(const struct setup_options *o, struct setup *s, struct diag *d)
{
	struct progress_line line = {.terminal = isatty(STDERR_FILENO)};
	_json_ json_t *command = setup_command_json(o);
	_json_ json_t *noise = arms_noise();
	struct run_options ro = {
		.results_dir = s->results,
		.bin_dir = s->bin,
		.experiment_text = s->experiment_text,
		.command = command,
		.session = s->session,
		.noise = noise,
		.resume = o->resume,
		.progress = o->quiet ? NULL : show_progress,
		.context = &line,
	};
	struct compare_options none = {0};
	_json_ json_t *comparison = NULL;
	struct run_result result;
	struct diag moved = {""};
	char forecast[128];
	int err, undone, status;

	plan_summary(&s->plan, forecast, sizeof(forecast));
	printf("%s on %s%s%s: %s\n", s->experiment.name, s->target.label,
	       *s->target.label && *s->net_target.label ? " and " : "", s->net_target.label,
	       forecast);
	for (size_t i = 0; i < s->plan.n_not_applied; i++)
		printf("Not set, because it needs root: %s\n", s->plan.not_applied[i]);
	for (size_t i = 0; i < s->rebind.n; i++)
		printf("NVMe controller %s is bound with nvme.poll_queues=%u until the run ends\n",
		       s->rebind.controller[i].pci, s->rebind.asked);
	print_trusted(&s->plan);
	fflush(stdout);
	s->session = NULL; /* run_plan() closes it */
	err = run_plan(&s->plan, s->plan.target ? &s->target : NULL, &ro, &result, d);
	undone = net_target_close(&s->net_target, &moved);
	if (undone) { /* worse than whatever else went wrong */
		result.residue = true;
		*d = moved;
		err = undone;
	}
	if (line.terminal && !o->quiet)
		fputs("\r\033[K", stderr);
	status = report(&result, err, d);
	if (result.trials)
		cli_write_report(result.dir);
	if (o->compare && result.trials && !compare_run(result.dir, &none, &comparison, d)) {
		putchar('\n');
		compare_print_text(comparison);
		placement_print(comparison, result.dir, d);
	}
	if (o->aa && status == EXIT_OK)
		status = arms_report(result.dir);
	json_decref(result.precision);
	return status;
}

/* Nothing was measured; a rebound controller is given back first. */
static int refuse(struct setup *s, int err, const struct diag *d)
{
	struct diag restore = {""};
	int status = err == -EUCLEAN ? EXIT_RESIDUE : EXIT_USAGE;

	if (setup_restore(s, &restore)) {
		cli_fail("run", status, d);
		return cli_fail("run", EXIT_RESIDUE, &restore);
	}
	return cli_fail("run", err == SESSION_BUSY && s->rebind.n ? EXIT_BUSY : status, d);
}

/* --resume: the experiment and the options of the run's start, whatever else is given. */
static int load_resumed(struct setup_options *o, char path[static 4400], char parent[static 4096],
			json_t **run, struct diag *d)
{
	_free_ char *real = realpath(o->resume, NULL);
	char file[4200];
	int err;

	if (!real)
		return diag_errno(d, -errno, "--resume %s", o->resume);
	/* The scratch file lies where the run's directory was made, unless --scratch said else. */
	snprintf(parent, 4096, "%s", real);
	*strrchr(parent, '/') = '\0';
	o->output = parent;
	snprintf(file, sizeof(file), "%.4000s/run.json", o->resume);
	err = jsonio_read(file, run, d);
	if (err)
		return err;
	if (!o->programs && jsonio_at(*run, "command.programs"))
		return diag_set(
			d, -EINVAL,
			"%.200s ran the loops of %.200s: give --programs again, a file cannot say "
			"which programs are run",
			o->resume, jsonio_string(*run, "command.programs", "?"));
	setup_from_command(json_object_get(*run, "command"), o);
	o->seed = (uint64_t)json_integer_value(json_object_get(*run, "seed"));
	snprintf(path, 4400, "%.4000s/experiment.yaml", o->resume);
	return 0;
}

static int run_command(int argc, char **argv, bool aa)
{
	size_t n;
	const struct opt *table = setup_option_table(&n);
	struct setup_options o;
	struct setup s = {0};
	struct diag d = {""};
	_json_ json_t *resumed = NULL;
	char path[4400], parent[4096];
	const char *name;
	int first, err, status;

	setup_defaults(&o);
	o.aa = aa;
	err = opt_parse(table, n, &o, false, argc, argv, &first, &d);
	if (err > 0)
		return cli_help(
			argv[0], table, n,
			"EXPERIMENT is a file or a name below configs/experiments (default: "
			"\"default\").\nEnds with the run's directory; 'iomodes compare' reads "
			"it.");
	if (!err)
		err = setup_check_words(argc, argv, first, &d);
	if (err)
		return cli_fail("run", EXIT_USAGE, &d);
	name = argv[first];
	if (o.resume) {
		err = name ? diag_set(&d, -EINVAL,
				      "--resume goes on with the run's own experiment; \"%s\" is "
				      "too much",
				      name)
			   : load_resumed(&o, path, parent, &resumed, &d);
		name = path;
	}
	if (err)
		return cli_fail("run", EXIT_USAGE, &d);
	err = setup_make(&o, name, !o.dry_run, &s, &d);
	if (err)
		status = refuse(&s, err, &d);
	else if (o.dry_run)
		status = o.json ? (cli_print_json(plan_json(&s.plan)) ? EXIT_INVALID : EXIT_OK)
				: plan_print(&s.plan);
	else
		status = execute(&o, &s, &d);
	setup_free(&s);
	return status;
}

int cmd_run(int argc, char **argv)
{
	return run_command(argc, argv, false);
}

/* The same with two arms of each row, and what they show. */
int cmd_aa(int argc, char **argv)
{
	return run_command(argc, argv, true);
}
