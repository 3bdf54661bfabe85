// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analysis/bundle/bundle.h"
#include "analysis/bundle/claims.h"
#include "analysis/compare.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "bundle_common.h"
#include "cli.h"
#include "machine/machine.h"
#include "nightly_confirm.h"
#include "reproduce_cost.h"
#include "reproduce_print.h"
#include "reproduce_words.h"
#include "sys/sys.h"
#include "trial/run_json.h"

#define WORDS_MAX     64
#define METRICS_MAX   32
#define PRINT_AT_MOST 5

struct options {
	const char *run, *with, *output;
	uint64_t max_size;
	bool trust, any_machine, json, dry_run;
};

#define AT(member) .offset = offsetof(struct options, member)
static const struct opt table[] = {
	{"run", NULL, OPT_STR, 0, AT(run), .arg = "ID",
	 .help = "of a bundle with several runs: this one"},
	{"with", NULL, OPT_STR, 0, AT(with), .arg = "RUN",
	 .help = "judge by this run, made before with the same plan; measure nothing"},
	{"output", NULL, OPT_STR, 'o', AT(output), .arg = "DIR",
	 .help = "directory that the run's own directory is made in"},
	{"trust", NULL, OPT_BOOL, 0, AT(trust),
	 .help = "take targets, files and options from the bundle that name places of its machine, "
		 "after showing them"},
	{"any-machine", NULL, OPT_BOOL, 0, AT(any_machine),
	 .help = "judge although machine or device differ: a result between machines"},
	{"dry-run", NULL, OPT_BOOL, 'n', AT(dry_run),
	 .help = "say what would be run and which claims cannot be compared; measure nothing"},
	{"max-size", NULL, OPT_BYTES, 0, AT(max_size), 1, 0, .arg = "BYTES",
	 .help = "refuse to unpack more than this (default 8 GiB)"},
	{"json", NULL, OPT_BOOL, 0, AT(json), .help = "print the judgement as JSON"},
};

struct reproduction {
	const struct options *o;
	char **given; /* options of 'iomodes run' */
	struct bundle bundle;
	const char *id;
	json_t *published, *claims, *words;
	bool redacted;
	char dir[4096]; /* the published run */
	struct diag *d;
};

/* Nothing is repeated that does not even bear out itself. */
static int must_check_out(struct reproduction *r)
{
	_json_ json_t *report = NULL;
	int err = bundle_check_here(&r->bundle, &report, r->d);
	size_t n;

	if (err)
		return err;
	n = json_array_size(json_object_get(report, "differences"));
	if (!n)
		return 0;
	if (!r->o->json)
		bundle_print_differences(report, PRINT_AT_MOST);
	return diag_set(r->d, -EBADMSG,
			"%s: %zu things are not as the bundle left them: nothing of it "
			"is repeated",
			r->bundle.path, n);
}

static int choose_run(struct reproduction *r)
{
	const json_t *runs = json_object_get(r->bundle.json, "runs"), *one;
	char names[600] = "";
	size_t i;

	json_array_foreach (runs, i, one) {
		const char *id = jsonio_string(one, "run", "?");

		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			 i ? ", " : "", id);
		if (r->o->run ? !strcmp(r->o->run, id) : json_array_size(runs) == 1)
			r->id = id;
	}
	if (r->id)
		return 0;
	return r->o->run ? diag_set(r->d, -EINVAL, "--run %s: the bundle has %s", r->o->run, names)
			 : diag_set(r->d, -EINVAL,
				    "the bundle has several runs: --run with one of %s", names);
}

static int load(struct reproduction *r)
{
	_json_ json_t *redaction = NULL;
	char path[4300];
	int err;

	bundle_run_dir(&r->bundle, r->id, r->dir);
	snprintf(path, sizeof(path), "%s/run.json", r->dir);
	err = jsonio_read(path, &r->published, r->d);
	snprintf(path, sizeof(path), "%.3500s/data/claims/%.300s.json", r->bundle.dir, r->id);
	if (!err)
		err = jsonio_read(path, &r->claims, r->d);
	snprintf(path, sizeof(path), "%.4000s/data/redaction.json", r->bundle.dir);
	if (!err)
		err = jsonio_read(path, &redaction, r->d);
	r->redacted = strcmp(jsonio_string(redaction, "profile", "none"), "none") != 0;
	if (!err && !json_array_size(r->claims))
		err = diag_set(
			r->d, -EINVAL,
			"run %s claims nothing: no mode was measured in it and every comparison "
			"is inconclusive",
			r->id);
	return err;
}

