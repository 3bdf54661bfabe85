// SPDX-License-Identifier: Apache-2.0
/*
 * Expected values are R 4's, printed with options(digits=15); x, x20 as in stats_fixture.h. Each
 * test names the command that made its numbers.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "analysis/stats.h"
#include "base/cleanup.h"
#include "base/rng.h"
#include "stats_fixture.h"

/* quantile(x, c(0,.1,.25,.5,.9,1), type=7); sd(x); median(x) */
static void test_quantile(void **state)
{
	static const double q[] = {0, .1, .25, .5, .9, 1};
	static const double want[] = {-0.0110, -0.0047, 0.0075, 0.0135, 0.0274, 0.0310};
	double sorted[10];

	for (int i = 0; i < 10; i++)
		sorted[i] = x10[i];
	stats_sort(sorted, 10);
	for (size_t i = 0; i < ARRAY_SIZE(q); i++)
		near(stats_quantile(sorted, 10, q[i]), want[i], 1e-15);
	near(stats_sd(x10, 10), 0.013108097582114, 1e-15);
	near(stats_median(x10, 10), 0.0135, 1e-15);
	assert_true(isnan(stats_median(x10, 0)));
	assert_true(isnan(stats_sd(x10, 1)));
}

/* r <- qbinom(.025,n,.5); c(r, n+1-r, sum(dbinom(r:(n-r),n,.5)));
 * for p90: qbinom(.025,n,.9), qbinom(.975,n,.9)+1 */
static void test_order_interval(void **state)
{
	static const struct {
		size_t n;
		double q, low, high, level;
	} rows[] = {
		{6, .5, 1, 6, 0.96875},
		{7, .5, 1, 7, 0.984375},
		{8, .5, 1, 8, 0.9921875},
		{10, .5, 2, 9, 0.978515625},
		{15, .5, 4, 12, 0.96484375},
		{20, .5, 6, 15, 0.958610534667969},
		{30, .5, 10, 21, 0.957226054742932},
		{100, .5, 40, 61, 0.964799799782295},
		{50, .9, 41, 50, 0},
		{100, .9, 84, 96, 0},
	};
	double ranks[100];
	struct stats_interval i;

	for (int k = 0; k < 100; k++)
		ranks[k] = k + 1;
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		i = stats_order_interval(ranks, rows[r].n, rows[r].q, 0.95);
		near(i.low, rows[r].low, 0);
		near(i.high, rows[r].high, 0);
		if (rows[r].level > 0)
			near(i.level, rows[r].level, 1e-12);
		assert_true(i.level >= 0.95);
	}
	i = stats_order_interval(ranks, 5, 0.5, 0.95); /* none exists below 6 */
	assert_true(isnan(i.low) && isnan(i.high) && i.level == 0);
	assert_true(stats_order_interval(ranks, 29, 0.9, 0.95).level == 0); /* rank 30 of 29 */
}

/* wilcox.test(x, conf.int=TRUE, exact=TRUE[, conf.level=.90]); attained levels
 * 1 - 2 * psignrank(qsignrank(.025, n) - 1, n) */
static void test_hodges_lehmann(void **state)
{
	struct stats_interval i = stats_hl_interval(x10, 10, 0.95, 1);

	near(stats_hodges_lehmann(x10, 10), 0.0135, 1e-15);
	near(i.low, 0.0025, 1e-15);
	near(i.high, 0.0220, 1e-15);
	near(i.level, 1 - 2 * 0.0244140625, 1e-15);
	i = stats_hl_interval(x10, 10, 0.90, 1);
	near(i.low, 0.004, 1e-15);
	near(i.high, 0.021, 1e-15);
	near(i.level, 1 - 2 * 0.0419921875, 1e-15);

	i = stats_hl_interval(x10, 6, 0.95, 1);
	near(stats_hodges_lehmann(x10, 6), 0.0145, 1e-15);
	near(i.low, -0.004, 1e-15);
	near(i.high, 0.031, 1e-15);
	near(i.level, 0.96875, 1e-15);
	i = stats_hl_interval(x10, 6, 0.90, 1);
	near(i.low, 0.0040, 1e-15);
	near(i.high, 0.0245, 1e-15);

	i = stats_hl_interval(x20, 20, 0.95, 1);
	near(stats_hodges_lehmann(x20, 20), 0.01514475, 1e-8);
	near(i.low, 0.006518, 1e-12);
	near(i.high, 0.022899, 1e-12);
	near(i.level, 1 - 2 * 0.0242204666137695, 1e-12);

	i = stats_hl_interval(x10, 5, 0.95, 1); /* 2 / 32 > 0.05: none */
	assert_true(isnan(i.low) && i.level == 0);
}

