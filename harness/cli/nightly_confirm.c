// SPDX-License-Identifier: Apache-2.0
#include "nightly_confirm.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/cells.h"
#include "analysis/compare_groups.h"
#include "analysis/history.h"
#include "analysis/nightly.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/rng.h"
#include "cli.h"

#define WORDS_MAX 96

void nightly_name(struct nightly_runner *r)
{
	const char *slash = strrchr(r->experiment, '/'), *base = slash ? slash + 1 : r->experiment;
	char *dot;

	snprintf(r->name, sizeof(r->name), "%s", base);
	dot = strrchr(r->name, '.');
	if (dot && !strcmp(dot, ".yaml"))
		*dot = '\0';
}

/* The command line of one run, into `words`; numbers live in `text`. */
static void command(const struct nightly_runner *r, const struct nightly_arm *arm,
		    const char *words[static WORDS_MAX], char text[2][24])
{
	const char *programs = arm && arm->programs ? arm->programs : r->programs;
	size_t n = 0;

	words[n++] = "iomodes";
	words[n++] = "run";
	words[n++] = r->experiment;
	words[n++] = "--quiet";
	if (r->output) {
		words[n++] = "--output";
		words[n++] = r->output;
	}
	for (size_t i = 0; i < r->n_extra && n < WORDS_MAX - 10; i++)
		words[n++] = r->extra[i];
	if (programs && *programs) {
		words[n++] = "--programs";
		words[n++] = programs;
	}
	if (arm) {
		snprintf(text[0], 24, "%llu", (unsigned long long)arm->seed);
		words[n++] = "--seed";
		words[n++] = text[0];
		snprintf(text[1], 24, "%llu", (unsigned long long)arm->blocks);
		words[n++] = arm->blocks > 1 ? "--blocks" : "--single-block";
		if (arm->blocks > 1)
			words[n++] = text[1];
	}
	words[n] = NULL;
}

/* What 'iomodes run' says on standard output: where its results are. */
static void read_output(FILE *from, char dir[static 4096])
{
	static const char mark[] = "Results: ";
	_free_ char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, from) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, mark, strlen(mark)))
			snprintf(dir, 4096, "%s", line + strlen(mark));
	}
}

