// SPDX-License-Identifier: Apache-2.0
#include "arms.h"
#include "setup.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/suggest.h"
#include "knob/transaction.h"
#include "paths.h"
#include "sys/sys.h"

#define AT(member) .offset = offsetof(struct setup_options, member)

static const char *const levels[] = {"none", "fill", "pts", NULL};

static const struct opt table[] = {
	{"target", NULL, OPT_STR, 't', AT(target), .arg = "PATH|IFNAME",
	 .help = "only cells of this target: a device, a file or \"scratch\"; \"veth\", \"lo\" or "
		 "an interface (default: as the experiment says)"},
	{"peer", NULL, OPT_STR, 0, AT(peer), .arg = "IFNAME",
	 .help = "the interface that the network target is cabled to"},
	{"scratch", NULL, OPT_STR, 0, AT(scratch), .arg = "DIR",
	 .help = "directory for the scratch file (default: beside the results)"},
	{"output", NULL, OPT_STR, 'o', AT(output), .arg = "DIR",
	 .help = "directory that the run's own directory is made in"},
	{"mode", NULL, OPT_STRS, 'm', AT(modes), .arg = "NAME",
	 .help = "only this mode of the experiment; may be repeated"},
	{"blocks", NULL, OPT_U64, 0, AT(blocks), EXPERIMENT_BLOCKS_MIN, EXPERIMENT_BLOCKS_MAX,
	 .arg = "N", .help = "blocks, 6 to 30: every cell once in each, in random order"},
	{"max-blocks", NULL, OPT_U64, 0, AT(max_blocks), EXPERIMENT_BLOCKS_MIN,
	 EXPERIMENT_BLOCKS_MAX, .arg = "N",
	 .help = "go on up to N blocks until the declared metrics are precise: looks after 10, 15, "
		 "20 and N blocks"},
	{"precision", NULL, OPT_STR, 0, AT(precision), .arg = "PERCENT",
	 .help = "what is precise: half the width of the 95 % interval (default: as the experiment "
		 "says, else each metric's margin)"},
	{"runtime", NULL, OPT_NS, 0, AT(runtime_ns), 100000000, 0, .arg = "TIME",
	 .help = "measured time of a trial (10s, 500ms)"},
	{"ramp-time", "ramp", OPT_NS, 0, AT(ramp_ns), 0, 0, .arg = "TIME",
	 .help = "time before it that is not measured"},
	{"seed", NULL, OPT_U64, 0, AT(seed), 1, INT64_MAX, .arg = "N",
	 .help = "of the random order and offsets (default: drawn and recorded)"},
	{"max-cells", NULL, OPT_U64, 0, AT(max_cells), 0, 0, .arg = "N",
	 .help = "most cells to run, 0: all (the last of the file are left out)"},
	{"max-net-cells", NULL, OPT_U64, 0, AT(max_net_cells), 0, 0, .arg = "N",
	 .help = "the same of networks"},
	{"no-cpu-left", NULL, OPT_BOOL, 0, AT(no_cpu_left),
	 .help = "leave out the pass that measures what CPU is left to others"},
	{"write-id", NULL, OPT_STR, 0, AT(write_id), .arg = "ID",
	 .help = "identity (wwid, EUI, NGUID) of a device whose data may be destroyed"},
	{"prepare", NULL, OPT_CHOICE, 0, AT(prepare), .choices = levels, .arg = "LEVEL",
	 .help = "what is done to the target first: none, fill (every byte written once), pts "
		 "(SNIA: twice, then rounds until steady); destroys its data, so it wants "
		 "--write-id (default: as the experiment says)"},
	{"trust", NULL, OPT_BOOL, 0, AT(trust),
	 .help = "run a fio job file with options that are not on the allow list, after showing "
		 "them"},
	{"ignore-requires", NULL, OPT_BOOL, 0, AT(ignore_requires),
	 .help = "run modes whose requirements are not met, to see what silently happens"},
	{"allow-rebind", NULL, OPT_BOOL, 0, AT(allow_rebind),
	 .help = "give an NVMe target that nothing else uses poll queues for the whole run, by "
		 "binding its driver anew"},
	{"resume", NULL, OPT_STR, 0, AT(resume), .arg = "DIR",
	 .help = "run: go on with a run that was cut short"},
	{"compare", NULL, OPT_BOOL, 0, AT(compare), .help = "run: print the comparison at the end"},
	{"programs", NULL, OPT_STR, 0, AT(programs), .arg = "DIR",
	 .help = "take ioloop, netloop and spinner from DIR: the version under test"},
	{"single-block", NULL, OPT_BOOL, 0, AT(single_block),
	 .help = "one block only: a part of an interleaved comparison, no result of its own"},
	{"dry-run", NULL, OPT_BOOL, 'n', AT(dry_run),
	 .help = "run: print the plan, change nothing"},
	{"json", NULL, OPT_BOOL, 0, AT(json), .help = "plan as JSON"},
	{"quiet", NULL, OPT_BOOL, 'q', AT(quiet), .help = "no progress line"},
};