/* g <- as.matrix(expand.grid(rep(list(c(-1,1)),n)));
 * mean(abs(g %*% x) >= abs(sum(x)) - 1e-12) */
static void test_sign_flip(void **state)
{
	static const double same[] = {1, 1, 1, 1, 1, 1};
	double many[30];

	near(stats_sign_flip(x10, 10, 1), 0.01953125, 0);
	near(stats_sign_flip(x10, 6, 1), 0.0625, 0);
	near(stats_sign_flip(same, 6, 1), 0.03125, 0); /* 2 of 64 */
	near(stats_sign_flip(same, 5, 1), 0.0625, 0);
	near(stats_sign_flip(x10, 0, 1), 1, 0);
	for (int i = 0; i < 30; i++)
		many[i] = i % 2 ? 1 : -1;
	near(stats_sign_flip(many, 30, 7), 1, 0);
	for (int i = 0; i < 30; i++)
		many[i] = 1 + i * 0.01;
	near(stats_sign_flip(many, 30, 7), 1.0 / 100001, 1e-12);
	for (int i = 0; i < 30; i++)
		many[i] = i < 20 ? 1 : -1;
	/* 2 * pbinom(10, 30, .5) = 0.0987371034920216; 100,000 flips: sd 0.0009 */
	near(stats_sign_flip(many, 30, 7), 0.0987, 0.004);
	near(stats_sign_flip(many, 30, 7), stats_sign_flip(many, 30, 7), 0);
}

/* p.adjust(p, "BH") */
static void test_benjamini_hochberg(void **state)
{
	static const double p[] = {0.251, 0.008, 0.039, 0.041, 0.042, 0.06,  0.074, 0.205,
				   0.212, 0.216, 0.222, 0.001, 0.269, 0.275, 0.34};
	static const double want[] = {0.294642857142857, 0.060000000000000, 0.126000000000000,
				      0.126000000000000, 0.126000000000000, 0.150000000000000,
				      0.158571428571429, 0.294642857142857, 0.294642857142857,
				      0.294642857142857, 0.294642857142857, 0.015000000000000,
				      0.294642857142857, 0.294642857142857, 0.340000000000000};
	static const double holes[] = {NAN, 0.04, NAN, 0.03};
	double got[15];

	stats_benjamini_hochberg(p, 15, got);
	for (int i = 0; i < 15; i++)
		near(got[i], want[i], 1e-12);
	stats_benjamini_hochberg(holes, 4, got); /* a family of two */
	assert_true(isnan(got[0]) && isnan(got[2]));
	near(got[1], 0.04, 1e-15);
	near(got[3], 0.04, 1e-15);
}

/* c(qt(.975,9),qt(.8,9),qt(.975,5),qt(.8,5),qt(.975,19),qt(.8,19)) */
static void test_power(void **state)
{
	near(stats_t_quantile(.975, 9), 2.262157162798205, 1e-9);
	near(stats_t_quantile(.8, 9), 0.883403859685534, 1e-9);
	near(stats_t_quantile(.975, 5), 2.570581835636314, 1e-9);
	near(stats_t_quantile(.8, 5), 0.919543780240826, 1e-9);
	near(stats_t_quantile(.975, 19), 2.093024054408309, 1e-9);
	near(stats_t_quantile(.8, 19), 0.860950550268929, 1e-9);
	near(stats_t_quantile(.025, 9), -2.262157162798205, 1e-9);
	near(stats_detectable(0.02, 10, 0.05, 0.8),
	     (2.262157162798205 + 0.883403859685534) * 0.02 / sqrt(10), 1e-9);
	assert_true(isnan(stats_detectable(0.02, 1, 0.05, 0.8)));
	/* t.test(x)$conf.int: the interval of Student's t has the standard deviation for its spread
	 */
	near(stats_spread(&(struct stats_interval){0.0032230318704974, 0.0219769681295026, 0.95},
			  10),
	     0.013108097582114, 1e-9);
	assert_true(isnan(stats_spread(&(struct stats_interval){NAN, NAN, 0}, 10)));
	for (size_t n = 7; n < 60; n += 7) { /* the fewest that will do */
		double effect = stats_detectable(0.02, n, 0.05, 0.8);

		assert_int_equal(stats_blocks_needed(0.02, effect, 0.05, 0.8, 1000), n);
	}
	assert_int_equal(stats_blocks_needed(0.02, 1, 0.05, 0.8, 1000), 6);
	assert_int_equal(stats_blocks_needed(0.02, 1e-6, 0.05, 0.8, 1000), 0);
	assert_int_equal(stats_blocks_needed(0.02, 0, 0.05, 0.8, 1000), 0);
	assert_int_equal(stats_blocks_needed(NAN, 0.1, 0.05, 0.8, 1000), 0);
}

