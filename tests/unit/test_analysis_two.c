// SPDX-License-Identifier: Apache-2.0
/*
 * Two samples, and what replaced a table of n² averages. Expected values are R 4.2's, printed with
 * options(digits=15); x, x20 as in stats_fixture.h. Each test names its command.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/stats.h"
#include "base/cleanup.h"
#include "base/rng.h"
#include "stats_fixture.h"

/* wilcox.test(x20 + 0.01, x, conf.int=TRUE, exact=TRUE[, conf.level=.90]) */
static void test_exact(void **state)
{
	struct stats_interval i;
	double y[20];

	for (size_t k = 0; k < 20; k++)
		y[k] = x20[k] + 0.01;
	near(stats_shift(x10, 10, y, 20), 0.011989, 1e-12);
	near(stats_rank_sum(x10, 10, y, 20), 0.0606921314567491, 1e-12);
	near(stats_rank_sum(y, 20, x10, 10), 0.0606921314567491, 1e-12);
	i = stats_shift_interval(x10, 10, y, 20, 0.95);
	near(i.low, -0.001108, 1e-12);
	near(i.high, 0.023877, 1e-12);
	assert_true(i.level >= 0.95 && i.level < 0.96);
	i = stats_shift_interval(x10, 10, y, 20, 0.90);
	near(i.low, 0.001101, 1e-12);
	near(i.high, 0.022516, 1e-12);
}

/* wilcox.test(c(1,2,2,3,5,7), c(2,4,4,5,6,8,9), exact=FALSE)$p.value;
 * y <- (1:60)^1.3/50; x <- (1:55)^1.2/40; wilcox.test(y, x, conf.int=TRUE); median(outer(y,x,"-"))
 */
static void test_approximate(void **state)
{
	static const double a[] = {1, 2, 2, 3, 5, 7}, b[] = {2, 4, 4, 5, 6, 8, 9};
	static const double equal[] = {3, 3, 3, 3, 3, 3};
	struct stats_interval i;
	double x[55], y[60];

	near(stats_rank_sum(b, 7, a, 6), 0.149727981895451, 1e-12);
	near(stats_rank_sum(equal, 6, equal, 6), 1, 0);
	for (int k = 0; k < 60; k++)
		y[k] = pow(k + 1, 1.3) / 50;
	for (int k = 0; k < 55; k++)
		x[k] = pow(k + 1, 1.2) / 40;
	near(stats_rank_sum(x, 55, y, 60), 0.117606459983349, 1e-12);
	near(stats_shift(x, 55, y, 60), 0.338558592560966, 1e-12);
	i = stats_shift_interval(x, 55, y, 60, 0.95); /* R smooths; within a rank */
	near(i.low, -0.081353703644835, 0.01);
	near(i.high, 0.800909388395403, 0.01);
}

