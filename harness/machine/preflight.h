/* SPDX-License-Identifier: Apache-2.0 */
/* What will disturb a run on this machine, how badly, and the command that mends it. Changes
 * nothing. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct diag;
struct machine;

enum severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH };

struct preflight_finding {
	const char *check; /* name of the row that found it */
	enum severity severity;
	char what[320];	  /* what is the case, with the value seen */
	char effect[320]; /* what it does to a measurement */
	char mend[320];	  /* a shell command, or a sentence in parentheses where none exists */
};

struct preflight {
	struct preflight_finding *finding; /* worst first */
	size_t n;
};

struct preflight_check {
	const char *name, *doc;
	int (*run)(const struct machine *m, const struct preflight_check *self,
		   struct preflight *found);
};

/* Every check, in the order they run. */
const struct preflight_check *preflight_checks(size_t *n);
/* Run them all; `found` is freed by preflight_free(). On the live machine this takes a quarter of a
 * second, in which it watches how busy the CPUs are. */
int preflight_run(const struct machine *m, struct preflight *found, struct diag *d);
void preflight_free(struct preflight *found);
/* Is it a process whose running is a finding, or irqbalance? All others are nobody's business. */
bool preflight_knows_process(const char *comm);
const char *severity_name(enum severity severity);
json_t *preflight_json(const struct preflight *found);