/* A queue of three servers and 200 customers; what is in it, integrated over time, against rate and
 * mean time, which R has from the arrivals and departures; then of those alone that left in the
 * first half, where the three do not belong together:
 *   set.seed(7); n <- 200; a <- cumsum(rexp(n, 1/900)); s <- rexp(n, 1/2000); d <- numeric(n)
 *   free <- c(0,0,0); for (i in 1:n) { k <- which.min(free); d[i] <- max(a[i], free[k]) + s[i]
 *   free[k] <- d[i] }; e <- sort(c(a, d))
 *   N <- stepfun(e, cumsum(c(0, ifelse(order(c(a, d)) <= n, 1, -1))))
 *   T <- max(d); L <- sum(diff(c(0, e)) * N(e - 1e-9)) / T; w <- (d - a)[d < T/2]
 *   c(L, n/T*1e9, mean(d-a), n/T*mean(d-a)/L, length(w)/(T/2)*1e9, mean(w),
 *   length(w)/(T/2)*mean(w)/L) */
static void test_littles_law(void **state)
{
	near(stats_littles_law(6.87577797021346, 1189259.64059254, 5781.56168386214), 1, 1e-13);
	near(stats_littles_law(6.87577797021346, 987085.501691805, 3435.99538466824),
	     0.493270905892949, 1e-13);
}

static void test_equivalence_and_little(void **state)
{
	struct stats_interval inside = {-0.005, 0.009, 0.9}, across = {-0.005, 0.011, 0.9};
	struct stats_interval none = {NAN, NAN, 0}, i90;

	assert_true(stats_equivalent(&inside, 0.01));
	assert_false(stats_equivalent(&across, 0.01));
	assert_false(stats_equivalent(&none, 0.01));
	/* max(wilcox.test(x, mu=-m, alternative="greater", exact=TRUE)$p.value, wilcox.test(x,
	 * mu=m, alternative="less", exact=TRUE)$p.value) is 0.0527 for m = 0.0205, 0.0420 for m =
	 * 0.0215
	 */
	i90 = stats_hl_interval(x10, 10, 0.90, 1);
	assert_false(stats_equivalent(&i90, 0.0205));
	assert_true(stats_equivalent(&i90, 0.0215));
	near(stats_littles_law(16, 160000, 100000), 1, 1e-12);
	near(stats_littles_law(16, 160000, 90000), 0.9, 1e-12);
	assert_true(isnan(stats_littles_law(0, 1, 1)));
	assert_true(isnan(stats_littles_law(1, NAN, 1)));
}

static double normal(struct rng *r) /* Box-Muller */
{
	return sqrt(-2 * log1p(-rng_unit(r))) * cos(6.283185307179586 * rng_unit(r));
}

/* Exact intervals attain 0.96875 at n = 6 (nothing nearer to 0.95 exists), 0.951 at 10, 0.952 at
 * 20: 1 - 2 * psignrank(qsignrank(.025, n) - 1, n). */
