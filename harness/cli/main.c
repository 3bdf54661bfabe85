// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/opt.h"
#include "base/suggest.h"
#include "cli.h"
#include "iomodes_version.h"

/* The order of help: look, plan, measure, answer, mend. */
static const struct command commands[] = {
#ifdef IOMODES_HARNESS
	{"probe", "[--json] [--root PATH]",
	 "Shows what is in this machine and what it can do; changes nothing.", cmd_probe},
	{"preflight", "[--json] [--list] [--root PATH]",
	 "Says what will disturb a run, how badly, and the command that mends it.", cmd_preflight},
	{"modes", "[--target PATH] [--json]",
	 "Lists the I/O modes; with a target, which can run there and what the others lack.",
	 cmd_modes},
	{"knob", "list [PREFIX] | get KNOB[:INSTANCE]",
	 "Shows the machine state that iomodes can switch, as it is now.", cmd_knob},
	{"plan", "[EXPERIMENT] [OPTIONS]",
	 "Prints every cell, knob change and the duration of an experiment; changes nothing.",
	 cmd_plan},
	{"run", "[EXPERIMENT] [OPTIONS]",
	 "Runs an experiment and leaves a directory of results and a machine as it was.", cmd_run},
	{"aa", "[EXPERIMENT] [OPTIONS]",
	 "Measures the baseline against itself: false positives and the noise floor of this "
	 "machine.",
	 cmd_aa},
	{"with", "--set KNOB[:INSTANCE]=VALUE... [--target DEV] -- CMD [ARG...]",
	 "Sets knobs or a mode, runs a command, puts the machine back.", cmd_with},
#endif
	{"compare",
	 "RUN... [--baseline MODE] [--metric NAME]... [--json | --csv | --markdown] [--gate]",
	 "Each mode of a run against the baseline, or of later runs against the first, with "
	 "verdict.",
	 cmd_compare},
	{"report", "RUN... [-o DIR] [--baseline MODE]",
	 "Writes report.html: the answer, its proof, figures, and everything behind them.",
	 cmd_report},
	{"check", "RUN | BUNDLE [--json]",
	 "Makes every check and verdict of a run again from its records and names what differs.",
	 cmd_check},
	{"history",
	 "add RUN... | list | show [TEXT] | accept [TEXT] | note [TEXT] | rebuild RUN...",
	 "Keeps results over time, by machine, experiment, cell, metric and version under test.",
	 cmd_history},
	{"nightly", "EXPERIMENT [OPTIONS] [-- RUN OPTIONS]",
	 "Measures, judges against the history, confirms what is worse, and says so by its status.",
	 cmd_nightly},
	{"export", "FORMAT RUN... | REPORT | EXPERIMENT [-o FILE]",
	 "Writes results for other tools: JUnit, OpenMetrics, Go benchmarks, Otava, CSV.",
	 cmd_export},
	{"bundle", "RUN... [-o FILE]",
	 "Packs runs into one archive that others can check and repeat, without what identifies "
	 "you.",
	 cmd_bundle},
#ifdef IOMODES_HARNESS
	{"reproduce", "BUNDLE [OPTIONS] [-- RUN OPTIONS]",
	 "Measures the plan of a bundle on this machine and judges every claim of it.",
	 cmd_reproduce},
	{"status", "", "Says whether anything on this machine is still as iomodes set it.",
	 cmd_status},
	{"restore", "[--accept | --overwrite]", "Puts back what a run that died left behind.",
	 cmd_restore},
	{"collect", "[-o FILE]",
	 "Records this machine for a bug report or a test, without what identifies it.",
	 cmd_collect},
#endif
	{NULL, NULL, NULL, NULL},
};

static size_t command_count(void)
{
	size_t n = 0;

	while (commands[n].name)
		n++;
	return n;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; commands[i].name; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int cli_fail(const char *command, int status, const struct diag *d)
{
	fflush(stdout);
	fprintf(stderr, "iomodes %s: %s\n", command, d->text);
	return status;
}

int cli_help(const char *command, const struct opt *options, unsigned long n, const char *more)
{
	const struct command *c = find(command);

	printf("Usage: iomodes %s %s\n\n%s\n", command, c ? c->args : "", c ? c->help : "");
	if (n) {
		puts("\nOptions:");
		opt_help(options, n, stdout);
	}
	if (more)
		printf("\n%s\n", more);
	return EXIT_OK;
}

int cli_print_json(json_t *value)
{
	int err = json_dumpf(value, stdout,
			     JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));

	putchar('\n');
	json_decref(value);
	return err ? -1 : 0;
}

static int help(FILE *out)
{
	fputs("Usage: iomodes COMMAND [OPTIONS]\n\n"
	      "Switches a machine's I/O modes, measures them in randomized blocks, proves from "
	      "kernel\n"
	      "counters that each was in force, and puts the machine back as it "
	      "was.\n\nCommands:\n",
	      out);
	for (size_t i = 0; commands[i].name; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n'iomodes COMMAND --help' explains one. Exit status: 0 ok, 1 usage or bad input, 4 "
	      "invalid\n"
	      "or nothing measured, 5 restore incomplete, 6 host busy.\n",
	      out);
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	const struct command *c;
	const char *names[ARRAY_SIZE(commands)] = {NULL};
	char hint[128];

	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return help(stdout);
	if (!strcmp(argv[1], "--version")) {
		printf("iomodes %s (%s%s)\n", IOMODES_VERSION, IOMODES_COMMIT,
		       IOMODES_DIRTY ? ", dirty" : "");
		return EXIT_OK;
	}
	c = find(argv[1]);
	if (c)
		return c->run(argc - 1, argv + 1);
	for (size_t i = 0; commands[i].name; i++)
		names[i] = commands[i].name;
	if (argv[1][0] == '-') {
		fprintf(stderr, "iomodes: options follow a command, as in \"iomodes run %s\"\n",
			argv[1]);
		return EXIT_USAGE;
	}
	fprintf(stderr, "iomodes: unknown command \"%s\"%s\n", argv[1],
		suggest_text(argv[1], names, command_count(), hint, sizeof(hint)));
	return EXIT_USAGE;
}
