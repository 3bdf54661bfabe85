/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run without what identifies the machine and its owner: in every file of it, raw outputs and
 * kernel log lines as well. JSON is changed value by value (a number that happens to be a serial
 * number stays one), other text word by word; a file in which nothing was found stays as it was,
 * byte for byte. Records are sealed anew.
 */
#pragma once
#include <jansson.h>

struct diag;
struct scrub;

/* Learn what the run's records call by name: serial numbers, identifiers, the machine's identity.
 */
int redact_learn(struct scrub *s, int run_fd, struct diag *d);
/* Every file below `run_fd`, in place; SHA256SUMS is made anew by the caller. */
int redact_run(struct scrub *s, int run_fd, struct diag *d);
/* {"profile", "replaced": {kind: count}, "tokens": [{"kind", "token"}], "note"}: what was replaced,
 * not what it was. New reference. */
json_t *redact_list(const struct scrub *s);
