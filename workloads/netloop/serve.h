/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "options.h"

/* The two subcommands. 0 or -errno with the sentence; after an error threads may still run, and the
 * process must end by _exit(2). */
int serve(const struct options *o, struct diag *d);
int run(const struct options *o, struct diag *d);
