// SPDX-License-Identifier: Apache-2.0
/* Experiments of networks, and of both kinds at once: a group is of the kind of its modes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "experiment/experiment.h"

#define ARG(text) text, sizeof(text) - 1

static struct modes both;

static const char two_kinds[] =
	"interrupt: {doc: d, target: block, grade: counter, ioloop: {engine: io_uring}}\n"
	"sync: {doc: d, target: block, grade: counter, ioloop: {engine: sync}}\n";
static const char net_rows[] =
	"interrupt: {doc: d, target: net, grade: counter, netloop: {wait: block},\n"
	"            iperf3: {}}\n"
	"busy-poll: {doc: d, target: net, grade: counter, netloop: {wait: block}}\n"
	"deep: {doc: d, target: net, grade: counter, only: {depth: {at_least: 8},\n"
	"       pattern: rr}, netloop: {wait: epoll}}\n";

/* Both kinds have an `interrupt`. */
static int setup(void **state)
{
	struct diag d = {""};

	if (modes_load_text("b.yaml", two_kinds, strlen(two_kinds), &both, &d) ||
	    modes_load_text("n.yaml", net_rows, strlen(net_rows), &both, &d))
		fail_msg("%s", d.text);
	return 0;
}

static int teardown(void **state)
{
	modes_free(&both);
	return 0;
}

static void test_networks(void **state)
{
	static const struct {
		const char *id;
		enum mode_target kind;
	} cells[] = {
		{"interrupt/randread/4k/d1", MODE_BLOCK},
		{"interrupt/udp-pingpong/16/d1", MODE_NET},
		{"busy-poll/udp-pingpong/16/d1", MODE_NET},
		{"interrupt/tcp-pingpong/16/d1", MODE_NET},
		{"busy-poll/tcp-pingpong/16/d1", MODE_NET},
		{"busy-poll/udp-rr/64/r1k/d8/f4/open20%", MODE_NET},
		{"busy-poll/udp-rr/64/r1k/d32/f4/open20%", MODE_NET},
		{"interrupt/tcp-stream/16k/d1/iperf3", MODE_NET},
	};
	struct diag d = {""};
	struct experiment e;
	json_t *j;

	if (experiment_load_text("e.yaml",
				 ARG("name: n\n"
				     "net_target: eth1\n"
				     "net_peer: eth2\n"
				     "design: {max_net_cells: 12}\n"
				     "load: {bs: 4k, size: 16}\n" /* each kind takes its own */
				     "groups:\n"
				     "  - {modes: [interrupt]}\n"
				     "  - {target: net, modes: [interrupt, busy-poll],\n"
				     "     protocol: [udp, tcp]}\n"
				     "  - {modes: [busy-poll], pattern: rr, size: 64, flows: 4,\n"
				     "     response_size: 1k, depth: [8, 32], rate: 20%}\n"
				     "  - {target: net, modes: [interrupt], pattern: stream,\n"
				     "     protocol: tcp, size: 16k, workloads: [iperf3]}\n"),
				 &both, &e, &d))
		fail_msg("%s", d.text);
	assert_int_equal(e.n_cells, ARRAY_SIZE(cells));
	for (size_t i = 0; i < e.n_cells; i++) {
		if (strcmp(e.cells[i].id, cells[i].id))
			fail_msg("cell %zu is %s, not %s", i, e.cells[i].id, cells[i].id);
		assert_int_equal(e.cells[i].load.kind, cells[i].kind);
		assert_int_equal(e.cells[i].mode->target, cells[i].kind);
		assert_string_equal(e.cells[i].workload, i == 7 ? "iperf3"
							 : i	? "netloop"
								: "ioloop");
	}
	assert_string_equal(e.net_target, "eth1");
	assert_string_equal(e.net_peer, "eth2");
	assert_int_equal(e.max_net_cells, 12);
	assert_true(experiment_has(&e, MODE_BLOCK) && experiment_has(&e, MODE_NET));
	/* A stream has no response; the response is as the request where nothing else is said. */
	assert_int_equal(e.cells[7].load.response_bytes, 0);
	assert_int_equal(e.cells[1].load.response_bytes, 16);
	j = experiment_load_json(&e.cells[6].load);
	assert_string_equal(json_string_value(json_object_get(j, "pattern")), "rr");
	assert_int_equal(json_integer_value(json_object_get(j, "depth")), 32);
	assert_null(json_object_get(j, "iodepth"));
	assert_true(json_is_null(json_object_get(j, "rate_per_s")));
	json_decref(j);
	experiment_free(&e);
}

static void test_net_only(void **state)
{
	char reason[256] = "";
	struct diag d = {""};
	struct experiment e;

	assert_int_equal(experiment_load_text("e.yaml",
					      ARG("name: n\ngroups:\n"
						  " - {modes: [deep], pattern: rr, depth: [1, 8]}\n"
						  " - {modes: [deep]}\n"),
					      &both, &e, &d),
			 0);
	assert_false(experiment_cell_makes_sense(&e.cells[0], reason, sizeof(reason)));
	assert_string_equal(reason, "deep exists only with depth at least 8");
	assert_true(experiment_cell_makes_sense(&e.cells[1], reason, sizeof(reason)));
	assert_false(experiment_cell_makes_sense(&e.cells[2], reason, sizeof(reason)));
	experiment_free(&e);
}

