// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analysis/compare.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "cli.h"
#include "compare_print.h"
#include "record/metric.h"

struct options {
	const char *baseline;
	struct opt_strs metrics;
	bool json, csv, gate;
};

static const struct opt table[] = {
	{.name = "baseline",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, baseline),
	 .arg = "MODE",
	 .help = "mode the others are compared with (default: that of the run)"},
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
	{.name = "gate",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, gate),
	 .help = "exit 2 when any mode is worse than the baseline, 3 when any is inconclusive"},
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

static int gate(const json_t *result)
{
	if (jsonio_number(result, "words.worse") > 0)
		return EXIT_WORSE;
	return jsonio_number(result, "words.inconclusive") > 0 ? EXIT_INCONCLUSIVE : EXIT_OK;
}

int cmd_compare(int argc, char **argv)
{
	struct options o = {0};
	struct compare_options how;
	_json_ json_t *result = NULL;
	struct diag d = {""};
	int first, err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);

	if (err == 1)
		return cli_help(argv[0], table, ARRAY_SIZE(table),
				"RUN is the directory of a run. Exit status: 0; 4 when nothing in "
				"it was measured in\nforce; 1 on bad input.");
	if (!err && o.metrics.n == 1 && !strcmp(o.metrics.item[0], "help"))
		return list_metrics();
	if (!err && first + 1 != argc)
		err = diag_set(&d, -EINVAL, "one run directory, please");
	if (!err && o.json && o.csv)
		err = diag_set(&d, -EINVAL, "--json or --csv, not both");
	if (err)
		return cli_fail(argv[0], EXIT_USAGE, &d);
	how = (struct compare_options){o.baseline, o.metrics.item, o.metrics.n};
	err = compare_run(argv[first], &how, &result, &d);
	if (err == -EPROTONOSUPPORT)
		return cli_fail(argv[0], EXIT_INVALID, &d);
	if (err)
		return cli_fail(argv[0], EXIT_USAGE, &d);
	if (o.json)
		err = cli_print_json(json_incref(result));
	else
		err = o.csv ? compare_print_csv(result) : compare_print_text(result);
	if (fflush(stdout) || err)
		return EXIT_USAGE;
	if (jsonio_number(result, "rows_measured") == 0) {
		diag_set(&d, 0, "nothing was measured in force in %s", argv[first]);
		return cli_fail(argv[0], EXIT_INVALID, &d);
	}
	return o.gate ? gate(result) : EXIT_OK;
}
