// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/verdict.h"

static const struct denominators over = {
	.io = 1000, .packet = NAN, .second = 2, .transaction = 100};

static struct expectation parse(const char *text)
{
	_json_ json_t *j = json_loads(text, 0, NULL);
	struct expectation e;
	struct diag d = {""};

	assert_non_null(j);
	if (expectation_from_json(j, &e, &d))
		fail_msg("%s", d.text);
	return e;
}

static struct expectation_result evaluate(const char *text)
{
	_json_ json_t *evidence = json_loads("{\"counters\":{\"device_interrupts\":400,"
					     "\"context_switches\":0},\"absent\":"
					     "{\"cycles\":\"no PMU in this guest\"},\"proof\":{"
					     "\"counters\":{\"polls\":30,\"net_rx_packets\":60},"
					     "\"absent\":{\"entries\":\"no tracepoints\"},"
					     "\"counts\":{\"transaction\":10},"
					     "\"window_ns\":500000000}}",
					     0, NULL);
	_json_ json_t *load = json_loads("{\"iodepth\":4,\"rw\":\"randread\"}", 0, NULL);
	struct expectation e = parse(text);
	struct expectation_result r;

	expectation_evaluate(&e, evidence, &over, load, &r);
	return r;
}

static void test_outcomes(void **state)
{
	static const struct {
		const char *text;
		enum expectation_outcome outcome;
		double measured, share;
	} rows[] = {
		{"{'evidence':'device_interrupts','per':'io','at_most':0.01}", EXPECTATION_FAILED,
		 0.4, 0.6 / 0.99},
		{"{'evidence':'device_interrupts','per':'io','at_least':0.5}", EXPECTATION_FAILED,
		 0.4, 0.8},
		{"{'evidence':'device_interrupts','per':'io','at_least':0.4,'at_most':0.4}",
		 EXPECTATION_PASSED, 0.4, NAN},
		{"{'evidence':'device_interrupts','per':'second','at_most':100}",
		 EXPECTATION_FAILED, 200, NAN},
		{"{'evidence':'device_interrupts','per':'second','at_most':100,'otherwise':300}",
		 EXPECTATION_FAILED, 200, 0.5},
		{"{'evidence':'device_interrupts','per':'none','at_least':1}", EXPECTATION_PASSED,
		 400, NAN},
		{"{'evidence':'device_interrupts','per':'packet','at_least':1}", EXPECTATION_ABSENT,
		 NAN, NAN},
		{"{'evidence':'cycles','per':'io','at_least':1}", EXPECTATION_ABSENT, NAN, NAN},
		{"{'evidence':'unheard_of','per':'io','at_least':1}", EXPECTATION_ABSENT, NAN, NAN},
		{"{'evidence':'context_switches','per':'io','at_most':0.05,'when':{'iodepth':1}}",
		 EXPECTATION_NOT_APPLICABLE, NAN, NAN},
		{"{'evidence':'context_switches','per':'io','at_most':0.05,'when':{'iodepth':"
		 "{'at_least':4},'rw':'randread'}}",
		 EXPECTATION_PASSED, 0, NAN},
		{"{'evidence':'context_switches','per':'io','at_most':0.05,'when':{'iodepth':"
		 "{'at_most':3}}}",
		 EXPECTATION_NOT_APPLICABLE, NAN, NAN},
		{"{'evidence':'context_switches','per':'io','at_most':0.05,'when':{'bs':4096}}",
		 EXPECTATION_NOT_APPLICABLE, NAN, NAN},
		{"{'evidence':'device_interrupts','per':'transaction','at_most':0.5}",
		 EXPECTATION_FAILED, 4, 0},
		/* by the counts and the window of the proof trial */
		{"{'evidence':'polls','per':'transaction','at_least':3,'proof':true}",
		 EXPECTATION_PASSED, 3, NAN},
		{"{'evidence':'polls','per':'packet','at_least':1,'proof':true}",
		 EXPECTATION_FAILED, 0.5, 0.5},
		{"{'evidence':'polls','per':'second','at_most':60,'proof':true}",
		 EXPECTATION_PASSED, 60, NAN},
		{"{'evidence':'polls','per':'io','at_least':1,'proof':true}",
		 EXPECTATION_NOT_APPLICABLE, NAN, NAN},
		{"{'evidence':'entries','per':'none','at_most':1,'proof':true}",
		 EXPECTATION_NOT_APPLICABLE, NAN, NAN},
		{"{'evidence':'polls','per':'transaction','at_least':3}", EXPECTATION_ABSENT, NAN,
		 NAN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct expectation_result r;
		char text[256];

		snprintf(text, sizeof(text), "%s", rows[i].text);
		for (char *c = text; *c; c++)
			if (*c == '\'')
				*c = '"';
		r = evaluate(text);
		if (r.outcome != rows[i].outcome)
			fail_msg("%s: %s", text, r.sentence);
		assert_true(isnan(rows[i].measured) ? isnan(r.measured)
						    : r.measured == rows[i].measured);
		assert_true(isnan(rows[i].share) ? isnan(r.share)
						 : fabs(r.share - rows[i].share) < 1e-12);
		assert_true(r.sentence[0]);
	}
	assert_non_null(
		strstr(evaluate("{\"evidence\":\"cycles\",\"per\":\"io\",\"at_least\":1}").sentence,
		       "no PMU in this guest"));
	assert_non_null(strstr(evaluate("{\"evidence\":\"entries\",\"per\":\"io\",\"at_least\":1,"
					"\"proof\":true}")
				       .sentence,
			       "no tracepoints"));
}

/* 200 packets a second keep a bound of 500 interrupts without any delay; 2000 do not. */
static void test_bound_that_does_not_bite(void **state)
{
	static const struct {
		double packets;
		const char *mode, *grade;
		double interrupts;
	} rows[] = {
		{400, "in_force", "accepted", 400},
		{1999, "in_force", "accepted", 400},
		{2000, "in_force", "counter", 400},
		{400, "not_in_force", "counter", 1200},
		{4000, "not_in_force", "counter", 1200},
		{NAN, "in_force", "accepted", 400}, /* nobody counted them */
	};
	struct expectation e = parse("{\"evidence\":\"device_interrupts\",\"per\":\"second\","
				     "\"at_most\":500,\"proves_from\":1000}");

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct denominators of = {
			.io = NAN, .packet = rows[i].packets, .second = 2, .transaction = NAN};
		_json_ json_t *evidence =
			json_pack("{s:{s:f}}", "counters", "device_interrupts", rows[i].interrupts);
		_json_ json_t *v =
			verdict_evaluate(&e, 1, GRADE_COUNTER, evidence, &of, NULL, NULL);

		assert_string_equal(jsonio_string(v, "mode", ""), rows[i].mode);
		assert_string_equal(jsonio_string(v, "grade", ""), rows[i].grade);
		assert_string_equal(jsonio_string(v, "declared", ""), "counter");
		assert_int_equal(json_array_size(json_object_get(v, "reasons")), 1);
		assert_true(jsonio_number(json_array_get(json_object_get(v, "expectations"), 0),
					  "proves_from") == 1000);
	}
}