/* Queue 0 is one, too; a load without has none in its record. */
static void test_net_queue(void **state)
{
	struct diag d = {""};
	struct experiment e;
	json_t *j;

	assert_int_equal(
		experiment_load_text("e.yaml",
				     ARG("name: n\ngroups:\n"
					 " - {modes: [busy-poll], flows: 2, queue: [0, 3]}\n"
					 " - {modes: [busy-poll]}\n"),
				     &both, &e, &d),
		0);
	assert_string_equal(e.cells[0].id, "busy-poll/udp-pingpong/16/d1/f2/q0");
	assert_string_equal(e.cells[1].id, "busy-poll/udp-pingpong/16/d1/f2/q3");
	for (int i = 0; i < 3; i++) {
		static const int queue[] = {0, 3, -1};

		assert_int_equal(e.cells[i].load.queue, queue[i]);
		j = experiment_load_json(&e.cells[i].load);
		if (i == 2)
			assert_null(json_object_get(j, "queue"));
		else
			assert_int_equal(json_integer_value(json_object_get(j, "queue")), queue[i]);
		json_decref(j);
	}
	experiment_free(&e);
}

static void test_net_mistakes(void **state)
{
	static const struct {
		const char *text, *say;
	} rows[] = {
		{"name: n\ngroups: [{modes: [sync, busy-poll]}]\n",
		 "e.yaml:2:25: mode \"busy-poll\" is one of net targets, and this group is one of "
		 "block"},
		{"name: n\ngroups: [{modes: [busy-poll, interrupt, sync]}]\n",
		 "e.yaml:2:19: mode \"busy-poll\" is one of net targets, and this group is one of "
		 "block"},
		{"name: n\ngroups: [{target: net, modes: [sync]}]\n",
		 "e.yaml:2:32: mode \"sync\" is one of block targets, and this group is one of "
		 "net"},
		{"name: n\ngroups: [{target: nte, modes: [sync]}]\n",
		 "e.yaml:2:19: unknown target \"nte\"; did you mean \"net\"?"},
		{"name: n\ngroups: [{target: net, modes: [busypoll]}]\n",
		 "e.yaml:2:32: unknown mode \"busypoll\"; did you mean \"busy-poll\"?"},
		{"name: n\ngroups: [{modes: [interrupt], depth: 4}]\n",
		 "e.yaml:2:31: \"depth\" belongs to loads of net targets; this group is one of "
		 "block (target: net makes it one)"},
		{"name: n\ngroups: [{target: net, modes: [interrupt], bs: 4k}]\n",
		 "e.yaml:2:44: \"bs\" belongs to loads of block targets"},
		{"name: n\ngroups: [{modes: [busy-poll], patern: rr}]\n",
		 "e.yaml:2:31: unknown key \"patern\"; did you mean \"pattern\"?"},
		{"name: n\ngroups: [{modes: [busy-poll], pattern: r}]\n",
		 "e.yaml:2:40: unknown pattern \"r\"; did you mean \"rr\"?"},
		{"name: n\ngroups: [{modes: [busy-poll], protocol: sctp}]\n",
		 "e.yaml:2:41: unknown protocol \"sctp\""},
		{"name: n\ngroups: [{modes: [busy-poll], size: 0}]\n",
		 "e.yaml:2:37: a message has 1 byte to 16M"},
		{"name: n\ngroups: [{modes: [busy-poll], size: 17M}]\n", "e.yaml:2:37: "},
		{"name: n\ngroups: [{modes: [busy-poll], size: 64k}]\n",
		 "a UDP message has at most 65507 bytes"},
		{"name: n\ngroups: [{modes: [busy-poll], response_size: 0}]\n",
		 "response_size 0: only pattern: stream"},
		{"name: n\ngroups: [{modes: [busy-poll], pattern: stream, response_size: 4}]\n",
		 "pattern stream has no response"},
		{"name: n\ngroups: [{modes: [busy-poll], depth: 4}]\n",
		 "depth 4: pattern pingpong has one message under way"},
		{"name: n\ngroups: [{modes: [busy-poll], depth: 5000, pattern: rr}]\n",
		 "e.yaml:2:38: must be 1 to 1024"},
		{"name: n\ngroups: [{modes: [busy-poll], flows: 0}]\n",
		 "e.yaml:2:38: must be 1 to 1024"},
		{"name: n\ngroups: [{modes: [busy-poll], queue: 128}]\n",
		 "e.yaml:2:38: must be 0 to 127"},
		{"name: n\ngroups: [{modes: [busy-poll], steer: rule}]\n",
		 "steer: rule: to which queue?"},
		{"name: n\ngroups: [{modes: [busy-poll], queue: 1, steer: rules}]\n",
		 "unknown steer \"rules\"; did you mean \"rule\"?"},
		{"name: n\ngroups: [{modes: [busy-poll], pattern: stream, rate: 5}]\n",
		 "arrivals of a stream have no latency"},
		{"name: n\ngroups: [{modes: [busy-poll], workloads: [ioloop]}]\n",
		 "e.yaml:2:43: unknown workload \"ioloop\"; did you mean \"netloop\"?"},
		{"name: n\ngroups: [{modes: [busy-poll], workloads: [iperf3]}]\n",
		 "mode \"busy-poll\" has no iperf3: section"},
		{"name: n\nnet_peer: eth2\ngroups: [{modes: [busy-poll]}]\n",
		 "e.yaml:2:11: net_peer needs net_target beside it"},
		{"name: n\nnet_target: ../eth2\ngroups: [{modes: [busy-poll]}]\n",
		 "e.yaml:2:13: \"../eth2\" cannot be the name of an interface"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag d = {""};
		struct experiment e;
		int err = experiment_load_text("e.yaml", rows[i].text, strlen(rows[i].text), &both,
					       &e, &d);

		if (err != -EINVAL && err != -ERANGE)
			fail_msg("taken (%d): %s", err, rows[i].text);
		if (!strstr(d.text, rows[i].say))
			fail_msg("%s: \"%s\" does not say: %s", rows[i].text, d.text, rows[i].say);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_net_only),
		cmocka_unit_test(test_net_queue),
		cmocka_unit_test(test_net_mistakes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
