// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analysis/bundle/bundle.h"
#include "analysis/check.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "bundle_common.h"
#include "cli.h"

struct options {
	bool json, list;
	uint64_t max_size;
};

static const struct opt table[] = {
	{.name = "json",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, json),
	 .help = "print JSON"},
	{.name = "list",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, list),
	 .help = "every check: why it is made, and what it spoils; takes no run"},
	{.name = "max-size",
	 .type = OPT_BYTES,
	 .offset = offsetof(struct options, max_size),
	 .min = 1,
	 .arg = "BYTES",
	 .help = "of a bundle: refuse to unpack more than this (default 8 GiB)"},
};

/* Why a check is made, and what of a trial that fails it is not used. */
static void print_check(const struct check *c)
{
	printf("%s: %s; spoils ", c->id, c->reason);
	if (!strcmp(*c->spoils, "*"))
		printf("the trial");
	for (const char *const *s = c->spoils; *s && strcmp(*c->spoils, "*"); s++)
		printf("%s%s", s == c->spoils ? "" : ", ", *s);
	putchar('\n');
}

static int list(bool json)
{
	size_t n;
	const struct check *all = check_all(&n);
	json_t *out;

	if (!json) {
		for (size_t i = 0; i < n; i++)
			print_check(&all[i]);
		return EXIT_OK;
	}
	out = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *spoils = json_array();

		for (const char *const *s = all[i].spoils; *s; s++)
			json_array_append_new(spoils, json_string(*s));
		json_array_append_new(out, json_pack("{s:s, s:s, s:o}", "id", all[i].id, "reason",
						     all[i].reason, "spoils", spoils));
	}
	return cli_print_json(out);
}

/* Once for each check that fails somewhere. */
static void print_reasons(const json_t *failing)
{
	size_t n, i;
	const struct check *all = check_all(&n);
	const json_t *one;

	for (size_t c = 0; c < n; c++) {
		bool fails = false;

		json_array_foreach (failing, i, one)
			fails |= !strcmp(jsonio_string(one, "check", ""), all[c].id);
		if (!fails)
			continue;
		fputs("why        ", stdout);
		print_check(&all[c]);
	}
}

static void print(const json_t *report)
{
	const json_t *one;
	size_t i, n;

	check_all(&n);
	printf("run %s: %.0f trials, %zu checks and the verdict made again\n",
	       jsonio_string(report, "run", "?"), jsonio_number(report, "trials"), n);
	json_array_foreach (json_object_get(report, "failing"), i, one)
		printf("fails      %s (%s): %s: %s\n", jsonio_string(one, "trial", "?"),
		       jsonio_string(one, "cell", "?"), jsonio_string(one, "check", "?"),
		       jsonio_string(one, "sentence", ""));
	print_reasons(json_object_get(report, "failing"));
	json_array_foreach (json_object_get(report, "left_out"), i, one)
		printf("left out   trials.jsonl:%.0f %s: %s\n", jsonio_number(one, "line"),
		       jsonio_string(one, "trial", ""), jsonio_string(one, "reason", ""));
	if (json_object_get(report, "rotated"))
		printf("rotated    %.0f raw outputs: packed or removed since, see removed.log; "
		       "nothing else was\n",
		       jsonio_number(report, "rotated"));
	json_array_foreach (json_object_get(report, "differences"), i, one)
		printf("differs    %s: %s: recorded %s, again %s\n",
		       jsonio_string(one, "trial", "?"), jsonio_string(one, "what", "?"),
		       jsonio_string(one, "recorded", "?"), jsonio_string(one, "again", "?"));
	if (jsonio_string(report, "unverified", NULL))
		printf("unverified %s\n", jsonio_string(report, "unverified", ""));
	if (!json_array_size(json_object_get(report, "differences")) &&
	    !json_array_size(json_object_get(report, "left_out")) &&
	    jsonio_number(report, "trials") > 0)
		puts("every check and verdict comes out as recorded");
}

static void print_bundle(const json_t *report)
{
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach (json_object_get(report, "runs"), i, one) {
		printf("run        %s: %.0f trials\n", jsonio_string(one, "run", "?"),
		       jsonio_number(one, "trials"));
		n += json_array_size(json_object_get(one, "failing"));
	}
	if (n)
		printf("fails      %zu checks, as they did when the runs were made\n", n);
	json_array_foreach (json_object_get(report, "notes"), i, one)
		printf("note       %s\n", json_string_value(one));
	bundle_print_differences(report, SIZE_MAX);
	if (!json_array_size(json_object_get(report, "differences")))
		printf("every digest, table, claim and verdict comes out as recorded: %.0f claims, "
		       "under %s, packed by %s\n",
		       jsonio_number(report, "claims"), jsonio_string(report, "licence", "?"),
		       jsonio_string(report, "made_by", "?"));
}

static int check_bundle(const char *path, const struct options *o)
{
	_json_ json_t *report = NULL;
	struct bundle b;
	struct diag d = {""};
	int status, err = bundle_open_within(path, o->max_size, &b, &d);

	if (!err)
		err = bundle_check_here(&b, &report, &d);
	if (err) {
		bundle_end(&b);
		return cli_fail("check", bundle_status(err), &d);
	}
	if (o->json)
		cli_print_json(json_incref(report));
	else
		print_bundle(report);
	status = json_array_size(json_object_get(report, "differences")) ? EXIT_INVALID : EXIT_OK;
	bundle_end(&b);
	return status;
}

int cmd_check(int argc, char **argv)
{
	struct options o = {0};
	_json_ json_t *report = NULL;
	struct diag d = {""};
	int first, err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);

	if (err == 1)
		return cli_help(argv[0], table, ARRAY_SIZE(table),
				"RUN is a run's directory. BUNDLE is an archive made by 'iomodes "
				"bundle', or the directory it was unpacked\ninto: its digests, "
				"schema, order, tables and claims are made again, too, and nothing "
				"in it is executed.\nExit status: 0 when all comes out as recorded "
				"and nothing had to "
				"be left out, else 4. A check\nthat fails now as it did then is "
				"no difference: it is listed as 'fails'. A complete run without "
				"its\nSHA256SUMS cannot be verified, which is one.");
	if (!err && o.list && first == argc)
		return list(o.json);
	if (!err && first + 1 != argc)
		err = diag_set(&d, -EINVAL, "one run directory or bundle, please");
	if (err)
		return cli_fail(argv[0], EXIT_USAGE, &d);
	if (bundle_is(argv[first]))
		return check_bundle(argv[first], &o);
	err = check_run(argv[first], &report, &d);
	if (err == -EPROTONOSUPPORT)
		return cli_fail(argv[0], EXIT_INVALID, &d);
	if (err)
		return cli_fail(argv[0], EXIT_USAGE, &d);
	if (o.json)
		cli_print_json(json_incref(report));
	else
		print(report);
	if (jsonio_number(report, "trials") == 0) {
		diag_set(&d, 0, "no trial in %s", argv[first]);
		return cli_fail(argv[0], EXIT_INVALID, &d);
	}
	return json_array_size(json_object_get(report, "differences")) ||
			       json_array_size(json_object_get(report, "left_out"))
		       ? EXIT_INVALID
		       : EXIT_OK;
}
