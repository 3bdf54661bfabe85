/* SPDX-License-Identifier: Apache-2.0 */
/* What `plan` and `run` share: options, modes, experiment, machine, target, plan. */
#pragma once
#include "base/opt.h"
#include "trial/plan.h"

struct diag;

struct setup_options {
	const char *target, *peer, *scratch, *output, *write_id, *resume;
	const char *prepare;   /* NULL: as the file says */
	const char *programs;  /* directory of the loops; NULL: beside iomodes */
	struct opt_strs modes; /* only these, of the experiment's */
	const char *precision; /* "2%"; NULL: as the file says */
	uint64_t blocks, max_blocks, ramp_ns, runtime_ns, seed, max_cells,
		max_net_cells; /* UINT64_MAX: as the file says */
	bool aa,	       /* two arms of each row of the baseline: see arms.h */
		ignore_requires, dry_run, json, quiet, no_cpu_left, compare, single_block,
		allow_rebind, trust;
};

/* The rows; `n` of them. Offsets are into struct setup_options. */
const struct opt *setup_option_table(size_t *n);
void setup_defaults(struct setup_options *o);

struct setup {
	struct sys *sys;
	struct modes modes;
	struct mode *arm; /* of --aa: the second arms' rows, n_arms of them */
	size_t n_arms;
	struct machine *machine;
	struct experiment experiment;
	char *experiment_text;
	struct target target;	      /* of block cells, if there are any */
	struct net_target net_target; /* of network cells */
	struct rebind rebind;
	struct knob_session *session; /* open when the target's controller was rebound */
	struct plan plan;
	char results[4096], bin[4096];
};

/* -EINVAL when more than one word is left over. */
int setup_check_words(int argc, char **argv, int first, struct diag *d);
/* Load everything and make the plan. Changes nothing, unless `change`: then two real interfaces of
 * a network target are moved into namespaces, and, where the experiment allows it, the target's
 * controllers stand rebound, answered for by s->session. `name` is a file or a bare name, NULL:
 * "default". Freed by setup_free() in every case. */
int setup_make(const struct setup_options *o, const char *name, bool change, struct setup *s,
	       struct diag *d);
/* Gives a rebound controller and moved interfaces back, if that is still to be done: -EUCLEAN when
 * something could not be. */
int setup_restore(struct setup *s, struct diag *d);
void setup_free(struct setup *s);

/* The options that change the plan, for run.json and --resume. New reference. */
json_t *setup_command_json(const struct setup_options *o);
/* The reverse; strings are borrowed from `command`. */
void setup_from_command(const json_t *command, struct setup_options *o);
