// SPDX-License-Identifier: Apache-2.0
/* Student's t, and what it says of how much so many blocks can find. */
#include <math.h>

#include "analysis/stats.h"

/* lgamma() writes its sign to a global. */
static double log_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign);
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
	front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double t_cdf(double t, double df)
{
	double tail = beta_regularized(df / 2, 0.5, df / (df + t * t)) / 2;

	return t > 0 ? 1 - tail : tail;
}

double stats_t_two_sided(double t, double df)
{
	return fmin(1, beta_regularized(df / 2, 0.5, df / (df + t * t)));
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

double stats_spread(const struct stats_interval *i, size_t n)
{
	if (n < 2 || !(i->level > 0))
		return NAN;
	return (i->high - i->low) / 2 * sqrt((double)n) /
	       stats_t_quantile((1 + i->level) / 2, (double)n - 1);
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
