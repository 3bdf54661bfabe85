// SPDX-License-Identifier: Apache-2.0
/* iomodes restore: put back what a run that died left behind. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "cli.h"
#include "knob/transaction.h"
#include "sys/sys.h"

struct options {
	bool json, accept, overwrite;
};

static const struct opt table[] = {
	{.name = "accept",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, accept),
	 .help = "restore what can be; leave the rest as it is now and forget it"},
	{.name = "overwrite",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, overwrite),
	 .help = "write the originals over values that somebody else set meanwhile"},
	{.name = "json",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, json),
	 .help = "print JSON"},
};

static const char more[] =
	"Every run restores by itself, and its guardian process does when the run is killed. This "
	"is\n"
	"for what is left when both were killed, or when a value did not come back. Each knob is\n"
	"compared first: one that is neither as iomodes set it nor as it was before belongs to "
	"somebody\n"
	"else; such a conflict is reported and left alone until you decide:\n\n"
	"  iomodes restore --accept      the value there now is right; forget ours. Who decided, "
	"when,\n"
	"                                and what is kept in accepted.jsonl of the state "
	"directory.\n"
	"  iomodes restore --overwrite   the value from before our run is right\n\n"
	"Exit status: 0 everything is as it was, 5 something is not (it is listed), 6 the host is\n"
	"busy with a run, 1 the state directory cannot be used.";

static void print_report(const json_t *report)
{
	const json_t *e;
	size_t i;

	json_array_foreach (report, i, e) {
		const char *instance = jsonio_string(e, "instance", ""),
			   *why = jsonio_string(e, "why", "");

		printf("  %s%s%s = \"%s\": %s", jsonio_string(e, "knob", ""),
		       *instance ? " of " : "", instance, jsonio_string(e, "original", ""), why);
		if (strcmp(why, "restored"))
			printf(" (is \"%s\")", jsonio_string(e, "now", "unreadable"));
		putchar('\n');
	}
	if (!json_array_size(report))
		puts("nothing to restore");
}

int cmd_restore(int argc, char **argv)
{
	struct options o = {0};
	struct diag d = {""};
	_json_ json_t *report = NULL;
	struct sys *s;
	int first, err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);

	if (err == 1)
		return cli_help("restore", table, ARRAY_SIZE(table), more);
	if (!err && first < argc)
		err = diag_set(&d, -EINVAL, "\"%s\": no argument is expected", argv[first]);
	if (!err && o.accept && o.overwrite)
		err = diag_set(&d, -EINVAL, "--accept and --overwrite exclude each other");
	if (!err)
		err = sys_open(NULL, &s);
	if (err)
		return cli_fail("restore", EXIT_USAGE, &d);
	err = session_mend(s, NULL,
			   o.accept	 ? SESSION_ACCEPT
			   : o.overwrite ? SESSION_OVERWRITE
					 : SESSION_COMPARE,
			   &report, &d);
	sys_close(s);
	if (err && err != -EUCLEAN)
		return cli_fail("restore", err == -EBUSY ? EXIT_BUSY : EXIT_USAGE, &d);
	if (o.json)
		cli_print_json(json_pack("{s:b, s:O, s:s}", "clean", !err, "knobs", report,
					 "message", d.text));
	else
		print_report(report);
	if (err)
		return cli_fail("restore", EXIT_RESIDUE, &d);
	return EXIT_OK;
}
