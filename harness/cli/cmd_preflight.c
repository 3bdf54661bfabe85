// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/opt.h"
#include "base/table.h"
#include "cli.h"
#include "machine/machine.h"
#include "machine/preflight.h"
#include "machine/recording.h"

struct options {
	bool json, list;
	const char *root;
};

static const struct opt options[] = {
	{.name = "json",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, json),
	 .help = "print the findings as JSON"},
	{.name = "list",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, list),
	 .help = "list what is checked, and check nothing"},
	{.name = "root",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, root),
	 .arg = "PATH",
	 .help = "look at a machine that 'iomodes collect' recorded: its archive, or unpacked"},
};

static void print_list(void)
{
	size_t n;
	const struct preflight_check *checks = preflight_checks(&n);

	for (size_t i = 0; i < n; i++)
		printf("%-16s %s\n", checks[i].name, checks[i].doc);
}

static void print_findings(const struct preflight *found)
{
	size_t n;

	preflight_checks(&n);
	for (size_t i = 0; i < found->n; i++) {
		const struct preflight_finding *f = &found->finding[i];

		printf("%-6s  %s [%s]\n        %s\n        mend: %s\n", severity_name(f->severity),
		       f->what, f->check, f->effect, f->mend);
	}
	printf("%s%zu finding%s from %zu checks; nothing was changed.\n", found->n ? "\n" : "",
	       found->n, found->n == 1 ? "" : "s", n);
}

static int look(const struct options *o, struct preflight *found, struct diag *d)
{
	struct machine *m = NULL;
	struct recording from;
	int err = recording_open(o->root, &from, d);

	if (err)
		return err;
	err = machine_discover(from.sys, &m, d);
	if (!err)
		err = preflight_run(m, found, d);
	machine_free(m);
	recording_close(&from);
	return err;
}

int cmd_preflight(int argc, char **argv)
{
	struct options o = {0};
	struct preflight found;
	struct diag d;
	int first, err = opt_parse(options, ARRAY_SIZE(options), &o, false, argc, argv, &first, &d);

	if (err == 1)
		return cli_help("preflight", options, ARRAY_SIZE(options),
				"high: results will be wrong or missing. medium: they will be "
				"noisy or biased.\nlow: a small effect. info: know it when you "
				"compare.");
	if (!err && first < argc)
		err = diag_set(&d, -EINVAL, "unexpected \"%s\"", argv[first]);
	if (err)
		return cli_fail("preflight", EXIT_USAGE, &d);
	if (o.list) {
		print_list();
		return EXIT_OK;
	}
	if (look(&o, &found, &d))
		return cli_fail("preflight", EXIT_USAGE, &d);
	if (o.json)
		cli_print_json(preflight_json(&found));
	else
		print_findings(&found);
	preflight_free(&found);
	return EXIT_OK;
}
