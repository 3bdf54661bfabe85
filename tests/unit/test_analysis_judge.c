// SPDX-License-Identifier: Apache-2.0
/* The four words, and the condition that each inconclusive one names. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "analysis/judge.h"
#include "base/rng.h"

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

	expect(j, JUDGE_INCONCLUSIVE,
	       "too few blocks: 5 paired blocks; no interval exists below 6");
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

/* One scale in a bracket: factors, where any of the three is ten times more. */
static void test_one_scale(void **state)
{
	struct judgement j = {.ratio = true,
			      .metric = metric_find("iops"),
			      .estimate = log(9.27),
			      .i95 = {.low = log(8.45), .high = log(17.6), .level = .95}};
	char text[128];

	assert_string_equal(judge_change_text(&j, text, sizeof(text)), "x9.27 [x8.45, x17.6]");
	j.i95.high = log(10.9);
	assert_string_equal(judge_change_text(&j, text, sizeof(text)), "+827 % [+745 %, +990 %]");
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

static double gauss(struct rng *r) /* Box-Muller */
{
	return sqrt(-2 * log1p(-rng_unit(r))) * cos(6.283185307179586 * rng_unit(r));
}

/* One series: 10 blocks of a host that drifts by 2 % over the session (method.md §3.3), each arm
 * with noise of its own, now and then an outlier of half; the second arm `slower` by that much. */
static enum judge_word series(struct rng *rng, double noise, double slower, double *detectable)
{
	struct judgement j, *family[1] = {&j};
	double a[10], b[10];

	for (int k = 0; k < 10; k++) {
		double host = 10000 * (1 + 0.02 * k / 9);

		a[k] = host * exp(noise * gauss(rng)) * (rng_unit(rng) < 0.02 ? 0.5 : 1);
		b[k] = host / (1 + slower) * exp(noise * gauss(rng)) *
		       (rng_unit(rng) < 0.02 ? 0.5 : 1);
	}
	judge_estimate(&j, metric_find("iops"), a, b, 10, 1);
	judge_family(family, 1);
	*detectable = j.detectable;
	return j.word;
}

/* Identical arms: better or worse in at most 5 % of 200 series, at every level of noise. */
static void test_identical_arms(void **state)
{
	static const double noises[] = {0.002, 0.005, 0.01, 0.02, 0.05};
	struct rng rng;
	double found;

	rng_seed(&rng, 20260401);
	for (size_t n = 0; n < sizeof(noises) / sizeof(*noises); n++) {
		int wrong = 0;

		for (int k = 0; k < 200; k++) {
			enum judge_word word = series(&rng, noises[n], 0, &found);

			wrong += word == JUDGE_BETTER || word == JUDGE_WORSE;
		}
		assert_true(wrong <= 10);
	}
}

/* 3 % slower, in series whose forecast says that 3 % can be found: at least four times in five, and
 * never called better. */
static void test_slowdown_is_found(void **state)
{
	int able = 0, worse = 0, better = 0;
	struct rng rng;

	rng_seed(&rng, 20260402);
	for (int k = 0; k < 1000; k++) {
		double found;
		enum judge_word word = series(&rng, 0.002 + 0.02 * rng_unit(&rng), 0.03, &found);

		better += word == JUDGE_BETTER;
		if (found > log(1.03))
			continue;
		able++;
		worse += word == JUDGE_WORSE;
	}
	assert_true(able >= 200); /* or the rest says nothing */
	assert_true(worse >= able * 8 / 10);
	assert_int_equal(better, 0);
}

/* The same where the forecast is hardest to keep: a slowdown of the size that half of the series of
 * identical arms name, at three levels of noise. */
static void test_forecast(void **state)
{
	static const double noises[] = {0.003, 0.01, 0.02};
	struct rng rng;

	rng_seed(&rng, 20260403);
	for (size_t n = 0; n < sizeof(noises) / sizeof(*noises); n++) {
		double detectable[400], found, slower;
		int able = 0, worse = 0;

		for (int k = 0; k < 400; k++)
			series(&rng, noises[n], 0, &detectable[k]);
		slower = stats_median(detectable, 400);
		for (int k = 0; k < 2000; k++) {
			enum judge_word word = series(&rng, noises[n], expm1(slower), &found);

			able += found <= slower;
			worse += found <= slower && word == JUDGE_WORSE;
		}
		print_message("noise %.3f: %.2f %% is forecast by %d, and found in %d of these\n",
			      noises[n], expm1(slower) * 100, able, worse);
		assert_true(able >= 600);
		assert_true(worse >= able * 8 / 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identical_arms), cmocka_unit_test(test_slowdown_is_found),
		cmocka_unit_test(test_forecast),       cmocka_unit_test(test_words),
		cmocka_unit_test(test_absolute_floor), cmocka_unit_test(test_named_conditions),
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_one_scale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
