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

static void print_slowed(const json_t *result)
{
	double ns = jsonio_number(result, "test_delay_ns");

	if (ns > 0)
		printf("SLOWED DOWN ON PURPOSE, by up to %.0f ns an I/O (--test-delay): a test of "
		       "the "
		       "judging, no result.\n",
		       ns);
}

static void print_altered(const json_t *result)
{
	if (jsonio_string(result, "altered", NULL))
		printf("ALTERED: %s; 'iomodes check' looks at each record.\n",
		       jsonio_string(result, "altered", ""));
}

void compare_print_notes(const json_t *result)
{
	print_altered(result);
	print_slowed(result);
	print_suspects(result);
	print_unsteady(result);
}
