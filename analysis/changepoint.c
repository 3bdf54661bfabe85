// SPDX-License-Identifier: Apache-2.0
#include "analysis/changepoint.h"

#include <math.h>
#include <string.h>

#include "analysis/stats.h"

/* Longest window: the sums of one are kept on the stack. */
#define WINDOW_MAX 200

const struct changepoint_options changepoint_defaults = {
	.window = 50,
	.segment = 5,
	.p = 0.001,
};

double changepoint_welch(const double *x, size_t n, const double *y, size_t m)
{
	double a, b, difference, df;

	if (n < 2 || m < 2)
		return 1;
	a = pow(stats_sd(x, n), 2) / (double)n;
	b = pow(stats_sd(y, m), 2) / (double)m;
	difference = stats_mean(y, m) - stats_mean(x, n);
	if (!(a + b > 0))
		return difference == 0 ? 1 : 0;
	df = (a + b) * (a + b) / (a * a / ((double)n - 1) + b * b / ((double)m - 1));
	return stats_t_two_sided(difference / sqrt(a + b), df);
}

/* The best split of x[0 … n): the largest energy distance between its sides, scaled by nm/(n+m).
 * All sums of |x[i] - x[j]| follow from those of one split to the next, so it costs n² a window. */
static size_t best_split(const double *x, size_t n, size_t segment, double *strength)
{
	double left = 0, right = 0, between = 0;
	size_t best = 0;

	*strength = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			right += fabs(x[i] - x[j]);
	for (size_t k = 1; k < n; k++) {
		double to_left = 0, to_right = 0, a = (double)k, b = (double)(n - k), q;

		for (size_t i = 0; i + 1 < k; i++)
			to_left += fabs(x[k - 1] - x[i]);
		for (size_t j = k; j < n; j++)
			to_right += fabs(x[k - 1] - x[j]);
		left += to_left;
		right -= to_right;
		between += to_right - to_left;
		if (k < segment || n - k < segment)
			continue;
		q = 2 * between / (a * b);
		q -= a > 1 ? 2 * left / (a * (a - 1)) : 0;
		q -= b > 1 ? 2 * right / (b * (b - 1)) : 0;
		q *= a * b / (a + b);
		if (q > *strength) {
			*strength = q;
			best = k;
		}
	}
	return best;
}

/* Splits of x[from … to), accepted at p, added to `at` in order of discovery. */
static void divide(const double *x, size_t from, size_t to, const struct changepoint_options *o,
		   double p, bool *at)
{
	double strength;
	size_t k;

	if (to - from < 2 * o->segment)
		return;
	k = best_split(x + from, to - from, o->segment, &strength);
	if (!k || changepoint_welch(x + from, k, x + from + k, to - from - k) > p)
		return;
	at[from + k] = true;
	divide(x, from, from + k, o, p, at);
	divide(x, from + k, to, o, p, at);
}

static void describe(const double *x, size_t n, struct changepoint *c, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t from = i ? c[i - 1].at : 0, to = i + 1 < count ? c[i + 1].at : n;

		c[i].before = stats_mean(x + from, c[i].at - from);
		c[i].after = stats_mean(x + c[i].at, to - c[i].at);
		c[i].p = changepoint_welch(x + from, c[i].at - from, x + c[i].at, to - c[i].at);
	}
}

/* The weakest of those that may not stay: by p first, then by magnitude. `count`: all may. */
static size_t weakest(const struct changepoint *c, size_t count,
		      const struct changepoint_options *o)
{
	size_t by_p = 0, by_size = 0;

	for (size_t i = 1; i < count; i++) {
		if (c[i].p > c[by_p].p)
			by_p = i;
		if (fabs(c[i].after - c[i].before) < fabs(c[by_size].after - c[by_size].before))
			by_size = i;
	}
	if (c[by_p].p > o->p)
		return by_p;
	return fabs(c[by_size].after - c[by_size].before) < o->magnitude ? by_size : count;
}

size_t changepoint_find(const double *x, size_t n, const struct changepoint_options *o,
			struct changepoint *found)
{
	size_t window = o->window > WINDOW_MAX ? WINDOW_MAX : o->window, start = 0, count = 0;

	while (start + 2 * o->segment <= n) {
		size_t end = n - start > window ? start + window : n, last = 0;
		bool at[WINDOW_MAX + 1] = {false};

		divide(x + start, 0, end - start, o, 10 * o->p, at);
		for (size_t i = 1; i < end - start; i++)
			if (at[i] && (!count || start + i >= found[count - 1].at + o->segment)) {
				found[count++] = (struct changepoint){.at = start + i};
				last = i;
			}
		if (end == n)
			break;
		start += last > window / 2 ? last : window / 2;
	}
	describe(x, n, found, count);
	while (count) {
		size_t drop = weakest(found, count, o);

		if (drop == count)
			break;
		memmove(found + drop, found + drop + 1, (count - drop - 1) * sizeof(*found));
		describe(x, n, found, --count);
	}
	return count;
}

size_t changepoint_locate(const double *x, size_t n, size_t before, size_t after)
{
	double sum = 0, total = 0, best = -1;
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		total += x[i];
	for (size_t k = 1; k < n; k++) {
		double a = (double)k, b = (double)(n - k), gap;

		sum += x[k - 1];
		gap = sum / a - (total - sum) / b;
		/* the residual sum falls by just this */
		if (k >= before && n - k >= after && gap * gap * a * b > best) {
			best = gap * gap * a * b;
			at = k;
		}
	}
	return at;
}
