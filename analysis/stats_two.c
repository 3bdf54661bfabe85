// SPDX-License-Identifier: Apache-2.0
/* Statistics of two independent samples. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/stats.h"
#include "base/cleanup.h"

/* All n m differences y - x, sorted. */
static double *differences(const double *x, size_t n, const double *y, size_t m)
{
	double *d = stats_array(n * m);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++)
			d[i * m + k] = y[k] - x[i];
	stats_sort(d, n * m);
	return d;
}

double stats_shift(const double *x, size_t n, const double *y, size_t m)
{
	_free_ double *d = differences(x, n, y, m);

	return n && m ? stats_quantile(d, n * m, 0.5) : NAN;
}

/* P(W <= w) for w = 0 … n m, W the number of pairs with y above x: the coefficients of the Gaussian
 * binomial, built factor by factor. */
static double *rank_sum_cdf(size_t n, size_t m)
{
	size_t top = n * m;
	double *p = stats_array(top + 1), sum = 0;

	p[0] = 1;
	for (size_t i = 1; i <= n; i++) {
		for (size_t w = top; w >= m + i && w <= top; w--) /* times 1 - q^(m + i) */
			p[w] -= p[w - m - i];
		for (size_t w = i; w <= top; w++) /* over 1 - q^i */
			p[w] += p[w - i];
	}
	for (size_t w = 0; w <= top; w++)
		sum += p[w];
	for (size_t w = 0; w <= top; w++)
		p[w] = p[w] / sum + (w ? p[w - 1] : 0);
	return p;
}

static bool has_ties(const double *x, size_t n, const double *y, size_t m)
{
	_free_ double *all = stats_array(n + m);

	memcpy(all, x, n * sizeof(*x));
	memcpy(all + n, y, m * sizeof(*y));
	stats_sort(all, n + m);
	for (size_t i = 1; i < n + m; i++)
		if (all[i] == all[i - 1])
			return true;
	return false;
}

struct stats_interval stats_shift_interval(const double *x, size_t n, const double *y, size_t m,
					   double level)
{
	struct stats_interval none = {NAN, NAN, 0};
	_free_ double *d = differences(x, n, y, m);
	_free_ double *cdf = NULL;
	size_t top = n * m, rank = 0;

	if (!top)
		return none;
	if (n <= STATS_RANK_SUM_EXACT && m <= STATS_RANK_SUM_EXACT) {
		cdf = rank_sum_cdf(n, m);
		while (cdf[rank] < (1 - level) / 2)
			rank++;
	} else {
		double z = stats_t_quantile((1 + level) / 2, 1e6);
		double at = (double)top / 2 - z * sqrt((double)top * ((double)(n + m) + 1) / 12);

		rank = at > 0 ? (size_t)at : 0;
	}
	if (!rank)
		return none;
	return (struct stats_interval){
		.low = d[rank - 1],
		.high = d[top - rank],
		.level = cdf ? 1 - 2 * cdf[rank - 1] : level,
	};
}

double stats_rank_sum(const double *x, size_t n, const double *y, size_t m)
{
	size_t top = n * m;
	double w = 0, ties = 0, spread, away, total = (double)(n + m);
	_free_ double *all = stats_array(n + m);
	_free_ double *cdf = NULL;

	if (!top)
		return NAN;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++)
			w += y[k] > x[i] ? 1 : y[k] == x[i] ? 0.5 : 0;
	if (n <= STATS_RANK_SUM_EXACT && m <= STATS_RANK_SUM_EXACT && !has_ties(x, n, y, m)) {
		size_t least = (size_t)fmin(w, (double)top - w);

		cdf = rank_sum_cdf(n, m);
		return fmin(1, 2 * cdf[least]);
	}
	memcpy(all, x, n * sizeof(*x));
	memcpy(all + n, y, m * sizeof(*y));
	stats_sort(all, n + m);
	for (size_t i = 0, run = 1; i < n + m; i++, run++)
		if (i + 1 == n + m || all[i + 1] != all[i]) {
			ties += (double)(run * run * run - run);
			run = 0;
		}
	spread = sqrt((double)top / 12 * (total + 1 - ties / (total * (total - 1))));
	away = fabs(w - (double)top / 2) - 0.5;
	return spread > 0 && away > 0 ? erfc(away / spread / sqrt(2)) : 1;
}
