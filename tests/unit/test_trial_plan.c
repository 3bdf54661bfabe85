// SPDX-License-Identifier: Apache-2.0
/* Plans on a machine in memory: order by seed, what is left out and why, root and ordinary user. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "sys/sys.h"
#include "sys/sys_memory.h"
#include "trial/plan.h"

static const char mode_text[] =
	"plain: {doc: d, target: block, grade: counter, ioloop: {engine: sync}}\n"
	"polled: {doc: d, target: block, grade: counter, requires: {block.nomerges: 2},\n"
	"         ioloop: {engine: io_uring}}\n"
	"tuned: {doc: d, target: block, grade: counter, set: {block.read_ahead_kb: 64},\n"
	"        ioloop: {engine: sync}}\n"
	"fussy: {doc: d, target: block, grade: counter, set: {block.read_ahead_kb: 64},\n"
	"        set_if_there: {block.wbt_lat_usec: 0, block.nomerges: 2},\n"
	"        ioloop: {engine: sync}}\n"
	"shallow: {doc: d, target: block, grade: counter, only: {iodepth: 1},\n"
	"          ioloop: {engine: sync}}\n"
	"twocpu: {doc: d, target: block, grade: counter,\n"
	"         ioloop: {engine: io_uring, sqthread_poll_cpu: \"{sq_cpu}\"}}\n";
static const char net_text[] =
	"plain: {doc: d, target: net, grade: counter, netloop: {wait: block}}\n"
	"other: {doc: d, target: net, grade: counter, netloop: {wait: spin}}\n"
	"spread: {doc: d, target: net, grade: counter, set: {net.rps-cpus: 2},\n"
	"         netloop: {wait: spin}}\n";

static struct fixture {
	struct modes modes;
	struct experiment e;
	struct machine m;
	struct machine_disk disk;
	struct target target;
	struct net_target net;
	struct plan plan;
	struct diag d;
} f;

static int teardown(void **state)
{
	plan_free(&f.plan);
	experiment_free(&f.e);
	modes_free(&f.modes);
	cpulist_free(&f.m.allowed);
	if (f.m.sys)
		sys_close(f.m.sys);
	memset(&f, 0, sizeof(f));
	return 0;
}

static struct net_target net; /* of the next make() */

static int make(const char *experiment, const char *cpus, struct plan_options o)
{
	struct sys *s = sys_memory_new();

	teardown(NULL);
	sys_memory_file(s, "/sys/block/vdx/queue/scheduler", 0644, "none [mq-deadline]");
	sys_memory_on_write(s, "/sys/block/vdx/queue/scheduler", sys_memory_choose);
	sys_memory_file(s, "/sys/block/vdx/queue/nomerges", 0644, "0");
	sys_memory_file(s, "/sys/block/vdx/queue/read_ahead_kb", 0644, "128");
	sys_memory_file(s, "/sys/class/net/eth1/queues/rx-0/rps_cpus", 0644, "00000003");
	f.disk = (struct machine_disk){.name = "vdx", .node = -1};
	f.m = (struct machine){.sys = s, .disks = &f.disk, .n_disks = 1};
	assert_int_equal(cpulist_parse(cpus, &f.m.allowed, NULL), 0);
	f.target = (struct target){.disk = &f.disk, .label = "vdx", .write_refusal = "read only"};
	if (modes_load_text("m.yaml", mode_text, strlen(mode_text), &f.modes, &f.d) ||
	    modes_load_text("n.yaml", net_text, strlen(net_text), &f.modes, &f.d) ||
	    experiment_load_text("e.yaml", experiment, strlen(experiment), &f.modes, &f.e, &f.d))
		fail_msg("%s", f.d.text);
	f.net = net;
	return plan_make(&f.e, &f.m, &f.target, &f.net, &o, &f.plan, &f.d);
}

static const struct plan_cell *cell(const char *id)
{
	for (size_t i = 0; i < f.plan.n_cells; i++)
		if (!strcmp(f.plan.cells[i].cell->id, id))
			return &f.plan.cells[i];
	fail_msg("no cell %s", id);
	return NULL;
}

#define DEPTHS                                                   \
	"name: n\ndesign: {blocks: 12, ramp: 1s, runtime: 2s}\n" \
	"groups: [{modes: [plain], iodepth: [1, 2, 3, 4, 5, 6, 7]}]\n"

