// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analysis/export/export.h"
#include "analysis/history.h"
#include "analysis/nightly.h"
#include "analysis/nightly_series.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "cli.h"
#include "history_file.h"
#include "nightly_confirm.h"
#include "nightly_print.h"

struct options {
	const char *db, *version, *programs, *output, *run, *junit, *openmetrics;
	uint64_t pairs, seed;
	bool no_run, no_confirm, json;
};

#define AT(field) offsetof(struct options, field)
static const struct opt table[] = {
	{"db", NULL, OPT_STR, 0, AT(db), .arg = "FILE",
	 .help = "the history (default: $IOMODES_HISTORY or ./iomodes-history.sqlite)"},
	{"version", NULL, OPT_STR, 0, AT(version), .arg = "LABEL",
	 .help = "what is under test: your own words, or @ and what the run tells, joined by +: "
		 "kernel, "
		 "firmware, ioloop, fio, iperf3, iomodes (default: @kernel+ioloop)"},
	{"programs", NULL, OPT_STR, 0, AT(programs), .arg = "DIR",
	 .help = "take the loops from DIR, a directory of this version: so a confirmation can put "
		 "it back"},
	{"output", NULL, OPT_STR, 'o', AT(output), .arg = "DIR",
	 .help = "where runs go (default: as 'iomodes run')"},
	{"no-run", NULL, OPT_BOOL, 0, AT(no_run),
	 .help = "judge the newest run that the history has; measure nothing"},
	{"run", NULL, OPT_STR, 0, AT(run), .arg = "RUN", .help = "with --no-run: judge this one"},
	{"no-confirm", NULL, OPT_BOOL, 0, AT(no_confirm),
	 .help = "leave flags unconfirmed: exit status 3 instead of 2"},
	{"pairs", NULL, OPT_U64, 0, AT(pairs), NIGHTLY_PAIRS_MIN, 50, .arg = "N",
	 .help = "blocks of a confirmation (16)"},
	{"seed", NULL, OPT_U64, 0, AT(seed), .arg = "N", .help = "of the confirmation's order (1)"},
	{"junit", NULL, OPT_STR, 0, AT(junit), .arg = "FILE", .help = "write JUnit XML as well"},
	{"openmetrics", NULL, OPT_STR, 0, AT(openmetrics), .arg = "FILE",
	 .help = "write OpenMetrics as well"},
	{"json", NULL, OPT_BOOL, 0, AT(json), .help = "print the report as JSON"},
};

static int save(const struct options *o, const json_t *report, struct diag *d)
{
	const struct {
		const char *format, *path;
	} files[] = {{"junit", o->junit}, {"openmetrics", o->openmetrics}};
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(files); i++) {
		const struct exporter *e;

		if (!files[i].path)
			continue;
		err = export_find(files[i].format, &e, d);
		if (!err)
			err = export_to(e, report, files[i].path, d);
	}
	return err;
}

/* Alerts are part of the history: what was said, when, and on which evidence. */
static int remember(struct history *h, const json_t *report, struct diag *d)
{
	const json_t *one;
	size_t i;
	int err = 0;

	json_array_foreach (json_object_get(report, "series"), i, one) {
		char id[HISTORY_MARK_ID], match[400], why[900];
		const char *alert = jsonio_string(one, "alert", NULL);

		if (err || !alert || !strcmp(alert, "refuted"))
			continue;
		snprintf(match, sizeof(match), "%s/%s", jsonio_string(one, "cell", "?"),
			 jsonio_string(one, "metric", "?"));
		snprintf(why, sizeof(why), "%s: %s; %s", alert, jsonio_string(one, "sentence", ""),
			 jsonio_string(one, "confirmation.text", ""));
		err = history_mark(h, "alert", match, jsonio_string(report, "run", ""),
				   "iomodes nightly", why, id, d);
	}
	return err;
}

static int status_of(int err)
{
	return err == -EBUSY	 ? EXIT_BUSY
	       : err == -EUCLEAN ? EXIT_RESIDUE
	       : err == -EINVAL	 ? EXIT_USAGE
				 : EXIT_INVALID;
}

