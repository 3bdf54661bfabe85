// SPDX-License-Identifier: Apache-2.0
/* Placement on machines made by hand. The expected CPUs were written down from the rule before the
 * code was run: on the device's node; where the queue's own vector interrupts; off CPU 0; no SMT
 * sibling of a CPU taken while another core is free; the lowest number among equals. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "placement/placement.h"
#include "placement/role.h"

struct built {
	struct machine m;
	struct machine_node node[2];
	struct machine_disk disk;
	struct machine_hctx hctx[4];
	struct machine_vector vector[4];
};

static struct cpulist cpus(const char *text)
{
	struct cpulist list;

	assert_int_equal(cpulist_parse(text, &list, NULL), 0);
	return list;
}

/* `topology` in hwloc's synthetic words, NULL: hwloc knows nothing. */
static void build(struct built *b, const char *topology, const char *allowed, const char *node0,
		  const char *node1, int disk_node)
{
	hwloc_topology_t t = NULL;

	memset(b, 0, sizeof(*b));
	if (topology) {
		assert_int_equal(hwloc_topology_init(&t), 0);
		assert_int_equal(hwloc_topology_set_synthetic(t, topology), 0);
		assert_int_equal(hwloc_topology_load(t), 0);
	}
	b->m = (struct machine){
		.topology = t,
		.online = cpus(allowed),
		.allowed = cpus(allowed),
		.node = b->node,
		.nodes = *node1 ? 2 : 1,
	};
	b->node[0] = (struct machine_node){.id = 0, .cpus = cpus(node0)};
	b->node[1] = (struct machine_node){.id = 1, .cpus = cpus(node1)};
	b->disk = (struct machine_disk){.node = disk_node, .hctx = b->hctx, .vectors = b->vector};
}

static void queue(struct built *b, enum hctx_type type, const char *submit, const char *effective,
		  int managed)
{
	size_t i = b->disk.n_hctx++, v = b->disk.n_vectors;

	b->hctx[i] = (struct machine_hctx){
		.index = (unsigned)i, .type = type, .cpus = cpus(submit), .vector = -1};
	if (!effective)
		return;
	b->hctx[i].vector = (int)v;
	b->vector[v] = (struct machine_vector){.effective = cpus(effective), .managed = managed};
	b->disk.n_vectors++;
}

static void drop(struct built *b)
{
	for (size_t i = 0; i < 4; i++) {
		cpulist_free(&b->hctx[i].cpus);
		cpulist_free(&b->vector[i].effective);
	}
	for (size_t i = 0; i < 2; i++)
		cpulist_free(&b->node[i].cpus);
	cpulist_free(&b->m.online);
	cpulist_free(&b->m.allowed);
	if (b->m.topology)
		hwloc_topology_destroy(b->m.topology);
}

/* sq -1: none was asked for or none is left. */
static void expect(struct built *b, unsigned jobs, bool wants_sq, const char *workers, int sq,
		   unsigned orchestrator, bool shares)
{
	struct placement p;
	struct diag d = {""};
	char *text;

	if (placement_resolve(&b->m, &b->disk, jobs, wants_sq, &p, &d))
		fail_msg("%s", d.text);
	text = cpulist_text(&p.workers);
	if (strcmp(text, workers) || (p.has_sq ? (int)p.sq_cpu : -1) != sq ||
	    p.orchestrator_cpu != orchestrator || p.orchestrator_shares != shares)
		fail_msg("%u jobs%s: workers %s sq %d orchestrator %u%s; wanted %s, %d, %u%s", jobs,
			 wants_sq ? " + SQ" : "", text, p.has_sq ? (int)p.sq_cpu : -1,
			 p.orchestrator_cpu, p.orchestrator_shares ? " (shared)" : "", workers, sq,
			 orchestrator, shares ? " (shared)" : "");
	free(text);
	placement_free(&p);
}

static void test_one_cpu(void **state)
{
	struct built b;

	build(&b, "core:1 pu:1", "0", "0", "", 0);
	queue(&b, HCTX_DEFAULT, "0", "0", VECTOR_MANAGED);
	expect(&b, 1, false, "0", -1, 0, true); /* nothing else: the orchestrator shares it */
	expect(&b, 4, false, "0", -1, 0, true); /* one worker CPU for all jobs */
	expect(&b, 1, true, "0", -1, 0, true);	/* none for the SQ thread: said, not pretended */
	drop(&b);
}

