/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The samples of the tests of statistics, in R:
 *   x <- c(0.012,-0.004,0.031,0.018,0.007,0.022,-0.011,0.027,0.015,0.009)
 *   set.seed(1); x20 <- round(rnorm(20,0.01,0.02),6)
 */
#pragma once
#include <cmocka.h>
#include <math.h>

static const double x10[] = {0.012, -0.004, 0.031, 0.018, 0.007,
			     0.022, -0.011, 0.027, 0.015, 0.009};
static const double x20[] = {-0.002529, 0.013673, -0.006713, 0.041906,	0.01659,
			     -0.006409, 0.019749, 0.024766,  0.021516,	0.003892,
			     0.040236,	0.017797, -0.002425, -0.034294, 0.032499,
			     0.009101,	0.009676, 0.028877,  0.026424,	0.021878};

static void near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("got %.15g, want %.15g", got, want);
}
