// SPDX-License-Identifier: Apache-2.0
#include "analysis/prepared.h"

#include <stdio.h>

#include "base/jsonio.h"
#include "base/num.h"

const char *prepared_text(const json_t *prepared, char *out, size_t size)
{
	const json_t *steady = json_object_get(prepared, "steady");
	double written = jsonio_number(prepared, "bytes_written");
	size_t rounds = json_array_size(json_object_get(prepared, "rounds"));
	char bytes[32];
	int n;

	*out = '\0';
	if (!json_is_object(prepared))
		return out;
	n = snprintf(out, size, "%s, %s written", jsonio_string(prepared, "level", "?"),
		     num_bytes_text(written > 0 ? (uint64_t)written : 0, bytes, sizeof(bytes)));
	if (n < 0 || (size_t)n >= size || !rounds)
		return out;
	if (json_is_true(json_object_get(steady, "reached")))
		snprintf(out + n, size - (size_t)n, ", steady after %zu rounds", rounds);
	else
		snprintf(out + n, size - (size_t)n,
			 ", NOT steady after %zu rounds, what was measured is of a drive that "
			 "still changes: %s",
			 rounds, jsonio_string(steady, "sentence", "too few to judge"));
	return out;
}
