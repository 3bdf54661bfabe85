// SPDX-License-Identifier: Apache-2.0
/* What a placement's proof makes of the counters: interrupts, threads, pages that went elsewhere.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonio.h"
#include "machine/nic.h"
#include "placement/role.h"
#include "record/verdict.h"
#include "sys/sys.h"
#include "sys/sys_memory.h"
#include "trial/trial_place.h"

/* A drive with two queues, interrupt 40 and 41, and its admin vector 39. */
struct built {
	struct sys *sys;
	struct machine m;
	struct machine_disk disk;
	struct machine_hctx hctx[2];
	struct machine_vector vector[3];
	struct target target;
	struct plan plan;
	struct experiment_cell asked;
	struct plan_cell cell;
	struct placement_spec spec;
};

static void build(struct built *b, const char *placement, unsigned cpu, unsigned interrupt)
{
	memset(b, 0, sizeof(*b));
	b->sys = sys_memory_new();
	sys_memory_file(b->sys, "/proc/irq/40/effective_affinity_list", 0444, "4\n");
	sys_memory_file(b->sys, "/proc/irq/41/effective_affinity_list", 0444, "5\n");
	b->vector[0] = (struct machine_vector){.irq = 39, .name = "nvme0q0"};
	b->vector[1] = (struct machine_vector){.irq = 40, .name = "nvme0q1"};
	b->vector[2] = (struct machine_vector){.irq = 41, .name = "nvme0q2"};
	b->hctx[0] = (struct machine_hctx){.vector = 1};
	b->hctx[1] = (struct machine_hctx){.vector = 2};
	b->disk = (struct machine_disk){.name = "nvme0n1",
					.vectors = b->vector,
					.n_vectors = 3,
					.hctx = b->hctx,
					.n_hctx = 2};
	b->m = (struct machine){.sys = b->sys, .disks = &b->disk, .n_disks = 1};
	b->target = (struct target){.disk = &b->disk};
	b->plan = (struct plan){.machine = &b->m, .target = &b->target};
	b->cell.cell = &b->asked;
	assert_int_equal(placement_spec_parse(placement, &b->spec, NULL), 0);
	b->cell.placement = (struct placement){
		.role = b->spec.role,
		.interrupts_known = true,
		.memory = {1, -1},
		.napi_cpu = {-1, -1},
	};
	assert_int_equal(cpulist_add(&b->cell.placement.workers, cpu), 0);
	assert_int_equal(cpulist_add(&b->cell.placement.interrupts[0], interrupt), 0);
}

static void drop(struct built *b)
{
	placement_free(&b->cell.placement);
	placement_spec_free(&b->spec);
	sys_close(b->sys);
}

/* The verdict of a mode that was in force by a counter of its own. */
static enum verdict_mode judge(struct built *b, const char *vectors, const char *tasks,
			       const char *memory, double *share, char *reason, size_t size)
{
	struct expectation expect[TRIAL_PLACE_EXPECTATIONS + 1] = {{.evidence = "ours",
								    .per = PER_NONE,
								    .at_least = 1,
								    .at_most = NAN,
								    .otherwise = NAN}};
	_json_ json_t *evidence =
		json_pack("{s:{s:i}, s:{}, s:{s:{s:o}, s:{s:o}}}", "counters", "ours", 1, "absent",
			  "detail", "interrupts", "vectors", json_loads(vectors, 0, NULL), "tasks",
			  "tasks", json_loads(tasks, 0, NULL));
	_json_ json_t *record = json_pack("{s:{}, s:{}}", "placement", "workload_report");
	_json_ json_t *again = NULL;
	struct denominators over = {NAN, NAN, NAN, NAN};
	struct verdict v;
	size_t n = 1;

	assert_non_null(evidence);
	if (memory)
		json_object_set_new(json_object_get(record, "workload_report"), "memory",
				    json_loads(memory, 0, NULL));
	trial_place_evidence(&b->plan, &b->cell, record, evidence);
	n += trial_place_expect(&b->cell.placement, expect + n);
	again = verdict_evaluate(expect, n, GRADE_COUNTER, evidence, &over, NULL, &v);
	*share = v.share;
	snprintf(reason, size, "%s",
		 json_string_value(json_array_get(json_object_get(again, "reasons"), 0)));
	return v.mode;
}

#define THERE	  "[{\"irq\": 40, \"cpu\": {\"4\": 1000}}, {\"irq\": 39, \"cpu\": {\"0\": 500}}]"
#define AT_HOME	  "[{\"name\": \"ioloop\", \"cpu\": 4, \"migrations\": 0, \"cpu_ns\": 900000}]"
#define ON_NODE_1 "{\"pages\": 16, \"nodes\": {\"1\": 16}}"