static void test_too_few(void **state)
{
	struct stats_interval i = stats_shift_interval(x10, 3, x10 + 3, 3, 0.95);

	assert_true(isnan(i.low) && isnan(i.high) && i.level == 0); /* least p of 3 v 3 is 0.1 */
	assert_true(isnan(stats_shift(x10, 0, x10, 3)));
	assert_true(isnan(stats_rank_sum(x10, 3, x10, 0)));
	assert_true(stats_shift_interval(x10, 0, x10, 3, 0.95).level == 0);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The same by making and sorting every average, on values with ties, zeros and both signs. */
static void test_walsh_by_brute_force(void **state)
{
	struct rng rng;

	rng_seed(&rng, 3);
	for (size_t n = 1; n <= 60; n++) {
		double x[60], all[60 * 61 / 2];
		size_t m = 0;

		for (size_t i = 0; i < n; i++)
			x[i] = (double)rng_below(&rng, 40) / 8 - 2.5 + (n % 2 ? rng_unit(&rng) : 0);
		for (size_t i = 0; i < n; i++)
			for (size_t k = i; k < n; k++)
				all[m++] = (x[i] + x[k]) / 2;
		qsort(all, m, sizeof(*all), ascending);
		near(stats_hodges_lehmann(x, n),
		     m % 2 ? all[m / 2] : (all[m / 2 - 1] + all[m / 2]) / 2, 0);
		if (n >= 6 && n <= STATS_EXACT_MAX) {
			struct stats_interval i = stats_signed_rank_interval(x, n, 0.95);
			size_t k = 0;

			while (all[k] < i.low)
				k++;
			assert_true(all[k] == i.low && all[m - 1 - k] >= i.high); /* ties */
		}
	}
}

/* set.seed(4); x <- round(rnorm(30,0.01,0.02),6); hl <-
 * function(v){n<-length(v);o<-outer(v,v,"+")/2; median(o[upper.tri(o,diag=TRUE)])}; set.seed(2); b
 * <- replicate(100000, hl(sample(x,30,TRUE))); quantile(b, c(.025,.975,.05,.95)); hl(x); sd(b) The
 * error of a tail of 10,000 draws: 0.00324 / sqrt(10000) * 2.7 = 0.0001; five times that. */
static void test_bootstrap(void **state)
{
	static const double x[] = {0.014335,  -0.00085, 0.027823, 0.02192,  0.042712,  0.023786,
				   -0.015625, 0.005737, 0.047931, 0.045537, 0.021332,  0.010314,
				   0.017661,  0.009097, 0.010687, 0.013381, 0.033301,  0.009116,
				   0.007993,  0.004331, 0.040816, 0.013303, 0.036152,  0.035765,
				   0.021858,  0.004341, 0.035118, 0.028197, -0.008561, 0.034804};
	static const double level[] = {0.95, 0.90};
	struct stats_interval i[2];

	near(stats_hodges_lehmann(x, 30), 0.020048, 1e-12);
	for (uint64_t seed = 1; seed <= 3; seed++) {
		stats_hl_intervals(x, 30, level, 2, seed, i);
		near(i[0].low, 0.0133420, 0.0005);
		near(i[0].high, 0.0258045, 0.0005);
		near(i[1].low, 0.0140585, 0.0005);
		near(i[1].high, 0.0248715, 0.0005);
		assert_true(i[0].low < i[1].low && i[1].high < i[0].high);
	}
}

/* g <- function(x){s<-0; for(v in x) s<-c(s+v,s-v); mean(abs(s)>=abs(sum(x))-1e-12)};
 * g(x20); g(x20[1:15]) */
static void test_sign_flip(void **state)
{
	double many[21];

	near(stats_sign_flip(x20, 20, 1), 0.00391006469726562, 1e-15);
	near(stats_sign_flip(x20, 15, 1), 0.04058837890625, 1e-15);
	for (int k = 0; k < 21;
	     k++) /* a zero changes nothing: the exact p of 20, by 100,000 flips */
		many[k] = k < 20 ? x20[k] : 0;
	near(stats_sign_flip(many, 21, 5), 0.00391006469726562, 0.0008);
}

/* Coverage of the shift's interval at n = m = 10: 1 - 2 * pwilcox(qwilcox(.025,10,10)-1,10,10) */
static void test_coverage(void **state)
{
	const int rounds = 3000;
	struct rng rng;
	int covered = 0;

	rng_seed(&rng, 77);
	for (int round = 0; round < rounds; round++) {
		struct stats_interval i;
		double x[10], y[10];

		for (int k = 0; k < 10; k++) {
			x[k] = rng_exponential(&rng, 1);
			y[k] = rng_exponential(&rng, 1) + 0.5;
		}
		i = stats_shift_interval(x, 10, y, 10, 0.95);
		covered += i.low <= 0.5 && 0.5 <= i.high;
	}
	near((double)covered / rounds, 0.9568, 0.02);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),	  cmocka_unit_test(test_approximate),
		cmocka_unit_test(test_too_few),	  cmocka_unit_test(test_walsh_by_brute_force),
		cmocka_unit_test(test_bootstrap), cmocka_unit_test(test_sign_flip),
		cmocka_unit_test(test_coverage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
