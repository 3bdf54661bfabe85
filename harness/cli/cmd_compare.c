// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analysis/across.h"
#include "analysis/compare.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "cli.h"
#include "compare_notes.h"
#include "compare_print.h"
#include "placement_print.h"
#include "record/metric.h"

struct options {
	const char *baseline, *by, *scripts, *scripts_of;
	struct opt_strs metrics;
	bool json, csv, markdown, gate;
};

static const struct opt table[] = {
	{.name = "baseline",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, baseline),
	 .arg = "MODE",
	 .help = "mode the others are compared with (default: that of the run)"},
	{.name = "by",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, by),
	 .arg = "WHAT",
	 .help = "compare by mode, or by placement against local (default: mode; placement where "
		 "the run has one mode and several placements, but not with --json and --csv)"},
	{.name = "scripts",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, scripts),
	 .arg = "DIR",
	 .help = "write the recommended placement as shell scripts: one that sets it until the "
		 "next "
		 "boot, one that undoes it"},
	{.name = "scripts-of",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, scripts_of),
	 .arg = "PLACEMENT",
	 .help = "with --scripts: this placement of the run, not the recommended one"},
	{.name = "metric",
	 .type = OPT_STRS,
	 .offset = offsetof(struct options, metrics),
	 .arg = "NAME",
	 .help = "judge this metric instead of the declared ones; may be repeated; 'help' lists "
		 "them"},
	{.name = "json",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, json),
	 .help = "print JSON"},
	{.name = "csv",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, csv),
	 .help = "print CSV, a line a mode and metric"},
	{.name = "markdown",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, markdown),
	 .help = "print Markdown"},
	{.name = "gate",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, gate),
	 .help = "exit 2 when any mode is worse than the baseline, 3 when any is inconclusive, 4 "
		 "when nothing was judged or the runs are of different machines"},
};

static int list_metrics(void)
{
	const struct metric *all;
	size_t n;

	all = metric_all(&n);
	for (size_t i = 0; i < n; i++)
		printf("%-26s %-6s %s\n", all[i].name, all[i].unit, all[i].doc);
	return EXIT_OK;
}

/* Another machine is no regression of this one. */
static int gate_across(const json_t *result)
{
	const json_t *one;
	struct diag d = {""};
	size_t i;

	json_array_foreach (json_object_get(result, "against"), i, one)
		if (json_is_true(json_object_get(one, "between_machines"))) {
			diag_set(&d, 0, "different machines: --gate judges runs of one machine");
			return cli_fail("compare", EXIT_INVALID, &d);
		}
	return EXIT_OK;
}

/* Nothing judged is no pass: a gate that compared nothing must not open. */
static int gate(const json_t *result, const char *run)
{
	struct diag d = {""};

	if (!(jsonio_number(result, "words.better") + jsonio_number(result, "words.worse") +
	      jsonio_number(result, "words.equivalent") +
	      jsonio_number(result, "words.inconclusive"))) {
		diag_set(&d, 0, "nothing was judged in %s: --gate has nothing to pass", run);
		return cli_fail("compare", EXIT_INVALID, &d);
	}
	if (jsonio_number(result, "words.worse") > 0)
		return EXIT_WORSE;
	return jsonio_number(result, "words.inconclusive") > 0 ? EXIT_INCONCLUSIVE : EXIT_OK;
}

static int print(const struct options *o, const json_t *result, bool across)
{
	const json_t *run;
	size_t i;

	if (o->json)
		return cli_print_json(json_incref((json_t *)result));
	if (o->csv) { /* has no room for them */
		compare_print_warnings(result, stderr);
		json_array_foreach (json_object_get(result, "runs"), i, run)
			compare_print_warnings(run, stderr);
	}
	if (across)
		return o->csv	     ? across_print_csv(result)
		       : o->markdown ? across_print_markdown(result)
				     : across_print_text(result);
	return o->csv	     ? compare_print_csv(result)
	       : o->markdown ? compare_print_markdown(result)
			     : compare_print_text(result);
}

static int parse_by(const struct options *o, bool across, struct compare_options *how,
		    struct diag *d)
{
	if (across)
		return diag_set(d, -EINVAL, "--by compares within one run");
	if (!strcmp(o->by, "mode"))
		how->by = COMPARE_MODES;
	else if (!strcmp(o->by, "placement"))
		how->by = COMPARE_PLACEMENTS;
	else
		return diag_set(d, -EINVAL, "--by is mode or placement, not \"%s\"", o->by);
	return 0;
}

int cmd_compare(int argc, char **argv)
{
	struct options o = {0};
	struct compare_options how;
	_json_ json_t *result = NULL;
	struct diag d = {""};
	int first, err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);
	bool across = first + 1 < argc;

	if (err == 1)
		return cli_help(
			argv[0], table, ARRAY_SIZE(table),
			"RUN is the directory of a run: its modes against each other. With "
			"several, each mode of a later run\nagainst the same mode of the first, "
			"and what differs between their machines. Exit status: 0; 4 when\n"
			"nothing was measured in force, or nothing in both; 1 on bad input.");
	if (!err && o.metrics.n == 1 && !strcmp(o.metrics.item[0], "help"))
		return list_metrics();
	if (!err && first == argc)
		err = diag_set(&d, -EINVAL, "one run directory or more, please");
	if (!err && o.json + o.csv + o.markdown > 1)
		err = diag_set(&d, -EINVAL, "--json, --csv or --markdown: one of them, not both");
	if (!err && across && o.baseline)
		err = diag_set(
			&d, -EINVAL,
			"--baseline names a mode of one run; of several, the first run is the "
			"baseline");
	/* programs that read the output find modes where they always were, unless they ask */
	how = (struct compare_options){o.baseline, o.metrics.item, o.metrics.n,
				       o.json || o.csv ? COMPARE_MODES : COMPARE_AUTO};
	if (!err && o.scripts && across)
		err = diag_set(&d, -EINVAL, "--scripts is for placements of one run");
	if (!err && o.scripts_of && !o.scripts)
		err = diag_set(&d, -EINVAL, "--scripts-of: --scripts DIR says where to");
	if (!err && o.by)
		err = parse_by(&o, across, &how, &d);
	if (err)
		return cli_fail(argv[0], EXIT_USAGE, &d);
	err = across ? across_runs((const char *const *)argv + first, (size_t)(argc - first), &how,
				   &result, &d)
		     : compare_run(argv[first], &how, &result, &d);
	if (err)
		return cli_fail(argv[0], err == -EPROTONOSUPPORT ? EXIT_INVALID : EXIT_USAGE, &d);
	err = print(&o, result, across);
	if (!err && !across && !o.json && !o.csv && !o.markdown)
		err = placement_print(result, argv[first], &d);
	if (!err && o.scripts)
		err = placement_scripts(result, argv[first], o.scripts, o.scripts_of, &d);
	if (err && *d.text)
		return cli_fail(argv[0], EXIT_USAGE, &d);
	if (fflush(stdout) || err)
		return EXIT_USAGE;
	if (jsonio_number(result, "rows_measured") == 0) {
		diag_set(&d, 0,
			 across ? "no mode was measured in force at the same load in %s and "
				  "another run"
				: "nothing was measured in force in %s",
			 argv[first]);
		return cli_fail(argv[0], EXIT_INVALID, &d);
	}
	if (o.gate && across && gate_across(result))
		return EXIT_INVALID;
	return o.gate ? gate(result, argv[first]) : EXIT_OK;
}