/* Client and server, each with a CPU of its own. */
static void expect_net(const char *topology, const char *allowed, int node, int client, int server,
		       int orchestrator, bool shares)
{
	struct placement p;
	struct diag d = {""};
	struct built b;
	struct cpulist all = {0};

	build(&b, topology, allowed, allowed, "", -1);
	if (client < 0) {
		assert_int_equal(placement_resolve_net(&b.m, node, &p, &d), -ENODEV);
		assert_non_null(strstr(d.text, "a CPU each"));
		drop(&b);
		return;
	}
	if (placement_resolve_net(&b.m, node, &p, &d))
		fail_msg("%s", d.text);
	assert_int_equal(p.workers.n, 1);
	assert_int_equal(p.server.n, 1);
	if ((int)p.workers.cpu[0] != client || (int)p.server.cpu[0] != server ||
	    (int)p.orchestrator_cpu != orchestrator || p.orchestrator_shares != shares)
		fail_msg("client %u server %u orchestrator %u%s", p.workers.cpu[0], p.server.cpu[0],
			 p.orchestrator_cpu, p.orchestrator_shares ? " (shared)" : "");
	assert_int_equal(placement_measured(&p, &all), 0);
	assert_int_equal(all.n, 2);
	cpulist_free(&all);
	placement_free(&p);
	drop(&b);
}

static void test_networks(void **state)
{
	expect_net("core:1 pu:1", "0", -1, -1, -1, 0, false);
	expect_net("core:2 pu:1", "0-1", -1, 0, 1, 0, true);
	expect_net("core:4 pu:1", "0-3", -1, 2, 1, 3, false);
	/* siblings share a core: never both ends on one while there is another */
	expect_net("core:3 pu:2", "0-5", -1, 2, 1, 4, false);
}

static void test_two_cpus(void **state)
{
	struct built b;

	/* This VM: one queue for both CPUs, its managed vector is served by CPU 1. */
	build(&b, "core:2 pu:1", "0-1", "0-1", "", -1);
	queue(&b, HCTX_DEFAULT, "0-1", "1", VECTOR_MANAGED);
	expect(&b, 1, false, "1", -1, 0, false);
	expect(&b, 1, true, "1", 0, 0, true);
	expect(&b, 2, false, "0-1", -1, 0, true);
	drop(&b);
	/* The vector is served by CPU 0: that outweighs "off CPU 0". */
	build(&b, "core:2 pu:1", "0-1", "0-1", "", -1);
	queue(&b, HCTX_DEFAULT, "0-1", "0", VECTOR_MOVABLE);
	expect(&b, 1, false, "0", -1, 1, false);
	drop(&b);
	/* A poll queue has no vector; with the default queue of CPU 0 only it is CPU 0. */
	build(&b, "core:2 pu:1", "0-1", "0-1", "", -1);
	queue(&b, HCTX_POLL, "1", NULL, 0);
	queue(&b, HCTX_DEFAULT, "0-1", "0", VECTOR_MANAGED);
	expect(&b, 1, false, "0", -1, 1, false);
	drop(&b);
}

static void test_smt(void **state)
{
	struct built b;

	/* Cores (0,1) and (2,3), no vector known: 1 is the lowest off CPU 0; 0 is its sibling, so
	 * the next is 2; then cores are used up and the free siblings follow, CPU 0 last. */
	build(&b, "core:2 pu:2", "0-3", "0-3", "", 0);
	expect(&b, 1, false, "1", -1, 2, false);
	expect(&b, 2, false, "1-2", -1, 3, false);
	expect(&b, 2, true, "1-2", 3, 0, false);
	expect(&b, 3, true, "1-3", 0, 0, true);
	drop(&b);
	/* hwloc knows nothing: no sibling is avoided, the rest of the rule stands. */
	build(&b, NULL, "0-3", "0-3", "", 0);
	expect(&b, 2, false, "1-2", -1, 3, false);
	drop(&b);
}

static void test_two_nodes(void **state)
{
	struct built b;

	/* The drive is on node 1; each CPU pair has a queue, served by CPU 0 and CPU 3. 3 is local
	 * and interrupts itself, 2 is local, 0 at least interrupts itself, 1 comes last. */
	build(&b, "numa:2 core:2 pu:1", "0-3", "0-1", "2-3", 1);
	queue(&b, HCTX_DEFAULT, "0-1", "0", VECTOR_MANAGED);
	queue(&b, HCTX_DEFAULT, "2-3", "3", VECTOR_MANAGED);
	expect(&b, 1, false, "3", -1, 1, false);
	expect(&b, 1, true, "3", 2, 1, false);
	expect(&b, 2, false, "2-3", -1, 1, false);
	expect(&b, 3, false, "0,2-3", -1, 1, false);
	drop(&b);
	/* A vector that a submission from CPU 2 does not use (its queue is the other one). */
	build(&b, "numa:2 core:2 pu:1", "0-3", "0-1", "2-3", 1);
	queue(&b, HCTX_DEFAULT, "0-1", "3", VECTOR_MOVABLE);
	queue(&b, HCTX_DEFAULT, "2-3", "1", VECTOR_MOVABLE);
	expect(&b, 1, false, "2", -1, 1, false);
	drop(&b);
}

static void test_allowed(void **state)
{
	struct built b;

	/* taskset or a cpuset leaves CPUs 0 and 2 of 4; 3, the best, may not be used. */
	build(&b, "numa:2 core:2 pu:1", "0,2", "0-1", "2-3", 1);
	queue(&b, HCTX_DEFAULT, "0-3", "3", VECTOR_MANAGED);
	expect(&b, 1, false, "2", -1, 0, false);
	expect(&b, 1, true, "2", 0, 0, true);
	expect(&b, 8, false, "0,2", -1, 0, true);
	drop(&b);
}

