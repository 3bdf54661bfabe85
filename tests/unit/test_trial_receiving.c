// SPDX-License-Identifier: Apache-2.0
/* receive_interrupts: vectors that are known to serve sending queues alone do not count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/jsonio.h"
#include "machine/nic.h"
#include "trial/net_job.h"

static double receiving(struct machine_nic_queue *queues, size_t n, json_t *evidence)
{
	struct machine_vector vectors[] = {{.irq = 50}, {.irq = 51}, {.irq = 52}};
	struct machine_nic nic = {
		.vectors = vectors, .n_vectors = 3, .queues = queues, .n_queues = n};
	const struct machine_nic *const nics[] = {&nic};
	const struct machine_subject subject = {.nics = nics, .n_nics = 1};

	net_job_receiving(&subject, evidence);
	return jsonio_number(evidence, "counters.receive_interrupts");
}

static json_t *counted(void)
{
	return json_pack("{s:{s:i}, s:{s:s}, s:{s:{s:[{s:i, s:i}, {s:i, s:i}, {s:i, s:i}]}}}",
			 "counters", "device_interrupts", 111, "absent", "receive_interrupts", "?",
			 "detail", "interrupts", "vectors", "irq", 50, "count", 1, "irq", 51,
			 "count", 10, "irq", 52, "count", 100);
}

static void test_vectors(void **state)
{
	/* igb: a vector a queue; one of its own for the rest (52) */
	struct machine_nic_queue apart[] = {{.rx = true, .vector = 0}, {.rx = false, .vector = 1}};
	/* both directions of a queue share a vector, or nobody knows */
	struct machine_nic_queue shared[] = {{.rx = true, .vector = 0}, {.rx = false, .vector = 0}};
	struct machine_nic_queue unknown[] = {{.rx = true, .vector = -1},
					      {.rx = false, .vector = -1}};
	_json_ json_t *a = counted(), *b = counted(), *c = counted();

	assert_true(receiving(apart, 2, a) == 101);
	assert_null(jsonio_at(a, "absent.receive_interrupts"));
	assert_true(receiving(shared, 2, b) == 111);
	assert_true(receiving(unknown, 2, c) == 111);
}

static void test_absent(void **state)
{
	_json_ json_t *e = json_pack("{s:{}, s:{s:s, s:s}}", "counters", "absent",
				     "device_interrupts", "no vectors", "receive_interrupts", "?");

	receiving(NULL, 0, e);
	assert_null(jsonio_at(e, "counters.receive_interrupts"));
	assert_string_equal(jsonio_string(e, "absent.receive_interrupts", ""), "no vectors");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors),
					   cmocka_unit_test(test_absent)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