/* Each block a permutation; the same seed the same text of the whole plan; another one another. */
static void test_order(void **state)
{
	char *texts[3];
	static const uint64_t seeds[] = {7, 7, 8};
	bool differ = false;

	for (size_t run = 0; run < 3; run++) {
		json_t *j;

		assert_int_equal(make(DEPTHS, "0-1", (struct plan_options){.seed = seeds[run]}), 0);
		assert_int_equal(f.plan.n_run, 7);
		for (size_t b = 0; b < 12; b++) {
			unsigned seen = 0;

			for (size_t i = 0; i < 7; i++)
				seen |= 1u << f.plan.order[b * 7 + i];
			assert_int_equal(seen, 0x7f);
			differ |= memcmp(f.plan.order, f.plan.order + b * 7,
					 7 * sizeof(*f.plan.order)) != 0;
		}
		j = plan_json(&f.plan);
		texts[run] = jsonio_line(j);
		json_decref(j);
	}
	assert_true(differ); /* blocks are not one order repeated */
	assert_string_equal(texts[0], texts[1]);
	assert_string_not_equal(texts[0], texts[2]);
	for (size_t run = 0; run < 3; run++)
		free(texts[run]);
	assert_int_equal(make(DEPTHS, "0-1", (struct plan_options){0}), 0);
	assert_true(f.plan.seed > 0); /* drawn, and kept in a signed JSON integer */
	assert_true(f.plan.seed <= INT64_MAX);
}

static void test_forecast(void **state)
{
	assert_int_equal(make(DEPTHS, "0-1", (struct plan_options){.seed = 1}), 0);
	/* 12 blocks x 7 cells x (1 + 2) s, and not more than 0.1 s a trial beside. */
	assert_in_range(f.plan.seconds_total_ns, 252000000000, 252000000000 + 84 * 100000000ull);
	assert_int_equal(f.plan.seconds_least_ns, f.plan.seconds_total_ns);
	assert_false(f.plan.calibrates[MODE_BLOCK]);
	assert_false(f.plan.calibrates[MODE_NET]);
}

static void test_reasons(void **state)
{
	const struct plan_cell *c;

	assert_int_equal(
		make("name: n\ngroups: [{modes: [plain, polled, shallow, twocpu], iodepth: 4},"
		     " {modes: [plain], rw: randwrite}]\n",
		     "0", (struct plan_options){.seed = 1}),
		0);
	assert_int_equal(f.plan.n_run, 1);
	c = cell("polled/randread/4k/d4");
	assert_false(c->runs);
	assert_string_equal(c->reason, "block.nomerges of vdx is 0, not 2");
	c = cell("shallow/randread/4k/d4");
	assert_false(c->runs);
	assert_string_equal(c->reason, "shallow exists only with iodepth 1");
	c = cell("twocpu/randread/4k/d4");
	assert_false(c->runs);
	assert_string_equal(c->reason, "no CPU is left for the SQ thread");
	c = cell("plain/randwrite/4k/d1");
	assert_false(c->runs);
	assert_string_equal(c->reason, "read only");
	/* The same with --ignore-requires: only the requirement is waived. */
	assert_int_equal(make("name: n\ngroups: [{modes: [plain, polled, shallow], iodepth: 4},"
			      " {modes: [plain], rw: randwrite}]\n",
			      "0", (struct plan_options){.seed = 1, .ignore_requires = true}),
			 0);
	assert_int_equal(f.plan.n_run, 2);
	assert_true(cell("polled/randread/4k/d4")->runs);
	assert_false(cell("plain/randwrite/4k/d1")->runs);
}

static void test_max_cells(void **state)
{
	assert_int_equal(make("name: n\ndesign: {max_cells: 2}\n"
			      "groups: [{modes: [polled, plain], iodepth: [1, 2, 3]}]\n",
			      "0-1", (struct plan_options){.seed = 1}),
			 0);
	/* The limit counts cells that can run; the last of the file is cut, by name. */
	assert_int_equal(f.plan.n_run, 2);
	assert_true(cell("plain/randread/4k/d2")->runs);
	assert_false(cell("plain/randread/4k/d3")->runs);
	assert_string_equal(cell("plain/randread/4k/d3")->reason,
			    "the experiment takes 2 cells, and more can run here");
}

#define KNOBS                                                        \
	"name: n\nset: {block.scheduler: none, block.nomerges: 0}\n" \
	"groups: [{modes: [plain, tuned]}]\n"