static void test_no_cpu(void **state)
{
	struct placement p;
	struct diag d = {""};
	struct built b;

	build(&b, NULL, "", "0", "", 0);
	assert_int_equal(placement_resolve(&b.m, &b.disk, 1, false, &p, &d), -ENODEV);
	assert_string_equal(d.text, "this process may use no CPU");
	drop(&b);
}

static void refused(struct built *b, const char *placement, const char *code)
{
	struct placement_spec spec;
	struct placement_refusal why;
	struct placement_request r = {.machine = &b->m, .spec = &spec, .disk = &b->disk, .jobs = 1};
	struct placement p;
	int err;

	assert_int_equal(placement_spec_parse(placement, &spec, NULL), 0);
	err = placement_make(&r, &p, &why);
	if (code ? err != -ENOTSUP || strcmp(why.code, code) != 0 : err != 0)
		fail_msg("%s: %d, %s: %s", placement, err, err ? why.code : "",
			 err ? why.text : "");
	if (!err)
		placement_free(&p);
	placement_spec_free(&spec);
}

/* Nodes that are not whole: what is bound to them is refused by name, and nothing runs as if. */
static void test_poor_nodes(void **state)
{
	struct built b;

	/* the other socket has no memory */
	build(&b, "node:2 core:2 pu:1", "0-3", "0-1", "2-3", 0);
	for (int cpu = 0; cpu < 4; cpu++) {
		char one[8];

		snprintf(one, sizeof(one), "%d", cpu);
		queue(&b, HCTX_DEFAULT, one, one, VECTOR_MANAGED);
	}
	b.node[0].memory_bytes = 1 << 30;
	refused(&b, "local", NULL);
	refused(&b, "remote-memory", "no-memory");
	refused(&b, "remote-node", "no-memory"); /* bound to the thread's node */
	refused(&b, "remote-thread-interrupt", NULL);
	b.disk.node = 1;
	refused(&b, "local", "no-memory");
	refused(&b, "remote-memory", NULL);
	drop(&b);
	/* the other node is memory alone */
	build(&b, "node:2 core:2 pu:1", "0-1", "0-1", "2", 0);
	queue(&b, HCTX_DEFAULT, "0", "0", VECTOR_MANAGED);
	queue(&b, HCTX_DEFAULT, "1", "1", VECTOR_MANAGED);
	b.node[0].memory_bytes = b.node[1].memory_bytes = 1 << 30;
	refused(&b, "remote-memory", NULL);
	refused(&b, "remote-node", "no-cpus");
	b.disk.node = 1;
	refused(&b, "local", "no-cpus");
	cpulist_add(&b.m.online, 2); /* it has one that this process may not use */
	refused(&b, "local", "not-allowed");
	drop(&b);
}

/* What would make a managed vector serve another CPU: fewer queues, where a parameter makes them.
 */
static void test_fewer_queues(void **state)
{
	static const struct {
		const char *driver;
		bool reads, split;
		const char *remedy;
	} rows[] = {
		{"nvme", false, false, "nvme.write_queues=1"},
		{"nvme", true, false, ""},
		{"nvme", false, true, ""}, /* it has one for writes already */
		{"virtio_blk", false, false, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct placement_spec spec;
		struct placement_refusal why;
		struct placement p;
		struct built b;

		build(&b, "numa:2 core:2 pu:1", "0-3", "0-1", "2-3", 0);
		queue(&b, HCTX_DEFAULT, rows[i].split ? "0-3" : "0-1", "0", VECTOR_MANAGED);
		queue(&b, rows[i].split ? HCTX_READ : HCTX_DEFAULT, "2-3", "2", VECTOR_MANAGED);
		snprintf(b.disk.driver, sizeof(b.disk.driver), "%s", rows[i].driver);
		assert_int_equal(placement_spec_parse("remote-interrupt", &spec, NULL), 0);
		assert_int_equal(placement_make(&(struct placement_request){.machine = &b.m,
									    .spec = &spec,
									    .disk = &b.disk,
									    .jobs = 1,
									    .reads = rows[i].reads},
						&p, &why),
				 -ENOTSUP);
		assert_string_equal(why.code, "managed");
		if (*rows[i].remedy ? !strstr(why.remedy, rows[i].remedy) : *why.remedy)
			fail_msg("row %zu: \"%s\"", i, why.remedy);
		placement_spec_free(&spec);
		drop(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_poor_nodes), cmocka_unit_test(test_fewer_queues),
		cmocka_unit_test(test_one_cpu),	   cmocka_unit_test(test_two_cpus),
		cmocka_unit_test(test_networks),   cmocka_unit_test(test_smt),
		cmocka_unit_test(test_two_nodes),  cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_no_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
