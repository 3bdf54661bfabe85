/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mode is a named row of a file below configs/modes: knob settings, workload options, what it
 * requires of machine and target, and what must be seen for it to count as in force. Adding a row
 * needs no compiler; every shipped file is loaded by a test.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "knob/knob.h"
#include "machine/capability.h"
#include "machine/machine.h"
#include "record/expectation.h"
#include "record/verdict.h"

struct diag;
struct yaml_node;

/* One "name: value" of a file, with its place for messages. */
struct mode_pair {
	char *name, *value;
	unsigned line, col;
};

struct mode_pairs {
	struct mode_pair *item;
	size_t n;
};

/* Options of one workload: the section "ioloop:", "fio:" … of a mode. */
struct mode_options {
	char *workload;
	struct mode_pairs options;
};

/* What a mode is a mode of. Each kind has a name space of its own: both have an `interrupt`. */
enum mode_target { MODE_BLOCK, MODE_NET };
#define MODE_TARGETS 2

struct mode {
	char *name, *doc;
	char *file;
	unsigned line, col;
	enum mode_target target;
	struct mode_pairs requires;	/* capability or knob -> value */
	struct mode_pairs set;		/* knob -> value, in the order of the file */
	struct mode_pairs set_if_there; /* likewise, left out where the target lacks the knob */
	bool any_command; /* its knobs alone make the mode: `with` runs any command under it */
	struct mode_options *options;
	size_t n_options;
	struct condition only[EXPECTATION_CONDITIONS]; /* loads it exists for ("iodepth: 1") */
	size_t n_only;
	struct expectation *expect;
	size_t n_expect;
	enum verdict_grade grade;
};

struct modes {
	struct mode *mode;
	size_t n;
};

/* Load every *.yaml of a directory. Unknown keys, knobs, capabilities and counters are refused with
 * file:line:column and the nearest right word. Freed by modes_free(). */
int modes_load(const char *dir, struct modes *modes, struct diag *d);
/* Load one file's text (tests, fuzzing). */
int modes_load_text(const char *name, const char *text, size_t len, struct modes *modes,
		    struct diag *d);
void modes_free(struct modes *modes);
const struct mode *modes_find(const struct modes *modes, enum mode_target target, const char *name);
/* Of either kind, block first; NULL: no such mode at all. */
const struct mode *modes_find_any(const struct modes *modes, const char *name);
/* Names of the rows of one kind, for hints; borrowed. Returns how many, at most `max`. */
size_t modes_names(const struct modes *modes, enum mode_target target, const char **names,
		   size_t max);
/* "block", "net". */
const char *mode_target_name(enum mode_target target);
int mode_target_parse(const struct yaml_node *node, enum mode_target *target, struct diag *d);

/* The options for `workload`, or NULL when the mode has no such section. */
const struct mode_pairs *mode_options(const struct mode *m, const char *workload);

/* name -> value maps of YAML, shared with experiment/. */
int mode_pairs_load(const struct yaml_node *map, struct mode_pairs *pairs, struct diag *d);
void mode_pairs_free(struct mode_pairs *pairs);
/* Every name a settable knob of this kind of target, else an error with the nearest one. `target`:
 * an enum mode_target, or MODE_ANY for settings of a whole experiment. */
#define MODE_ANY (-1)
int mode_check_knobs(const char *file, const struct mode_pairs *pairs, int target, struct diag *d);

/* Can it run here? */
struct mode_availability {
	bool available;
	bool unknown;	  /* a recording does not hold the answer */
	bool needs_root;  /* the only thing missing is privilege */
	char reason[400]; /* why not: "no poll queues: nvme.poll_queues=0" */
	char remedy[256]; /* what would make it available, or "" */
};

/* A subject without a device: requirements of one are reported as unknown. `euid` as geteuid(). */
void mode_check(const struct mode *m, const struct machine *machine,
		const struct machine_subject *subject, unsigned euid, struct mode_availability *a);

/*
 * The settings of `pairs` on this target, one for each instance (every path of a multipath disk;
 * every controller; both ends of a network and each of their NAPI instances, unless the name says
 * "KNOB@client" or "KNOB@server"; the host once). The array is appended to with realloc(); the
 * caller frees it.
 */
int mode_settings(const struct mode_pairs *pairs, const struct machine *machine,
		  const struct machine_subject *subject, struct knob_setting **settings, size_t *n,
		  struct diag *d);
/* All that the row sets on this target, as above: `set`, and of `set_if_there` what is there. */
int mode_own_settings(const struct mode *m, const struct machine *machine,
		      const struct machine_subject *subject, struct knob_setting **settings,
		      size_t *n, struct diag *d);
/*
 * Software that hands packets on to other CPUs than their interrupt's (RPS, RFS) would be part of
 * every network mode: where a receive queue of the target has it on, it is switched off. Appended
 * after all other settings; what one of those says of it holds.
 */
int mode_no_steering(const struct machine_subject *subject, struct knob_setting **settings,
		     size_t *n, struct diag *d);
/*
 * A time-out of suspension that somebody left on a NAPI instance (it outlives what makes the
 * instance anew) would make a suspended row of each that polls preferred and defers. It is 0
 * meanwhile; appended and overruled as above.
 */
int mode_no_suspension(const struct machine_subject *subject, struct knob_setting **settings,
		       size_t *n, struct diag *d);
/* The knob that "KNOB" or "KNOB@END" names; NULL: none. *end: "" or "@client", in `name`. */
const struct knob *mode_knob(const char *name, const char **end);
/* Is the knob one of this kind of target? Those of the host and of interrupts are of both. */
bool mode_knob_of(const struct knob *k, enum mode_target target);