static void test_root_and_user(void **state)
{
	const struct plan_cell *c;

	assert_int_equal(make(KNOBS, "0-1", (struct plan_options){.seed = 1}), 0);
	c = cell("tuned/randread/4k/d1");
	assert_int_equal(c->n_settings, 3);
	assert_string_equal(c->settings[0].knob->name, "block.scheduler");
	assert_string_equal(c->settings[0].instance, "vdx");
	assert_string_equal(c->settings[2].knob->name, "block.read_ahead_kb");
	assert_int_equal(f.plan.n_not_applied, 0);

	/* Without root: what differs is left out and said; a mode that needs it does not run. */
	assert_int_equal(make(KNOBS, "0-1", (struct plan_options){.seed = 1, .euid = 1000}), 0);
	assert_int_equal(f.plan.n_not_applied, 1);
	assert_string_equal(f.plan.not_applied[0], "block.scheduler=none on vdx (now mq-deadline)");
	assert_int_equal(cell("plain/randread/4k/d1")->n_settings, 0);
	c = cell("tuned/randread/4k/d1");
	assert_true(!c->runs && c->needs_root);
	assert_string_equal(c->reason, "needs root: block.read_ahead_kb=64 (now 128)");
}

static void test_nothing_runs(void **state)
{
	assert_int_equal(make("name: n\ngroups: [{modes: [polled]}]\n", "0",
			      (struct plan_options){.seed = 1}),
			 -ENODEV);
	assert_string_equal(f.d.text, "no cell of n can run on this machine; first reason: polled: "
				      "block.nomerges of vdx is 0, not 2");
}

#define BOTH                                                    \
	"name: n\nbaseline: plain\n"                            \
	"design: {blocks: 6, max_cells: 1, max_net_cells: 3}\n" \
	"set: {block.scheduler: none}\n"                        \
	"groups:\n"                                             \
	" - {modes: [plain], iodepth: [1, 2]}\n"                \
	" - {target: net, modes: [plain, other], protocol: [udp, tcp]}\n"

/* Each kind has a limit, a target and settings of its own. */
static void test_networks(void **state)
{
	net = (struct net_target){.label = "veth pair"};
	assert_int_equal(make(BOTH, "0-1", (struct plan_options){.seed = 1}), 0);
	assert_int_equal(f.plan.n_run, 4);
	assert_true(cell("plain/randread/4k/d1")->runs);
	assert_true(cell("plain/randread/4k/d2")->left_out);
	assert_int_equal(cell("plain/randread/4k/d1")->n_settings, 1);
	assert_string_equal(plan_target_label(&f.plan, cell("plain/randread/4k/d1")), "vdx");
	assert_true(cell("plain/udp-pingpong/16/d1")->runs);
	assert_int_equal(cell("plain/udp-pingpong/16/d1")->n_settings, 0);
	assert_int_equal(cell("plain/udp-pingpong/16/d1")->placement.server.n, 1);
	assert_string_equal(plan_target_label(&f.plan, cell("plain/udp-pingpong/16/d1")),
			    "veth pair");
	assert_true(cell("other/tcp-pingpong/16/d1")->left_out);
	assert_non_null(strstr(cell("other/tcp-pingpong/16/d1")->reason, "3 network cells"));
	assert_int_equal(f.plan.measured.n, 2);

	/* one CPU: block cells run, network cells say why not */
	assert_int_equal(make(BOTH, "0", (struct plan_options){.seed = 1}), 0);
	assert_int_equal(f.plan.n_run, 1);
	assert_non_null(strstr(cell("plain/udp-pingpong/16/d1")->reason, "a CPU each"));

	/* no namespace without root: unsupported with the reason, and the rest runs */
	net = (struct net_target){.label = "veth pair",
				  .refusal = "needs root (CAP_NET_ADMIN)",
				  .remedy = "run as root",
				  .needs_root = true};
	assert_int_equal(make(BOTH, "0-1", (struct plan_options){.seed = 1}), 0);
	assert_int_equal(f.plan.n_run, 1);
	assert_true(cell("plain/udp-pingpong/16/d1")->needs_root);
	assert_string_equal(cell("plain/udp-pingpong/16/d1")->reason, "needs root (CAP_NET_ADMIN)");
	net = (struct net_target){0};
}

