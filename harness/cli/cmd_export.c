// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analysis/export/export.h"
#include "analysis/history.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "cli.h"
#include "history_file.h"
#include "nightly_print.h"

struct options {
	const char *db, *output, *match;
};

static const struct opt table[] = {
	{.name = "output",
	 .letter = 'o',
	 .type = OPT_STR,
	 .offset = offsetof(struct options, output),
	 .arg = "FILE",
	 .help = "write to FILE, whole or not at all (default: standard output)"},
	{.name = "db",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, db),
	 .arg = "FILE",
	 .help = "the history (default: $IOMODES_HISTORY or ./iomodes-history.sqlite)"},
	{.name = "match",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, match),
	 .arg = "TEXT",
	 .help = "of a history: only series whose CELL/METRIC contains TEXT"},
};

/* The history of one machine: the one of the newest run, as two do not belong in one series. */
static int read_history(const struct options *o, const char *experiment, json_t **input,
			struct diag *d)
{
	struct history *h = NULL;
	_json_ json_t *runs = NULL;
	int err = history_open(history_file(o->db), false, &h, d);

	if (err)
		return err;
	err = history_runs(h, experiment, NULL, &runs, d);
	if (!err && !json_array_size(runs))
		err = diag_set(d, -ENOENT, "the history has no run of experiment \"%s\"",
			       experiment);
	if (!err)
		err = history_series(h, experiment,
				     jsonio_string(json_array_get(runs, json_array_size(runs) - 1),
						   "identity", ""),
				     o->match, input, d);
	history_close(h);
	return err;
}

static int read_input(const struct exporter *e, const struct options *o, int n, char **words,
		      json_t **input, struct diag *d)
{
	static const char *const wanted[] = {
		[EXPORT_TRIALS] = "one run directory or more",
		[EXPORT_HISTORY] = "the name of one experiment",
		[EXPORT_REPORT] = "one report, as 'iomodes nightly --json' prints it",
	};

	if (!n || (n > 1 && e->source != EXPORT_TRIALS))
		return diag_set(d, -EINVAL, "%s takes %s", e->name, wanted[e->source]);
	if (e->source == EXPORT_TRIALS)
		return export_trials((const char *const *)words, (size_t)n, input, d);
	if (e->source == EXPORT_HISTORY)
		return read_history(o, words[0], input, d);
	if (jsonio_read(words[0], input, d))
		return -EINVAL;
	return json_is_array(json_object_get(*input, "series"))
		       ? 0
		       : diag_set(d, -EINVAL, "%s is no report of 'iomodes nightly'", words[0]);
}

int cmd_export(int argc, char **argv)
{
	struct options o = {0};
	struct diag d = {""};
	const struct exporter *all, *e = NULL;
	_json_ json_t *input = NULL;
	size_t n;
	int first, err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);

	all = export_all(&n);
	if (err > 0) {
		cli_help(argv[0], table, ARRAY_SIZE(table), "FORMAT is one of");
		for (size_t i = 0; i < n; i++)
			printf("  %-12s %s\n", all[i].name, all[i].doc);
		return EXIT_OK;
	}
	if (!err && first == argc)
		err = diag_set(&d, -EINVAL, "a format, please; --help lists them");
	if (!err)
		err = export_find(argv[first], &e, &d);
	if (!err)
		err = read_input(e, &o, argc - first - 1, argv + first + 1, &input, &d);
	if (!err && e->source == EXPORT_TRIALS && !json_array_size(input)) {
		diag_set(&d, 0, "no trial was measured in force in %s", argv[first + 1]);
		return cli_fail(argv[0], EXIT_INVALID, &d);
	}
	if (!err)
		err = export_to(e, input, o.output ?: "-", &d);
	return err ? cli_fail(argv[0], EXIT_USAGE, &d) : EXIT_OK;
}
