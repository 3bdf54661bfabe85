// SPDX-License-Identifier: Apache-2.0
#include "analysis/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/rng.h"

#define FLIPS	    100000
#define NO_INTERVAL ((struct stats_interval){NAN, NAN, 0})

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void stats_sort(double *x, size_t n)
{
	qsort(x, n, sizeof(*x), ascending);
}

/* Arrays here are a few hundred numbers; without them there is no answer to give. */
static double *allocate(size_t n)
{
	double *x = calloc(n ? n : 1, sizeof(*x));

	if (!x)
		abort();
	return x;
}

double stats_quantile(const double *sorted, size_t n, double q)
{
	double h = (double)(n - 1) * q;
	size_t low = (size_t)h;

	if (!n)
		return NAN;
	if (low + 1 >= n)
		return sorted[n - 1];
	return sorted[low] + (h - (double)low) * (sorted[low + 1] - sorted[low]);
}

double stats_median(const double *x, size_t n)
{
	_free_ double *sorted = allocate(n);

	memcpy(sorted, x, n * sizeof(*x));
	stats_sort(sorted, n);
	return n ? stats_quantile(sorted, n, 0.5) : NAN;
}

double stats_mean(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return n ? sum / (double)n : NAN;
}

double stats_sd(const double *x, size_t n)
{
	double mean = stats_mean(x, n), sum = 0;

	if (n < 2)
		return NAN;
	for (size_t i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return sqrt(sum / (double)(n - 1));
}

static double binomial_pmf(size_t n, size_t k, double p)
{
	double dn = (double)n, dk = (double)k;

	return exp(lgamma(dn + 1) - lgamma(dk + 1) - lgamma(dn - dk + 1) + dk * log(p) +
		   (dn - dk) * log1p(-p));
}

/* Smallest k with P(B <= k) >= p, up to rounding (as R's qbinom). */
static size_t binomial_quantile(double p, size_t n, double q)
{
	double sum = 0;

	for (size_t k = 0; k < n; k++) {
		sum += binomial_pmf(n, k, q);
		if (sum >= p * (1 - 64 * 0x1p-52))
			return k;
	}
	return n;
}

struct stats_interval stats_order_interval(const double *sorted, size_t n, double q, double level)
{
	size_t low = binomial_quantile((1 - level) / 2, n, q);
	size_t high = binomial_quantile((1 + level) / 2, n, q) + 1;
	struct stats_interval i = {.level = 0};

	if (low < 1 || high > n)
		return NO_INTERVAL;
	for (size_t k = low; k < high; k++)
		i.level += binomial_pmf(n, k, q);
	i.low = sorted[low - 1];
	i.high = sorted[high - 1];
	return i;
}

static size_t walsh_averages(const double *x, size_t n, double *out)
{
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			out[m++] = (x[i] + x[j]) / 2;
	return m;
}

/* Hoare's selection: the k-th smallest (from 0); reorders x. */
static double select_kth(double *x, size_t n, size_t k)
{
	size_t low = 0, high = n - 1;

	while (low < high) {
		double pivot = x[(low + high) / 2];
		size_t i = low, j = high;

		while (i <= j) {
			while (x[i] < pivot)
				i++;
			while (x[j] > pivot)
				j--;
			if (i <= j) {
				double t = x[i];

				x[i++] = x[j];
				x[j] = t;
				if (!j)
					break;
				j--;
			}
		}
		if (k <= j)
			high = j;
		else if (k >= i)
			low = i;
		else
			break;
	}
	return x[k];
}

static double median_of_walsh(const double *x, size_t n, double *scratch)
{
	size_t m = walsh_averages(x, n, scratch);
	double upper = select_kth(scratch, m, m / 2), lower;

	if (m % 2)
		return upper;
	lower = scratch[0]; /* all below m / 2 stand left of it now */
	for (size_t i = 1; i < m / 2; i++)
		if (scratch[i] > lower)
			lower = scratch[i];
	return (lower + upper) / 2;
}

double stats_hodges_lehmann(const double *x, size_t n)
{
	_free_ double *walsh = allocate(n * (n + 1) / 2);

	return n ? median_of_walsh(x, n, walsh) : NAN;
}

/* P(T+ <= k) for k = 0 … n(n+1)/2 under the null: subsets of {1 … n} by their sum. */
static void signed_rank_cdf(size_t n, double *cdf)
{
	size_t top = n * (n + 1) / 2;

	memset(cdf, 0, (top + 1) * sizeof(*cdf));
	cdf[0] = 1;
	for (size_t rank = 1; rank <= n; rank++)
		for (size_t s = top; s >= rank; s--)
			cdf[s] += cdf[s - rank];
	for (size_t s = 0; s <= top; s++)
		cdf[s] = ldexp(cdf[s], -(int)n) + (s ? cdf[s - 1] : 0);
}

static struct stats_interval exact_interval(const double *x, size_t n, double level)
{
	size_t top = n * (n + 1) / 2, rank = 0;
	_free_ double *cdf = allocate(top + 1);
	_free_ double *walsh = allocate(top);
	struct stats_interval i;

	signed_rank_cdf(n, cdf);
	while (cdf[rank] < (1 - level) / 2)
		rank++;
	if (!rank) /* P(T+ <= 0) is too large already: fewer than 6 blocks at 95 % */
		return NO_INTERVAL;
	walsh_averages(x, n, walsh);
	stats_sort(walsh, top);
	i.low = walsh[rank - 1];
	i.high = walsh[top - rank];
	i.level = 1 - 2 * cdf[rank - 1];
	return i;
}

/* The ranks of the exact interval by the normal approximation of the signed-rank distribution, good
 * to a rank or two from n = 50 on (R's wilcox.test switches there). */
static struct stats_interval large_interval(const double *x, size_t n, double level)
{
	size_t top = n * (n + 1) / 2, rank;
	_free_ double *walsh = allocate(top);
	double dn = (double)n, z = stats_t_quantile((1 + level) / 2, 1e6);
	double spread = sqrt(dn * (dn + 1) * (2 * dn + 1) / 24);
	struct stats_interval i = {.level = level};

	rank = (size_t)(dn * (dn + 1) / 4 - z * spread); /* downwards: never too narrow */
	walsh_averages(x, n, walsh);
	i.low = select_kth(walsh, top, rank - 1);
	i.high = select_kth(walsh, top, top - rank);
	return i;
}

static struct stats_interval bootstrap_interval(const double *x, size_t n, double level,
						uint64_t seed)
{
	_free_ double *walsh = allocate(n * (n + 1) / 2);
	_free_ double *drawn = allocate(n);
	_free_ double *estimate = allocate(STATS_RESAMPLES);
	struct rng rng;

	rng_seed(&rng, seed);
	for (size_t r = 0; r < STATS_RESAMPLES; r++) {
		for (size_t i = 0; i < n; i++)
			drawn[i] = x[rng_below(&rng, n)];
		estimate[r] = median_of_walsh(drawn, n, walsh);
	}
	stats_sort(estimate, STATS_RESAMPLES);
	return (struct stats_interval){
		.low = stats_quantile(estimate, STATS_RESAMPLES, (1 - level) / 2),
		.high = stats_quantile(estimate, STATS_RESAMPLES, (1 + level) / 2),
		.level = level,
	};
}

struct stats_interval stats_hl_interval(const double *x, size_t n, double level, uint64_t seed)
{
	if (!n)
		return NO_INTERVAL;
	if (n <= STATS_EXACT_MAX)
		return exact_interval(x, n, level);
	if (n > STATS_BOOTSTRAP_MAX)
		return large_interval(x, n, level);
	return bootstrap_interval(x, n, level, seed);
}

/* Every signed sum of x, 2^n of them. */
static void signed_sums(const double *x, size_t n, double *sums)
{
	sums[0] = 0;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < (size_t)1 << i; k++) {
			sums[k + ((size_t)1 << i)] = sums[k] - x[i];
			sums[k] += x[i];
		}
	}
}

