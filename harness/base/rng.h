/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded random numbers: xoshiro256** 1.0 (Blackman, Vigna, ACM TOMS 47(4), 2021), seeded through
 * splitmix64. The same seed gives the same sequence on every machine. Not for secrets. */
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

static inline uint64_t rng_rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t result = rng_rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rng_rotl(r->s[3], 45);
	return result;
}

static inline void rng_seed(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = (seed += 0x9e3779b97f4a7c15);

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
		r->s[i] = z ^ (z >> 31);
	}
}

/* Uniform in [0, n), n > 0; the bias of the multiply-shift is below n / 2^64. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)rng_next(r) * n) >> 64);
}

/* Uniform in [0, 1). */
static inline double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

/* Exponential with the given mean: the gaps of a Poisson arrival process. */
static inline double rng_exponential(struct rng *r, double mean)
{
	return -mean * log1p(-rng_unit(r));
}

/* Fisher-Yates shuffle of n indices. */
static inline void rng_shuffle(struct rng *r, size_t *index, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)rng_below(r, i), t = index[i - 1];

		index[i - 1] = index[j];
		index[j] = t;
	}
}