#define PLACED                                                                          \
	"name: n\ndesign: {blocks: 6}\ngroups:\n"                                       \
	" - {target: net, modes: [plain], protocol: tcp, pattern: rr, queue: [1, 2]}\n" \
	" - {target: net, modes: [plain], queue: 1, steer: rule}\n"

/* A queue by source ports needs nothing; by rule it is two settings an end, where the driver has
 * rules. */
static void test_placed(void **state)
{
	static const char *const text[] = {
		"net.ntuple eth1@client on",
		"net.flow-rule eth1@client:rule-0 udp4 src-port=7471 action=1",
		"net.ntuple eth2@server on",
		"net.flow-rule eth2@server:rule-0 udp4 dst-port=7471 action=1",
	};
	struct machine_feature rules = {.name = "rx-ntuple-filter"};
	struct machine_nic_queue queues[2] = {{.rx = true, .index = 0, .napi = 1},
					      {.rx = true, .index = 1, .napi = 0}};
	struct machine_napi napis[2] = {{.id = 8}, {.id = 9, .index = 1}};
	struct machine_nic ends[2];
	const struct plan_cell *c;
	unsigned id[2];

	for (int i = 0; i < 2; i++) {
		ends[i] = (struct machine_nic){.driver = "mlx9",
					       .features = &rules,
					       .n_features = 1,
					       .queues = queues,
					       .n_queues = 2,
					       .napis = napis,
					       .n_napis = 2};
		snprintf(ends[i].instance, sizeof(ends[i].instance), "%s",
			 i ? "eth2@server" : "eth1@client");
	}
	net = (struct net_target){
		.label = "eth1 to eth2", .nic = {&ends[0], &ends[1]}, .n_nics = 2};
	assert_int_equal(make(PLACED, "0-1", (struct plan_options){.seed = 1}), 0);
	c = cell("plain/tcp-rr/16/d1/q1");
	assert_true(c->runs);
	assert_int_equal(c->n_settings, 0);
	c = cell("plain/tcp-rr/16/d1/q2");
	assert_false(c->runs);
	assert_string_equal(c->reason, "eth1@client has 2 receive queues, no queue 2");
	c = cell("plain/udp-pingpong/16/d1/q1rule");
	assert_true(c->runs);
	assert_int_equal(c->n_settings, ARRAY_SIZE(text));
	for (size_t i = 0; i < c->n_settings; i++) {
		char one[300];

		snprintf(one, sizeof(one), "%s %s %.100s", c->settings[i].knob->name,
			 c->settings[i].instance, c->settings[i].value);
		assert_string_equal(one, text[i]);
	}
	/* as netlink told which instance serves the queue, not in their order */
	assert_int_equal(net_target_queue(&net, 1, id, &f.d), 0);
	assert_int_equal(id[0], 8);
	rules.fixed = true;
	assert_int_equal(make(PLACED, "0-1", (struct plan_options){.seed = 1}), 0);
	c = cell("plain/udp-pingpong/16/d1/q1rule");
	assert_false(c->runs);
	assert_string_equal(c->reason, "driver mlx9 is fixed to no flow rules (eth1@client)");
	net = (struct net_target){0};
}

/* A knob that this disk lacks is left out, one that it has is set. */
static void test_set_if_there(void **state)
{
	const struct plan_cell *c;

	assert_int_equal(make("name: n\ndesign: {blocks: 6}\ngroups: [{modes: [fussy]}]\n", "0-1",
			      (struct plan_options){.seed = 1}),
			 0);
	c = cell("fussy/randread/4k/d1");
	assert_true(c->runs);
	assert_int_equal(c->n_settings, 2);
	assert_string_equal(c->settings[0].knob->name, "block.read_ahead_kb");
	assert_string_equal(c->settings[1].knob->name, "block.nomerges");
}

#define STEERED                          \
	"name: n\ndesign: {blocks: 6}\n" \
	"groups: [{target: net, modes: [plain, spread]}, {modes: [plain], iodepth: 1}]\n"

/* What software hands on to other CPUs is switched off where it is on, in every mode that does not
 * ask for it, as a setting like any other. */
