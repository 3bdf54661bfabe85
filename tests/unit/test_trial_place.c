// SPDX-License-Identifier: Apache-2.0
/* What a placement's proof makes of the counters: interrupts, threads, pages that went elsewhere.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonio.h"
#include "placement/role.h"
#include "record/verdict.h"
#include "sys/sys.h"
#include "sys/sys_memory.h"
#include "machine/nic.h"
#include "trial/plan_place.h"
#include "trial/steer.h"
#include "trial/trial_place.h"
#include "trial/trial_threads.h"

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
	struct mode mode;
	struct expectation expect; /* of the mode */
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
	b->expect = (struct expectation){.evidence = "device_interrupts",
					 .per = PER_IO,
					 .at_least = .5,
					 .at_most = NAN,
					 .otherwise = NAN};
	b->mode = (struct mode){.name = (char *)"interrupt", .expect = &b->expect, .n_expect = 1};
	b->asked.mode = &b->mode;
	b->asked.load.kind = MODE_BLOCK;
	b->asked.load.numjobs = 1;
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
	trial_place_evidence(&b->plan, &b->cell, NULL, record, evidence);
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
	 VERDICT_UNPROVEN, NAN, "no interrupt of the target's queues was counted"},
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

/* Of a mode that polls there are none, and none is elsewhere. */
static void test_polled(void **state)
{
	struct built b;
	char reason[512];
	double share;

	build(&b, "local", 4, 4);
	assert_true(plan_place_interrupts(&b.asked) > 0);
	b.expect.at_least = NAN;
	b.expect.at_most = .01;
	assert_true(plan_place_interrupts(&b.asked) < 0);
	assert_int_equal(judge(&b, "[{\"irq\": 40, \"cpu\": {}}]", AT_HOME, ON_NODE_1, &share,
			       reason, sizeof(reason)),
			 VERDICT_IN_FORCE);
	drop(&b);
}

/* Each vector has a CPU of its own: that the set is kept is not enough. Moved ones, and those that
 * threads were placed by. */
static void test_each_vector(void **state)
{
	static const struct placement_move moves[] = {{"a:40", "4"}, {"a:41", "5"}};
	static const char met[][64] = {"nvme0q1", "nvme0q2"};
	static const char *const tasks =
		"[{\"pid\": 1, \"tid\": 2, \"name\": \"ioloop\", \"cpu\": 4, \"migrations\": 0,"
		" \"cpu_ns\": 500}, {\"pid\": 1, \"tid\": 3, \"name\": \"ioloop\", \"cpu\": 5,"
		" \"migrations\": 0, \"cpu_ns\": 500}]";
	static const struct {
		const char *vectors;
		enum verdict_mode mode;
		double share; /* NAN: none */
	} cases[] = {
		{"[{\"irq\": 40, \"cpu\": {\"4\": 500}}, {\"irq\": 41, \"cpu\": {\"5\": 500}}]",
		 VERDICT_IN_FORCE, NAN},
		{"[{\"irq\": 40, \"cpu\": {\"4\": 500}}, {\"irq\": 41, \"cpu\": {\"4\": 500}}]",
		 VERDICT_NOT_IN_FORCE, (1 - .5) / (1 - .05)},
		{"[{\"irq\": 40, \"cpu\": {\"5\": 500}}, {\"irq\": 41, \"cpu\": {\"4\": 500}}]",
		 VERDICT_NOT_IN_FORCE, 0},
	};

	for (int moved = 0; moved < 2; moved++) {
		struct placement *p;
		struct built b;
		char reason[512];
		double share;

		build(&b, "local", 4, 4);
		p = &b.cell.placement;
		strcpy(b.vector[1].instance, "a:40");
		strcpy(b.vector[2].instance, "a:41");
		assert_int_equal(cpulist_add(&b.vector[1].effective, 4), 0);
		assert_int_equal(cpulist_add(&b.vector[2].effective, 5), 0);
		assert_int_equal(cpulist_add(&p->workers, 5), 0);
		assert_int_equal(cpulist_add(&p->interrupts[0], 5), 0);
		b.asked.load.numjobs = 2;
		p->n_moves = moved ? 2 : 0;
		p->n_met = moved ? 0 : 2;
		p->moves = memcpy(malloc(sizeof(moves)), moves, sizeof(moves));
		p->met = memcpy(malloc(sizeof(met)), met, sizeof(met));
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			assert_int_equal(judge(&b, cases[i].vectors, tasks, ON_NODE_1, &share,
					       reason, sizeof(reason)),
					 cases[i].mode);
			assert_true(isnan(cases[i].share) || fabs(share - cases[i].share) < 1e-9);
		}
		cpulist_free(&b.vector[1].effective);
		cpulist_free(&b.vector[2].effective);
		drop(&b);
	}
}