const struct opt *setup_option_table(size_t *n)
{
	*n = ARRAY_SIZE(table);
	return table;
}

void setup_defaults(struct setup_options *o)
{
	*o = (struct setup_options){
		.blocks = UINT64_MAX,
		.max_blocks = UINT64_MAX,
		.ramp_ns = UINT64_MAX,
		.runtime_ns = UINT64_MAX,
		.seed = UINT64_MAX,
		.max_cells = UINT64_MAX,
		.max_net_cells = UINT64_MAX,
	};
}

/* The members that change the plan; one table for both directions. Not among them: --write-id and
 * --trust. Whoever resumes a run that destroys data, or runs commands, says so himself; a file
 * cannot. Nor can it say which programs run: PROGRAMS is recorded, never taken back. */
static const struct {
	const char *name;
	size_t offset;
	enum { TEXT, NUMBER, FLAG, PROGRAMS } kind;
} kept[] = {
	{"target", offsetof(struct setup_options, target), TEXT},
	{"peer", offsetof(struct setup_options, peer), TEXT},
	{"scratch", offsetof(struct setup_options, scratch), TEXT},
	{"prepare", offsetof(struct setup_options, prepare), TEXT},
	{"programs", offsetof(struct setup_options, programs), PROGRAMS},
	{"precision", offsetof(struct setup_options, precision), TEXT},
	{"blocks", offsetof(struct setup_options, blocks), NUMBER},
	{"max_blocks", offsetof(struct setup_options, max_blocks), NUMBER},
	{"ramp_ns", offsetof(struct setup_options, ramp_ns), NUMBER},
	{"runtime_ns", offsetof(struct setup_options, runtime_ns), NUMBER},
	{"max_cells", offsetof(struct setup_options, max_cells), NUMBER},
	{"max_net_cells", offsetof(struct setup_options, max_net_cells), NUMBER},
	{"aa", offsetof(struct setup_options, aa), FLAG},
	{"ignore_requires", offsetof(struct setup_options, ignore_requires), FLAG},
	{"single_block", offsetof(struct setup_options, single_block), FLAG},
	{"allow_rebind", offsetof(struct setup_options, allow_rebind), FLAG},
	{"no_cpu_left", offsetof(struct setup_options, no_cpu_left), FLAG},
};

json_t *setup_command_json(const struct setup_options *o)
{
	json_t *j = json_object(), *modes = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		const char *at = (const char *)o + kept[i].offset;

		if ((kept[i].kind == TEXT || kept[i].kind == PROGRAMS) && *(const char *const *)at)
			json_object_set_new(j, kept[i].name, json_string(*(const char *const *)at));
		else if (kept[i].kind == NUMBER && *(const uint64_t *)at != UINT64_MAX)
			json_object_set_new(j, kept[i].name,
					    json_integer((json_int_t) * (const uint64_t *)at));
		else if (kept[i].kind == FLAG && *(const bool *)at)
			json_object_set_new(j, kept[i].name, json_true());
	}
	for (size_t i = 0; i < o->modes.n; i++)
		json_array_append_new(modes, json_string(o->modes.item[i]));
	json_object_set_new(j, "modes", modes);
	return j;
}