/* Two halves whose sums are listed once: no error piles up over 2^20 additions. */
static double sign_flip_exact(const double *x, size_t n, double at_least)
{
	size_t half = n / 2, n_left = (size_t)1 << half, n_right = (size_t)1 << (n - half);
	_free_ double *left = allocate(n_left);
	_free_ double *right = allocate(n_right);
	uint64_t hits = 0;

	signed_sums(x, half, left);
	signed_sums(x + half, n - half, right);
	for (size_t i = 0; i < n_left; i++)
		for (size_t j = 0; j < n_right; j++)
			hits += fabs(left[i] + right[j]) >= at_least;
	return ldexp((double)hits, -(int)n);
}

double stats_sign_flip(const double *x, size_t n, uint64_t seed)
{
	double sum = 0, size = 0, at_least;
	uint64_t hits = 0;
	struct rng rng;

	for (size_t i = 0; i < n; i++) {
		sum += x[i];
		size += fabs(x[i]);
	}
	at_least = fabs(sum) - 1e-12 * size; /* equal sums must count as equal */
	if (!n)
		return 1;
	if (n <= STATS_EXACT_MAX)
		return sign_flip_exact(x, n, at_least);
	rng_seed(&rng, seed);
	for (size_t f = 0; f < FLIPS; f++) {
		uint64_t bits = 0;
		double s = 0;

		for (size_t i = 0; i < n; i++) {
			if (i % 64 == 0)
				bits = rng_next(&rng);
			s += bits & 1 ? x[i] : -x[i];
			bits >>= 1;
		}
		hits += fabs(s) >= at_least;
	}
	return (double)(1 + hits) / (1 + FLIPS);
}