/* This machine in the place of the published one; everything else as published. */
static int before_measuring(struct reproduction *r, json_t **judgement)
{
	struct sys *s = NULL;
	struct machine *m = NULL;
	_json_ json_t *here = json_copy(r->published);
	struct claims_other other = {
		.run = here, .any_machine = r->o->any_machine, .redacted = r->redacted};
	json_t *machine;
	int err = sys_open(NULL, &s);

	if (err)
		return diag_errno(r->d, err, "/");
	err = machine_discover(s, &m, r->d);
	if (!err) {
		machine = machine_json(m);
		/* which device will be measured is not known yet: that is judged afterwards */
		json_object_set(machine, "disks", jsonio_at(r->published, "machine.disks"));
		json_object_set(machine, "nics", jsonio_at(r->published, "machine.nics"));
		json_object_set_new(here, "machine", machine);
		json_object_set_new(here, "machine_key", run_json_machine_key(m));
		*judgement = claims_judge(r->claims, r->published, &other);
	}
	machine_free(m);
	sys_close(s);
	return err;
}

static int take_words(struct reproduction *r)
{
	_json_ json_t *trusted = json_array();
	const json_t *one;
	char path[4300];
	size_t i;
	int err;

	snprintf(path, sizeof(path), "%s/experiment.yaml", r->dir);
	err = reproduce_words(r->published, path, r->o->trust, r->given, &r->words, trusted, r->d);
	json_array_foreach (trusted, i, one)
		fprintf(stderr, "iomodes reproduce: trusted, from the bundle: %s\n",
			json_string_value(one));
	return err;
}

static void print_command(const struct reproduction *r)
{
	const json_t *one;
	size_t i;

	fprintf(stderr, "iomodes reproduce: iomodes run experiment.yaml (of the bundle)");
	json_array_foreach (r->words, i, one)
		fprintf(stderr, " %s", json_string_value(one));
	for (char **g = r->given; *g; g++)
		fprintf(stderr, " %s", *g);
	fputc('\n', stderr);
}

/* Options of 'iomodes run': the bundle's, then those given here. Returns how many. */
static size_t all_words(const struct reproduction *r, char *words[static WORDS_MAX])
{
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach (r->words, i, one)
		if (n < WORDS_MAX)
			words[n++] = (char *)json_string_value(one);
	for (char **g = r->given; *g && n < WORDS_MAX; g++)
		words[n++] = *g;
	return n;
}

/* A plan that cannot be made here will be refused by the run, with the same sentence. */
static int look_at_cost(struct reproduction *r)
{
	char *words[WORDS_MAX + 5] = {(char *)"run", NULL}, path[4300], text[160];
	struct reproduce_cost cost;
	struct diag why = {""};
	size_t n = 2;

	snprintf(path, sizeof(path), "%s/experiment.yaml", r->dir);
	words[1] = path;
	n += all_words(r, words + n);
	if (r->o->output) {
		words[n++] = (char *)"--output";
		words[n++] = (char *)r->o->output;
	}
	words[n] = NULL;
	if (reproduce_cost((int)n, words, &cost, &why)) {
		fprintf(stderr, "iomodes reproduce: it cannot be planned here: %s\n", why.text);
		return 0;
	}
	fprintf(stderr, "iomodes reproduce: %s\n", reproduce_cost_text(&cost, text, sizeof(text)));
	return reproduce_affordable(&cost, r->o->trust, r->d);
}

static int measure(struct reproduction *r, char dir[static 4096])
{
	char *extra[WORDS_MAX + 1], path[4300];
	struct nightly_runner runner = {.experiment = path, .output = r->o->output, .extra = extra};

	snprintf(path, sizeof(path), "%s/experiment.yaml", r->dir);
	runner.n_extra = all_words(r, extra);
	fflush(stdout);
	return nightly_run(&runner, NULL, dir, r->d);
}

/* With the metrics and the baseline of the published run, whatever the other one declared. */
static int compare_here(struct reproduction *r, const char *dir, const json_t *here,
			json_t **comparison)
{
	const json_t *primary = json_object_get(r->published, "primary_metrics"), *one;
	const char *metrics[METRICS_MAX];
	struct compare_options how = {.baseline = jsonio_string(r->published, "baseline", NULL)};
	size_t i;

	if (!json_equal((json_t *)primary, json_object_get(here, "primary_metrics"))) {
		json_array_foreach (primary, i, one)
			if (json_is_string(one) && how.n_metrics < METRICS_MAX)
				metrics[how.n_metrics++] = json_string_value(one);
		how.metrics = metrics;
	}
	return compare_run(dir, &how, comparison, r->d);
}

