// SPDX-License-Identifier: Apache-2.0
/* What named placements make of a plan: queues and masks of steering, what is refused for its mode,
 * and where nothing can be known before the interfaces are up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/nic.h"
#include "sys/sys.h"
#include "sys/sys_memory.h"
#include "trial/plan.h"

static const char mode_text[] =
	"plain: {doc: d, target: block, grade: counter, ioloop: {engine: sync}}\n"
	"iopoll: {doc: d, target: block, grade: counter, ioloop: {engine: sync},\n"
	"         expect: [{evidence: device_interrupts, per: io, at_most: 0.01}]}\n";
static const char net_text[] = "plain: {doc: d, target: net, grade: counter,\n"
			       "        set: {net.rps-cpus: 0}, netloop: {wait: block},\n"
			       "        iperf3: {}}\n";

static struct fixture {
	struct modes modes;
	struct experiment e;
	struct machine m;
	struct machine_node node;
	struct machine_disk disk;
	struct machine_hctx hctx;
	struct machine_vector vector;
	struct target target;
	struct net_target net;
	struct machine_nic nic[2];
	struct machine_nic_queue queues[4];
	struct machine_feature rules;
	struct plan plan;
	struct diag d;
} f;

static int teardown(void **state)
{
	plan_free(&f.plan);
	experiment_free(&f.e);
	modes_free(&f.modes);
	cpulist_free(&f.m.allowed);
	cpulist_free(&f.m.online);
	cpulist_free(&f.node.cpus);
	cpulist_free(&f.hctx.cpus);
	cpulist_free(&f.vector.effective);
	if (f.m.sys)
		sys_close(f.m.sys);
	memset(&f, 0, sizeof(f));
	return 0;
}

static void put_queues(struct sys *s, const char *dev)
{
	static const char *const files[] = {"rx-0/rps_cpus",	 "rx-1/rps_cpus",
					    "rx-0/rps_flow_cnt", "rx-1/rps_flow_cnt",
					    "tx-0/xps_cpus",	 "tx-1/xps_cpus"};
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/queues/%s", dev, files[i]);
		sys_memory_file(s, path, 0644, "0");
	}
}

/* Two interfaces of two queues, no vectors; a disk whose one vector is managed. */
static void build(const char *cpus, bool rules)
{
	struct sys *s = sys_memory_new();

	teardown(NULL);
	assert_int_equal(cpulist_parse(cpus, &f.m.allowed, NULL), 0);
	assert_int_equal(cpulist_parse(cpus, &f.m.online, NULL), 0);
	assert_int_equal(cpulist_parse(cpus, &f.node.cpus, NULL), 0);
	assert_int_equal(cpulist_parse(cpus, &f.hctx.cpus, NULL), 0);
	assert_int_equal(cpulist_add(&f.vector.effective, f.m.allowed.cpu[0]), 0);
	f.vector.managed = VECTOR_MANAGED;
	strcpy(f.vector.name, "vdx-req.0");
	f.disk = (struct machine_disk){.name = "vdx",
				       .node = -1,
				       .hctx = &f.hctx,
				       .n_hctx = 1,
				       .vectors = &f.vector,
				       .n_vectors = 1};
	f.m.sys = s;
	f.m.disks = &f.disk;
	f.m.n_disks = 1;
	f.m.node = &f.node;
	f.m.nodes = 1;
	f.target = (struct target){.disk = &f.disk, .label = "vdx"};
	strcpy(f.rules.name, "rx-ntuple-filter");
	for (unsigned i = 0; i < 4; i++)
		f.queues[i] = (struct machine_nic_queue){
			.rx = i < 2, .index = i % 2, .napi = -1, .vector = -1};
	for (int i = 0; i < 2; i++) {
		f.nic[i] = (struct machine_nic){.node = -1,
						.queues = f.queues,
						.n_queues = 4,
						.features = &f.rules,
						.n_features = rules};
		snprintf(f.nic[i].instance, sizeof(f.nic[i].instance), "eth%d", i + 1);
		put_queues(s, f.nic[i].instance);
	}
	f.net = (struct net_target){
		.label = "eth1 to eth2", .nic = {&f.nic[0], &f.nic[1]}, .n_nics = 2};
}

static void make(const char *experiment)
{
	struct plan_options o = {.seed = 1};

	if (modes_load_text("m.yaml", mode_text, strlen(mode_text), &f.modes, &f.d) ||
	    modes_load_text("n.yaml", net_text, strlen(net_text), &f.modes, &f.d) ||
	    experiment_load_text("e.yaml", experiment, strlen(experiment), &f.modes, &f.e, &f.d) ||
	    plan_make(&f.e, &f.m, &f.target, &f.net, &o, &f.plan, &f.d))
		fail_msg("%s", f.d.text);
}

