// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/opt.h"
#include "base/table.h"
#include "cli.h"
#include "mode/mode.h"
#include "modes_print.h"
#include "paths.h"
#include "sys/sys.h"
#include "trial/net_target.h"
#include "trial/target.h"

struct modes_options {
	const char *target;
	bool json;
};

static const struct opt options[] = {
	{"target", NULL, OPT_STR, 't', offsetof(struct modes_options, target), .arg = "PATH",
	 .help = "device, file, network interface, veth or lo: say for each mode whether it can "
		 "run there"},
	{"json", NULL, OPT_BOOL, 0, offsetof(struct modes_options, json), .help = "as JSON"},
};

static int print_docs(const struct modes *modes)
{
	static const struct table_column columns[] = {
		{.name = "MODE"},
		{.name = "OF"},
		{.name = "PROOF"},
		{.name = "WHAT IT IS", .wrap = true},
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	int err = t ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < modes->n; i++)
		err = table_row(t, (const char *const[]){modes->mode[i].name,
							 mode_target_name(modes->mode[i].target),
							 verdict_grade_name(modes->mode[i].grade),
							 modes->mode[i].doc});
	if (!err)
		err = table_print(t, stdout);
	table_free(t);
	return err;
}

static int show(const struct modes *modes, const struct machine *m,
		const struct machine_subject *subject, bool json)
{
	return json ? cli_print_json(modes_json(modes, m, subject))
		    : modes_print(modes, m, subject);
}

/* "veth" and "lo" are made for the look, in namespaces of our own. */
static int on_network(const struct modes *modes, const struct modes_options *o, struct machine *m,
		      struct diag *d)
{
	struct machine_subject subject;
	struct net_target t;
	int err = net_target_open(m->sys, o->target, NULL, false, 0, &t, d);

	if (err)
		return err;
	subject = net_target_subject(&t);
	if (*t.refusal)
		err = diag_set(d, -EPERM, "%s: %s%s%s", o->target, t.refusal, *t.remedy ? "; " : "",
			       t.remedy);
	else
		err = show(modes, m, &subject, o->json);
	net_target_close(&t, NULL);
	return err;
}

static int on_target(const struct modes *modes, const struct modes_options *o, struct diag *d)
{
	struct sys *s = NULL;
	struct machine *m = NULL;
	struct target t;
	bool network = false;
	int err = sys_open(NULL, &s);

	if (err)
		return diag_errno(d, err, "/");
	err = machine_discover(s, &m, d);
	if (!err)
		network = net_target_named(s, o->target);
	if (!err && network)
		err = on_network(modes, o, m, d);
	else if (!err)
		err = target_resolve(m, o->target, 0, ".", NULL, &t, d);
	if (!err && !network)
		err = show(modes, m, &(struct machine_subject){.disk = t.disk}, o->json);
	machine_free(m);
	sys_close(s);
	return err;
}

int cmd_modes(int argc, char **argv)
{
	struct modes_options o = {0};
	struct modes modes = {0};
	struct diag d = {""};
	char config[4096], dir[4200];
	int first, err;

	err = opt_parse(options, ARRAY_SIZE(options), &o, false, argc, argv, &first, &d);
	if (err > 0)
		return cli_help(
			"modes", options, ARRAY_SIZE(options),
			"The rows are in configs/modes/*.yaml; adding one needs no compiler.");
	if (!err && first < argc)
		err = diag_set(&d, -EINVAL, "unexpected \"%s\"", argv[first]);
	if (!err)
		err = paths_config(config, sizeof(config), &d);
	if (!err) {
		snprintf(dir, sizeof(dir), "%s/modes", config);
		err = modes_load(dir, &modes, &d);
	}
	if (!err && o.target)
		err = on_target(&modes, &o, &d);
	else if (!err)
		err = o.json ? cli_print_json(modes_json(&modes, NULL, NULL)) : print_docs(&modes);
	modes_free(&modes);
	return err ? cli_fail("modes", EXIT_USAGE, &d) : EXIT_OK;
}
