// SPDX-License-Identifier: Apache-2.0
/* Claims against another run: what counts as reproduced, as not, and as not the same measurement;
 * the names that a member of an archive may have. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/bundle/claims.h"
#include "analysis/bundle/tree.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

static json_t *run_of(const char *cpu, const char *memory, const char *model, const char *scheduler,
		      json_int_t runtime_ns)
{
	return json_pack("{s:{s:{s:{s:s}, s:{s:s}}, s:[{s:s, s:s, s:s}]}, s:{s:I, s:{s:{s:{s:s}}, "
			 "s:{s:{}}}}, "
			 "s:[{s:s, s:s, s:b, s:s, s:{s:i}}]}",
			 "machine", "facts", "cpu.model", "value", cpu, "memory.total", "value",
			 memory, "disks", "name", "vda", "model", model, "driver", "d",
			 "experiment", "runtime_ns", runtime_ns, "modes", "poll", "set",
			 "block.scheduler", scheduler, "interrupt", "set", "cells", "id", "poll/1",
			 "target", "scratch on vda (ext4)", "supported", 1, "workload", "ioloop",
			 "load", "iodepth", 1);
}

static json_t *comparison_of(const char *state, const char *verdict, double low, double high)
{
	return json_pack(
		"{s:[{s:s, s:[{s:s, s:s, s:s, s:[{s:s, s:s, s:s, s:f, s:f, s:f, s:s, s:s}]}]}]}",
		"groups", "baseline", "interrupt", "rows", "cell", "poll/1", "mode", "poll",
		"state", state, "comparisons", "metric", "iops", "verdict", verdict, "scale",
		"ratio", "low", low, "high", high, "margin", 1.01, "text", "x", "sentence", "s");
}

/* The verdicts on the mode and on the comparison, and the first thing that differs. */
struct judged {
	char mode[32], pair[32], differs[200];
};

static struct judged judge(json_t *other_run, json_t *other_comparison, bool any_machine)
{
	_json_ json_t *published = run_of("A", "100 kB", "M", "none", 5),
		      *comparison = comparison_of("measured", "better", 1.10, 1.20);
	_json_ json_t *claims = claims_of(comparison), *run = other_run, *here = other_comparison;
	const struct claims_other other = {
		.run = run, .comparison = here, .any_machine = any_machine};
	_json_ json_t *out = claims_judge(claims, published, &other);
	const json_t *list = json_object_get(out, "claims");
	struct judged j = {"", "", ""};

	assert_int_equal(json_array_size(list), 2);
	snprintf(j.mode, sizeof(j.mode), "%s",
		 jsonio_string(json_array_get(list, 0), "verdict", ""));
	snprintf(j.pair, sizeof(j.pair), "%s",
		 jsonio_string(json_array_get(list, 1), "verdict", ""));
	snprintf(j.differs, sizeof(j.differs), "%s",
		 json_string_value(
			 json_array_get(json_object_get(json_array_get(list, 1), "differs"), 0))
			 ?: "");
	return j;
}

static json_t *same(void)
{
	return run_of("A", "98 kB", "M", "none", 5); /* a kernel keeps a little for itself */
}

static void intervals(void **state)
{
	static const struct {
		const char *word;
		double low, high;
		const char *verdict;
	} rows[] = {
		{"better", 1.12, 1.22, "reproduced"},
		{"better", 1.205, 1.30, "reproduced"},	  /* within the margin */
		{"better", 1.30, 1.40, "not_reproduced"}, /* another size */
		{"equivalent", 0.995, 1.005, "not_reproduced"},
		{"worse", 0.8, 0.9, "not_reproduced"},
		{"inconclusive", 0.9, 1.3, "not_comparable"}, /* neither borne out nor refuted */
		{"inconclusive", 0.5, 0.9, "not_reproduced"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct judged j = judge(
			same(), comparison_of("measured", rows[i].word, rows[i].low, rows[i].high),
			false);

		assert_string_equal(j.pair, rows[i].verdict);
		assert_string_equal(j.mode, "reproduced");
	}
}

static void modes(void **state)
{
	struct judged j = judge(same(), comparison_of("not_in_force", "better", 1.1, 1.2), false);

	assert_string_equal(j.mode, "not_reproduced");
	j = judge(same(), comparison_of("invalid", "better", 1.1, 1.2), false);
	assert_string_equal(j.mode, "not_comparable");
	j = judge(same(), NULL, false); /* before measuring */
	assert_string_equal(j.mode, "open");
	assert_string_equal(j.pair, "open");
}

static void another_thing(void **state)
{
	static const struct {
		const char *cpu, *memory, *model, *scheduler;
		json_int_t runtime;
		const char *differs;
		bool machine;
	} rows[] = {
		{"B", "100 kB", "M", "none", 5, "cpu.model: published A, here B", true},
		{"A", "50 kB", "M", "none", 5, "memory.total: published 100 kB, here 50 kB", true},
		{"A", "100 kB", "N", "none", 5, "target's model: published M, here N", true},
		{"A", "100 kB", "M", "bfq", 5,
		 "mode poll: set: published {\"block.scheduler\":\"none\"}, here "
		 "{\"block.scheduler\":\"bfq\"}",
		 false},
		{"A", "100 kB", "M", "none", 6, "design: runtime_ns: published 5, here 6", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int any = 0; any < 2; any++) {
			json_t *run = run_of(rows[i].cpu, rows[i].memory, rows[i].model,
					     rows[i].scheduler, rows[i].runtime);
			struct judged j =
				judge(run, comparison_of("measured", "better", 1.1, 1.2), any);
			bool differs = !any || !rows[i].machine;

			assert_string_equal(j.pair, differs ? "not_comparable" : "reproduced");
			assert_string_equal(j.differs, differs ? rows[i].differs : "");
		}
}

static void not_here(void **state)
{
	json_t *run = same(), *cell = json_array_get(json_object_get(run, "cells"), 0);
	struct judged j;

	json_object_set_new(cell, "supported", json_false());
	json_object_set_new(cell, "reason", json_string("no poll queues"));
	j = judge(run, comparison_of("unsupported", "inconclusive", 1, 1), false);
	assert_string_equal(j.pair, "not_comparable");
	assert_string_equal(j.differs, "mode: published supported, here no poll queues");
	run = same();
	json_array_clear(json_object_get(run, "cells"));
	j = judge(run, NULL, false);
	assert_string_equal(j.differs, "cell: published measured, here not part of the run");
}

static void names(void **state)
{
	static const char *const good[] = {"a", "data/runs/x-1/raw/b00-o01/fio.stdin", "a..b/...",
					   ".x"};
	static const char *const bad[] = {"",	    "/a",	"a//b", "a/",	"..",
					  "a/../b", "./a",	"a/.",	"a\\b", "a\nb",
					  "a\x7f",  "\xc3\xa4", "a%2eb"};
	char longest[TREE_PATH + 1];
	struct diag d;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(tree_path_check(good[i], &d), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_true(tree_path_check(bad[i], &d) < 0);
	memset(longest, 'a', sizeof(longest));
	longest[TREE_PATH] = '\0';
	assert_true(tree_path_check(longest, &d) < 0);
	longest[TREE_PATH - 1] = '\0';
	assert_int_equal(tree_path_check(longest, &d), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals),	 cmocka_unit_test(modes),
		cmocka_unit_test(another_thing), cmocka_unit_test(not_here),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