static void test_steering(void **state)
{
	struct machine_nic_queue queues[3] = {{.rx = true, .index = 0, .rps_flow_cnt = 64},
					      {.rx = true, .index = 1},
					      {.index = 0}};
	struct machine_nic nic = {.driver = "mlx9", .queues = queues, .n_queues = 3};
	const struct plan_cell *c;

	assert_int_equal(cpulist_parse("0-1", &queues[0].rps_cpus, NULL), 0);
	assert_int_equal(cpulist_parse("1", &queues[2].rps_cpus, NULL), 0);
	snprintf(nic.instance, sizeof(nic.instance), "eth1");
	net = (struct net_target){.label = "eth1", .nic = {&nic}, .n_nics = 1};
	assert_int_equal(make(STEERED, "0-1", (struct plan_options){.seed = 1}), 0);
	c = cell("plain/udp-pingpong/16/d1");
	assert_int_equal(c->n_settings, 2);
	assert_string_equal(c->settings[0].knob->name, "net.rps-cpus");
	assert_string_equal(c->settings[1].knob->name, "net.rps-flow-cnt");
	for (int i = 0; i < 2; i++) {
		assert_string_equal(c->settings[i].instance, "eth1:rx-0");
		assert_string_equal(c->settings[i].value, "0");
	}
	assert_int_equal(cell("plain/randread/4k/d1")->n_settings, 0);

	/* one that a mode or an experiment sets holds */
	c = cell("spread/udp-pingpong/16/d1");
	assert_int_equal(c->n_settings, 2);
	assert_string_equal(c->settings[0].value, "2");
	assert_string_equal(c->settings[1].knob->name, "net.rps-flow-cnt");

	/* an ordinary user changes nothing */
	assert_int_equal(make(STEERED, "0-1", (struct plan_options){.seed = 1, .euid = 1000}), 0);
	assert_int_equal(cell("plain/udp-pingpong/16/d1")->n_settings, 0);
	cpulist_free(&queues[0].rps_cpus);
	cpulist_free(&queues[2].rps_cpus);
	net = (struct net_target){0};
}

#define LEFT_ON                          \
	"name: n\ndesign: {blocks: 6}\n" \
	"groups: [{target: net, modes: [plain]}]\n"

/* A time-out of suspension that was left on an instance is 0 in every mode that sets none. */
static void test_suspension(void **state)
{
	struct machine_napi napis[3] = {
		{.id = 70, .index = 0, .irq_suspend_timeout_ns = 0},
		{.id = 71, .index = 1, .irq_suspend_timeout_ns = 20000000},
		{.id = 72, .index = 2, .irq_suspend_timeout_ns = -1}}; /* not told */
	struct machine_nic nic = {.driver = "mlx9", .napis = napis, .n_napis = 3};
	const struct plan_cell *c;

	snprintf(nic.instance, sizeof(nic.instance), "eth1");
	net = (struct net_target){.label = "eth1", .nic = {&nic}, .n_nics = 1};
	assert_int_equal(make(LEFT_ON, "0-1", (struct plan_options){.seed = 1}), 0);
	c = cell("plain/udp-pingpong/16/d1");
	assert_int_equal(c->n_settings, 1);
	assert_string_equal(c->settings[0].knob->name, "napi.irq-suspend-timeout");
	assert_string_equal(c->settings[0].instance, "eth1#1");
	assert_string_equal(c->settings[0].value, "0");

	/* but not where the way to the host would be touched, nor by an ordinary user */
	nic.management = true;
	assert_int_equal(make(LEFT_ON, "0-1", (struct plan_options){.seed = 1}), 0);
	assert_int_equal(cell("plain/udp-pingpong/16/d1")->n_settings, 0);
	nic.management = false;
	assert_int_equal(make(LEFT_ON, "0-1", (struct plan_options){.seed = 1, .euid = 1000}), 0);
	assert_int_equal(cell("plain/udp-pingpong/16/d1")->n_settings, 0);
	net = (struct net_target){0};
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_placed, teardown),
		cmocka_unit_test_teardown(test_steering, teardown),
		cmocka_unit_test_teardown(test_suspension, teardown),
		cmocka_unit_test_teardown(test_set_if_there, teardown),
		cmocka_unit_test_teardown(test_order, teardown),
		cmocka_unit_test_teardown(test_forecast, teardown),
		cmocka_unit_test_teardown(test_reasons, teardown),
		cmocka_unit_test_teardown(test_max_cells, teardown),
		cmocka_unit_test_teardown(test_root_and_user, teardown),
		cmocka_unit_test_teardown(test_nothing_runs, teardown),
		cmocka_unit_test_teardown(test_networks, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
