/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latency histogram, log-linear: 64 buckets per power of two (relative error at most 1/128), the
 * index function of fio (stat.h, FIO_IO_U_PLAT_BITS 6) and neper, but without fio's cut at 29
 * groups. fio's json+ names a bucket by its middle value, so its bins map back exactly and merge
 * with ours.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct diag;

#define HIST_BITS    6
#define HIST_GROUPS  (64 - HIST_BITS + 1)
#define HIST_BUCKETS (HIST_GROUPS << HIST_BITS)

struct hist {
	uint64_t count, min_ns, max_ns, sum_ns; /* exact, of the values themselves */
	uint64_t bucket[HIST_BUCKETS];
};

static inline unsigned hist_index(uint64_t ns)
{
	unsigned msb, shift;

	if (ns < (1u << HIST_BITS))
		return (unsigned)ns;
	msb = 63u - (unsigned)__builtin_clzll(ns);
	shift = msb - HIST_BITS;
	return ((shift + 1) << HIST_BITS) + (unsigned)((ns >> shift) & ((1u << HIST_BITS) - 1));
}

/* One value; no branch on the value's size beyond the index. */
static inline void hist_add(struct hist *h, uint64_t ns)
{
	h->bucket[hist_index(ns)]++;
	h->count++;
	h->sum_ns += ns;
	if (ns < h->min_ns)
		h->min_ns = ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

void hist_init(struct hist *h); /* min_ns starts at UINT64_MAX */
void hist_merge(struct hist *into, const struct hist *from);
/* Lowest value that falls into bucket `index`, and the middle value that fio prints. */
uint64_t hist_low(unsigned index);
uint64_t hist_mid(unsigned index);
/* Quantile q in (0, 1): the ceil(q * count)-th value, as if the values of its bucket were spread
 * evenly over the bucket; within [min, max]. At most half a bucket (1/128) off. 0 when empty. */
double hist_quantile(const struct hist *h, double q);
double hist_mean(const struct hist *h);
/* May quantile q be stated from `count` samples? One-sided 95 % bound: n >= ln 0.05 / ln q
 * (method.md §3.2: p99 299, p99.9 2995, p99.99 29956). */
bool hist_supports(uint64_t count, double q);

/* {"bits": 6, "count", "min_ns", "max_ns", "sum_ns", "bins": {"<mid ns>": count}} — new reference.
 */
json_t *hist_json(const struct hist *h);
/* Reads the above, and fio's lat_ns objects (bins as {"mid": n}, no sum). -EINVAL with the reason.
 */
int hist_from_json(const json_t *j, struct hist *h, struct diag *d);

struct span;

/* A histogram read from a record's text, and which of its buckets are used: reading the next one
 * costs what it holds, not HIST_BUCKETS. Begin with hist_init(&t->hist) and n = 0. */
struct hist_text {
	struct hist hist;
	uint16_t used[HIST_BUCKETS];
	size_t n;
};

/* hist_json()'s canonical text is read directly, any other through hist_from_json(). Nothing, or
 * null, is an empty one. -EINVAL with the reason. */
int hist_read_text(struct span text, struct hist_text *t, struct diag *d);
void hist_merge_text(struct hist *into, const struct hist_text *from);
