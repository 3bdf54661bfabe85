/* SPDX-License-Identifier: Apache-2.0 */
/* A short question to another program: run it, take what it says. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct diag;

/*
 * Run argv (argv[0] searched in PATH) with `input` (NULL: nothing) on its standard input. Of its
 * standard output and error, together and in order, the first size - 1 bytes go to `out`, with a
 * NUL behind. Returns its exit status (128 + n when a signal ended it), or -ENOENT and others when
 * it could not be run, -ETIMEDOUT when it had not ended after `timeout_ms` and was killed.
 */
int capture(const char *const *argv, const char *input, char *out, size_t size, unsigned timeout_ms,
	    struct diag *d);
