// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analysis/history.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "base/suggest.h"
#include "cli.h"
#include "history_file.h"

struct options {
	const char *db, *version, *experiment, *run, *who, *why, *withdraw;
	bool older, json, noise, environment, incomplete;
};

#define AT(field) offsetof(struct options, field)
static const struct opt table[] = {
	{"db", NULL, OPT_STR, 0, AT(db), .arg = "FILE",
	 .help = "the history (default: $IOMODES_HISTORY or ./iomodes-history.sqlite)"},
	{"version", NULL, OPT_STR, 0, AT(version), .arg = "LABEL",
	 .help = "add: what is under test: your own words, or @ and what the run tells, joined by "
		 "+: "
		 "kernel, firmware, ioloop, fio, iperf3, iomodes (default: @kernel+ioloop)"},
	{"older", NULL, OPT_BOOL, 0, AT(older),
	 .help = "add: also a run from before the newest one"},
	{"experiment", NULL, OPT_STR, 0, AT(experiment), .arg = "NAME",
	 .help = "list, show: only of this experiment"},
	{"run", NULL, OPT_STR, 0, AT(run), .arg = "RUN",
	 .help = "accept, note: from this run on, or about it; a beginning of its name will do"},
	{"noise", NULL, OPT_BOOL, 0, AT(noise),
	 .help = "accept: this run is noise, nothing is judged by it"},
	{"environment", NULL, OPT_BOOL, 0, AT(environment),
	 .help = "accept: from this run on the machine is meant to be another"},
	{"who", NULL, OPT_STR, 0, AT(who), .arg = "NAME", .help = "who says so (default: you)"},
	{"why", NULL, OPT_STR, 0, AT(why), .arg = "TEXT", .help = "the reason; needed"},
	{"withdraw", NULL, OPT_STR, 0, AT(withdraw), .arg = "ID",
	 .help = "note: takes a mark back; both stay in the history"},
	{"incomplete", NULL, OPT_BOOL, 0, AT(incomplete),
	 .help = "rebuild: although known runs are not to be found"},
	{"json", NULL, OPT_BOOL, 0, AT(json), .help = "list, show: print JSON"},
};

typedef int (*action)(struct history *h, const struct options *o, int n, char **words,
		      struct diag *d);

static int add(struct history *h, const struct options *o, int n, char **words, struct diag *d)
{
	struct history_add_options how = {.version = o->version, .older = o->older};

	for (int i = 0; i < n; i++) {
		struct history_added added;
		int err = history_add(h, words[i], &how, &added, d);

		if (err)
			return err;
		printf("%s: %zu trials added, %zu known", added.run, added.trials, added.known);
		if (added.missing)
			printf(", %zu planned cells without a result", added.missing);
		putchar('\n');
		fflush(stdout);
	}
	return 0;
}

static int list(struct history *h, const struct options *o, int n, char **words, struct diag *d)
{
	_json_ json_t *runs = NULL;
	const json_t *run;
	size_t i;
	int err = history_runs(h, o->experiment, NULL, &runs, d);

	if (err)
		return err;
	if (o->json)
		return cli_print_json(json_incref(runs));
	json_array_foreach (runs, i, run) {
		const json_t *mark;
		size_t k;

		printf("%.19s  %-34s %-16s %-28s %4.0f trials%s%s\n",
		       jsonio_string(run, "started", "?"), jsonio_string(run, "run", "?"),
		       jsonio_string(run, "experiment", "?"), jsonio_string(run, "version", "?"),
		       jsonio_number(run, "trials"),
		       json_array_size(json_object_get(run, "missing")) ? ", cells missing" : "",
		       json_object_get(run, "test_delay_ns") ? ", SLOWED DOWN ON PURPOSE" : "");
		json_array_foreach (json_object_get(run, "marks"), k, mark)
			printf("    %s %s%s by %s at %s: %s\n", jsonio_string(mark, "id", "?"),
			       jsonio_string(mark, "kind", "?"),
			       json_object_get(mark, "withdrawn") ? " (withdrawn)" : "",
			       jsonio_string(mark, "who", "?"), jsonio_string(mark, "at", "?"),
			       jsonio_string(mark, "why", "?"));
	}
	return 0;
}

static int show(struct history *h, const struct options *o, int n, char **words, struct diag *d)
{
	_json_ json_t *series = NULL;
	const json_t *one, *point;
	size_t i, k;
	int err = history_series(h, o->experiment, NULL, n ? words[0] : NULL, &series, d);

	if (err)
		return err;
	if (o->json)
		return cli_print_json(json_incref(series));
	json_array_foreach (series, i, one) {
		printf("%s: %s of %s%s\n", jsonio_string(one, "experiment", "?"),
		       jsonio_string(one, "metric", "?"), jsonio_string(one, "cell", "?"),
		       json_is_true(json_object_get(one, "judged")) ? "" : " (not judged)");
		json_array_foreach (json_object_get(one, "points"), k, point) {
			printf("  %.19s  %-28s %14.6g", jsonio_string(point, "started", "?"),
			       jsonio_string(point, "version", "?"), jsonio_number(point, "value"));
			if (json_object_get(point, "low"))
				printf("  %.6g to %.6g", jsonio_number(point, "low"),
				       jsonio_number(point, "high"));
			printf("  n=%.0f\n", jsonio_number(point, "n"));
		}
	}
	if (!json_array_size(series))
		return diag_set(d, -ENOENT, "no series%s%s", n ? " matches " : "",
				n ? words[0] : "");
	return 0;
}

