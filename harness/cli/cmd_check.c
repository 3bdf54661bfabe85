// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "analysis/check.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "cli.h"

struct options {
	bool json;
};

static const struct opt table[] = {
	{.name = "json",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, json),
	 .help = "print JSON"},
};

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
	json_array_foreach (json_object_get(report, "left_out"), i, one)
		printf("left out   trials.jsonl:%.0f %s: %s\n", jsonio_number(one, "line"),
		       jsonio_string(one, "trial", ""), jsonio_string(one, "reason", ""));
	json_array_foreach (json_object_get(report, "differences"), i, one)
		printf("differs    %s: %s: recorded %s, again %s\n",
		       jsonio_string(one, "trial", "?"), jsonio_string(one, "what", "?"),
		       jsonio_string(one, "recorded", "?"), jsonio_string(one, "again", "?"));
	if (!json_array_size(json_object_get(report, "differences")))
		puts("every check and verdict comes out as recorded");
}

int cmd_check(int argc, char **argv)
{
	struct options o = {0};
	_json_ json_t *report = NULL;
	struct diag d = {""};
	int first, err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);

	if (err == 1)
		return cli_help(argv[0], table, ARRAY_SIZE(table),
				"Exit status: 0 when all comes out as recorded and nothing had to "
				"be left out, else 4. A check\nthat fails now as it did then is "
				"no difference: it is listed as 'fails'.");
	if (!err && first + 1 != argc)
		err = diag_set(&d, -EINVAL, "one run directory, please");
	if (err)
		return cli_fail(argv[0], EXIT_USAGE, &d);
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
