// SPDX-License-Identifier: Apache-2.0
/* iomodes with: set knobs, run any command, put the machine back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/opt.h"
#include "cli.h"
#include "knob/transaction.h"
#include "sys/sys.h"
#include "with_command.h"
#include "with_mode.h"

enum { EXIT_NOT_RESTORED = 124, EXIT_NOT_STARTED = 125, EXIT_SIGNAL = 128 };

struct options {
	struct opt_strs set;
	const char *target, *mode;
};

static const struct opt table[] = {
	{.name = "set",
	 .type = OPT_STRS,
	 .offset = offsetof(struct options, set),
	 .arg = "KNOB[:INSTANCE]=VALUE",
	 .help = "set this while CMD runs; may be repeated, is done in this order"},
	{.name = "target",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, target),
	 .arg = "DEV",
	 .help = "block device that block knobs without instance mean; with --mode, or a file on "
		 "it, or a network interface"},
	{.name = "mode",
	 .type = OPT_STR,
	 .letter = 'm',
	 .offset = offsetof(struct options, mode),
	 .arg = "NAME",
	 .help = "the knobs of this mode, and its options for CMD (ioloop, netloop, fio); ends "
		 "with a "
		 "verdict"},
};

static const char more[] = "Everything changed is journalled before it is written, and put back "
			   "when CMD ends, however it\n"
			   "or iomodes ends. A CPU knob without instance means every CPU. 'iomodes "
			   "knob list' shows what\n"
			   "there is to set. Example:\n\n"
			   "  iomodes with --target loop0 --set block.scheduler=none --set "
			   "cpu.idle=0 -- fio job.fio\n\n"
			   "Exit status: CMD's; 128+N when signal N ended it; 125 when CMD was not "
			   "started (bad option, a\n"
			   "knob that cannot be set, host busy); 124 when the machine did not come "
			   "back as it was: see\n"
			   "'iomodes status'.";

struct settings {
	struct knob_setting *item;
	size_t n;
};

static int settings_add(struct settings *list, const struct knob_setting *one)
{
	struct knob_setting *grown = reallocarray(list->item, list->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->item = grown;
	grown[list->n++] = *one;
	return 0;
}

/* "/dev/disk/by-id/x", "/dev/vda1", "vda" -> "vda" */
static int target_name(const char *target, char *out, size_t size, struct diag *d)
{
	_free_ char *real = realpath(target, NULL), *whole = NULL;
	const char *name = strrchr(real && !strncmp(real, "/dev/", 5) ? real : target, '/');
	char link[320];

	name = name ? name + 1 : target;
	snprintf(link, sizeof(link), "/sys/class/block/%.200s", name);
	whole = realpath(link, NULL);
	if (!whole || strstr(name, ".."))
		return diag_set(d, -ENOENT, "--target %s: no such block device", target);
	snprintf(link, sizeof(link), "%.300s/partition", whole);
	if (!access(link, F_OK)) { /* knobs belong to the disk that the partition is on */
		*strrchr(whole, '/') = '\0';
		name = strrchr(whole, '/') + 1;
	}
	snprintf(out, size, "%s", name);
	return 0;
}

static int parse_one(struct sys *s, const char *text, const char *block, struct settings *list,
		     struct diag *d)
{
	_free_ struct knob_setting *one = calloc(1, sizeof(*one));
	_free_ char **cpus = NULL;
	const struct knob *k;
	const char *instance;
	char name[64];
	int err = one ? 0 : -ENOMEM;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ":="), text);
	k = knob_find(name);
	if (err || !k || k->scope != KNOB_CPU || text[strlen(name)] == ':') {
		if (!err)
			err = knob_parse_setting(text, block, one, d);
		return err ? err : settings_add(list, one);
	}
	err = knob_parse_name(name, &k, &instance, d);
	if (!err)
		err = knob_instances(s, k, &cpus);
	if (!err && !cpus[0])
		return diag_set(d, -ENOENT, "%s: not on this machine", name);
	for (size_t i = 0; !err && cpus[i]; i++) {
		char each[KNOB_VALUE_MAX];

		snprintf(each, sizeof(each), "%s:%s%s", name, cpus[i], text + strlen(name));
		err = knob_parse_setting(each, block, one, d);
		if (!err)
			err = settings_add(list, one);
	}
	return err;
}