/* Workers on CPUs 2 and 3, a server on 6, an SQ thread on 7. */
static const struct {
	const char *what, *tasks;
	unsigned jobs;
	bool server, sq;
	double share;	    /* NAN: absent */
	const char *reason; /* of that */
} thread_rows[] = {
	{"each on its CPU", "2 0 500, 3 0 500", 2, false, false, 0, NULL},
	{"both on one CPU of the two", "2 0 500, 2 0 500", 2, false, false, .5, NULL},
	{"two for four jobs share", "2 0 500, 2 0 500, 3 0 500, 3 0 500", 4, false, false, 0, NULL},
	{"a helper that slept most of the time", "2 0 500, 3 0 500, 0 2 20", 2, false, false, 0,
	 NULL},
	{"a small server beside busy clients", "2 0 500, 3 0 500, s5 0 30", 2, true, false,
	 30. / 1030, NULL},
	{"it is where it should be", "2 0 500, 3 0 500, s6 0 30", 2, true, false, 0, NULL},
	{"it was not seen", "2 0 500, 3 0 500", 2, true, false, NAN, "the server's tasks"},
	{"a small worker beside its SQ thread", "1 0 20, q7 0 980", 1, false, true, .02, NULL},
	{"the SQ thread on the worker's CPU", "2 0 20, q2 0 980", 1, false, true, .98, NULL},
	{"no SQ thread", "2 0 20", 1, false, true, NAN, "the SQ thread"},
	{"the kernel counts no migrations", "2 - 500, 3 - 500", 2, false, false, NAN,
	 "how often a thread migrated is not told"},
	{"the main thread went among the workers' CPUs", "m2 1 60, 2 0 500, 3 0 500", 2, false,
	 false, 0, NULL},
	{"fio's first process looks at its jobs", "f0 0 60, 2 0 500, 3 0 500", 2, false, false, 0,
	 NULL},
	{"a job of it is elsewhere", "f0 0 60, 1 0 500, 3 0 500", 2, false, false, 500. / 1060,
	 NULL},
	{"the main thread was elsewhere", "m1 0 60, 2 0 500, 3 0 500", 2, false, false, 60. / 1060,
	 NULL},
};

/* "s5 0 30, …": what it is (s server, q SQ thread, m main thread), CPU, migrations, ns. */
static json_t *make_tasks(const char *text)
{
	json_t *list = json_array();
	int tid = 100;

	for (const char *at = text; *at; at += strcspn(at, ","), at += strspn(at, ", ")) {
		char what = strchr("sqmf", *at) ? *at++ : 'w', moves[8];
		unsigned cpu, ns;
		json_t *one;

		assert_int_equal(sscanf(at, "%u %7s %u", &cpu, moves, &ns), 3);
		tid++;
		one = json_pack("{s:i, s:i, s:s, s:i, s:i}", "pid",
				what == 's'   ? 200
				: what == 'f' ? 50
					      : 100,
				"tid", what == 'm' ? 100 : tid, "name",
				what == 'q' ? "iou-sqp-100" : "loop", "cpu", cpu, "cpu_ns", ns);
		if (*moves != '-')
			json_object_set_new(one, "migrations", json_integer(atoi(moves)));
		if (what == 's')
			json_object_set_new(one, "end", json_string("server"));
		json_array_append_new(list, one);
	}
	return list;
}

static void check_threads(const struct placement *p, const char *what, json_t *tasks, unsigned jobs,
			  double share, const char *reason)
{
	static const char *const name = "placement_threads_elsewhere_share";
	_json_ json_t *evidence = json_pack("{s:{}, s:{}, s:{s:{s:o}}}", "counters", "absent",
					    "detail", "tasks", "tasks", tasks);
	_json_ json_t *record = json_pack("{s:{}}", "placement");
	double got;

	trial_threads_evidence(p, jobs, record, evidence);
	got = jsonio_number(json_object_get(evidence, "counters"), name);
	if (isnan(share) ? !isnan(got) : !(fabs(got - share) < 1e-9))
		fail_msg("%s: share %g, wanted %g", what, got, share);
	if (reason)
		assert_non_null(strstr(jsonio_string(json_object_get(evidence, "absent"), name, ""),
				       reason));
}