static int judge(struct reproduction *r, const char *dir)
{
	_json_ json_t *here = NULL, *comparison = NULL, *judgement = NULL;
	struct claims_other other = {.any_machine = r->o->any_machine, .redacted = r->redacted};
	char path[4300];
	int reproduced, refuted, err;

	snprintf(path, sizeof(path), "%.4000s/run.json", dir);
	err = jsonio_read(path, &here, r->d);
	if (!err)
		err = compare_here(r, dir, here, &comparison);
	if (err)
		return cli_fail("reproduce", EXIT_INVALID, r->d);
	other.run = here;
	other.comparison = comparison;
	judgement = claims_judge(r->claims, r->published, &other);
	json_object_set_new(judgement, "published", json_string(r->id));
	json_object_set_new(judgement, "here", json_string(jsonio_string(here, "run", "?")));
	if (r->o->json)
		cli_print_json(json_incref(judgement));
	else
		reproduce_print(judgement, r->id, dir);
	reproduced = jsonio_number(judgement, "words.reproduced") > 0;
	refuted = jsonio_number(judgement, "words.not_reproduced") > 0;
	return reproduced && !refuted ? EXIT_OK : EXIT_INVALID;
}

static bool any_open(const json_t *judgement)
{
	return jsonio_number(judgement, "words.open") > 0;
}

static int reproduce(struct reproduction *r)
{
	_json_ json_t *judgement = NULL;
	char dir[4096];
	int status = EXIT_OK, err;

	if (r->o->with)
		return judge(r, r->o->with);
	err = before_measuring(r, &judgement);
	if (err)
		return cli_fail("reproduce", EXIT_INVALID, r->d);
	if (!any_open(judgement) || r->o->dry_run) {
		if (r->o->json)
			cli_print_json(json_incref(judgement));
		else
			reproduce_print(judgement, r->id, NULL);
		if (!any_open(judgement))
			fputs("iomodes reproduce: no claim can be compared here, so nothing is "
			      "measured; --any-machine does it all the same\n",
			      stderr);
		status = any_open(judgement) ? EXIT_OK : EXIT_INVALID;
	}
	if (status)
		return status;
	if (take_words(r))
		return cli_fail("reproduce", EXIT_USAGE, r->d);
	print_command(r);
	if (look_at_cost(r))
		return cli_fail("reproduce", EXIT_USAGE, r->d);
	if (r->o->dry_run)
		return EXIT_OK;
	status = measure(r, dir);
	if (!*dir || (status && status != EXIT_INVALID))
		return cli_fail("reproduce", status ? status : EXIT_INVALID, r->d);
	return judge(r, dir);
}

int cmd_reproduce(int argc, char **argv)
{
	struct options o = {0};
	struct diag d = {""};
	struct reproduction r = {.o = &o, .bundle = {.fd = -1}, .d = &d};
	int first, status,
		err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);

	if (err == 1)
		return cli_help(
			argv[0], table, ARRAY_SIZE(table),
			"Checks the bundle, runs its experiment with its seed and options on this "
			"machine, and says of every claim:\nreproduced, not reproduced, or not "
			"comparable and in what. RUN OPTIONS behind -- go to 'iomodes run' "
			"(--target,\n--scratch, --write-id ...). Nothing in a bundle is executed, "
			"and no path in it used without --trust,\nnor a plan of more than an hour "
			"or a "
			"scratch file of more than 4 GiB.\nExit status: 0 when a claim was "
			"reproduced and none was not, 1 bad input, 4 otherwise, 5 restore "
			"incomplete, 6 host busy.");
	if (!err && (first == argc || !strcmp(argv[first], "--") || argv[first][0] == '-'))
		err = diag_set(&d, -EINVAL, "one bundle, please");
	if (!err && o.with && (o.dry_run || o.output))
		err = diag_set(&d, -EINVAL, "--with measures nothing: leave out --%s",
			       o.dry_run ? "dry-run" : "output");
	if (!err && !bundle_is(argv[first]))
		err = diag_set(&d, -EINVAL, "%s: neither an archive nor a directory of a bundle",
			       argv[first]);
	if (err)
		return cli_fail(argv[0], EXIT_USAGE, &d);
	r.given = argv + first + 1;
	err = bundle_open_within(argv[first], o.max_size, &r.bundle, &d);
	if (!err)
		err = must_check_out(&r);
	if (!err)
		err = choose_run(&r);
	if (!err)
		err = load(&r);
	status = err ? cli_fail(argv[0], bundle_status(err), &d) : reproduce(&r);
	json_decref(r.published);
	json_decref(r.claims);
	json_decref(r.words);
	bundle_end(&r.bundle);
	return status;
}
