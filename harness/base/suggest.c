// SPDX-License-Identifier: Apache-2.0
#include "base/suggest.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 64

/* Optimal string alignment distance (Damerau 1964, restricted). */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[3][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[la % 3][lb];
}

const char *suggest(const char *text, const char *const *words, size_t n)
{
	unsigned limit = (unsigned)strlen(text) / 3 + 1, best = limit + 1;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned now = words[i] ? distance(text, words[i]) : best;

		if (now < best) {
			best = now;
			found = words[i];
		}
	}
	return found;
}

const char *suggest_text(const char *text, const char *const *words, size_t n, char *out,
			 size_t size)
{
	const char *word = suggest(text, words, n);

	out[0] = '\0';
	if (word)
		snprintf(out, size, "; did you mean \"%s\"?", word);
	return out;
}