static int mark(struct history *h, const struct options *o, const char *kind, const char *match,
		struct diag *d)
{
	char id[HISTORY_MARK_ID], why[1200];
	int err;

	if (!o->why)
		return diag_set(d, -EINVAL, "a mark needs its reason: --why TEXT");
	snprintf(why, sizeof(why), "%.40s%s%.1000s", o->withdraw ?: "", o->withdraw ? ": " : "",
		 o->why);
	err = history_mark(h, kind, match, o->run, history_who(o->who), why, id, d);
	if (!err)
		printf("%s %s by %s\n", kind, id, history_who(o->who));
	return err;
}

static int accept_level(struct history *h, const struct options *o, int n, char **words,
			struct diag *d)
{
	if (!o->run)
		return diag_set(d, -EINVAL, "from which run on? --run RUN");
	return mark(h, o,
		    o->noise	     ? "noise"
		    : o->environment ? "environment"
				     : "accept",
		    n ? words[0] : "", d);
}

static int note(struct history *h, const struct options *o, int n, char **words, struct diag *d)
{
	_json_ json_t *marks = NULL;
	const json_t *one;
	size_t i;
	int err;

	if (!o->withdraw)
		return mark(h, o, "note", n ? words[0] : "", d);
	err = history_marks(h, &marks, d);
	if (err)
		return err;
	json_array_foreach (marks, i, one)
		if (!strcmp(jsonio_string(one, "id", ""), o->withdraw))
			return mark(h, o, "withdraw", "", d);
	return diag_set(d, -ENOENT, "no mark \"%s\"; 'iomodes history list' shows them",
			o->withdraw);
}

static const struct {
	const char *name;
	action run;
	bool creates, reads_runs;
} actions[] = {
	{"add", add, true, true},     {"list", list, false, false},
	{"show", show, false, false}, {"accept", accept_level, false, false},
	{"note", note, false, false}, {"rebuild", NULL, true, false},
};

static int perform(const struct options *o, size_t which, int n, char **words, struct diag *d)
{
	struct history_rebuilt rebuilt;
	struct history *h = NULL;
	int err;

	if (actions[which].reads_runs && !n)
		return diag_set(d, -EINVAL, "one run directory or more, please");
	if (!actions[which].run) {
		err = history_rebuild(history_file(o->db), (const char *const *)words, (size_t)n,
				      o->incomplete, &rebuilt, d);
		if (!err)
			printf("%s: %zu trials of %zu runs; the old file is kept beside it\n",
			       history_file(o->db), rebuilt.trials, rebuilt.runs);
		return err;
	}
	err = history_open(history_file(o->db), actions[which].creates, &h, d);
	if (err)
		return err;
	err = actions[which].run(h, o, n, words, d);
	history_close(h);
	return err;
}

int cmd_history(int argc, char **argv)
{
	const char *names[ARRAY_SIZE(actions)];
	struct options o = {0};
	struct diag d = {""};
	char hint[64];
	int first, err = opt_parse(table, ARRAY_SIZE(table), &o, false, argc, argv, &first, &d);

	if (err > 0)
		return cli_help(
			argv[0], table, ARRAY_SIZE(table),
			"add RUN...       takes runs in, by trial id; the same run twice "
			"is no harm\n"
			"list             the runs and what was said of them\n"
			"show [TEXT]      the points of the series whose CELL/METRIC "
			"contains TEXT\n"
			"accept [TEXT]    the level since --run is the new one\n"
			"note [TEXT]      a remark\n"
			"rebuild [RUN...] a new file from the run directories, those that it "
			"knows and those given;\n                 the old one is kept\n"
			"Nothing is ever deleted. Marks are in FILE.marks.jsonl, too, labels "
			"of runs in FILE.runs.jsonl.");
	if (err || first == argc) {
		if (!err)
			diag_set(&d, 0, "what? add, list, show, accept, note or rebuild");
		return cli_fail(argv[0], EXIT_USAGE, &d);
	}
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		names[i] = actions[i].name;
		if (strcmp(argv[first], names[i]))
			continue;
		err = perform(&o, i, argc - first - 1, argv + first + 1, &d);
		return !err ? EXIT_OK
			    : cli_fail(argv[0],
				       err == -EBADMSG || err == -EPROTONOSUPPORT ? EXIT_INVALID
				       : err == -EBUSY				  ? EXIT_BUSY
										  : EXIT_USAGE,
				       &d);
	}
	diag_set(&d, 0, "unknown action \"%s\"%s", argv[first],
		 suggest_text(argv[first], names, ARRAY_SIZE(names), hint, sizeof(hint)));
	return cli_fail(argv[0], EXIT_USAGE, &d);
}
