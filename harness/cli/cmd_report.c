// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/report.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/opt.h"
#include "cli.h"

struct options {
	const char *output, *baseline;
	bool quiet;
};

static const struct opt table[] = {
	{.name = "output",
	 .letter = 'o',
	 .type = OPT_STR,
	 .offset = offsetof(struct options, output),
	 .arg = "DIR",
	 .help = "directory for report.html and figures/ (default: the run's own; of several: "
		 "iomodes-report)"},
	{.name = "baseline",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, baseline),
	 .arg = "MODE",
	 .help = "mode the others are compared with (default: that of the run)"},
	{.name = "quiet",
	 .letter = 'q',
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, quiet),
	 .help = "no progress line"},
};

static void show(void *context, const char *phase, size_t done, size_t total)
{
	if (done && total)
		fprintf(stderr, "\r\033[K%s %zu of %zu", phase, done, total);
	else if (done || total)
		fprintf(stderr, "\r\033[K%s %zu", phase, done ? done : total);
	else
		fprintf(stderr, "\r\033[K%s", phase);
}

void cli_write_report(const char *run)
{
	struct report_options how = {0};
	struct report_result result;
	struct diag d = {""};

	if (report_write(&run, 1, &how, &result, &d)) {
		fprintf(stderr, "iomodes run: no report: %s\n", d.text);
		return;
	}
	printf("Report: %s\n", result.path);
	if (*result.no_figures)
		fprintf(stderr, "iomodes run: %s\n", result.no_figures);
}

int cmd_report(int argc, char **argv)
{
	struct options o = {0};
	struct report_options how = {0};
	struct report_result result;
	struct diag d = {""};
	int first, err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);

	if (err == 1)
		return cli_help(
			argv[0], table, ARRAY_SIZE(table),
			"RUN is the directory of a run. Writes report.html (one file, opens "
			"offline) and figures/ with\nthe data and gnuplot script of each figure. "
			"Exit status: 0; 4 when nothing in it was measured\nin force; 1 on bad "
			"input.");
	if (!err && first == argc)
		err = diag_set(&d, -EINVAL, "one run directory or more, please");
	if (err)
		return cli_fail(argv[0], EXIT_USAGE, &d);
	how.out = o.output ? o.output : argc - first > 1 ? "iomodes-report" : NULL;
	how.baseline = o.baseline;
	how.progress = !o.quiet && isatty(STDERR_FILENO) ? show : NULL;
	err = report_write((const char *const *)argv + first, (size_t)(argc - first), &how, &result,
			   &d);
	if (how.progress)
		fputs("\r\033[K", stderr);
	if (err)
		return cli_fail(argv[0], err == -EPROTONOSUPPORT ? EXIT_INVALID : EXIT_USAGE, &d);
	printf("Report: %s (%zu trials, %zu figures)\n", result.path, result.trials,
	       result.figures);
	if (*result.no_figures)
		fprintf(stderr, "iomodes report: %s\n", result.no_figures);
	if (result.left_out)
		fprintf(stderr,
			"iomodes report: %zu records were left out; the report says which\n",
			result.left_out);
	if (!result.rows_measured) {
		diag_set(&d, 0, "nothing was measured in force in %s", argv[first]);
		return cli_fail(argv[0], EXIT_INVALID, &d);
	}
	return EXIT_OK;
}
