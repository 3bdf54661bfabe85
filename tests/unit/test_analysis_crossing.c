// SPDX-License-Identifier: Apache-2.0
/* Where two modes cross: the place, the interval and its coverage, levels that cannot be told
 * apart. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "analysis/crossing.h"
#include "base/cleanup.h"
#include "base/rng.h"

#define BLOCKS 10
#define LEVELS 4

static const size_t blocks[BLOCKS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

/* Close to normal, variance 1. */
static double normal(struct rng *rng)
{
	double x = 0;

	for (int k = 0; k < 12; k++)
		x += (double)rng_below(rng, 1 << 30) / (1 << 30);
	return x - 6;
}

/* What a block has in common, and what each level of it has alone. */
static void draw(struct rng *rng, const double *truth, double sd, double x[LEVELS][BLOCKS])
{
	for (size_t b = 0; b < BLOCKS; b++) {
		double common = sd * normal(rng) / 2;

		for (size_t l = 0; l < LEVELS; l++)
			x[l][b] = truth[l] + common + sd * normal(rng);
	}
}

static struct crossing find(const double *at, double x[LEVELS][BLOCKS])
{
	struct crossing_level level[LEVELS];
	struct crossing c;

	for (size_t l = 0; l < LEVELS; l++)
		level[l] = (struct crossing_level){at[l], BLOCKS, blocks, x[l]};
	crossing_find(level, LEVELS, &c);
	return c;
}

/* Without noise it is the place of the straight line's zero. */
static void test_place(void **state)
{
	static const double at[] = {1, 2, 8, 16}, truth[] = {0.2, 0.1, -0.1, -0.2};
	double x[LEVELS][BLOCKS];
	struct crossing c;
	struct rng rng;

	rng_seed(&rng, 1);
	draw(&rng, truth, 0, x);
	c = find(at, x);
	assert_float_equal(c.at, 4, 1e-6);
	assert_float_equal(c.low, 4, 1e-6);
	assert_float_equal(c.high, 4, 1e-6);
}

/* Two levels between that lie at none: the interval holds both, whatever lies beside them. */
static void test_undecided_levels(void **state)
{
	static const double at[] = {1, 2, 4, 16}, truth[] = {0.05, 0.001, -0.001, -1.6};
	double x[LEVELS][BLOCKS];
	struct rng rng;

	rng_seed(&rng, 2);
	for (int i = 0; i < 50; i++) {
		struct crossing c;

		draw(&rng, truth, 0.005, x);
		for (size_t b = 0; b < BLOCKS; b += 2) /* nothing shown at either, by any draw */
			for (size_t l = 1; l < 3; l++)
				x[l][b + 1] = -x[l][b];
		c = find(at, x);
		assert_true(c.low > 1 && c.low <= 2 && c.high >= 4 && c.high < 16);
		assert_true(c.low <= c.at && c.at <= c.high);
	}
}

/* Over 1000 draws the 95 % interval holds the true place of the crossing at least that often, less
 * what so many draws scatter (0.7 points a standard deviation). */
static void test_coverage(void **state)
{
	static const struct {
		double at[LEVELS], truth[LEVELS], sd;
	} rows[] = {
		{{1, 2, 8, 16}, {0.2, 0.1, -0.1, -0.2}, 0.02},	    /* straight, between levels */
		{{1, 2, 8, 16}, {0.3, 0.02, -0.1, -0.2}, 0.02},	    /* near a level */
		{{1, 4, 16, 64}, {0.1, 0.004, -0.004, -0.9}, 0.01}, /* flat in the middle */
	};

	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		double t = rows[r].truth[1] / (rows[r].truth[1] - rows[r].truth[2]);
		double true_at = exp(log(rows[r].at[1]) * (1 - t) + log(rows[r].at[2]) * t);
		double x[LEVELS][BLOCKS];
		size_t covered = 0;
		struct rng rng;

		rng_seed(&rng, 100 + r);
		for (int i = 0; i < 1000; i++) {
			struct crossing c;

			draw(&rng, rows[r].truth, rows[r].sd, x);
			c = find(rows[r].at, x);
			covered += c.low <= true_at && true_at <= c.high;
		}
		print_message("row %zu: %zu of 1000\n", r, covered);
		assert_in_range(covered, 930, 1000);
	}
}

/* Only blocks that both neighbours have count; with fewer than six nothing can be told there. */
static void test_missing_blocks(void **state)
{
	static const size_t late[] = {4, 5, 6, 7, 8, 9};
	static const double up[] = {0.1, 0.11, 0.12, 0.1, 0.09, 0.1, 0.11, 0.1, 0.12, 0.1};
	static const double down[] = {-0.1, -0.11, -0.12, -0.1,	 -0.09,
				      -0.1, -0.11, -0.1,  -0.12, -0.1};
	struct crossing_level level[] = {{1, 10, blocks, up}, {4, 6, late, down}};
	struct crossing c;

	crossing_find(level, 2, &c);
	assert_true(c.low > 1 && c.high < 4 && c.low < c.at && c.at < c.high);
	level[1].n = 5;
	crossing_find(level, 2, &c);
	assert_float_equal(c.low, 1, 1e-9);
	assert_float_equal(c.high, 4, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_undecided_levels),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_missing_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
