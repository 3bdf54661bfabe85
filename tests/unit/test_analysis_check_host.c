// SPDX-License-Identifier: Apache-2.0
/* What the host did beside a trial: a failure on bare metal, a label in a virtual machine. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analysis/check.h"
#include "check_fixture.h"

/* The neighbours of a virtual machine are a label; a clock that changes is not. */
static void test_virtual_machine(void **state)
{
	static const struct {
		const char *id, *object, *member;
		double value;
		const char *label, *in_vm;
	} cases[] = {
		{"host_steal", "evidence.counters", "steal_ns", 3e7, "steal", "not_applicable"},
		{"host_foreign_cpu", "evidence.counters", "cpu_busy_ns", 1.3e9, "foreign_cpu",
		 "not_applicable"},
		{"host_throttled", "host", "throttle_events", 1, "throttled", "fail"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *trial = load(conforming);
		_json_ json_t *metal = NULL, *vm = NULL;
		_json_ json_t *none = json_array(), *labels = json_array();

		check_labels(trial, none);
		assert_int_equal(json_array_size(none), 0);
		json_object_set_new(jsonio_at(trial, cases[i].object), cases[i].member,
				    json_real(cases[i].value));
		metal = check_trial(trial);
		assert_string_equal(result_of(metal, cases[i].id), "fail");
		json_object_set_new(json_object_get(trial, "host"), "hypervisor",
				    json_string("KVM"));
		vm = check_trial(trial);
		assert_string_equal(result_of(vm, cases[i].id), cases[i].in_vm);
		check_labels(trial, labels);
		assert_int_equal(json_array_size(labels), 1);
		assert_string_equal(json_string_value(json_array_get(labels, 0)), cases[i].label);
	}
}

/* What a stream drops is its own doing: said, and no reason to throw the trial away. A link that
 * changed is. */
static void test_stream_drops(void **state)
{
	_json_ json_t *trial = load(net);
	json_t *counters = jsonio_at(trial, "evidence.counters");
	_json_ json_t *none = json_array(), *labels = json_array();
	_json_ json_t *drops = NULL, *flap = NULL;

	json_object_set_new(json_object_get(trial, "load"), "pattern", json_string("stream"));
	check_labels(trial, none);
	assert_int_equal(json_array_size(none), 0);
	json_object_set_new(counters, "net_drops", json_integer(4313));
	check_labels(trial, labels);
	assert_int_equal(json_array_size(labels), 1);
	assert_string_equal(json_string_value(json_array_get(labels, 0)), "stream_drops");
	drops = check_trial(trial);
	assert_string_equal(result_of(drops, "host_link"), "pass");
	json_object_set_new(counters, "net_link_changes", json_integer(1));
	flap = check_trial(trial);
	assert_string_equal(result_of(flap, "host_link"), "fail");
}

/* In force by half of its packets is not in force by all of them: the record says which. */
static void test_partly_polled(void **state)
{
	static const struct {
		const char *verdict, *bound;
		double measured;
		size_t labels;
	} cases[] = {{"in_force", "at_least", 0.51, 1},
		     {"in_force", "at_least", 0.96, 0},
		     {"in_force", "at_most", 0.0, 0}, /* a mode that does not poll */
		     {"not_in_force", "at_least", 0.51, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *trial = load(net), *labels = json_array();

		json_object_set_new(trial, "verdict",
				    json_pack("{s:s, s:[{s:s, s:s, s:f, s:f}]}", "mode",
					      cases[i].verdict, "expectations", "evidence",
					      "busy_poll_rx_packets", "result", "passed",
					      cases[i].bound, 0.5, "measured", cases[i].measured));
		check_labels(trial, labels);
		assert_int_equal(json_array_size(labels), cases[i].labels);
		if (cases[i].labels)
			assert_string_equal(json_string_value(json_array_get(labels, 0)),
					    "partly_polled");
	}
}

/* The scheduler's own account is exact, and keeps the ticks from crying wolf. */
static void test_foreign_accounts(void **state)
{
	static const struct {
		double busy_ns, run_ns;
		const char *result;
	} cases[] = {
		{1.3e9, 0.91e9, "pass"}, /* the ticks scattered */
		{1.3e9, 1.3e9, "fail"},
		{0.95e9, 1.3e9, "pass"},  /* booked late, not run here */
		{1.01e9, 0.96e9, "fail"}, /* 3 %: too little for ticks alone */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *trial = load(conforming);
		json_t *counters = jsonio_at(trial, "evidence.counters");
		_json_ json_t *checks = NULL;

		json_object_set_new(counters, "cpu_busy_ns", json_real(cases[i].busy_ns));
		json_object_set_new(counters, "run_time_ns", json_real(cases[i].run_ns));
		checks = check_trial(trial);
		if (strcmp(result_of(checks, "host_foreign_cpu"), cases[i].result))
			fail_msg("case %zu: not %s", i, cases[i].result);
	}
}

/* A spinner of ours on the measured CPUs is not foreign; one beside them is no excuse. */
static void test_own_spinner(void **state)
{
	static const struct {
		int cpu;
		const char *result;
	} cases[] = {{1, "pass"}, {2, "fail"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *trial = load(conforming);
		_json_ json_t *checks = NULL;

		json_object_set_new(jsonio_at(trial, "evidence.counters"), "cpu_busy_ns",
				    json_real(1.3e9));
		json_object_set_new(trial, "spinner",
				    json_pack("{s:[{s:i, s:i}]}", "per_cpu", "cpu", cases[i].cpu,
					      "cpu_ns", 350000000));
		checks = check_trial(trial);
		assert_string_equal(result_of(checks, "host_foreign_cpu"), cases[i].result);
	}
}

/* fio's window holds its own start: what others had of the CPUs is looked at within. */
static void test_steady_part(void **state)
{
	static const struct {
		const char *steady, *result, *words;
	} cases[] = {
		{"{'window_ns':500000000,'counters':{'cpu_busy_ns':260000000,'task_cpu_ns':"
		 "250000000}}",
		 "pass", "in its steady part"},
		{"{'window_ns':500000000,'counters':{'cpu_busy_ns':480000000,'task_cpu_ns':"
		 "250000000}}",
		 "fail", "46 % of the measured CPUs' time in its steady part"},
		{"{'window_ns':500000000,'counters':{'cpu_busy_ns':480000000}}", "not_applicable",
		 "was not read"},
		{"null", "not_applicable", "ended before its steady part was looked at"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ json_t *trial = load(fio);
		_json_ json_t *checks = NULL;
		const json_t *one;
		size_t k;

		json_object_set_new(json_object_get(trial, "evidence"), "steady",
				    load(cases[i].steady));
		checks = check_trial(trial);
		if (strcmp(result_of(checks, "host_foreign_cpu"), cases[i].result))
			fail_msg("case %zu: not %s", i, cases[i].result);
		json_array_foreach (checks, k, one)
			if (!strcmp(jsonio_string(one, "id", ""), "host_foreign_cpu") &&
			    !strstr(jsonio_string(one, "sentence", ""), cases[i].words))
				fail_msg("case %zu: %s", i, jsonio_string(one, "sentence", ""));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtual_machine), cmocka_unit_test(test_stream_drops),
		cmocka_unit_test(test_partly_polled),	cmocka_unit_test(test_foreign_accounts),
		cmocka_unit_test(test_own_spinner),	cmocka_unit_test(test_steady_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
