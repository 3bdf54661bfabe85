/* SPDX-License-Identifier: Apache-2.0 */
/* What both own loops do as programs. */
#pragma once
#include <jansson.h>

struct diag;

/* SIGINT, SIGTERM and SIGHUP come through *fd (close-on-exec), so that main sleeps in one wait and
 * no thread is disturbed; SIGPIPE is ignored. Before the first thread is started. */
int program_signals(int *fd, struct diag *d);
/* One line on standard output. Takes `result` over; NULL: there was no memory for it. */
int program_print(json_t *result, struct diag *d);
