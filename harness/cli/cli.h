/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subcommands: one cmd_<name>.c each, one row each in main.c. A command parses its options with
 * base/opt.h, does its work through the libraries (which never print) and is the only place that
 * turns a diag into output.
 */
#pragma once
#include <jansson.h>

/* Exit status; the full list of DESIGN §6. */
enum {
	EXIT_OK = 0,
	EXIT_USAGE = 1,	       /* usage or bad input; nothing changed */
	EXIT_WORSE = 2,	       /* nightly and compare --gate only */
	EXIT_INCONCLUSIVE = 3, /* nightly and compare --gate only */
	EXIT_INVALID = 4,      /* invalid or nothing measured */
	EXIT_RESIDUE = 5,      /* restore incomplete */
	EXIT_BUSY = 6,	       /* another iomodes holds the host */
};

struct command {
	const char *name;
	const char *args; /* synopsis behind the name */
	const char *help; /* one sentence */
	int (*run)(int argc,
		   char **argv); /* argv[0] is the command's name; returns the exit status */
};

struct opt;
struct diag;

/* "iomodes NAME: sentence" on standard error; returns `status`. */
int cli_fail(const char *command, int status, const struct diag *d);
/* Usage, options and `more` (further paragraphs, or NULL) on standard output; returns EXIT_OK. */
int cli_help(const char *command, const struct opt *options, unsigned long n, const char *more);
/* Print a JSON value, indented, on standard output and release it; returns 0 or -errno. */
int cli_print_json(json_t *value);

/* report.html of a run that ended; what goes wrong is said and changes no exit status: the records
 * are what a run is for, the report can be made again. */
void cli_write_report(const char *run);

int cmd_probe(int argc, char **argv);
int cmd_preflight(int argc, char **argv);
int cmd_modes(int argc, char **argv);
int cmd_knob(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_aa(int argc, char **argv);
int cmd_with(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_collect(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_nightly(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_bundle(int argc, char **argv);
int cmd_reproduce(int argc, char **argv);
