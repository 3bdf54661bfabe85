// SPDX-License-Identifier: Apache-2.0
/* The four words, and the condition that each inconclusive one names. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "analysis/judge.h"

static struct judgement judge(const char *metric, double base, double factor, double noise,
			      size_t n, size_t family)
{
	struct judgement j[64], *list[64];
	double x[64], y[64];

	for (size_t i = 0; i < n; i++) { /* drift of 30 % that pairing must take out */
		y[i] = base * (1 + 0.3 * (double)i / (double)n);
		x[i] = y[i] * factor * exp(noise * ((int)(i * 7 % 5) - 2));
	}
	judge_estimate(&j[0], metric_find(metric), y, x, n, 1);
	list[0] = &j[0];
	for (size_t i = 1; i < family; i++) {
		j[i] = j[0];
		j[i].p = 0.9;
		list[i] = &j[i];
	}
	judge_family(list, family);
	return j[0];
}

static void expect(struct judgement j, enum judge_word word, const char *sentence)
{
	if (j.word != word || !strstr(j.sentence, sentence))
		fail_msg("%s: %s", judge_word_name(j.word), j.sentence);
}

static void test_words(void **state)
{
	expect(judge("iops", 1e5, 1.05, .002, 10, 1), JUDGE_BETTER, "beyond the margin of 1 %");
	expect(judge("iops", 1e5, 0.95, .002, 10, 1), JUDGE_WORSE, "beyond the margin of 1 %");
	expect(judge("latency_p50_ns", 1e5, 0.9, .002, 10, 1), JUDGE_BETTER, "2 %");
	expect(judge("latency_p50_ns", 1e5, 1.1, .002, 10, 1), JUDGE_WORSE, "2 %");
	expect(judge("iops", 1e5, 1.001, .001, 10, 1), JUDGE_EQUIVALENT, "inside the margin");
	expect(judge("iops", 1e5, 1.0, .03, 10, 1), JUDGE_INCONCLUSIVE, "crosses the margin");
	expect(judge("in_flight_mean", 10, 2, .01, 10, 1), JUDGE_INCONCLUSIVE, "neither");
}

/* 8 % of 10 us is within the absolute floor of 1 us: not a difference that anybody can use */
static void test_absolute_floor(void **state)
{
	expect(judge("latency_p50_ns", 10000, 1.08, .001, 10, 1), JUDGE_EQUIVALENT, "margin of");
	expect(judge("latency_p50_ns", 100000, 1.08, .001, 10, 1), JUDGE_WORSE, "margin of");
}

static void test_named_conditions(void **state)
{
	struct judgement j = judge("iops", 1e5, 1.2, .002, 5, 1);

	expect(j, JUDGE_INCONCLUSIVE, "5 paired blocks; no interval exists below 6");
	assert_int_equal(j.blocks_needed, 6);
	assert_true(isnan(j.p));
	/* six blocks reach p = 1/32, which does not survive a family of 40 */
	j = judge("iops", 1e5, 1.2, .002, 6, 40);
	expect(j, JUDGE_INCONCLUSIVE, "after correction for 40 comparisons");
	assert_int_equal(j.blocks_needed, 11); /* 1 + log2(40 / .05) = 10.6 */
	j = judge("iops", 1e5, 1.0, .011, 10, 1);
	assert_true(j.blocks_needed > 10 && j.detectable > 0.01);
	j = judge("iops", 1e5, 1.0, .03, 10, 1); /* no advice that --blocks would refuse */
	assert_int_equal(j.blocks_needed, 0);
	expect(j, JUDGE_INCONCLUSIVE, "more than the 30 blocks of a run");
	j = judge("iops", 1e5, 1, 0, 0, 1);
	expect(j, JUDGE_INCONCLUSIVE, "0 paired blocks");
}

/* Zeros have no logarithm: then it is the plain difference that is judged. */
static void test_zero(void **state)
{
	double base[] = {1, 1, 1, 1, 1, 1, 1, 1}, none[] = {0, 0, 0, 0, 0, 0, 0, 0};
	struct judgement j, *list = &j;

	judge_estimate(&j, metric_find("interrupts_per_io"), base, none, 8, 1);
	judge_family(&list, 1);
	assert_false(j.ratio);
	assert_true(j.estimate == -1 && j.i95.low == -1 && j.i95.high == -1);
	expect(j, JUDGE_BETTER, "beyond");
	judge_estimate(&j, metric_find("interrupts_per_io"), none, none, 8, 1);
	judge_family(&list, 1);
	expect(j, JUDGE_EQUIVALENT, "margin of 0.01 1/IO");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_absolute_floor),
		cmocka_unit_test(test_named_conditions),
		cmocka_unit_test(test_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