static void test_denominators(void **state)
{
	_json_ json_t *timed = json_loads("{\"counts\":{\"io\":7},\"evidence\":{\"counters\":{"
					  "\"net_rx_packets\":40},\"window_ns\":2000000000}}",
					  0, NULL);
	_json_ json_t *own = json_loads("{\"counts\":{\"io\":7},\"evidence\":{\"counters\":{"
					"\"net_rx_packets\":40},\"counts\":{\"transaction\":9,"
					"\"packet\":18},\"window_ns\":1000000000}}",
					0, NULL);
	struct denominators d;

	denominators_read(timed, &d);
	assert_true(d.io == 7 && d.packet == 40 && d.second == 2 && isnan(d.transaction));
	denominators_read(own, &d);
	assert_true(isnan(d.io) && d.packet == 18 && d.second == 1 && d.transaction == 9);
}

static void test_round_trip(void **state)
{
	struct expectation e = parse("{\"evidence\":\"x\",\"per\":\"packet\",\"at_most\":0.5,"
				     "\"when\":{\"rw\":\"read\",\"iodepth\":{\"at_most\":8}}}");
	_json_ json_t *j = expectation_json(&e, NULL);
	_free_ char *text = jsonio_line(j);

	assert_string_equal(text, "{\"at_most\":0.5,\"evidence\":\"x\",\"per\":\"packet\",\"when\":"
				  "{\"iodepth\":{\"at_most\":8.0},\"rw\":\"read\"}}");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"{}", "evidence"},
		{"{\"evidence\":\"x\"}", "neither at_most"},
		{"{\"evidence\":\"x\",\"at_most\":1,\"per\":\"ios\"}", "did you mean \"io\""},
		{"{\"evidence\":\"x\",\"at_most\":1,\"when\":{\"a\":{\"above\":1}}}", "above"},
		{"{\"evidence\":\"x\",\"at_most\":1,\"when\":{\"a\":[]}}", "when.a"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_json_ json_t *j = json_loads(rows[i].text, 0, NULL);
		struct expectation e;
		struct diag d = {""};

		assert_true(expectation_from_json(j, &e, &d) < 0);
		if (!strstr(d.text, rows[i].why))
			fail_msg("\"%s\" does not say %s", d.text, rows[i].why);
	}
}