static void test_threads(void **state)
{
	struct placement p = {.sq_cpu = 7};
	json_t *many = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(thread_rows); i++) {
		assert_int_equal(cpulist_parse(thread_rows[i].sq ? "2" : "2-3", &p.workers, NULL),
				 0);
		if (thread_rows[i].server)
			assert_int_equal(cpulist_add(&p.server, 6), 0);
		p.has_sq = thread_rows[i].sq;
		check_threads(&p, thread_rows[i].what, make_tasks(thread_rows[i].tasks),
			      thread_rows[i].jobs, thread_rows[i].share, thread_rows[i].reason);
		cpulist_free(&p.workers);
		cpulist_free(&p.server);
	}
	/* each has less than a twentieth of it all */
	p.has_sq = false;
	assert_int_equal(cpulist_parse("0-23", &p.workers, NULL), 0);
	for (int i = 0; i < 24; i++)
		json_array_append_new(many, json_pack("{s:i, s:i, s:s, s:i, s:i, s:i}", "pid", 1,
						      "tid", 2 + i, "name", "ioloop", "cpu", 24 + i,
						      "cpu_ns", 1000, "migrations", 0));
	check_threads(&p, "24 workers elsewhere", many, 24, 1, NULL);
	cpulist_free(&p.workers);
}