bool stats_equivalent(const struct stats_interval *i90, double margin)
{
	return i90->level > 0 && i90->low >= -margin && i90->high <= margin;
}

struct ranked {
	double p;
	size_t at;
};

static int descending_p(const void *a, const void *b)
{
	return ascending(&((const struct ranked *)b)->p, &((const struct ranked *)a)->p);
}

void stats_benjamini_hochberg(const double *p, size_t n, double *adjusted)
{
	_free_ struct ranked *ranked = calloc(n ? n : 1, sizeof(*ranked));
	size_t family = 0;
	double least = 1;

	if (!ranked)
		abort();
	for (size_t i = 0; i < n; i++) {
		adjusted[i] = NAN;
		if (!isnan(p[i]))
			ranked[family++] = (struct ranked){p[i], i};
	}
	qsort(ranked, family, sizeof(*ranked), descending_p);
	for (size_t i = 0; i < family; i++) {
		least = fmin(least, ranked[i].p * (double)family / (double)(family - i));
		adjusted[ranked[i].at] = least;
	}
}

/* Regularized incomplete beta function by its continued fraction (Lentz; DLMF 8.17.22). */
static double beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), h = d;

	for (int m = 1; m < 300; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), step;

		d = 1 / (1 + even * d);
		c = 1 + even / c;
		h *= d * c;
		d = 1 / (1 + odd * d);
		c = 1 + odd / c;
		step = d * c;
		h *= step;
		if (fabs(step - 1) < 1e-15)
			break;
	}
	return h;
}

static double beta_regularized(double a, double b, double x)
{
	double front;

	if (x <= 0 || x >= 1)
		return x >= 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double t_cdf(double t, double df)
{
	double tail = beta_regularized(df / 2, 0.5, df / (df + t * t)) / 2;

	return t > 0 ? 1 - tail : tail;
}

double stats_t_quantile(double p, double df)
{
	double low = -1e6, high = 1e6;

	for (int i = 0; i < 100; i++) {
		double mid = (low + high) / 2;

		if (t_cdf(mid, df) < p)
			low = mid;
		else
			high = mid;
	}
	return (low + high) / 2;
}

double stats_detectable(double sd, size_t n, double alpha, double power)
{
	double df = (double)n - 1;

	if (n < 2)
		return NAN;
	return (stats_t_quantile(1 - alpha / 2, df) + stats_t_quantile(power, df)) * sd /
	       sqrt((double)n);
}

size_t stats_blocks_needed(double sd, double effect, double alpha, double power, size_t most)
{
	size_t low = 6, high = most;

	if (!(effect > 0) || isnan(sd) || !(stats_detectable(sd, most, alpha, power) <= effect))
		return 0;
	while (low < high) { /* detectable() falls with n */
		size_t mid = (low + high) / 2;

		if (stats_detectable(sd, mid, alpha, power) <= effect)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

double stats_littles_law(double in_flight, double rate_per_s, double mean_ns)
{
	if (!(in_flight > 0) || !(rate_per_s > 0) || !(mean_ns > 0))
		return NAN;
	return rate_per_s * mean_ns / 1e9 / in_flight;
}