static const struct plan_cell *cell(const char *id)
{
	for (size_t i = 0; i < f.plan.n_cells; i++)
		if (!strcmp(f.plan.cells[i].cell->id, id))
			return &f.plan.cells[i];
	fail_msg("no cell %s", id);
	return NULL;
}

/* The value that the plan sets; "" none. Set twice is an error. */
static const char *setting(const struct plan_cell *c, const char *knob, const char *instance)
{
	const char *found = "";

	for (size_t i = 0; i < c->n_settings; i++)
		if (!strcmp(c->settings[i].knob->name, knob) &&
		    !strcmp(c->settings[i].instance, instance)) {
			assert_string_equal(found, "");
			found = c->settings[i].value;
		}
	return found;
}

#define STEERED \
	"name: n\ngroups: [{target: net, modes: [plain], placement: [local, steered, full]}]\n"

/* The server is on the first CPU that is not 0, the client on the next. */
static void test_masks(void **state)
{
	static const struct {
		const char *cpus, *server, *client;
	} of[] = {
		{"0-1", "00000002", "00000001"},
		{"31-32", "80000000", "00000001,00000000"},
		{"63-64", "80000000,00000000", "00000001,00000000,00000000"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		const struct plan_cell *c;

		build(of[i].cpus, false);
		make(STEERED);
		c = cell("plain/udp-pingpong/16/d1/steered");
		assert_true(c->runs);
		assert_string_equal(setting(c, "net.xps-cpus", "eth2:tx-0"), of[i].server);
		assert_string_equal(setting(c, "net.xps-cpus", "eth1:tx-0"), of[i].client);
		assert_int_equal(strspn(setting(c, "net.xps-cpus", "eth1:tx-1"), "0,"),
				 strlen(setting(c, "net.xps-cpus", "eth1:tx-1")));
		assert_string_equal(setting(c, "net.rps-flow-cnt", "eth2:rx-1"), "0");
		/* the mode's, and not again */
		assert_string_equal(setting(c, "net.rps-cpus", "eth2:rx-1"), "0");
		assert_string_equal(
			setting(cell("plain/udp-pingpong/16/d1"), "net.xps-cpus", "eth1:tx-0"), "");
	}
}

/* Without a hash table that can be read: by a rule where the driver has rules. */
static void test_full(void **state)
{
	build("0-1", false);
	make(STEERED);
	assert_string_equal(
		setting(cell("plain/udp-pingpong/16/d1/full"), "net.flow-rule", "eth2:rule-0"), "");
	build("0-1", true);
	for (unsigned i = 0; i < 4; i++)
		f.queues[i].napi = 0;
	for (int i = 0; i < 2; i++) {
		static struct machine_napi napi = {.id = 9};

		f.nic[i].napis = &napi;
		f.nic[i].n_napis = 1;
	}
	make(STEERED);
	assert_string_equal(
		setting(cell("plain/udp-pingpong/16/d1/full"), "net.flow-rule", "eth2:rule-0"),
		"udp4 dst-port=7471 action=0");
	assert_string_equal(
		setting(cell("plain/udp-pingpong/16/d1/steered"), "net.flow-rule", "eth2:rule-0"),
		"");
}

/* iperf3 draws no ports: a table or a rule of both ends has to bring its flows to the queue. */
static void test_full_iperf3(void **state)
{
	for (int rules = 0; rules < 2; rules++) {
		const struct plan_cell *c = NULL;

		build("0-1", rules);
		make("name: n\ngroups: [{target: net, modes: [plain], workloads: [iperf3],\n"
		     "         pattern: stream, protocol: tcp, size: 16k, placement: [local, full]}]\n");
		assert_int_equal(f.plan.n_cells, 2);
		c = &f.plan.cells[1];
		assert_string_equal(c->cell->placement, "full");
		if (strstr(c->reason, "not installed"))
			skip();
		if (!rules) {
			assert_false(c->runs);
			assert_non_null(strstr(c->reason, "which not both ends have"));
			assert_string_equal(c->remedy, "workloads: [netloop]");
			continue;
		}
		if (!c->runs)
			fail_msg("%s", c->reason);
		assert_string_equal(setting(c, "net.ntuple", "eth1"), "on");
		assert_string_equal(setting(c, "net.flow-rule", "eth1:rule-0"),
				    "tcp4 src-port=7471 action=0");
		assert_string_equal(setting(c, "net.flow-rule", "eth2:rule-0"),
				    "tcp4 dst-port=7471 action=0");
	}
}

/* Interrupts that the mode does not make cannot come elsewhere. */
static void test_polled(void **state)
{
	const struct plan_cell *c;

	build("0-1", false);
	make("name: n\ngroups: [{modes: [plain, iopoll], placement: [local, same-cache]}]\n");
	c = cell("iopoll/randread/4k/d1/same-cache");
	assert_false(c->runs);
	assert_string_equal(c->reason, "placement same-cache: mode iopoll makes no interrupts that "
				       "could come elsewhere");
	assert_true(cell("iopoll/randread/4k/d1")->runs);
	assert_null(strstr(cell("plain/randread/4k/d1/same-cache")->reason, "makes no interrupts"));
}

/* Vectors come with the run: what needs them is not refused before. */
static void test_tentative(void **state)
{
	const struct plan_cell *c;

	build("0-1", false);
	make("name: n\ngroups: [{target: net, modes: [plain], placement: [local, spread]}]\n");
	c = cell("plain/udp-pingpong/16/d1/spread");
	assert_false(c->runs);
	assert_non_null(strstr(c->reason, "have no vectors"));
	build("0-1", false);
	strcpy(f.net.tentative, "eth1 is down");
	make("name: n\ngroups: [{target: net, modes: [plain], placement: [local, spread, "
	     "remote-node]}]\n");
	assert_true(cell("plain/udp-pingpong/16/d1/spread")->runs);
	assert_string_equal(cell("plain/udp-pingpong/16/d1/spread")->placement.name, "spread");
	c = cell("plain/udp-pingpong/16/d1/remote-node");
	assert_false(c->runs); /* that is known now */
	assert_non_null(strstr(c->reason, "one node"));
}

/* A device that has vectors, of which none is known to serve a queue. */
static void test_unknown_vectors(void **state)
{
	build("0-1", false);
	f.hctx.vector = -1;
	make("name: n\ngroups: [{modes: [plain], placement: [local, os-default]}]\n");
	assert_false(cell("plain/randread/4k/d1")->runs);
	assert_non_null(strstr(cell("plain/randread/4k/d1")->reason, "is not known"));
	assert_true(cell("plain/randread/4k/d1/os-default")->runs);
	build("0-1", false);
	f.nic[1].vectors = &f.vector;
	f.nic[1].n_vectors = 1;
	make("name: n\ngroups: [{target: net, modes: [plain], placement: [local, os-default]}]\n");
	assert_false(cell("plain/udp-pingpong/16/d1")->runs);
	assert_non_null(strstr(cell("plain/udp-pingpong/16/d1")->reason,
			       "which vectors serve the queues of eth2 is not known"));
}

/* Another placement may have moved the vectors; alone, or where irqbalance deals them out,
 * os-default touches nothing. */
static void test_vectors_back(void **state)
{
	for (int run = 0; run < 3; run++) {
		const struct plan_cell *c;

		build("0-1", false);
		if (run == 2) {
			sys_memory_file(f.m.sys, "/proc/77/comm", 0444, "irqbalance\n");
			sys_memory_file(f.m.sys, "/proc/77/stat", 0444, "77 (irqbalance) S 1\n");
		}
		f.vector.managed = VECTOR_MOVABLE;
		strcpy(f.vector.instance, "0000:42:00.0:eth1-rx-0");
		f.queues[0].vector = 0;
		for (int i = 1; i < 4; i++)
			f.queues[i].vector_how = "no interrupts";
		f.nic[0].vectors = &f.vector;
		f.nic[0].n_vectors = 1;
		make(run == 1 ? "name: n\ngroups: [{target: net, modes: [plain], placement: "
				"[os-default]}]\n"
			      : "name: n\ngroups: [{target: net, modes: [plain], placement: "
				"[local, os-default]}]\n");
		c = cell("plain/udp-pingpong/16/d1/os-default");
		assert_true(c->runs && c->placement.unpinned);
		assert_string_equal(setting(c, "irq.affinity", "0000:42:00.0:eth1-rx-0"),
				    run ? "" : "0");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_masks, teardown),
		cmocka_unit_test_teardown(test_vectors_back, teardown),
		cmocka_unit_test_teardown(test_full, teardown),
		cmocka_unit_test_teardown(test_full_iperf3, teardown),
		cmocka_unit_test_teardown(test_polled, teardown),
		cmocka_unit_test_teardown(test_tentative, teardown),
		cmocka_unit_test_teardown(test_unknown_vectors, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
