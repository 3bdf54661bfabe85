// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/rng.h"
#include "record/hist.h"
#include "record/metric.h"

/* fio's published formula (stat.c, plat_val_to_idx): with M bits kept, a value below 2^(M+1) is its
 * own index; above, e = msb - M low bits are dropped and the index is (e + 1) 2^M plus the M bits
 * below the top one. */
static unsigned fio_index(uint64_t value)
{
	unsigned msb = 0, dropped;

	for (uint64_t v = value; v > 1; v >>= 1)
		msb++;
	if (msb <= 6)
		return (unsigned)value;
	dropped = msb - 6;
	return (dropped + 1) * 64 + (unsigned)(63 & (value >> dropped));
}

/* plat_idx_to_val: the bucket's base plus half a bucket. */
static double fio_mid(unsigned index)
{
	unsigned dropped;

	if (index < 128)
		return index;
	dropped = index / 64 - 1;
	return ldexp(1, (int)dropped + 6) + (index % 64 + 0.5) * ldexp(1, (int)dropped);
}

static void test_index_is_fios(void **state)
{
	struct rng rng;

	for (uint64_t v = 0; v < 200000; v++)
		assert_int_equal(hist_index(v), fio_index(v));
	rng_seed(&rng, 1);
	for (int i = 0; i < 200000; i++) {
		uint64_t v = rng_next(&rng) >> rng_below(&rng, 64);

		assert_int_equal(hist_index(v), fio_index(v));
		assert_true(hist_index(v) < HIST_BUCKETS);
	}
	assert_int_equal(hist_index(UINT64_MAX), HIST_BUCKETS - 1);
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		assert_int_equal(hist_index(hist_low(i)), i);
		assert_int_equal(hist_index(hist_mid(i)), i);
		if (i)
			assert_int_equal(hist_index(hist_low(i) - 1), i - 1);
		assert_true((double)hist_mid(i) == fio_mid(i));
	}
}

static void fill(struct hist *h, uint64_t from, uint64_t to, uint64_t step)
{
	hist_init(h);
	for (uint64_t v = from; v <= to; v += step)
		hist_add(h, v);
}

static void test_merge_and_quantile(void **state)
{
	struct hist a, b, all;

	fill(&a, 1000, 50000, 1000);
	fill(&b, 51000, 100000, 1000);
	fill(&all, 1000, 100000, 1000);
	hist_merge(&a, &b);
	assert_memory_equal(&a, &all, sizeof(a));
	hist_init(&b);
	hist_merge(&a, &b); /* empty changes nothing */
	assert_memory_equal(&a, &all, sizeof(a));
	assert_true(hist_mean(&all) == 50500);
	for (int percent = 1; percent < 100; percent++)
		assert_true(fabs(hist_quantile(&all, percent / 100.0) / (percent * 1000) - 1) <=
			    1.0 / 128);
	assert_true(hist_quantile(&all, 0.999) <= 100000); /* never above the largest */
	assert_true(hist_quantile(&b, 0.5) == 0);
	fill(&b, 7777, 7777, 1);
	assert_true(hist_quantile(&b, 0.5) == 7777); /* within [min, max] */
}

/* SciPy 1.10.1, which has the values, the edges of the buckets and nothing of ours:
 *   i = np.arange(1000); a = 200 + i*i*37 % 90001
 *   j = np.arange(1500); b = 5000 + j*j*j*11 % 400009; both = np.concatenate([a, b])
 *   e = np.concatenate([np.arange(128), *[(64 + np.arange(64)) << s for s in range(1, 14)]])
 *   h = scipy.stats.rv_histogram((np.histogram(both, e)[0], e), density=False)
 *   [h.ppf((k - .5) / 2500) for k in (1, 25, 250, 1250, 2250, 2475)]
 *   both.min(), both.max(), both.sum(), both.mean() */