void setup_from_command(const json_t *command, struct setup_options *o)
{
	json_t *modes = json_object_get(command, "modes"), *mode;
	size_t index;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		json_t *value = json_object_get(command, kept[i].name);
		char *at = (char *)o + kept[i].offset;

		if (kept[i].kind == TEXT && json_is_string(value))
			*(const char **)at = json_string_value(value);
		else if (kept[i].kind == NUMBER && json_is_integer(value))
			*(uint64_t *)at = (uint64_t)json_integer_value(value);
		else if (kept[i].kind == FLAG && json_is_true(value))
			*(bool *)at = true;
	}
	json_array_foreach (modes, index, mode) {
		if (json_is_string(mode) && o->modes.n < OPT_STRS_MAX)
			o->modes.item[o->modes.n++] = json_string_value(mode);
	}
}

static bool selected(const struct setup_options *o, const char *mode)
{
	for (size_t i = 0; i < o->modes.n; i++)
		if (!strcmp(o->modes.item[i], mode))
			return true;
	return !o->modes.n;
}

static void keep_cells(struct experiment *e,
		       bool (*keep)(const struct experiment_cell *cell, const void *arg),
		       const void *arg)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n_cells; i++) {
		if (keep(&e->cells[i], arg)) {
			e->cells[n++] = e->cells[i];
			continue;
		}
		experiment_cell_clear(&e->cells[i]);
	}
	e->n_cells = n;
}

static bool keep_selected(const struct experiment_cell *cell, const void *arg)
{
	return selected(arg, cell->mode->name);
}

/* --mode: keep only those cells; a name that matches none is an error. */
static int select_modes(const struct setup_options *o, const struct modes *modes,
			struct experiment *e, struct diag *d)
{
	const char *names[256];
	char hint[160];
	size_t n = 0;

	for (size_t i = 0; i < o->modes.n; i++) {
		bool found = false;

		for (size_t j = 0; j < e->n_cells; j++)
			found |= !strcmp(e->cells[j].mode->name, o->modes.item[i]);
		if (found)
			continue;
		if (modes_find_any(modes, o->modes.item[i]))
			return diag_set(d, -EINVAL, "--mode %s: not in experiment %s",
					o->modes.item[i], e->name);
		for (; n < modes->n && n < ARRAY_SIZE(names); n++)
			names[n] = modes->mode[n].name;
		return diag_set(d, -EINVAL, "--mode: unknown mode \"%s\"%s", o->modes.item[i],
				suggest_text(o->modes.item[i], names, n, hint, sizeof(hint)));
	}
	keep_cells(e, keep_selected, o);
	return 0;
}

static bool keep_kind(const struct experiment_cell *cell, const void *arg)
{
	return cell->load.kind == *(const enum mode_target *)arg;
}

/* --target names what is measured, and so of which kind the cells are. */
static int select_kind(const struct setup_options *o, struct sys *s, struct experiment *e,
		       struct diag *d)
{
	enum mode_target kind = MODE_BLOCK;

	if (o->peer && !o->target && !e->net_target)
		return diag_set(d, -EINVAL, "--peer needs --target: the interface at this end");
	if (!o->target)
		return 0;
	if (net_target_named(s, o->target))
		kind = MODE_NET;
	else if (o->peer)
		return diag_set(d, -EINVAL, "--target %s: no interface of this machine", o->target);
	if (!experiment_has(e, kind))
		return diag_set(d, -EINVAL, "--target %s: experiment %s has no cell for %s",
				o->target, e->name,
				kind == MODE_NET ? "a network" : "a block device");
	keep_cells(e, keep_kind, &kind);
	return 0;
}

/* "--blocks N" is a fixed number, unless "--max-blocks" is given beside it. */
static int override_blocks(const struct setup_options *o, struct experiment *e, struct diag *d)
{
	if (o->blocks != UINT64_MAX)
		e->blocks_min = e->blocks = o->blocks;
	if (o->max_blocks != UINT64_MAX)
		e->blocks = o->max_blocks;
	if (o->single_block)
		e->blocks_min = e->blocks = 1;
	if (e->blocks < e->blocks_min)
		return diag_set(d, -ERANGE,
				"--max-blocks %llu is below the %llu blocks to begin with",
				(unsigned long long)e->blocks, (unsigned long long)e->blocks_min);
	if (o->precision && experiment_precision_parse(o->precision, &e->precision))
		return diag_set(d, -EINVAL,
				"--precision %s: half the width of a 95 %% interval, 0.1%% to 50%%",
				o->precision);
	return 0;
}

