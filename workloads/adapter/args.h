/* SPDX-License-Identifier: Apache-2.0 */
/* A command line in one allocation: pointers first, text behind them. Internal to adapter/. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct diag;

struct args {
	char **argv;
	size_t n;
	char *text, *end;
	bool full;
};

/* -ENOMEM. */
int args_init(struct args *a);
/* printf of one word; past the end the whole becomes unusable, which args_end() says. */
__attribute__((format(printf, 2, 3))) void args_add(struct args *a, const char *fmt, ...);
/* Hand over the NULL-terminated argv, which the caller frees with free(). -E2BIG: too long, nothing
 * is left to be freed. `program` is for the message. */
int args_end(struct args *a, const char *program, char ***argv, struct diag *d);