/* By the driver's counts of its queues; one queue is always the right one. */
static void test_queues(void **state)
{
	static const struct {
		const char *queues;
		double sent, received; /* NAN: absent */
	} of[] = {
		{"[{\"queue\": \"tx-0\", \"packets\": 90}, {\"queue\": \"tx-1\", \"packets\": 10},"
		 " {\"queue\": \"rx-0\", \"packets\": 50}, {\"queue\": \"rx-1\", \"packets\": "
		 "150}]",
		 .1, .75},
		{"[{\"queue\": \"rx-0\", \"packets\": 50}]", NAN, 0},
		{"null", NAN, NAN},
	};
	struct machine_nic_queue queues[] = {
		{.rx = true}, {.rx = true, .index = 1}, {.rx = false}, {.rx = false, .index = 1}};
	struct machine_nic nic = {.instance = "eth0@client", .queues = queues, .n_queues = 4};
	struct net_target t = {.nic = {&nic}, .n_nics = 1};

	for (size_t i = 0; i < ARRAY_SIZE(of) + 1; i++) {
		bool alone = i == ARRAY_SIZE(of);
		_json_ json_t *evidence =
			json_pack("{s:{}, s:{}, s:{s:{s:{s:o}}}}", "counters", "absent", "detail",
				  "net_devices", "eth0@client", "queues",
				  json_loads(alone ? "null" : of[i].queues, JSON_DECODE_ANY, NULL));
		double sent, received;

		if (alone) {
			queues[1] = queues[2];
			nic.n_queues = 2;
		}
		steer_evidence(&t, -1, evidence);
		sent = jsonio_number(evidence, "counters." STEER_SENT_ELSEWHERE);
		received = jsonio_number(evidence, "counters." STEER_RECEIVED_ELSEWHERE);
		assert_true(alone		? sent == 0
			    : isnan(of[i].sent) ? isnan(sent)
						: fabs(sent - of[i].sent) < 1e-9);
		assert_true(alone		    ? received == 0
			    : isnan(of[i].received) ? isnan(received)
						    : fabs(received - of[i].received) < 1e-9);
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

/* The client's NAPI threads belong on CPU 2, the server's on CPU 3. */
static const struct {
	const char *what, *threads;
	bool stayed; /* of the client's, 90; the server's always stays */
	enum verdict_mode mode;
	double share; /* NAN: none */
} napi_rows[] = {
	{"each on its CPU; one that slept and one on its way there",
	 "[{\"pid\": 90, \"interface\": \"eth0@client\", \"cpu\": 2, \"cpu_ns\": 600, "
	 "\"migrations\": 1},"
	 " {\"pid\": 91, \"interface\": \"eth1@server\", \"cpu\": 3, \"cpu_ns\": 400},"
	 " {\"pid\": 77, \"interface\": \"eth1@server\", \"cpu\": 0, \"cpu_ns\": 0}]",
	 true, VERDICT_IN_FORCE, NAN},
	{"one ended elsewhere",
	 "[{\"pid\": 90, \"interface\": \"eth0@client\", \"cpu\": 3, \"cpu_ns\": 250, "
	 "\"migrations\": 1},"
	 " {\"pid\": 91, \"interface\": \"eth1@server\", \"cpu\": 3, \"cpu_ns\": 750}]",
	 true, VERDICT_NOT_IN_FORCE, .75},
	{"one went and came back",
	 "[{\"pid\": 90, \"interface\": \"eth0@client\", \"cpu\": 2, \"cpu_ns\": 250, "
	 "\"migrations\": 2},"
	 " {\"pid\": 91, \"interface\": \"eth1@server\", \"cpu\": 3, \"cpu_ns\": 750}]",
	 true, VERDICT_NOT_IN_FORCE, .75},
	{"one was allowed elsewhere at the end",
	 "[{\"pid\": 90, \"interface\": \"eth0@client\", \"cpu\": 2, \"cpu_ns\": 500}]", false,
	 VERDICT_NOT_IN_FORCE, 0},
	{"one that was made after the others were pinned",
	 "[{\"pid\": 91, \"interface\": \"eth1@server\", \"cpu\": 3, \"cpu_ns\": 500},"
	 " {\"pid\": 95, \"interface\": \"eth0@client\", \"cpu\": 2, \"cpu_ns\": 500}]",
	 true, VERDICT_NOT_IN_FORCE, .5},
	{"none of them ran", "[]", true, VERDICT_UNPROVEN, NAN},
};

static void test_napi_threads(void **state)
{
	static const char *const name = "placement_napi_threads_elsewhere_share";

	for (size_t i = 0; i < ARRAY_SIZE(napi_rows); i++) {
		struct trial_napi napi = {
			.n = 2,
			.thread = {{.pid = 90, .cpu = 2, .stayed = napi_rows[i].stayed},
				   {.pid = 91, .cpu = 3, .stayed = true}}};
		struct placement_spec spec;
		struct placement p = {.napi_cpu = {2, 3}, .memory = {-1, -1}};
		struct expectation expect[TRIAL_PLACE_EXPECTATIONS + 1] = {{.evidence = "ours",
									    .per = PER_NONE,
									    .at_least = 1,
									    .at_most = NAN,
									    .otherwise = NAN}};
		_json_ json_t *evidence = json_pack("{s:{s:i}, s:{}, s:{s:o}}", "counters", "ours",
						    1, "absent", "detail", "napi_threads",
						    json_loads(napi_rows[i].threads, 0, NULL));
		_json_ json_t *record = json_pack("{s:{}}", "placement"), *again = NULL;
		struct denominators over = {NAN, NAN, NAN, NAN};
		struct verdict v;

		assert_int_equal(placement_spec_parse("same-cpu", &spec, NULL), 0);
		p.role = spec.role;
		trial_napi_evidence(&p, &napi, record, evidence);
		/* beside the threads': that bound has a test of its own */
		assert_int_equal(trial_place_expect(&p, expect + 1), 2);
		assert_string_equal(expect[2].evidence, name);
		expect[1] = expect[2];
		again = verdict_evaluate(expect, 2, GRADE_COUNTER, evidence, &over, NULL, &v);
		if (v.mode != napi_rows[i].mode ||
		    !(isnan(napi_rows[i].share) ? isnan(v.share)
						: fabs(v.share - napi_rows[i].share) < 1e-9))
			fail_msg("%s: %s, share %g", napi_rows[i].what, verdict_mode_name(v.mode),
				 v.share);
		if (!i)
			assert_int_equal(
				json_array_size(jsonio_at(record, "placement.napi_threads")), 2);
		placement_spec_free(&spec);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_napi_threads), cmocka_unit_test(test_polled),
		cmocka_unit_test(test_each_vector),  cmocka_unit_test(test_threads),
		cmocka_unit_test(test_queues),	     cmocka_unit_test(test_proof),
		cmocka_unit_test(test_os_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