int nightly_run(const struct nightly_runner *r, const struct nightly_arm *arm,
		char dir[static 4096], struct diag *d)
{
	const char *words[WORDS_MAX];
	char text[2][24];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	_file_ FILE *from = NULL;
	int ends[2], err, status;
	pid_t pid;

	*dir = '\0';
	command(r, arm, words, text);
	if (pipe2(ends, O_CLOEXEC)) {
		diag_errno(d, -errno, "pipe");
		return EXIT_INVALID;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	/* it restores the machine at a signal, whatever is blocked here */
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, (char *const *)words,
			  environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	from = fdopen(ends[0], "r");
	if (err) {
		diag_errno(d, -err, "iomodes run");
		return EXIT_INVALID;
	}
	if (from)
		read_output(from, dir);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_INVALID;
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (status)
		diag_set(d, 0, "'iomodes run %s' ended with status %d", r->experiment, status);
	return status;
}

/* Value by value: one a run and series (paired), or one a block (repeat). */
struct arm_values {
	double *value;
	size_t n, room;
};

static int append(struct arm_values *v, double value)
{
	if (v->n == v->room) {
		size_t room = v->room ? 2 * v->room : 16;
		double *grown = reallocarray(v->value, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		v->value = grown;
		v->room = room;
	}
	v->value[v->n++] = value;
	return 0;
}

struct confirmation {
	const struct nightly_runner *r;
	struct history *h;
	json_t *runs, **series;		   /* flagged, all with the same last good run */
	struct arm_values *good, *suspect; /* by series */
	size_t n;
};

static int take_cell(const struct cells *cells, const json_t *series, struct arm_values *into)
{
	const struct cell *c = NULL;
	_free_ double *x = NULL;
	size_t n;
	int err = 0;

	for (size_t i = 0; i < cells->n; i++)
		if (!strcmp(jsonio_string(cells->cell[i].spec, "id", "?"),
			    jsonio_string(series, "cell", "")))
			c = &cells->cell[i];
	if (!c || !c->used)
		return -ENOENT;
	x = calloc(c->n_samples + 1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	n = group_collect(c, group_metric(jsonio_string(series, "metric", "")), NULL, x);
	for (size_t i = 0; !err && i < n; i++)
		err = append(into, x[i]);
	return err ? err : n ? 0 : -ENOENT;
}

/* One run of an arm; what it lacks of a series is a NAN, so that pairs stay pairs. */
static int run_arm(const struct confirmation *c, const struct nightly_arm *arm,
		   struct arm_values *into, struct diag *d)
{
	struct cells *cells = NULL;
	char dir[4096];
	int status = nightly_run(c->r, arm, dir, d), err = 0;

	if (status == EXIT_RESIDUE || status == EXIT_BUSY || status > 128) /* no use going on */
		return status == EXIT_RESIDUE ? -EUCLEAN : -EBUSY;
	if (!*dir || cells_read(dir, NULL, &cells, d))
		cells = NULL;
	for (size_t i = 0; !err && i < c->n; i++) {
		err = cells ? take_cell(cells, c->series[i], &into[i]) : -ENOENT;
		if (err == -ENOENT)
			err = append(&into[i], NAN);
	}
	cells_free(cells);
	return err;
}

static int run_pairs(const struct confirmation *c, const char *good_programs, struct diag *d)
{
	struct rng rng;
	int err = 0;

	rng_seed(&rng, c->r->seed);
	for (uint64_t i = 0; !err && i < c->r->pairs; i++) {
		bool good_first = rng_next(&rng) >> 63;

		fprintf(stderr, "iomodes nightly: confirmation, pair %llu of %llu\n",
			(unsigned long long)i + 1, (unsigned long long)c->r->pairs);
		for (int k = 0; !err && k < 2; k++) {
			bool good = good_first == !k;
			struct nightly_arm arm = {.programs = good ? good_programs : NULL,
						  .seed = c->r->seed + i, /* the same offsets */
						  .blocks = 1};

			err = run_arm(c, &arm, good ? c->good : c->suspect, d);
		}
	}
	return err;
}

static int run_repeat(const struct confirmation *c, const char *good_run, struct diag *d)
{
	struct nightly_arm arm = {.seed = c->r->seed,
				  .blocks = c->r->pairs > 30 ? 30 : c->r->pairs};
	int err = run_arm(c, &arm, c->suspect, d);

	for (size_t i = 0; !err && i < c->n; i++)
		err = history_values(c->h, (long long)jsonio_number(c->series[i], "series"),
				     good_run, &c->good[i].value, &c->good[i].n, d);
	return err;
}

static void drop_holes(struct arm_values *a, struct arm_values *b, bool paired)
{
	size_t n = 0, m = 0;

	for (size_t i = 0; paired && i < a->n && i < b->n; i++)
		if (isfinite(a->value[i]) && isfinite(b->value[i])) {
			a->value[n] = a->value[i];
			b->value[n++] = b->value[i];
		}
	if (paired) {
		a->n = b->n = n;
		return;
	}
	for (size_t i = 0; i < b->n; i++)
		if (isfinite(b->value[i]))
			b->value[m++] = b->value[i];
	b->n = m;
}

static int confirm_group(struct confirmation *c, const char *good_run, const char *suspect_run,
			 struct diag *d)
{
	const json_t *good = history_run(c->runs, good_run),
		     *suspect = history_run(c->runs, suspect_run);
	char why[512];
	const char *kind = nightly_confirm_kind(good, suspect, why, sizeof(why));
	bool paired = !strcmp(kind, "paired");
	int err = paired ? run_pairs(c, jsonio_string(good, "programs", ""), d)
			 : run_repeat(c, good_run, d);

	for (size_t i = 0; !err && i < c->n; i++) {
		drop_holes(&c->good[i], &c->suspect[i], paired);
		nightly_confirm(c->series[i], kind, why, c->good[i].value, c->good[i].n,
				c->suspect[i].value, c->suspect[i].n);
	}
	return err;
}

/* Flags with one and the same last good run are confirmed by one and the same runs. */
static int next_group(const struct nightly_runner *r, struct history *h, json_t *runs,
		      json_t *report, bool *more, struct diag *d)
{
	json_t *all = json_object_get(report, "series"), *one;
	size_t room = json_array_size(all) + 1, i;
	struct confirmation c = {.r = r, .h = h, .runs = runs};
	const char *good_run = NULL;
	int err = -ENOMEM;

	c.series = calloc(room, sizeof(*c.series));
	c.good = calloc(room, sizeof(*c.good));
	c.suspect = calloc(room, sizeof(*c.suspect));
	json_array_foreach (all, i, one) {
		const char *good = jsonio_string(one, "good_run", NULL);

		if (!c.series || !good || json_object_get(one, "alert") ||
		    !json_is_true(json_object_get(one, "worse")) ||
		    (good_run && strcmp(good, good_run)))
			continue;
		good_run = good;
		c.series[c.n++] = one;
	}
	*more = c.n;
	if (c.series && c.good && c.suspect)
		err = c.n ? confirm_group(&c, good_run, jsonio_string(report, "run", ""), d) : 0;
	for (size_t k = 0; c.good && c.suspect && k < c.n; k++) {
		free(c.good[k].value);
		free(c.suspect[k].value);
	}
	free(c.series);
	free(c.good);
	free(c.suspect);
	return err;
}

int nightly_confirm_flags(const struct nightly_runner *r, struct history *h, json_t *report,
			  struct diag *d)
{
	_json_ json_t *runs = NULL;
	bool more = true;
	int err = history_runs(h, jsonio_string(report, "experiment", ""), NULL, &runs, d);

	while (!err && more)
		err = next_group(r, h, runs, report, &more, d);
	return err;
}