static void override(const struct setup_options *o, struct experiment *e)
{
	const struct {
		uint64_t given, *value;
	} numbers[] = {
		{o->ramp_ns, &e->ramp_ns},
		{o->runtime_ns, &e->runtime_ns},
		{o->max_cells, &e->max_cells},
		{o->max_net_cells, &e->max_net_cells},
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].given != UINT64_MAX)
			*numbers[i].value = numbers[i].given;
	if (o->no_cpu_left || o->single_block)
		e->cpu_left = false;
	if (o->prepare)
		experiment_prepare_parse(o->prepare, &e->prepare);
	if (o->allow_rebind)
		e->allow_rebind = true;
}

static int read_text(const char *path, char **text, struct diag *d)
{
	_file_ FILE *f = fopen(path, "re");
	size_t size = 0;

	if (!f)
		return diag_errno(d, -errno, "%s", path);
	return getdelim(text, &size, '\0', f) < 0
		       ? diag_set(d, -EINVAL, "%s: empty or unreadable", path)
		       : 0;
}

static int load_files(const char *name, struct setup *s, struct diag *d)
{
	char config[4096], modes[4200], path[4400];
	int err = paths_config(config, sizeof(config), d);

	if (err)
		return err;
	snprintf(modes, sizeof(modes), "%s/modes", config);
	err = modes_load(modes, &s->modes, d);
	if (!err)
		err = paths_experiment(name, path, sizeof(path), d);
	if (!err)
		err = read_text(path, &s->experiment_text, d);
	if (!err)
		err = experiment_load_text(path, s->experiment_text, strlen(s->experiment_text),
					   &s->modes, &s->experiment, d);
	return err;
}

int setup_check_words(int argc, char **argv, int first, struct diag *d)
{
	return first + 1 < argc ? diag_set(d, -EINVAL, "unexpected \"%s\": one experiment a run",
					   argv[first + 1])
				: 0;
}

static int find_target(const struct setup_options *o, struct setup *s, struct diag *d)
{
	char scratch[4200];
	int err;

	machine_free(s->machine);
	s->machine = NULL;
	snprintf(scratch, sizeof(scratch), "%s", o->scratch ? o->scratch : s->results);
	err = machine_discover(s->sys, &s->machine, d);
	if (err || !experiment_has(&s->experiment, MODE_BLOCK))
		return err;
	return target_resolve(s->machine, o->target ? o->target : s->experiment.target,
			      s->experiment.scratch_bytes, scratch, o->write_id, &s->target, d);
}

/* A veth pair gets as many receive queues as loads ask for. */
static unsigned queues_asked(const struct experiment *e)
{
	int last = 0;

	for (size_t i = 0; i < e->n_cells; i++)
		if (e->cells[i].load.kind == MODE_NET && e->cells[i].load.queue > last)
			last = e->cells[i].load.queue;
	return (unsigned)last + 1;
}

static int find_net_target(const struct setup_options *o, bool move, struct setup *s,
			   struct diag *d)
{
	const struct experiment *e = &s->experiment;
	const char *other = o->peer ? o->peer : o->target ? NULL : e->net_peer;

	if (!experiment_has(e, MODE_NET))
		return 0;
	return net_target_open(s->sys, o->target ? o->target : e->net_target, other, move,
			       queues_asked(e), &s->net_target, d);
}

/* udev makes the links below /dev/disk some time after the device. */
static int find_target_again(const struct setup_options *o, struct setup *s, struct diag *d)
{
	const struct timespec nap = {.tv_nsec = 100000000};
	int err = find_target(o, s, d);

	for (int i = 0; err == -ENOENT && i < 50; i++) {
		nanosleep(&nap, NULL);
		err = find_target(o, s, d);
	}
	return err;
}

