// SPDX-License-Identifier: Apache-2.0
/* iomodes status: is anything on this machine still as iomodes set it? */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "cli.h"
#include "knob/transaction.h"
#include "sys/sys.h"

struct options {
	bool json;
};

static const struct opt table[] = {
	{.name = "json",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, json),
	 .help = "print JSON"},
};

static const char more[] =
	"Exit status: 0 nothing of ours is left, 5 a journal is open: a run is going on or left\n"
	"something behind ('iomodes restore' mends that), 1 the state directory cannot be used.\n\n"
	"Environment: IOMODES_STATE_DIR, where the journal lies (default: /var/lib/iomodes for "
	"root,\n"
	"$XDG_STATE_HOME/iomodes for others).";

static void print_entry(const json_t *e)
{
	const char *instance = jsonio_string(e, "instance", ""),
		   *now = jsonio_string(e, "now", NULL);

	printf("  %s%s%s: was \"%s\", is %s%s%s (%s)\n", jsonio_string(e, "knob", ""),
	       *instance ? " of " : "", instance, jsonio_string(e, "original", ""), now ? "\"" : "",
	       now ? now : "unreadable", now ? "\"" : "", jsonio_string(e, "why", ""));
}

static void print_text(const json_t *left, const json_t *holder, int err, const struct diag *d)
{
	const json_t *e;
	size_t i;

	if (holder)
		printf("%s since %s: %s (process %lld)\n",
		       json_is_true(json_object_get(holder, "alive"))
			       ? "running"
			       : "its guardian is restoring for a dead run",
		       jsonio_string(holder, "since", "?"), jsonio_string(holder, "what", "?"),
		       (long long)json_integer_value(json_object_get(holder, "pid")));
	if (!err) {
		puts("clean: nothing on this machine is as iomodes set it");
		return;
	}
	puts(d->text);
	json_array_foreach (left, i, e)
		print_entry(e);
	if (!holder)
		puts("'iomodes restore' puts it back");
}

int cmd_status(int argc, char **argv)
{
	struct options o = {0};
	struct diag d = {""};
	_json_ json_t *left = NULL, *holder = NULL;
	struct sys *s;
	int first, err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);

	if (err == 1)
		return cli_help("status", table, ARRAY_SIZE(table), more);
	if (!err && first < argc)
		err = diag_set(&d, -EINVAL, "\"%s\": no argument is expected", argv[first]);
	if (!err)
		err = sys_open(NULL, &s);
	if (err)
		return cli_fail("status", EXIT_USAGE, &d);
	err = session_status(s, NULL, &left, &d);
	sys_close(s);
	if (err && err != -EUCLEAN)
		return cli_fail("status", EXIT_USAGE, &d);
	holder = session_holder(NULL);
	if (o.json)
		cli_print_json(json_pack("{s:b, s:O, s:O?, s:s}", "clean", !err, "residue", left,
					 "holder", holder, "message", d.text));
	else
		print_text(left, holder, err, &d);
	return err ? EXIT_RESIDUE : EXIT_OK;
}