static void test_coverage(void **state)
{
	static const struct {
		size_t n;
		double level;
		int rounds;
	} rows[] = {{6, 0.96875, 8000},
		    {10, 0.951171875, 8000},
		    {20, 0.951559066772461, 4000},
		    /* a bootstrap from here on, which is some tenths of a point too narrow */
		    {25, 0.95, 2000},
		    {30, 0.95, 2000}};
	struct rng rng;

	rng_seed(&rng, 20260121);
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		int covered = 0, rounds = rows[r].rounds;

		for (int round = 0; round < rounds; round++) {
			struct stats_interval i;
			double x[30];

			for (size_t k = 0; k < rows[r].n; k++)
				x[k] = 0.03 + 0.01 * normal(&rng);
			i = stats_hl_interval(x, rows[r].n, 0.95, (uint64_t)round + 1);
			covered += i.low <= 0.03 && 0.03 <= i.high;
			near(i.level, rows[r].level, 1e-9);
		}
		print_message("n = %zu: %.4f\n", rows[r].n, (double)covered / rounds);
		near((double)covered / rounds, 0.95, 0.02);
	}
}

/* What real hosts do to the blocks of a comparison. Skewed: one arm has exponential noise; the
 * truth is then what Hodges and Lehmann estimate, the median of the mean of two such values, which
 * is half the median of a Gamma(2) variable: qgamma(.5, 2) / 2 = 0.839173495007. Disturbed: a
 * neighbour takes the other arm's CPU in one block, which then is fifty times as far off as the
 * noise; the truth is the effect in the others. */
static double skewed(struct rng *r, size_t block)
{
	return 0.03 + 0.01 * (-log1p(-rng_unit(r)) - 0.839173495007);
}

static double disturbed(struct rng *r, size_t block)
{
	return 0.03 + 0.01 * normal(r) + (block ? 0 : 0.5);
}

static void test_coverage_of_odd_blocks(void **state)
{
	static const struct {
		const char *what;
		double (*value)(struct rng *r, size_t block);
		size_t n;
		double least;
	} rows[] = {{"skewed", skewed, 6, 0.93},	{"skewed", skewed, 10, 0.93},
		    {"skewed", skewed, 20, 0.93},	{"disturbed", disturbed, 6, 0.93},
		    {"disturbed", disturbed, 10, 0.93}, {"disturbed", disturbed, 20, 0.93}};
	struct rng rng;

	rng_seed(&rng, 20261122);
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		int covered = 0;

		for (int round = 0; round < 4000; round++) {
			struct stats_interval i;
			double x[20];

			for (size_t k = 0; k < rows[r].n; k++)
				x[k] = rows[r].value(&rng, k);
			i = stats_hl_interval(x, rows[r].n, 0.95, 1);
			covered += i.low <= 0.03 && 0.03 <= i.high;
		}
		print_message("%s, n = %zu: %.4f\n", rows[r].what, rows[r].n, covered / 4000.0);
		assert_true(covered / 4000.0 >= rows[r].least);
	}
}

static void test_bootstrap(void **state)
{
	struct stats_interval a, b;
	struct rng rng;
	double x[30];

	rng_seed(&rng, 5);
	for (int k = 0; k < 30; k++)
		x[k] = 0.03 + 0.01 * normal(&rng);
	a = stats_hl_interval(x, 30, 0.95, 9);
	b = stats_hl_interval(x, 30, 0.95, 9);
	near(a.low, b.low, 0); /* seeded: the same data give the same answer */
	near(a.high, b.high, 0);
	/* about +-t * sd / sqrt(n) = 0.0037 wide each way */
	assert_true(a.low < stats_hodges_lehmann(x, 30) && stats_hodges_lehmann(x, 30) < a.high);
	assert_true(a.high - a.low > 0.004 && a.high - a.low < 0.011);
}

/* x <- (1:60)^1.5/100; wilcox.test(x, conf.int=TRUE, exact=TRUE) */
static void test_large(void **state)
{
	struct stats_interval i;
	double x[60];

	for (int k = 0; k < 60; k++)
		x[k] = pow(k + 1, 1.5) / 100;
	i = stats_hl_interval(x, 60, 0.95, 1);
	near(i.low, 1.4494093616788, 0.005);
	near(i.high, 2.26652062518096, 0.005);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantile),
		cmocka_unit_test(test_order_interval),
		cmocka_unit_test(test_hodges_lehmann),
		cmocka_unit_test(test_sign_flip),
		cmocka_unit_test(test_benjamini_hochberg),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_littles_law),
		cmocka_unit_test(test_equivalence_and_little),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_coverage_of_odd_blocks),
		cmocka_unit_test(test_bootstrap),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
