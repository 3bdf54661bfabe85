// SPDX-License-Identifier: Apache-2.0
#include "reproduce_print.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/jsonio.h"

#define ENVIRONMENT_MOST 20

static const char *words(const char *verdict)
{
	if (!strcmp(verdict, "not_reproduced"))
		return "not reproduced";
	return !strcmp(verdict, "not_comparable") ? "not comparable" : verdict;
}

static void print_trials(const char *who, const json_t *side)
{
	printf("%17s%s: %.0f of %.0f trials\n", "", who, jsonio_number(side, "trials.used"),
	       jsonio_number(side, "trials.all"));
}

static void print_interval(const char *who, const json_t *side)
{
	if (json_object_get(side, "low"))
		printf("%17s%s: %s, %.0f blocks\n", "", who, jsonio_string(side, "text", "?"),
		       jsonio_number(side, "n"));
}

static void print_claim(const json_t *one)
{
	const json_t *published = json_object_get(one, "published"),
		     *here = json_object_get(one, "here");
	json_t *differs = json_object_get(one, "differs");
	bool mode = !strcmp(jsonio_string(published, "kind", ""), "mode");

	printf("%-16s %s\n", words(jsonio_string(one, "verdict", "?")),
	       jsonio_string(one, "id", "?"));
	if (*jsonio_string(one, "reason", ""))
		printf("%17s%s\n", "", jsonio_string(one, "reason", ""));
	for (size_t i = 1; i < json_array_size(differs); i++)
		printf("%17s%s\n", "", json_string_value(json_array_get(differs, i)));
	(mode ? print_trials : print_interval)("published", published);
	if (here)
		(mode ? print_trials : print_interval)("here", here);
}

void reproduce_print(const json_t *judgement, const char *published, const char *here)
{
	static const char *const verdicts[] = {"reproduced", "not_reproduced", "not_comparable",
					       "open"};
	const json_t *list = json_object_get(judgement, "claims"), *one;
	const char *separator = "";
	size_t i;

	printf("published  %s\nhere       %s\nrelation   %s\n\n", published,
	       here ? here : "nothing measured", jsonio_string(judgement, "relation", "?"));
	json_array_foreach (list, i, one)
		print_claim(one);
	list = json_object_get(judgement, "environment");
	if (json_array_size(list))
		puts("\nIn what the two differ:");
	json_array_foreach (list, i, one) {
		if (i == ENVIRONMENT_MOST) {
			printf("  ... and %zu more (--json)\n", json_array_size(list) - i);
			break;
		}
		printf("  %s, %s: published %s, here %s\n", jsonio_string(one, "part", "?"),
		       jsonio_string(one, "what", "?"), jsonio_string(one, "first", "?"),
		       jsonio_string(one, "second", "?"));
	}
	putchar('\n');
	for (i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
		double n = json_number_value(
			json_object_get(json_object_get(judgement, "words"), verdicts[i]));

		if (n > 0 || i < 3) {
			printf("%s%.0f %s", separator, n, words(verdicts[i]));
			separator = ", ";
		}
	}
	putchar('\n');
}
