/* SPDX-License-Identifier: Apache-2.0 */
/* "did you mean": the nearest known word, for every error that names an unknown one. */
#pragma once
#include <stddef.h>

/* The word of `words` nearest to `text` by edit distance (a swap of neighbours counts one), or NULL
 * when none is near enough to be meant. The pointer is into `words`. */
const char *suggest(const char *text, const char *const *words, size_t n);

/* "" or "; did you mean \"WORD\"?" written to `out`. Returns `out`. */
const char *suggest_text(const char *text, const char *const *words, size_t n, char *out,
			 size_t size);