static void test_merge_against_scipy(void **state)
{
	static const struct {
		double k, value;
	} rows[] = {{1, 201.0},	     {25, 1528.0},     {250, 16277.333333333338},
		    {1250, 86272.0}, {2250, 338176.0}, {2475, 396117.3333333332}};
	struct hist a, b;

	hist_init(&a);
	hist_init(&b);
	for (uint64_t i = 0; i < 1000; i++)
		hist_add(&a, 200 + i * i * 37 % 90001);
	for (uint64_t j = 0; j < 1500; j++)
		hist_add(&b, 5000 + j * j * j * 11 % 400009);
	hist_merge(&a, &b);
	assert_int_equal(a.count, 2500);
	assert_int_equal(a.min_ns, 200);
	assert_int_equal(a.max_ns, 403923);
	assert_int_equal(a.sum_ns, 354919852);
	assert_true(fabs(hist_mean(&a) - 141967.9408) < 1e-6);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double got = hist_quantile(&a, (rows[i].k - 0.5) / 2500);

		if (!(fabs(got - rows[i].value) <= 1e-9 * rows[i].value))
			fail_msg("value %.0f: got %.15g, SciPy has %.15g", rows[i].k, got,
				 rows[i].value);
	}
}

/* One of n samples lies beyond quantile q with 95 % at least: SciPy 1.10.1's
 * next(n for n in itertools.count(1) if 1 - scipy.stats.binom.pmf(n, n, q) >= .95) for each q
 * (method.md §3.2) */
static void test_support(void **state)
{
	static const struct {
		double q;
		uint64_t n;
	} rows[] = {{.5, 5}, {.9, 29}, {.95, 59}, {.99, 299}, {.999, 2995}, {.9999, 29956}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(hist_supports(rows[i].n, rows[i].q));
		assert_false(hist_supports(rows[i].n - 1, rows[i].q));
	}
	assert_false(hist_supports(1000, 1));
}

static void refused(const char *text, const char *why)
{
	_json_ json_t *j = json_loads(text, 0, NULL);
	struct hist h;
	struct diag d = {""};

	assert_non_null(j);
	assert_true(hist_from_json(j, &h, &d) < 0);
	if (!strstr(d.text, why))
		fail_msg("\"%s\" does not say \"%s\"", d.text, why);
}

static void test_json(void **state)
{
	struct hist h, back;
	struct diag d;
	_json_ json_t *j = NULL, *empty = NULL, *fio = NULL;

	fill(&h, 50, 300000, 37);
	j = hist_json(&h);
	assert_int_equal(hist_from_json(j, &back, &d), 0);
	assert_memory_equal(&h, &back, sizeof(h));
	hist_init(&h);
	empty = hist_json(&h);
	assert_int_equal(hist_from_json(empty, &back, &d), 0);
	assert_memory_equal(&h, &back, sizeof(h));

	/* fio 3.33's lat_ns with json+ */
	fio = json_loads("{\"min\":1000,\"max\":3000,\"mean\":2000.5,\"stddev\":1.0,\"N\":2,"
			 "\"bins\":{\"1004\":1,\"2992\":1}}",
			 0, NULL);
	assert_int_equal(hist_from_json(fio, &back, &d), 0);
	assert_int_equal(back.count, 2);
	assert_int_equal(back.sum_ns, 4001);
	assert_int_equal(back.bucket[hist_index(1000)], 1);
	assert_int_equal(back.bucket[hist_index(3000)], 1);

	refused("[]", "not an object");
	refused("{\"count\":1,\"min_ns\":1,\"max_ns\":1,\"sum_ns\":1}", "bins");
	refused("{\"bits\":5,\"count\":0}", "bits");
	refused("{\"bits\":6,\"count\":2,\"min_ns\":1,\"max_ns\":1,\"sum_ns\":1,\"bins\":{\"1\":1}"
		"}",
		"hold 1");
	refused("{\"bits\":6,\"count\":1,\"min_ns\":1,\"max_ns\":1,\"sum_ns\":1,"
		"\"bins\":{\"1000\":1}}",
		"middle");
	refused("{\"bits\":6,\"count\":1,\"bins\":{\"x\":1}}", "not a number");
	refused("{\"bits\":6,\"count\":1,\"bins\":{\"4\":-1}}", "whole number");
	refused("{\"N\":3,\"min\":1,\"max\":2,\"mean\":1.0}", "json+");
}

static void test_metrics(void **state)
{
	size_t n;
	const struct metric *all = metric_all(&n);

	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(metric_find(all[i].name), &all[i]); /* no name twice */
		assert_true(all[i].doc[0] && all[i].unit[0] && all[i].label[0]);
		assert_true(all[i].margin_relative > 0);
		if (strstr(all[i].name, "_p99_"))
			assert_true(all[i].quantile == 0.99);
	}
	assert_null(metric_find("iopss"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index_is_fios),
		cmocka_unit_test(test_merge_and_quantile),
		cmocka_unit_test(test_merge_against_scipy),
		cmocka_unit_test(test_support),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
