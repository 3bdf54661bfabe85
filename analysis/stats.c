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

double *stats_array(size_t n)
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
	_free_ double *sorted = stats_array(n);

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

/* lgamma() writes its sign to a global. */
static double log_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign);
}

static double binomial_pmf(size_t n, size_t k, double p)
{
	double dn = (double)n, dk = (double)k;

	return exp(log_gamma(dn + 1) - log_gamma(dk + 1) - log_gamma(dn - dk + 1) + dk * log(p) +
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

/* How many Walsh averages (x[i] + x[j]) / 2, i <= j, are at most t: two pointers over sorted x.
 * The averages rise with either index, in floating point too: a sum is rounded monotonically. */
static size_t walsh_count(const double *sorted, size_t n, double t)
{
	size_t count = 0, j = n;

	for (size_t i = 0; i < n; i++) {
		while (j > i && (sorted[i] + sorted[j - 1]) / 2 > t)
			j--;
		if (j <= i)
			break;
		count += j - i;
	}
	return count;
}

/* Doubles in the order of their values as integers, and back. */
static int64_t to_ordered(double x)
{
	int64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits < 0 ? INT64_MIN - bits : bits;
}

static double from_ordered(int64_t ordered)
{
	int64_t bits = ordered < 0 ? INT64_MIN - ordered : ordered;
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* The k-th smallest Walsh average (from 1), exact, without making the n (n + 1) / 2 of them: the
 * least double that has k of them at or below it, found by bisection over all doubles. O(64 n). */
static double walsh_kth(const double *sorted, size_t n, size_t k)
{
	int64_t low = to_ordered(sorted[0]), high = to_ordered(sorted[n - 1]);

	while (low < high) {
		int64_t mid = low + (int64_t)(((uint64_t)high - (uint64_t)low) / 2);

		if (walsh_count(sorted, n, from_ordered(mid)) >= k)
			high = mid;
		else
			low = mid + 1;
	}
	return from_ordered(low);
}

static double *sorted_copy(const double *x, size_t n)
{
	double *sorted = stats_array(n);

	memcpy(sorted, x, n * sizeof(*x));
	stats_sort(sorted, n);
	return sorted;
}

double stats_hodges_lehmann(const double *x, size_t n)
{
	_free_ double *sorted = sorted_copy(x, n);
	size_t m = n * (n + 1) / 2;

	if (!n)
		return NAN;
	if (m % 2)
		return walsh_kth(sorted, n, m / 2 + 1);
	return (walsh_kth(sorted, n, m / 2) + walsh_kth(sorted, n, m / 2 + 1)) / 2;
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

static struct stats_interval exact_interval(const double *sorted, size_t n, double level)
{
	size_t top = n * (n + 1) / 2, rank = 0;
	_free_ double *cdf = stats_array(top + 1);

	signed_rank_cdf(n, cdf);
	while (cdf[rank] < (1 - level) / 2)
		rank++;
	if (!rank) /* P(T+ <= 0) is too large already: fewer than 6 blocks at 95 % */
		return NO_INTERVAL;
	return (struct stats_interval){
		.low = walsh_kth(sorted, n, rank),
		.high = walsh_kth(sorted, n, top + 1 - rank),
		.level = 1 - 2 * cdf[rank - 1],
	};
}

/* The ranks of the exact interval by the normal approximation of the signed-rank distribution, good
 * to a rank or two from n = 50 on (R's wilcox.test switches there). */
static struct stats_interval large_interval(const double *sorted, size_t n, double level)
{
	size_t top = n * (n + 1) / 2, rank;
	double dn = (double)n, z = stats_t_quantile((1 + level) / 2, 1e6);
	double spread = sqrt(dn * (dn + 1) * (2 * dn + 1) / 24);

	rank = (size_t)(dn * (dn + 1) / 4 - z * spread); /* downwards: never too narrow */
	return (struct stats_interval){
		.low = walsh_kth(sorted, n, rank),
		.high = walsh_kth(sorted, n, top + 1 - rank),
		.level = level,
	};
}

/* Hoare's selection: the k-th smallest (from 0) goes to x[k], no larger one stands left of it. */
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

/* stats_quantile() of unsorted data, which it reorders. */
static double quantile_of(double *x, size_t n, double q)
{
	double h = (double)(n - 1) * q, low, high;
	size_t k = (size_t)h;

	low = select_kth(x, n, k);
	if (k + 1 >= n)
		return low;
	high = x[k + 1];
	for (size_t i = k + 2; i < n; i++)
		high = fmin(high, x[i]);
	return low + (h - (double)k) * (high - low);
}

struct walsh {
	double value;
	uint8_t i, j; /* n is at most STATS_BOOTSTRAP_MAX */
};

static int by_value(const void *a, const void *b)
{
	const struct walsh *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->i != y->i ? x->i - y->i : x->j - y->j;
}

/*
 * A resample of blocks draws x[i] count[i] times, so the average of x[i] and x[j] is there
 * count[i] count[j] times (count (count + 1) / 2 times for i = j): its median is a weighted median
 * of the averages of the data, which are made and sorted once. Of the `start` smallest of them, row
 * i has those with j from i to reach[i] - 1 (the averages rise with j), so the weight in front of
 * `start` is a sum over rows, and the walk begins near where it ends.
 */
struct resampler {
	struct walsh *pair; /* sorted */
	size_t n, n_pairs, start;
	uint8_t reach[STATS_BOOTSTRAP_MAX];
};

static void resampler_make(struct resampler *r, const double *sorted, size_t n)
{
	size_t at = 0;

	r->n = n;
	r->n_pairs = n * (n + 1) / 2;
	r->start = r->n_pairs / 2;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			r->pair[at++] =
				(struct walsh){(sorted[i] + sorted[j]) / 2, (uint8_t)i, (uint8_t)j};
	qsort(r->pair, r->n_pairs, sizeof(*r->pair), by_value);
	for (size_t i = 0; i < n; i++)
		r->reach[i] = (uint8_t)i;
	for (size_t p = 0; p < r->start; p++)
		r->reach[r->pair[p].i]++; /* ties are sorted by j, so no row has a hole */
}

static unsigned weight(const struct walsh *w, const unsigned *count)
{
	return w->i == w->j ? count[w->i] * (count[w->i] + 1) / 2 : count[w->i] * count[w->j];
}

static unsigned weight_before_start(const struct resampler *r, const unsigned *count)
{
	unsigned sum[STATS_BOOTSTRAP_MAX + 1] = {0}, before = 0;

	for (size_t i = 0; i < r->n; i++)
		sum[i + 1] = sum[i] + count[i];
	for (size_t i = 0; i < r->n; i++)
		if (r->reach[i] > i) /* the pair (i, i), then (i, j) with j > i */
			before += count[i] * (count[i] + 1) / 2 +
				  count[i] * (sum[r->reach[i]] - sum[i + 1]);
	return before;
}

/* The k-th smallest (from 1) of the resample's averages; `*next` is the (k + 1)-th. */
static double resample_kth(const struct resampler *r, const unsigned *count, unsigned k,
			   double *next)
{
	unsigned before = weight_before_start(r, count), here;
	size_t at = r->start;
	double kth;

	while (before >= k)
		before -= weight(&r->pair[--at], count);
	while (before + (here = weight(&r->pair[at], count)) < k) {
		before += here;
		at++;
	}
	kth = r->pair[at].value;
	if (before + here == k) /* the next one that is there at all */
		do
			at++;
		while (at + 1 < r->n_pairs && !weight(&r->pair[at], count));
	*next = at < r->n_pairs ? r->pair[at].value : kth;
	return kth;
}

/* How often each of n blocks is drawn in n draws; two draws of 32 bits a number (bias n / 2^32). */
static void draw(struct rng *rng, size_t n, unsigned *count)
{
	uint64_t bits = 0;

	memset(count, 0, n * sizeof(*count));
	for (size_t i = 0; i < n; i++) {
		bits = i % 2 ? bits >> 32 : rng_next(rng);
		count[((bits & UINT32_MAX) * n) >> 32]++;
	}
}

static void bootstrap(const double *sorted, size_t n, uint64_t seed, double *estimate)
{
	struct resampler r = {.pair = calloc(n * (n + 1) / 2, sizeof(struct walsh))};
	unsigned count[STATS_BOOTSTRAP_MAX], m = (unsigned)(n * (n + 1) / 2);
	struct rng rng;

	if (!r.pair)
		abort();
	resampler_make(&r, sorted, n);
	rng_seed(&rng, seed);
	for (size_t s = 0; s < STATS_RESAMPLES; s++) {
		double middle, next;

		draw(&rng, n, count);
		middle = resample_kth(&r, count, (m + 1) / 2, &next);
		estimate[s] = m % 2 ? middle : (middle + next) / 2;
	}
	free(r.pair);
}

void stats_hl_intervals(const double *x, size_t n, const double *level, size_t n_levels,
			uint64_t seed, struct stats_interval *out)
{
	_free_ double *sorted = sorted_copy(x, n);
	_free_ double *estimate = NULL;

	if (n > STATS_EXACT_MAX && n <= STATS_BOOTSTRAP_MAX) {
		estimate = stats_array(STATS_RESAMPLES);
		bootstrap(sorted, n, seed, estimate);
	}
	for (size_t i = 0; i < n_levels; i++) {
		double tail = (1 - level[i]) / 2;

		if (!n)
			out[i] = NO_INTERVAL;
		else if (n <= STATS_EXACT_MAX)
			out[i] = exact_interval(sorted, n, level[i]);
		else if (n > STATS_BOOTSTRAP_MAX)
			out[i] = large_interval(sorted, n, level[i]);
		else
			out[i] = (struct stats_interval){
				.low = quantile_of(estimate, STATS_RESAMPLES, tail),
				.high = quantile_of(estimate, STATS_RESAMPLES, 1 - tail),
				.level = level[i],
			};
	}
}

struct stats_interval stats_signed_rank_interval(const double *x, size_t n, double level)
{
	_free_ double *sorted = sorted_copy(x, n);

	if (!n)
		return NO_INTERVAL;
	return n <= STATS_EXACT_MAX ? exact_interval(sorted, n, level)
				    : large_interval(sorted, n, level);
}

struct stats_interval stats_hl_interval(const double *x, size_t n, double level, uint64_t seed)
{
	struct stats_interval i;

	stats_hl_intervals(x, n, &level, 1, seed, &i);
	return i;
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

/* All 2^n sums as pairs of two halves, 2^(n/2) sums each: both sorted, one walk counts the pairs
 * that reach `at_least`. Signs are symmetric, so as many reach its negative. */
static double sign_flip_exact(const double *x, size_t n, double at_least)
{
	size_t half = n / 2, n_left = (size_t)1 << half, n_right = (size_t)1 << (n - half);
	_free_ double *left = stats_array(n_left);
	_free_ double *right = stats_array(n_right);
	size_t from = n_right;
	uint64_t hits = 0;

	if (at_least <= 0)
		return 1;
	signed_sums(x, half, left);
	signed_sums(x + half, n - half, right);
	stats_sort(left, n_left);
	stats_sort(right, n_right);
	for (size_t i = 0; i < n_left; i++) {
		while (from > 0 && left[i] + right[from - 1] >= at_least)
			from--;
		hits += n_right - from;
	}
	return ldexp((double)hits, 1 - (int)n);
}

#define CHUNK 8
/* The sums of 8 values at a time under each of their 256 signs, looked up a byte of signs each. */
static double sign_flip_random(const double *x, size_t n, double at_least, uint64_t seed)
{
	size_t chunks = (n + CHUNK - 1) / CHUNK;
	_free_ double *sums = stats_array(chunks << CHUNK);
	uint64_t hits = 0;
	struct rng rng;

	for (size_t c = 0; c < chunks; c++) {
		double part[CHUNK] = {0};

		for (size_t i = 0; i < CHUNK && c * CHUNK + i < n; i++)
			part[i] = x[c * CHUNK + i];
		signed_sums(part, CHUNK, &sums[c << CHUNK]);
	}
	rng_seed(&rng, seed);
	for (size_t f = 0; f < FLIPS; f++) {
		uint64_t bits = 0;
		double s = 0;

		for (size_t c = 0; c < chunks; c++) {
			bits = c % 8 ? bits >> CHUNK : rng_next(&rng);
			s += sums[(c << CHUNK) + (bits & 0xff)];
		}
		hits += fabs(s) >= at_least;
	}
	return (double)(1 + hits) / (1 + FLIPS);
}

double stats_sign_flip(const double *x, size_t n, uint64_t seed)
{
	double sum = 0, size = 0, at_least;

	for (size_t i = 0; i < n; i++) {
		sum += x[i];
		size += fabs(x[i]);
	}
	at_least = fabs(sum) - 1e-12 * size; /* equal sums must count as equal */
	if (!n)
		return 1;
	return n <= STATS_EXACT_MAX ? sign_flip_exact(x, n, at_least)
				    : sign_flip_random(x, n, at_least, seed);
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

double stats_littles_law(double in_flight, double rate_per_s, double mean_ns)
{
	if (!(in_flight > 0) || !(rate_per_s > 0) || !(mean_ns > 0))
		return NAN;
	return rate_per_s * mean_ns / 1e9 / in_flight;
}
