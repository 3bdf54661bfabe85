/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statistics of DESIGN §5. Pure functions over arrays; nothing is sorted in place unless the
 * name says so. "No answer" is NAN (and level 0 of an interval), never a made-up number. All
 * randomness is seeded: the same data give the same answer everywhere.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stats_interval {
	double low, high; /* NAN when no interval of the asked level exists */
	double level;	  /* attained, at least the asked one where it is exact; 0 when none */
};

/* `n` zeros, to be freed. Never NULL: arrays here are a few hundred numbers, and without memory for
 * them there is no answer to give (abort). */
double *stats_array(size_t n);
/* Sorts ascending, in place. */
void stats_sort(double *x, size_t n);
/* Quantile q of sorted data, type 7 of Hyndman & Fan, Am. Stat. 50(4), 1996 (R's default). */
double stats_quantile(const double *sorted, size_t n, double q);
/* Median of unsorted data (n at most 4096 without allocation trouble). NAN when n is 0. */
double stats_median(const double *x, size_t n);
double stats_mean(const double *x, size_t n);
/* Sample standard deviation (n - 1). NAN below n = 2. */
double stats_sd(const double *x, size_t n);

/* Distribution-free interval for quantile q from order statistics: the ranks are binomial quantiles
 * (David & Nagaraja, Order Statistics, 3rd ed., §7.1). For the median none exists below n = 6 at
 * 95 %. */
struct stats_interval stats_order_interval(const double *sorted, size_t n, double q, double level);

/* Hodges & Lehmann, Ann. Math. Stat. 34(2), 1963: the median of the Walsh averages. */
double stats_hodges_lehmann(const double *x, size_t n);

/* Interval for the Hodges-Lehmann estimate. To n = 20 exact, by inverting Wilcoxon's signed-rank
 * test with its null distribution counted out (Hollander, Wolfe & Chicken, 3rd ed., §3.3; the ranks
 * of R's wilcox.test); above, the percentile interval of a bootstrap of blocks with `resamples`
 * draws (Efron & Tibshirani, 1993, §13.3); above STATS_BOOTSTRAP_MAX, where that would cost n²
 * a draw, the signed-rank interval again with the normal approximation of its ranks. */
#define STATS_EXACT_MAX	    20
#define STATS_BOOTSTRAP_MAX 50
#define STATS_RESAMPLES	    10000
struct stats_interval stats_hl_interval(const double *x, size_t n, double level, uint64_t seed);
/* The same at several levels from one bootstrap: out[0 … n_levels). */
void stats_hl_intervals(const double *x, size_t n, const double *level, size_t n_levels,
			uint64_t seed, struct stats_interval *out);
/* By signed ranks at every n (normal approximation of the ranks above 20): for what is stated
 * beside a judgement and need not cost a bootstrap. */
struct stats_interval stats_signed_rank_interval(const double *x, size_t n, double level);

/* Two-sided p of the sign-flip (paired permutation) test on the sum (Fisher, 1935, §21): exact to
 * n = 20, above by 100,000 seeded flips, then (1 + hits) / (1 + flips) after Phipson & Smyth, SAGMB
 * 9(1), 2010. 1 when n is 0. */
double stats_sign_flip(const double *x, size_t n, uint64_t seed);

/* Two independent samples (runs of different days share no blocks): the Hodges-Lehmann shift,
 * median of all differences y - x, its interval and two-sided p by Wilcoxon's rank sum (Hollander,
 * Wolfe & Chicken, 3rd ed., §4.1-4.3; R's wilcox.test(y, x, conf.int=TRUE)). The null distribution
 * is counted out when both have at most STATS_RANK_SUM_EXACT values (for p: and none are equal),
 * else its normal approximation; that of p with R's correction. NAN and level 0 when there is none.
 */
#define STATS_RANK_SUM_EXACT 49
double stats_shift(const double *x, size_t n, const double *y, size_t m);
struct stats_interval stats_shift_interval(const double *x, size_t n, const double *y, size_t m,
					   double level);
double stats_rank_sum(const double *x, size_t n, const double *y, size_t m);

/* Equivalence by interval inclusion (Schuirmann, J. Pharmacokin. Biopharm. 15(6), 1987): a 90 %
 * interval inside [-margin, margin] is two one-sided tests at 5 %. */
bool stats_equivalent(const struct stats_interval *i90, double margin);

/* Benjamini & Hochberg, J. R. Stat. Soc. B 57(1), 1995: adjusted p, as R's p.adjust("BH"). NAN
 * members are not part of the family and stay NAN. */
void stats_benjamini_hochberg(const double *p, size_t n, double *adjusted);

/* Student's t: quantile p for df degrees of freedom. */
double stats_t_quantile(double p, double df);
/* Two-sided p of a t statistic. */
double stats_t_two_sided(double t, double df);
/* Effect that n blocks with this standard deviation find with `power` at two-sided `alpha`:
 * (t[1 - alpha/2] + t[power]) sd / sqrt(n) (Cohen, 1988, §2.4 in its t form). NAN below n = 2. */
double stats_detectable(double sd, size_t n, double alpha, double power);
/* The standard deviation of a block's difference as far as an interval for a shift goes: the one
 * whose t interval of n blocks would be as wide (Lehmann, Ann. Math. Stat. 34(4), 1963: the length
 * of a Wilcoxon interval estimates its standard error). A single wild block hardly changes it. NAN
 * below n = 2 and where there is no interval. */
double stats_spread(const struct stats_interval *i, size_t n);
/* Fewest blocks (>= 6) for which stats_detectable() is at most `effect`; 0 when more than `most`.
 */
size_t stats_blocks_needed(double sd, double effect, double alpha, double power, size_t most);

/* Little, Oper. Res. 9(3), 1961: rate × mean time in the system ÷ number in the system; 1 when the
 * three belong together. NAN unless all are positive. */
double stats_littles_law(double in_flight, double rate_per_s, double mean_ns);
