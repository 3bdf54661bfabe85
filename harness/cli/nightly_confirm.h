/* SPDX-License-Identifier: Apache-2.0 */
/* The measuring part of a night: runs are made by 'iomodes run', as a program of its own each, so
 * that a confirmation is what anybody could repeat by hand. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct diag;
struct history;

struct nightly_runner {
	const char *experiment; /* file or name, as given */
	char name[128];		/* as run.json has it */
	const char *programs, *output;
	char **extra; /* options of 'iomodes run' */
	size_t n_extra;
	uint64_t pairs, seed;
};

/* The experiment's name from its word. */
void nightly_name(struct nightly_runner *r);
/* One run with other programs (NULL: the runner's) → its directory, "" when there is none. Returns
 * the exit status of 'iomodes run'. */
struct nightly_arm {
	const char *programs;
	uint64_t seed, blocks; /* blocks 1: a single block */
};
int nightly_run(const struct nightly_runner *r, const struct nightly_arm *arm,
		char dir[static 4096], struct diag *d);
/* Confirms all flags for the worse of a report. 0 or -errno. */
int nightly_confirm_flags(const struct nightly_runner *r, struct history *h, json_t *report,
			  struct diag *d);