/* A report without its confirmation or its marks is told all the same: the night is judged. */
static int tell(const struct options *o, struct history *h, json_t *report, struct diag *d)
{
	int err, later;

	nightly_close(report);
	if (o->json)
		cli_print_json(json_incref(report));
	else
		nightly_print(report);
	err = save(o, report, d);
	later = remember(h, report, err ? NULL : d);
	return err ? err : later;
}

static int judge(const struct options *o, const struct nightly_runner *runner, struct history *h,
		 const char *experiment, struct diag *d)
{
	_json_ json_t *report = NULL;
	struct diag later = {""};
	int err = nightly_report(h, runner->name, o->run, &report, d), err_told;

	if (err)
		return cli_fail("nightly", status_of(err), d);
	if (!o->no_run && !o->no_confirm)
		err = nightly_confirm_flags(runner, h, report, d);
	err_told = tell(o, h, report, &later);
	if (err)
		return cli_fail("nightly", status_of(err), d);
	if (err_told)
		return cli_fail("nightly", status_of(err_told), &later);
	return nightly_status(report);
}

static int measure(const struct options *o, struct nightly_runner *runner, struct history *h,
		   struct diag *d)
{
	struct history_add_options how = {.version = o->version};
	struct history_added added;
	char dir[4096];
	int status = nightly_run(runner, NULL, dir, d), err;

	if (!*dir)
		return cli_fail("nightly", status ?: EXIT_INVALID, d);
	/* An incomplete run is added all the same: its holes are errors of the report. */
	err = history_add(h, dir, &how, &added, d);
	if (err) { /* the night is not lost */
		diag_prefix(d, err, "measured, but not added ('iomodes history add %s' does that)",
			    dir);
		return cli_fail("nightly", status_of(err), d);
	}
	if (!o->json)
		printf("%s: %zu trials added to %s\n", added.run, added.trials,
		       history_file(o->db));
	return status && status != EXIT_INVALID ? cli_fail("nightly", status, d) : 0;
}

int cmd_nightly(int argc, char **argv)
{
	struct options o = {.pairs = NIGHTLY_PAIRS, .seed = 1};
	struct nightly_runner runner = {0};
	struct history *h = NULL;
	struct diag d = {""};
	char label[HISTORY_LABEL];
	int first, status,
		err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);

	if (err > 0)
		return cli_help(
			argv[0], table, ARRAY_SIZE(table),
			"Measures, adds to the history, judges, confirms, reports. RUN OPTIONS "
			"behind -- go to 'iomodes run'.\nExit status: 0 green, 2 worse, 3 "
			"inconclusive (history too short, or a flag left unconfirmed),\n4 "
			"nothing measured, missing cells or a changed machine, 5 restore "
			"incomplete, 6 host busy.");
	if (!err && (first == argc || argv[first][0] == '-'))
		err = diag_set(&d, -EINVAL, "one experiment, please");
	if (!err)
		err = history_label(NULL, o.version, label, &d); /* before anything is measured */
	if (err)
		return cli_fail(argv[0], EXIT_USAGE, &d);
#ifndef IOMODES_HARNESS
	if (!o.no_run) {
		diag_set(&d, 0, "this build cannot measure; --no-run judges what a history has");
		return cli_fail(argv[0], EXIT_USAGE, &d);
	}
#endif
	runner = (struct nightly_runner){.experiment = argv[first],
					 .programs = o.programs,
					 .output = o.output,
					 .pairs = o.pairs,
					 .seed = o.seed,
					 .extra = argv + first + 1,
					 .n_extra = (size_t)(argc - first - 1)};
	nightly_name(&runner);
	err = history_open(history_file(o.db), !o.no_run, &h, &d);
	if (err)
		return cli_fail(argv[0], status_of(err), &d);
	status = o.no_run ? 0 : measure(&o, &runner, h, &d);
	if (!status)
		status = judge(&o, &runner, h, argv[first], &d);
	history_close(h);
	return status;
}