/* Poll queues for the whole run. A rebind renumbers interrupts and may rename devices: machine and
 * target are looked at anew. */
static int rebind_target(const struct setup_options *o, bool change, struct setup *s,
			 struct diag *d)
{
	char what[600];
	struct session_options so = {.what = what, .copy_fd = -1, .guardian = true};
	int err;

	if (!s->experiment.allow_rebind || !s->target.disk)
		return 0;
	err = rebind_plan(s->machine, s->target.disk, (unsigned)s->experiment.poll_queues,
			  &s->rebind, d);
	if (err || !s->rebind.n || !change)
		return err ? err : rebind_note(&s->rebind, s->machine, s->target.disk, d);
	snprintf(what, sizeof(what), "run %.500s", s->experiment.file);
	err = session_open(s->sys, &so, &s->session, d);
	if (!err)
		err = rebind_apply(s->session, &s->rebind, d);
	if (!err)
		err = find_target_again(o, s, d);
	if (!err)
		err = rebind_note(&s->rebind, s->machine, s->target.disk, d);
	return err;
}

/* Another build of our loops; each is given as an absolute path, as the run changes directories. */
static int programs_dir(const char *given, char bin[static 4096], struct diag *d)
{
	static const char *const needed[] = {"ioloop", "spinner"};
	_free_ char *real = realpath(given, NULL);

	if (!real)
		return diag_errno(d, -errno, "--programs %s", given);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		char path[4200];

		snprintf(path, sizeof(path), "%.4000s/%s", real, needed[i]);
		if (access(path, X_OK))
			return diag_errno(d, -errno, "--programs %s: %s", given, needed[i]);
	}
	snprintf(bin, 4096, "%.4000s", real);
	return 0;
}

int setup_make(const struct setup_options *o, const char *name, bool change, struct setup *s,
	       struct diag *d)
{
	struct plan_options po = {
		.seed = o->seed == UINT64_MAX ? 0 : o->seed,
		.euid = geteuid(),
		.ignore_requires = o->ignore_requires,
		.trust = o->trust,
		.rebind = &s->rebind,
	};
	int err;

	*s = (struct setup){0};
	err = o->programs ? programs_dir(o->programs, s->bin, d)
			  : paths_bin(s->bin, sizeof(s->bin), d);
	if (!err)
		err = load_files(name ? name : "default", s, d);
	if (!err)
		err = select_modes(o, &s->modes, &s->experiment, d);
	if (!err && o->aa)
		err = arms_make(s, o->modes.n > 0, d);
	if (!err)
		err = override_blocks(o, &s->experiment, d);
	if (err)
		return err;
	override(o, &s->experiment);
	paths_results(s->results, sizeof(s->results));
	if (o->output)
		snprintf(s->results, sizeof(s->results), "%s", o->output);
	err = sys_open(NULL, &s->sys);
	if (err)
		return diag_errno(d, err, "/");
	err = select_kind(o, s->sys, &s->experiment, d);
	if (!err)
		err = find_target(o, s, d);
	/* Before any session: the guardian inherits the namespaces, so that it can reach what is in
	 * them when we are gone. */
	if (!err)
		err = find_net_target(o, change, s, d);
	if (!err)
		err = rebind_target(o, change, s, d);
	if (!err)
		err = plan_make(&s->experiment, s->machine,
				experiment_has(&s->experiment, MODE_BLOCK) ? &s->target : NULL,
				experiment_has(&s->experiment, MODE_NET) ? &s->net_target : NULL,
				&po, &s->plan, d);
	return err;
}

int setup_restore(struct setup *s, struct diag *d)
{
	struct diag rest = {""};
	int err = session_close(s->session, d), moved = net_target_close(&s->net_target, &rest);

	s->session = NULL;
	if (!err && moved && d)
		*d = rest;
	return err ? err : moved;
}

void setup_free(struct setup *s)
{
	setup_restore(s, NULL);
	plan_free(&s->plan);
	experiment_free(&s->experiment);
	free(s->experiment_text);
	machine_free(s->machine);
	sys_close(s->sys);
	arms_free(s);
	modes_free(&s->modes);
}
