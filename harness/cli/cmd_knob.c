// SPDX-License-Identifier: Apache-2.0
/* iomodes knob list|get: every piece of machine state iomodes can switch, as it is now. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/opt.h"
#include "base/table.h"
#include "cli.h"
#include "knob/knob.h"
#include "sys/sys.h"

struct options {
	bool json;
	const char *root;
};

static const struct opt table[] = {
	{.name = "json",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, json),
	 .help = "print JSON"},
	{.name = "root",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, root),
	 .arg = "DIR",
	 .help = "read a recorded machine below DIR instead of this one"},
};

static const char more[] =
	"  iomodes knob list [PREFIX]         every knob whose name begins with PREFIX\n"
	"  iomodes knob get KNOB[:INSTANCE]   one value, alone on a line\n\n"
	"Flags: value-only: the value comes back, a hidden side effect does not; held: in force "
	"only\n"
	"while a process holds it; persistent: survives a reboot; read-only: can be required, not "
	"set.\n"
	"Nothing is changed. 'iomodes with --set' sets.";

static void flags_text(unsigned flags, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s%s%s", flags & KNOB_VALUE_ONLY ? "value-only " : "",
		 flags & KNOB_HELD ? "held " : "", flags & KNOB_PERSISTENT ? "persistent " : "",
		 flags & KNOB_READ_ONLY ? "read-only " : "",
		 flags & KNOB_WHOLE_RUN ? "whole-run " : "");
	if (*out)
		out[strlen(out) - 1] = '\0';
}

static json_t *knob_json(const struct knob *k)
{
	char flags[64];

	flags_text(k->flags, flags, sizeof(flags));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[]}", "knob", k->name, "scope",
			 knob_scope_name(k->scope), "flags", flags, "unit", k->unit, "since",
			 k->since, "doc", k->doc, "instances");
}

/* One instance, into the table or the JSON list. */
static int list_instance(struct sys *s, const struct knob *k, const char *instance, bool is_first,
			 struct table *t, json_t *instances)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	char flags[64];
	struct diag d = {""};
	int err = value ? knob_get(s, k, instance, value, &d) : -ENOMEM;

	if (!value)
		return -ENOMEM;
	if (!t)
		return json_array_append_new(
			instances, json_pack("{s:s, s:s?, s:s?}", "instance", instance, "value",
					     err ? NULL : value, "why", err ? d.text : NULL));
	flags_text(k->flags, flags, sizeof(flags));
	return table_row(t, (const char *const[]){k->name, instance, err ? "?" : value, k->unit,
						  knob_scope_name(k->scope), flags,
						  err	     ? d.text
						  : is_first ? k->doc
							     : ""});
}

static int list_knob(struct sys *s, const struct knob *k, struct table *t, json_t *out)
{
	_free_ char **instances = NULL;
	_json_ json_t *one = knob_json(k);
	char flags[64];
	int err = knob_instances(s, k, &instances);

	if (err)
		return err;
	for (size_t i = 0; !err && instances[i]; i++)
		err = list_instance(s, k, instances[i], i == 0, t,
				    json_object_get(one, "instances"));
	flags_text(k->flags, flags, sizeof(flags));
	if (!err && t && !instances[0])
		err = table_row(t, (const char *const[]){k->name, "-", "-", k->unit,
							 knob_scope_name(k->scope), flags,
							 "not on this machine"});
	return err || !out ? err : json_array_append(out, one);
}

static int list(struct sys *s, const struct options *o, const char *prefix, struct diag *d)
{
	static const struct table_column columns[] = {
		{.name = "KNOB"},
		{.name = "INSTANCE"},
		{.name = "VALUE", .wrap = true},
		{.name = "UNIT"},
		{.name = "SCOPE"},
		{.name = "FLAGS"},
		{.name = "DOC", .wrap = true},
	};
	struct table *t = o->json ? NULL : table_new(columns, ARRAY_SIZE(columns));
	json_t *out = o->json ? json_array() : NULL;
	const struct knob *const *all;
	size_t n, hits = 0;
	int err = t || out ? 0 : -ENOMEM;

	all = knob_all(&n);
	for (size_t i = 0; !err && i < n; i++)
		if (!strncmp(all[i]->name, prefix, strlen(prefix))) {
			err = list_knob(s, all[i], t, out);
			hits++;
		}
	if (!err && !hits)
		err = diag_set(d, -EINVAL, "no knob's name begins with \"%s\"", prefix);
	else if (err)
		diag_errno(d, err, "list");
	if (!err && t)
		err = table_print(t, stdout);
	table_free(t);
	if (err || !out)
		json_decref(out);
	else
		cli_print_json(out);
	return err;
}

static int get(struct sys *s, const struct options *o, const char *what, struct diag *d)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	const struct knob *k;
	const char *instance;
	int err = value ? knob_parse_name(what, &k, &instance, d) : -ENOMEM;

	if (!err)
		err = knob_get(s, k, instance, value, d);
	if (err)
		return err;
	if (o->json)
		cli_print_json(json_pack("{s:s, s:s, s:s, s:s}", "knob", k->name, "instance",
					 instance, "value", value, "unit", k->unit));
	else
		puts(value);
	return 0;
}

int cmd_knob(int argc, char **argv)
{
	struct options o = {0};
	struct diag d = {""};
	struct sys *s = NULL;
	int first, err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);
	const char *verb = err || first >= argc ? "" : argv[first],
		   *what = err || first + 1 >= argc ? NULL : argv[first + 1];

	if (err == 1)
		return cli_help("knob", table, ARRAY_SIZE(table), more);
	if (!err) {
		err = sys_open(o.root, &s);
		if (err)
			diag_errno(&d, err, "%s", o.root ? o.root : "/");
	}
	if (!err && first + 2 < argc)
		err = diag_set(&d, -EINVAL, "\"%s\": one argument is expected", argv[first + 2]);
	if (!err && !strcmp(verb, "list"))
		err = list(s, &o, what ? what : "", &d);
	else if (!err && !strcmp(verb, "get") && what)
		err = get(s, &o, what, &d);
	else if (!err)
		err = diag_set(&d, -EINVAL,
			       "\"list [PREFIX]\" or \"get KNOB[:INSTANCE]\" is expected");
	sys_close(s);
	return err ? cli_fail("knob", EXIT_USAGE, &d) : EXIT_OK;
}
