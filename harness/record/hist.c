// SPDX-License-Identifier: Apache-2.0
#include "record/hist.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/jsonio.h"

/* 2^62: larger than any time, and a sum of two is still a JSON integer. */
#define VALUE_MAX 0x1p62

void hist_init(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min_ns = UINT64_MAX;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	if (!from->count)
		return;
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
	into->count += from->count;
	into->sum_ns += from->sum_ns;
	if (from->min_ns < into->min_ns)
		into->min_ns = from->min_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
}

uint64_t hist_low(unsigned index)
{
	unsigned shift;

	if (index < 2u << HIST_BITS)
		return index;
	shift = (index >> HIST_BITS) - 1;
	return ((uint64_t)1 << (shift + HIST_BITS)) +
	       ((uint64_t)(index & ((1u << HIST_BITS) - 1)) << shift);
}

uint64_t hist_mid(unsigned index)
{
	unsigned shift;

	if (index < 2u << HIST_BITS)
		return index;
	shift = (index >> HIST_BITS) - 1;
	return hist_low(index) + (((uint64_t)1 << shift) >> 1);
}

double hist_quantile(const struct hist *h, double q)
{
	uint64_t want, seen = 0;

	if (!h->count)
		return 0;
	/* 0.07 * 100 is 7.000000000000001 */
	want = (uint64_t)ceil(q * (double)h->count * (1 - 0x1p-50));
	if (want < 1)
		want = 1;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		double width, value;

		seen += h->bucket[i];
		if (seen < want)
			continue;
		width = i + 1 < HIST_BUCKETS ? (double)(hist_low(i + 1) - hist_low(i)) : 1;
		value = (double)hist_low(i);
		if (width > 1) /* a bucket of 1 ns holds whole ns only */
			value += width * ((double)(want - (seen - h->bucket[i])) - 0.5) /
				 (double)h->bucket[i];
		return fmin(fmax(value, (double)h->min_ns), (double)h->max_ns);
	}
	return (double)h->max_ns;
}

double hist_mean(const struct hist *h)
{
	return h->count ? (double)h->sum_ns / (double)h->count : 0;
}

bool hist_supports(uint64_t count, double q)
{
	return q > 0 && q < 1 && (double)count >= log(0.05) / log(q);
}

json_t *hist_json(const struct hist *h)
{
	json_t *bins = json_object();
	char key[24];

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		snprintf(key, sizeof(key), "%" PRIu64, hist_mid(i));
		json_object_set_new(bins, key, json_integer((json_int_t)h->bucket[i]));
	}
	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:o}", "bits", HIST_BITS, "count",
			 (json_int_t)h->count, "min_ns", (json_int_t)(h->count ? h->min_ns : 0),
			 "max_ns", (json_int_t)h->max_ns, "sum_ns", (json_int_t)h->sum_ns, "bins",
			 bins);
}

/* A key that is no middle value would be counted in a bucket it was not made for. */
static int read_bin(struct hist *h, const char *key, const json_t *value, struct diag *d)
{
	char *end;
	uint64_t mid;
	json_int_t n = json_integer_value(value);
	unsigned index;

	errno = 0;
	mid = strtoull(key, &end, 10);
	if (errno || *end || !isdigit((unsigned char)key[0]))
		return diag_set(d, -EINVAL, "histogram: bin \"%s\" is not a number of ns", key);
	index = hist_index(mid);
	if (hist_mid(index) != mid)
		return diag_set(
			d, -EINVAL,
			"histogram: bin \"%s\" is not the middle of a bucket of %d bits (%" PRIu64
			" is)",
			key, HIST_BITS, hist_mid(index));
	if (!json_is_integer(value) || n < 0)
		return diag_set(d, -EINVAL, "histogram: the count of bin \"%s\" is no whole number",
				key);
	h->bucket[index] += (uint64_t)n;
	h->count += (uint64_t)n;
	return 0;
}

static int read_u64(const json_t *j, const char *name, uint64_t *value, struct diag *d)
{
	double number = jsonio_number(j, name);
	json_t *at = json_object_get(j, name);

	if (!(number >= 0) || number > VALUE_MAX)
		return diag_set(d, -EINVAL, "histogram: \"%s\" is missing, negative or too large",
				name);
	*value = json_is_integer(at) ? (uint64_t)json_integer_value(at) : (uint64_t)llround(number);
	return 0;
}

int hist_from_json(const json_t *j, struct hist *h, struct diag *d)
{
	bool fio = json_object_get(j, "N") != NULL;
	json_t *bins = json_object_get(j, "bins"), *value, *bits = json_object_get(j, "bits");
	uint64_t count;
	const char *key;
	double sum;
	int err;

	hist_init(h);
	if (!json_is_object(j))
		return diag_set(d, -EINVAL, "histogram: not an object");
	if (bits && json_integer_value(bits) != HIST_BITS)
		return diag_set(d, -EINVAL, "histogram: \"bits\" is not %d", HIST_BITS);
	err = read_u64(j, fio ? "N" : "count", &count, d);
	if (err || (!count && !json_object_size(bins)))
		return err;
	if (!json_is_object(bins))
		return diag_set(d, -EINVAL, "histogram: no \"bins\"%s",
				fio ? " (fio --output-format=json+)" : "");
	json_object_foreach (bins, key, value) {
		err = read_bin(h, key, value, d);
		if (err)
			return err;
	}
	if (h->count != count)
		return diag_set(d, -EINVAL,
				"histogram: the bins hold %" PRIu64 " values, \"%s\" says %" PRIu64,
				h->count, fio ? "N" : "count", count);
	err = read_u64(j, fio ? "min" : "min_ns", &h->min_ns, d);
	if (!err)
		err = read_u64(j, fio ? "max" : "max_ns", &h->max_ns, d);
	if (err)
		return err;
	if (!fio)
		return read_u64(j, "sum_ns", &h->sum_ns, d);
	/* fio prints the mean to six decimals, so the sum comes back to the ns */
	sum = jsonio_number(j, "mean") * (double)count;
	if (!(sum >= 0) || sum > VALUE_MAX)
		return diag_set(d, -EINVAL,
				"histogram: \"mean\" is missing, negative or too large");
	h->sum_ns = (uint64_t)llround(sum);
	return 0;
}
