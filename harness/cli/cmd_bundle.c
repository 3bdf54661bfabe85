// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "analysis/bundle/bundle.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "bundle_common.h"
#include "cli.h"
#include "history_file.h"

struct options {
	const char *output, *licence, *salt;
	struct opt_strs words;
	bool no_redact, json;
};

#define AT(member) .offset = offsetof(struct options, member)
static const struct opt table[] = {
	{"output", NULL, OPT_STR, 'o', AT(output), .arg = "FILE",
	 .help = "the archive to make; .tar.zst, .tar.gz or .tar (default: the first run's "
		 "name.tar.zst)"},
	{"license", "licence", OPT_STR, 0, AT(licence), .arg = "ID|FILE",
	 .help = "what others may do with the data: CC-BY-4.0 (default), CC-BY-SA-4.0, CC0-1.0, "
		 "ODC-By-1.0, ODbL-1.0, Apache-2.0, or a file with the text"},
	{"no-redact", NULL, OPT_BOOL, 0, AT(no_redact),
	 .help = "keep host and user names, serial numbers, MAC and IP addresses, UUIDs, home "
		 "directories and cgroups: the same runs then give the same bytes"},
	{"redact", NULL, OPT_STRS, 0, AT(words), .arg = "WORD",
	 .help = "replace WORD, too, wherever it stands; may be repeated"},
	{"salt", NULL, OPT_STR, 0, AT(salt), .arg = "TEXT",
	 .help = "tokens under TEXT instead of a random salt, for tests: whoever knows it can try "
		 "names"},
	{"json", NULL, OPT_BOOL, 0, AT(json), .help = "print what was done as JSON"},
};

static void print(const json_t *report)
{
	const json_t *redaction = json_object_get(report, "redaction");
	json_t *count;
	const char *kind, *separator = "";

	printf("%s: %zu runs, %.0f claims, under %s\nReplaced: ",
	       jsonio_string(report, "file", "?"), json_array_size(json_object_get(report, "runs")),
	       jsonio_number(report, "claims"), jsonio_string(report, "licence", "?"));
	json_object_foreach (json_object_get(redaction, "replaced"), kind, count) {
		printf("%s%.0f %s", separator, json_number_value(count), kind);
		separator = ", ";
	}
	printf("%s.%s\n", *separator ? "" : "nothing",
	       json_is_null(redaction) ? ""
				       : " Read the archive before you give it away: what has no "
					 "known form, such as "
					 "the name of\na project in a path, is not found (--redact "
					 "WORD replaces it).");
	printf("Sign it with a tool that you trust, for instance: minisign -Sm %s\n",
	       jsonio_string(report, "file", "?"));
}

static int default_output(const char *run, char *out, size_t size, struct diag *d)
{
	_json_ json_t *json = NULL;
	char path[4200];
	int err;

	snprintf(path, sizeof(path), "%.4000s/run.json", run);
	err = jsonio_read(path, &json, d);
	if (!err)
		snprintf(out, size, "%.300s.tar.zst", jsonio_string(json, "run", "bundle"));
	return err;
}

int cmd_bundle(int argc, char **argv)
{
	struct options o = {0};
	struct bundle_options how;
	struct utsname host;
	_json_ json_t *report = NULL;
	char output[400], made_by[200];
	struct diag d = {""};
	int first, err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);

	if (err == 1)
		return cli_help(
			argv[0], table, ARRAY_SIZE(table),
			"RUN is the directory of a run that ended and that 'iomodes check' finds "
			"nothing wrong with.\nWhat identifies machine and owner is replaced by "
			"tokens under a random salt that is not kept,\nin raw outputs and kernel "
			"log lines, too; the same value has the same token throughout.\nTwo "
			"bundles "
			"of the same runs are equal byte for byte with --no-redact or --salt.\n"
			"'iomodes check FILE' checks the archive, 'iomodes reproduce FILE' repeats "
			"it.");
	if (!err && first == argc)
		err = diag_set(&d, -EINVAL, "one run directory or more, please");
	if (!err && o.no_redact && (o.words.n || o.salt))
		err = diag_set(&d, -EINVAL, "--no-redact replaces nothing: leave out --%s",
			       o.salt ? "salt" : "redact");
	if (!err && o.salt && (!*o.salt || strlen(o.salt) > 64))
		err = diag_set(&d, -EINVAL, "--salt: 1 to 64 letters");
	if (!err && !o.output) {
		err = default_output(argv[first], output, sizeof(output), &d);
		o.output = output;
	}
	if (err)
		return cli_fail(argv[0], EXIT_USAGE, &d);
	how = (struct bundle_options){.licence = o.licence,
				      .redact = !o.no_redact,
				      .salt = o.salt,
				      .word = o.words.item,
				      .n_words = o.words.n,
				      .host = uname(&host) ? NULL : host.nodename,
				      .user = history_who(NULL),
				      .made_by = bundle_made_by(made_by, sizeof(made_by))};
	err = bundle_make((const char *const *)argv + first, (size_t)(argc - first), o.output, &how,
			  &report, &d);
	if (err)
		return cli_fail(argv[0], EXIT_USAGE, &d);
	if (o.json)
		cli_print_json(json_incref(report));
	else
		print(report);
	return EXIT_OK;
}
