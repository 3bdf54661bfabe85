// SPDX-License-Identifier: Apache-2.0
#include "adapter/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/diag.h"

#define ARGS_MAX 96
#define TEXT_MAX 16384

int args_init(struct args *a)
{
	char **block = malloc(ARGS_MAX * sizeof(char *) + TEXT_MAX);

	if (!block)
		return -ENOMEM;
	*a = (struct args){.argv = block, .text = (char *)(block + ARGS_MAX)};
	a->end = a->text + TEXT_MAX;
	return 0;
}

void args_add(struct args *a, const char *fmt, ...)
{
	va_list ap;
	int len;

	if (a->full || a->n + 1 >= ARGS_MAX) {
		a->full = true;
		return;
	}
	va_start(ap, fmt);
	len = vsnprintf(a->text, (size_t)(a->end - a->text), fmt, ap);
	va_end(ap);
	if (len < 0 || len >= a->end - a->text) {
		a->full = true;
		return;
	}
	a->argv[a->n++] = a->text;
	a->text += len + 1;
}

int args_end(struct args *a, const char *program, char ***argv, struct diag *d)
{
	if (a->full) {
		free(a->argv);
		return diag_set(d, -E2BIG, "%s: the command line is too long", program);
	}
	a->argv[a->n] = NULL;
	*argv = a->argv;
	return 0;
}
