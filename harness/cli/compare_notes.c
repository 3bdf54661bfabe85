// SPDX-License-Identifier: Apache-2.0
#include "compare_notes.h"

#include <stdio.h>

#include "base/jsonio.h"

#define SHOWN 5

static void print_suspects(const json_t *result)
{
	const json_t *suspect = jsonio_at(result, "canary.suspect"), *one;
	size_t i, n = json_array_size(suspect);

	if (!n)
		return;
	printf("host_suspect: work that no mode touches moved in %zu block%s:\n", n,
	       n == 1 ? "" : "s");
	json_array_foreach (suspect, i, one) {
		if (i == SHOWN) {
			printf("  … and %zu more: run.json, canary\n", n - i);
			break;
		}
		printf("  %s %.0f: %s\n",
		       json_is_true(json_object_get(one, "retry")) ? "retries after block"
								   : "block",
		       jsonio_number(one, "block"), jsonio_string(one, "sentence", ""));
	}
}

static void print_unsteady(const json_t *result)
{
	const json_t *group, *row;
	size_t i, k, n = 0;

	json_array_foreach (json_object_get(result, "groups"), i, group)
		json_array_foreach (json_object_get(group, "rows"), k, row) {
			if (!json_is_false(jsonio_at(row, "steady.reached")))
				continue;
			if (!n++)
				puts("not steady over the blocks, by SNIA's rule:");
			if (n <= SHOWN)
				printf("  %s: %s\n", jsonio_string(row, "cell", "?"),
				       jsonio_string(row, "steady.sentence", ""));
		}
	if (n > SHOWN)
		printf("  … and %zu more rows\n", n - SHOWN);
}

static size_t unsteady_rows(const json_t *result)
{
	const json_t *group, *row;
	size_t i, k, n = 0;

	json_array_foreach (json_object_get(result, "groups"), i, group)
		json_array_foreach (json_object_get(group, "rows"), k, row)
			n += json_is_false(jsonio_at(row, "steady.reached"));
	return n;
}

const char *compare_warning(const json_t *of, unsigned i, char *out, size_t size)
{
	const char *altered = jsonio_string(of, "altered", NULL);
	const char *unverified = jsonio_string(of, "unverified", NULL);
	double ns = jsonio_number(of, "test_delay_ns");
	size_t suspect = json_array_size(jsonio_at(of, "canary.suspect"));
	size_t unsteady = unsteady_rows(of);

	*out = '\0';
	if (i == 0 && altered)
		snprintf(out, size, "ALTERED: %s; 'iomodes check' looks at each record.", altered);
	else if (i == 1 && unverified)
		snprintf(out, size, "NOT VERIFIED: %s.", unverified);
	else if (i == 2 && ns > 0)
		snprintf(out, size,
			 "SLOWED DOWN ON PURPOSE, by up to %.0f ns an I/O (--test-delay): a test "
			 "of the judging, no result.",
			 ns);
	else if (i == 3 && suspect)
		snprintf(out, size,
			 "HOST SUSPECT: work that no mode touches moved %zu time%s in %.0f blocks, "
			 "named below the tables.",
			 suspect, suspect == 1 ? "" : "s", jsonio_number(of, "blocks"));
	else if (i == 4 && unsteady)
		snprintf(out, size,
			 "NOT STEADY: %zu row%s drift%s over the blocks, named below the tables.",
			 unsteady, unsteady == 1 ? "" : "s", unsteady == 1 ? "s" : "");
	return i < 5 ? out : NULL;
}

void compare_print_warnings(const json_t *of, FILE *out)
{
	char text[500];

	for (unsigned i = 0; compare_warning(of, i, text, sizeof(text)); i++)
		if (*text)
			fprintf(out, "%s\n", text);
}

void compare_print_noise(const json_t *of)
{
	const json_t *note = json_object_get(of, "noise_floor"), *one;
	size_t i;

	printf("Noise floor: %s.\n", jsonio_string(note, "sentence", "?"));
	json_array_foreach (json_object_get(note, "warnings"), i, one)
		printf("  But %s; 'iomodes aa' measures it anew.\n", json_string_value(one) ?: "?");
}

void compare_print_notes(const json_t *result)
{
	print_suspects(result);
	print_unsteady(result);
}