static const struct {
	const char *what, *vectors, *tasks, *memory;
	enum verdict_mode mode;
	double share; /* NAN: none */
	const char *reason;
} rows[] = {
	{"all is where it should be; the admin vector and idle threads do not count", THERE,
	 "[{\"name\": \"ioloop\", \"cpu\": 4, \"migrations\": 0, \"cpu_ns\": 900000},"
	 " {\"name\": \"main\", \"cpu\": 0, \"migrations\": 3, \"cpu_ns\": 9000}]",
	 ON_NODE_1, VERDICT_IN_FORCE, NAN, "ours"},
	{"no interrupt at all", "[{\"irq\": 40, \"cpu\": {}}]", AT_HOME, ON_NODE_1,
	 VERDICT_IN_FORCE, NAN, "ours"},
	{"a vector that was moved in the middle",
	 "[{\"irq\": 40, \"cpu\": {\"4\": 600, \"2\": 400}}]", AT_HOME, ON_NODE_1,
	 VERDICT_NOT_IN_FORCE, (1 - .4) / (1 - .05), "placement_interrupts_elsewhere_share"},
	{"moved at the very end: it stands elsewhere",
	 "[{\"irq\": 40, \"cpu\": {\"4\": 1000}}, {\"irq\": 41, \"cpu\": {\"4\": 10}}]", AT_HOME,
	 ON_NODE_1, VERDICT_NOT_IN_FORCE, NAN, "placement_vectors_elsewhere"},
	{"a thread that went and came back", THERE,
	 "[{\"name\": \"ioloop\", \"cpu\": 4, \"migrations\": 2, \"cpu_ns\": 900000}]", ON_NODE_1,
	 VERDICT_NOT_IN_FORCE, 0, "placement_threads_elsewhere_share"},
	{"one of two threads on another CPU", THERE,
	 "[{\"name\": \"ioloop\", \"cpu\": 4, \"migrations\": 0, \"cpu_ns\": 500000},"
	 " {\"name\": \"ioloop\", \"cpu\": 3, \"migrations\": 0, \"cpu_ns\": 500000}]",
	 ON_NODE_1, VERDICT_NOT_IN_FORCE, .5, "placement_threads_elsewhere_share"},
	{"a quarter of the pages on the other node", THERE, AT_HOME,
	 "{\"pages\": 16, \"nodes\": {\"1\": 12, \"0\": 4}}", VERDICT_NOT_IN_FORCE,
	 (1 - .25) / (1 - .01), "placement_pages_elsewhere_share"},
	{"nobody says where the pages are", THERE, AT_HOME, NULL, VERDICT_UNPROVEN, NAN,
	 "placement_pages_elsewhere_share"},
	{"no tasks were seen", THERE, "[]", ON_NODE_1, VERDICT_UNPROVEN, NAN,
	 "placement_threads_elsewhere_share"},
};

static void test_proof(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct built b;
		char reason[512];
		double share;
		enum verdict_mode mode;

		build(&b, "local", 4, 4);
		mode = judge(&b, rows[i].vectors, rows[i].tasks, rows[i].memory, &share, reason,
			     sizeof(reason));
		if (mode != rows[i].mode || !strstr(reason, rows[i].reason) ||
		    !(isnan(rows[i].share) ? isnan(share) : fabs(share - rows[i].share) < 1e-9))
			fail_msg("%s: %s, share %g, %s", rows[i].what, verdict_mode_name(mode),
				 share, reason);
		drop(&b);
	}
}

/* NAPI threads that were pinned are looked for as the workload's are; one that the driver names no
 * instance for is nobody's to place. */
static void test_napi_threads(void **state)
{
	static const struct {
		int pid, cpu;
		double share;
	} threads[] = {{700, 2, 0}, {700, 3, .25}, {701, 3, 0}};
	struct machine_napi napi = {.pid = 700};
	struct machine_nic nic = {.napis = &napi, .n_napis = 1};
	struct net_target net = {.nic = {&nic}, .n_nics = 1};

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		_json_ json_t *record = json_pack("{s:{}}", "placement");
		_json_ json_t *evidence =
			json_pack("{s:{}, s:{}, s:{s:{s:[{s:s, s:i, s:i}]}, s:[{s:i, s:i, s:i}]}}",
				  "counters", "absent", "detail", "tasks", "tasks", "name",
				  "netloop", "cpu", 4, "cpu_ns", 900000, "napi_threads", "pid",
				  threads[i].pid, "cpu", threads[i].cpu, "cpu_ns", 300000);
		struct built b;

		assert_non_null(evidence);
		build(&b, "local", 4, 4);
		b.plan.net = &net;
		b.cell.placement.interrupts_known = false;
		b.cell.placement.memory[0] = -1;
		b.cell.placement.napi_cpu[0] = 2;
		trial_place_evidence(&b.plan, &b.cell, record, evidence);
		assert_true(jsonio_number(evidence, "counters.placement_threads_elsewhere_share") ==
			    threads[i].share);
		drop(&b);
	}
}

/* What pins nothing promises nothing, and claims nothing. */
static void test_os_default(void **state)
{
	struct expectation expect[TRIAL_PLACE_EXPECTATIONS];
	struct built b;
	char reason[512];
	double share;

	build(&b, "os-default", 4, 4);
	b.cell.placement.unpinned = true;
	assert_int_equal(trial_place_expect(&b.cell.placement, expect), 0);
	assert_null(trial_place_cpus(&b.cell.placement, &b.cell.placement.workers));
	assert_int_equal(judge(&b, "[]", "[]", NULL, &share, reason, sizeof(reason)),
			 VERDICT_IN_FORCE);
	drop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_napi_threads),
		cmocka_unit_test(test_os_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