static void test_decision(void **state)
{
	static const struct expectation_result
		pass = {EXPECTATION_PASSED, 1, NAN, "", false, false, false},
		fail = {EXPECTATION_FAILED, 1, .4, "", false, false, false},
		worse = {EXPECTATION_FAILED, 1, .2, "", false, false, false},
		none = {EXPECTATION_NOT_APPLICABLE, NAN, NAN, "", false, false, false},
		gone = {EXPECTATION_ABSENT, NAN, NAN, "", false, false, false},
		placed = {EXPECTATION_PASSED, 0, NAN, "", true, false, false},
		astray = {EXPECTATION_FAILED, .6, .4, "", true, false, false},
		limit = {EXPECTATION_PASSED, 1, NAN, "", true, true, false},
		missed = {EXPECTATION_NOT_APPLICABLE, NAN, NAN, "", false, false, true};
	static const struct {
		enum verdict_grade declared;
		struct expectation_result result[3];
		size_t n;
		enum verdict_mode mode;
		enum verdict_grade grade;
		double share;
	} rows[] = {
		{GRADE_COUNTER, {pass, none}, 2, VERDICT_IN_FORCE, GRADE_COUNTER, NAN},
		{GRADE_COUNTER, {pass, fail, worse}, 3, VERDICT_NOT_IN_FORCE, GRADE_COUNTER, .2},
		{GRADE_COUNTER, {fail, gone}, 2, VERDICT_NOT_IN_FORCE, GRADE_COUNTER, .4},
		{GRADE_COUNTER, {pass, gone}, 2, VERDICT_UNPROVEN, GRADE_COUNTER, NAN},
		{GRADE_COUNTER, {none}, 1, VERDICT_UNPROVEN, GRADE_COUNTER, NAN},
		{GRADE_COUNTER, {none}, 0, VERDICT_UNPROVEN, GRADE_COUNTER, NAN},
		{GRADE_ACCEPTED, {none}, 0, VERDICT_IN_FORCE, GRADE_ACCEPTED, NAN},
		{GRADE_ACCEPTED, {pass}, 1, VERDICT_IN_FORCE, GRADE_ACCEPTED, NAN},
		{GRADE_ACCEPTED, {fail}, 1, VERDICT_NOT_IN_FORCE, GRADE_COUNTER, .4},
		/* where it ran was right; that says nothing of the mode */
		{GRADE_COUNTER, {placed}, 1, VERDICT_UNPROVEN, GRADE_COUNTER, NAN},
		{GRADE_COUNTER, {pass, placed}, 2, VERDICT_IN_FORCE, GRADE_COUNTER, NAN},
		{GRADE_COUNTER, {pass, astray}, 2, VERDICT_NOT_IN_FORCE, GRADE_COUNTER, .4},
		{GRADE_ACCEPTED, {gone}, 1, VERDICT_UNPROVEN, GRADE_ACCEPTED, NAN},
		/* limits hold without the mode, too: it was set, and that is all … */
		{GRADE_COUNTER, {limit, limit}, 2, VERDICT_IN_FORCE, GRADE_ACCEPTED, NAN},
		{GRADE_COUNTER, {limit, pass}, 2, VERDICT_IN_FORCE, GRADE_COUNTER, NAN},
		/* … but not where the counter that shows it could not be read */
		{GRADE_COUNTER, {limit, missed}, 2, VERDICT_UNPROVEN, GRADE_COUNTER, NAN},
		{GRADE_COUNTER, {pass, missed}, 2, VERDICT_IN_FORCE, GRADE_COUNTER, NAN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct verdict v;

		verdict_decide(rows[i].declared, rows[i].result, rows[i].n, &v);
		assert_int_equal(v.mode, rows[i].mode);
		assert_int_equal(v.grade, rows[i].grade);
		assert_true(isnan(rows[i].share) ? isnan(v.share) : v.share == rows[i].share);
	}
}

/* The reason for `unproven` is the counter that was not there; what a row calls a limit says so. */
static void test_limit(void **state)
{
	_json_ json_t *evidence = json_pack("{s:{s:i}, s:{}, s:{s:{}, s:{s:s}}}", "counters",
					    "softirqs", 10, "absent", "proof", "counters", "absent",
					    "empty_polls", "no tracepoints here");
	const struct denominators window = {.packet = 1000, .second = 1};
	struct expectation e[2];
	struct diag d = {""};
	struct verdict v;

	for (int proof = 0; proof < 2; proof++) {
		_json_ json_t *limit = json_pack("{s:s, s:s, s:f, s:b}", "evidence", "softirqs",
						 "per", "packet", "at_most", 0.1, "limits", 1);
		_json_ json_t *shows = json_pack("{s:s, s:s, s:f, s:b}", "evidence", "empty_polls",
						 "per", "packet", "at_least", 0.1, "proof", 1);
		_json_ json_t *again = NULL, *verdict = NULL;

		assert_int_equal(expectation_from_json(limit, &e[0], &d), 0);
		assert_int_equal(expectation_from_json(shows, &e[1], &d), 0);
		again = expectation_json(&e[0], NULL);
		assert_true(json_equal(again, limit));
		verdict = verdict_evaluate(e, 1 + (size_t)proof, GRADE_COUNTER, evidence, &window,
					   NULL, &v);
		assert_int_equal(v.mode, proof ? VERDICT_UNPROVEN : VERDICT_IN_FORCE);
		assert_non_null(strstr(
			json_string_value(json_array_get(json_object_get(verdict, "reasons"), 0)),
			proof ? "no tracepoints here" : "holds without the mode, too"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),   cmocka_unit_test(test_denominators),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_decision),   cmocka_unit_test(test_bound_that_does_not_bite),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