static int parse_settings(struct sys *s, const struct options *o, struct settings *list,
			  struct diag *d)
{
	char block[64];
	/* with a mode, the target may be a file: then block knobs in --set name their instance */
	int err = o->target && !o->mode ? target_name(o->target, block, sizeof(block), d) : 0;

	for (size_t i = 0; !err && i < o->set.n; i++)
		err = parse_one(s, o->set.item[i], o->target && !o->mode ? block : NULL, list, d);
	return err;
}

static void say_recovered(const struct knob_session *session)
{
	const json_t *e;
	size_t i;

	json_array_foreach (session_recovered(session), i, e)
		fprintf(stderr, "iomodes with: of an earlier run: %s %s = \"%s\": %s\n",
			jsonio_string(e, "knob", ""), jsonio_string(e, "instance", ""),
			jsonio_string(e, "original", ""), jsonio_string(e, "why", ""));
}

/* Between apply and restore. Returns the exit status; *d is set when it is EXIT_NOT_STARTED. */
static int run_command(struct knob_session *session, char *const *argv, struct diag *d)
{
	struct command_run run = {0};
	int status = 0, err;

	with_command_place(&run);
	/* told before it runs, so that no moment is left in which a SIGKILL of ours frees it; a
	 * guardian that is dead already can be told nothing and end nothing */
	session_set_workload(session, run.cgroup.path, 0);
	err = with_command_start(argv, &run, d);
	if (err) {
		with_command_sweep(&run, session_guardian_pid(session));
		return EXIT_NOT_STARTED;
	}
	session_set_workload(session, run.cgroup.path, run.pid);
	err = with_command_wait(&run, &status);
	with_command_sweep(&run, session_guardian_pid(session));
	session_set_workload(session, "", 0);
	if (err) {
		diag_errno(d, err, "waiting for %s", argv[0]);
		return EXIT_NOT_STARTED;
	}
	return WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_with(struct sys *s, const struct settings *list, struct with_mode *mode,
		    char *const *argv, struct diag *d)
{
	struct session_options o = {.what = "with", .copy_fd = -1, .guardian = true};
	struct knob_session *session;
	struct diag rest = {""};
	char what[256];
	int status = EXIT_NOT_STARTED, err;

	snprintf(what, sizeof(what), "with %s", argv[0]);
	o.what = what;
	err = session_open(s, &o, &session, d);
	if (err)
		return EXIT_NOT_STARTED;
	say_recovered(session);
	err = session_apply(session, list->item, list->n, d);
	if (!err && mode->mode)
		err = with_mode_begin(mode, d);
	if (!err)
		status = run_command(session, mode->mode ? mode->argv : argv, d);
	if (mode->mode && status != EXIT_NOT_STARTED)
		with_mode_end(mode, status);
	err = session_close(session, &rest);
	if (!err)
		return status;
	if (*d->text)
		cli_fail("with", 0, d);
	*d = rest;
	return EXIT_NOT_RESTORED;
}

int cmd_with(int argc, char **argv)
{
	struct options o = {0};
	struct diag d = {""};
	struct settings list = {0};
	struct with_mode mode = {0};
	struct sys *s = NULL;
	int status = EXIT_NOT_STARTED, first,
	    err = opt_parse(table, ARRAY_SIZE(table), &o, true, argc, argv, &first, &d);

	if (err == 1)
		return cli_help("with", table, ARRAY_SIZE(table), more);
	if (!err && first >= argc)
		err = diag_set(&d, -EINVAL, "no command; \"-- CMD [ARG...]\" is expected");
	if (!err)
		err = sys_open(NULL, &s);
	if (!err && o.mode)
		err = with_mode_open(&mode, s, o.mode, o.target, argv + first, &list.item, &list.n,
				     &d);
	if (!err)
		err = parse_settings(s, &o, &list, &d);
	if (!err) {
		with_command_prepare();
		status = run_with(s, &list, &mode, argv + first, &d);
	}
	with_mode_close(&mode);
	free(list.item);
	sys_close(s);
	if (*d.text)
		cli_fail("with", 0, &d);
	return status;
}
