// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/rng.h"
#include "record/hist.h"
#include "record/view.h"

static struct span span_of(const char *text)
{
	return (struct span){text, strlen(text)};
}

static void test_members(void **state)
{
	const char *text = " { \"a\" : 1.5e3 , \"b\":{\"a\":\"}\\\"{\",\"c\":[1,{\"d\":2}]} ,\"s\":"
			   "\"x\\u00e9\\n\\\"y\", \"t\":true,\"n\":null} ";
	struct view v, inner;
	char word[32];
	json_t *b;

	assert_true(view_make(span_of(text), &v));
	assert_int_equal(v.n, 5);
	assert_true(view_number(&v, "a") == 1500);
	assert_true(isnan(view_number(&v, "n")) && isnan(view_number(&v, "s")));
	assert_true(isnan(view_number(&v, "missing")));
	assert_true(view_make(view_get(&v, "b"), &inner));
	assert_string_equal(view_word(&inner, "a", word, sizeof(word), "?"), "}\"{");
	assert_string_equal(view_word(&v, "s", word, sizeof(word), "?"), "x\xc3\xa9\n\"y");
	assert_string_equal(view_word(&v, "t", word, sizeof(word), "other"), "other");
	assert_true(span_has(view_get(&v, "b"), "\"d\":2") && !span_has(view_get(&v, "b"), "zz"));
	b = view_json(&v, "b");
	assert_true(json_integer_value(jsonio_at(b, "c")) == 0 &&
		    json_array_size(jsonio_at(b, "c")) == 2);
	json_decref(b);
	assert_null(view_json(&v, "missing"));
	assert_true(view_make(span_of("{}"), &v) && v.n == 0);
}

static void test_broken(void **state)
{
	static const char *const broken[] = {
		"",
		"[]",
		"{",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1",
		"{\"a\":1,}",
		"{a:1}",
		"{\"a\":1}x",
		"{\"a\":\"x}",
		"{\"a\":[1}",
		"{\"\\u0061\":1}",
		"{\"a\":1 \"b\":2}",
		"{\"a\":}}",
		"{\"a\":]}",
	};
	struct view v;

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		if (view_make(span_of(broken[i]), &v) &&
		    v.n != 1) /* brackets are counted, not matched */
			fail_msg("taken: %s", broken[i]);
	assert_false(view_make((struct span){NULL, 0}, &v));
}

/* Every cut of a record's text, and bytes flipped in it: no crash, nothing read outside. */
static void test_cut(void **state)
{
	const char *text = "{\"a\":{\"b\":[1,2,\"x\\\\\"]},\"c\":\"d\\\"\",\"e\":-1.5}";
	size_t len = strlen(text);
	struct rng rng;
	struct view v;

	rng_seed(&rng, 1);
	for (size_t cut = 0; cut < len; cut++) {
		_free_ char *copy =
			malloc(cut + 1); /* exact size: a sanitizer sees one byte more */

		memcpy(copy, text, cut);
		assert_false(view_make((struct span){copy, cut}, &v));
	}
	for (int round = 0; round < 20000; round++) {
		_free_ char *copy = malloc(len);

		memcpy(copy, text, len);
		for (int k = 0; k < 3; k++)
			copy[rng_below(&rng, len)] = "{}[]\",:\\ 1x"[rng_below(&rng, 11)];
		if (view_make((struct span){copy, len}, &v))
			for (size_t i = 0; i < v.n; i++)
				json_decref(span_json(v.value[i]));
	}
}

/* The canonical text and the JSON values give the same histogram, one after the other in the same
 * place. */
static void test_histogram(void **state)
{
	static struct hist_text t;
	struct hist from_text, from_json;
	struct diag d = {""};
	struct rng rng;

	hist_init(&t.hist);
	hist_init(&from_text);
	hist_init(&from_json);
	rng_seed(&rng, 9);
	for (int round = 0; round < 40; round++) {
		_json_ json_t *j = NULL;
		_free_ char *text = NULL;
		struct hist one, again;

		hist_init(&one);
		for (uint64_t k = rng_below(&rng, 300); k; k--)
			hist_add(&one, rng_below(&rng, (uint64_t)1 << (10 + round)));
		j = hist_json(&one);
		if (round % 3 == 0) /* no text of ours: the slow path */
			text = json_dumps(j, JSON_INDENT(1));
		else
			text = jsonio_line(j);
		assert_int_equal(hist_read_text(span_of(text), &t, &d), 0);
		hist_merge_text(&from_text, &t);
		assert_int_equal(hist_from_json(j, &again, &d), 0);
		hist_merge(&from_json, &again);
		assert_memory_equal(&from_text, &from_json, sizeof(from_text));
	}
	assert_int_equal(
		hist_read_text(span_of("{\"bins\":{\"128\":1},\"bits\":6,\"count\":1,\"max_ns\":"
				       "129,\"min_ns\":129,\"sum_ns\":129}"),
			       &t, &d),
		-EINVAL); /* 128 is no middle */
	assert_non_null(strstr(d.text, "128"));
	assert_int_equal(t.hist.count, 0);
	assert_int_equal(hist_read_text((struct span){NULL, 0}, &t, &d), 0);
	assert_int_equal(t.hist.count, 0);
	assert_int_equal(
		hist_read_text(span_of("{\"bins\":{\"7\":2},\"bits\":6,\"count\":3,\"max_ns\":7,"
				       "\"min_ns\":7,\"sum_ns\":14}"),
			       &t, &d),
		-EINVAL);
}

/* 100 values spread over one bucket come back within half a step of their own place. */
static void test_within_bucket(void **state)
{
	struct hist h;
	uint64_t low = hist_low(hist_index(100000)), width = hist_low(hist_index(100000) + 1) - low;

	hist_init(&h);
	for (uint64_t k = 0; k < 100; k++)
		hist_add(&h, low + k * width / 100);
	for (int percent = 1; percent < 100; percent++)
		assert_true(fabs(hist_quantile(&h, percent / 100.0) -
				 (double)(low + (uint64_t)(percent - 1) * width / 100)) <=
			    (double)width / 100 + 1);
	assert_true(hist_quantile(&h, 0.25) < hist_quantile(&h, 0.26)); /* no tie within a bucket */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),	      cmocka_unit_test(test_broken),
		cmocka_unit_test(test_cut),	      cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_within_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
