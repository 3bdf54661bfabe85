// SPDX-License-Identifier: Apache-2.0
#include "arms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/noise.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "cli.h"
#include "knob/store.h"
#include "record/metric.h"
#include "setup.h"

#define FILE_NAME "noise.json"

/* The second arm's row borrows all but its name. One a kind and mode. */
static const struct mode *second_arm(struct setup *s, const struct mode *m)
{
	struct mode *arm;

	for (size_t i = 0; i < s->n_arms; i++) {
		size_t len = strlen(m->name);

		if (s->arm[i].target == m->target && !strncmp(s->arm[i].name, m->name, len) &&
		    !strcmp(s->arm[i].name + len, NOISE_AGAIN))
			return &s->arm[i];
	}
	arm = &s->arm[s->n_arms];
	*arm = *m;
	if (asprintf(&arm->name, "%s%s", m->name, NOISE_AGAIN) < 0)
		return NULL;
	s->n_arms++;
	return arm;
}

static int add_arm(struct setup *s, size_t at)
{
	struct experiment *e = &s->experiment;
	struct experiment_cell *first = &e->cells[at], *second = &e->cells[e->n_cells];
	const struct mode *arm = second_arm(s, first->mode);

	*second = *first;
	second->published = NULL;
	second->workload = strdup(first->workload);
	second->id = NULL;
	if (!arm || !second->workload ||
	    asprintf(&second->id, "%s%s", first->id, NOISE_AGAIN) < 0) {
		free(second->workload);
		return -ENOMEM;
	}
	second->mode = arm;
	e->n_cells++;
	return 0;
}

int arms_make(struct setup *s, bool chosen, struct diag *d)
{
	struct experiment *e = &s->experiment;
	struct experiment_cell *room;
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; i < e->n_cells; i++) {
		if (chosen || !strcmp(e->cells[i].mode->name, e->baseline))
			e->cells[n++] = e->cells[i];
		else
			experiment_cell_clear(&e->cells[i]);
	}
	e->n_cells = n;
	if (!n)
		return diag_set(d, -ENOENT,
				"experiment %s has no row of its baseline %s: name one "
				"with --mode",
				e->name, e->baseline);
	room = reallocarray(e->cells, 2 * n, sizeof(*room));
	s->arm = calloc(n, sizeof(*s->arm));
	if (room)
		e->cells = room;
	if (!room || !s->arm)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n; i++)
		err = add_arm(s, i);
	return err;
}

void arms_free(struct setup *s)
{
	for (size_t i = 0; i < s->n_arms; i++)
		free(s->arm[i].name);
	free(s->arm);
	s->arm = NULL;
	s->n_arms = 0;
}

json_t *arms_noise(void)
{
	struct state_dir dir;
	_free_ char *path = NULL;
	json_t *noise = NULL;

	if (state_open(NULL, false, &dir, NULL))
		return NULL;
	if (asprintf(&path, "%s/" FILE_NAME, dir.path) < 0)
		path = NULL;
	if (path && jsonio_read(path, &noise, NULL))
		noise = NULL;
	state_close(&dir);
	return noise;
}

static void print(const json_t *noise)
{
	json_t *metrics = json_object_get(noise, "metrics"), *of;
	const char *name;

	printf("\nA/A: %.0f of %.0f series of two identical arms were called different.\n"
	       "Noise floor: no smaller difference may be claimed on this machine\n",
	       jsonio_number(noise, "false_positives"), jsonio_number(noise, "series"));
	json_object_foreach (metrics, name, of) {
		double floor = jsonio_number(of, "floor"), margin = jsonio_number(of, "margin");

		printf("  %-28s %5.2f %%  (margin %.3g %%%s; %.0f of %.0f called different)\n",
		       name, floor * 100, margin * 100,
		       floor > margin ? ": the floor replaces it" : "",
		       jsonio_number(of, "false_positives"), jsonio_number(of, "series"));
	}
}

int arms_report(const char *run)
{
	_json_ json_t *noise = NULL, *before = NULL;
	struct state_dir dir;
	struct diag d = {""};
	int err = noise_of_run(run, &noise, &d);

	if (err)
		return cli_fail("aa", EXIT_INVALID, &d);
	print(noise);
	before = arms_noise();
	noise_keep(noise, before);
	err = state_open(NULL, true, &dir, &d);
	if (err)
		return cli_fail("aa", EXIT_USAGE, &d);
	err = jsonio_write(dir.fd, FILE_NAME, noise, &d);
	if (!err)
		printf("Kept in %s/" FILE_NAME " for later runs.\n", dir.path);
	state_close(&dir);
	return err ? cli_fail("aa", EXIT_USAGE, &d) : EXIT_OK;
}
