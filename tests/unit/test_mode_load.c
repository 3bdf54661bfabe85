// SPDX-License-Identifier: Apache-2.0
/* Mode files: every shipped one loads; each mistake gives file:line:column and the right word. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "mode/mode.h"

static const char good[] = "polled:\n"
			   "  doc: d\n"
			   "  target: block\n"
			   "  only: {iodepth: {at_least: 4}}\n"
			   "  requires: {io_uring.iopoll: 1, block.io_poll: 1}\n"
			   "  set: {block.scheduler: none}\n"
			   "  ioloop: {engine: io_uring, hipri: 1}\n"
			   "  grade: counter\n"
			   "  expect:\n"
			   "    - {evidence: device_interrupts, per: io, at_most: 0.01,\n"
			   "       when: {iodepth: 1}}\n";

static int load(const char *text, struct modes *modes, struct diag *d)
{
	*modes = (struct modes){0};
	return modes_load_text("m.yaml", text, strlen(text), modes, d);
}

static void test_shipped(void **state)
{
	/* The rows that the issue names; a table of published results may have more. */
	static const char *const names[] = {
		"sync",
		"aio",
		"interrupt",
		"interrupt-registered",
		"defer-taskrun",
		"min-wait",
		"sqpoll",
		"sqpoll-same-cpu",
		"iopoll",
		"hybrid-iopoll",
		"sqpoll-iopoll",
		"passthrough",
		"passthrough-iopoll",
		"nvme-coalesced",
	};
	static const char *const net_names[] = {
		"interrupt",	 "adaptive",  "coalesced-3", "coalesced-5000",
		"defer-10",	 "defer-20",  "defer-50",    "defer-200",
		"busy-poll",	 "full-busy", "suspend-0",   "suspend-10",
		"suspend-20",	 "threaded",  "suspend-50",  "epoll-busy-poll",
		"suspend-200",	 "spin",      "io_uring",    "threaded-busy-poll",
		"io_uring-napi", "zerocopy",
	};
	const char *source = getenv("IOMODES_SOURCE");
	struct diag d = {""};
	struct modes modes;
	char dir[4096];

	assert_non_null(source);
	snprintf(dir, sizeof(dir), "%s/configs/modes", source);
	if (modes_load(dir, &modes, &d))
		fail_msg("%s", d.text);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct mode *m = modes_find(&modes, MODE_BLOCK, names[i]);

		if (!m || !mode_options(m, "ioloop"))
			fail_msg("mode %s is not there or has no ioloop: section", names[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(net_names); i++) {
		const struct mode *m = modes_find(&modes, MODE_NET, net_names[i]);

		if (!m || !mode_options(m, "netloop"))
			fail_msg("mode %s is not there or has no netloop: section", net_names[i]);
	}
	/* iperf3 does not say on which instances its sockets receive */
	for (size_t i = 0; i < modes.n; i++)
		for (size_t k = 0; k < modes.mode[i].n_expect; k++) {
			const struct expectation *e = &modes.mode[i].expect[k];
			bool ours = false;

			for (size_t c = 0; c < e->n_when; c++)
				ours |= !strcmp(e->when[c].key, "workload");
			if (mode_options(&modes.mode[i], "iperf3") && !ours &&
			    !strncmp(e->evidence, "flow_ends_", 10))
				fail_msg("%s is never in force with iperf3", modes.mode[i].name);
		}
	/* a delay that the driver adapts by load is not a fixed one */
	for (size_t i = 0; i < modes.n; i++) {
		const struct mode_pairs *p = &modes.mode[i].set_if_there;

		if (!strncmp(modes.mode[i].name, "coalesced-", 10) &&
		    (p->n != 1 || strcmp(p->item[0].name, "net.adaptive-rx") ||
		     strcmp(p->item[0].value, "0")))
			fail_msg("%s leaves adaptive on", modes.mode[i].name);
	}
	for (size_t i = 0; i < modes.n; i++)
		if (modes.mode[i].grade == GRADE_COUNTER && !modes.mode[i].n_expect)
			fail_msg("%s says a counter proves it, and names none", modes.mode[i].name);
	/* One name, two modes. */
	assert_ptr_not_equal(modes_find(&modes, MODE_BLOCK, "interrupt"),
			     modes_find(&modes, MODE_NET, "interrupt"));
	assert_null(modes_find(&modes, MODE_NET, "iopoll"));
	assert_ptr_equal(modes_find_any(&modes, "spin"), modes_find(&modes, MODE_NET, "spin"));
	print_message("%zu modes of %s load\n", modes.n, dir);
	modes_free(&modes);
}

static void test_fields(void **state)
{
	struct diag d = {""};
	struct modes modes;
	const struct mode *m;

	if (load(good, &modes, &d))
		fail_msg("%s", d.text);
	assert_int_equal(modes.n, 1);
	m = modes_find(&modes, MODE_BLOCK, "polled");
	assert_non_null(m);
	assert_int_equal(m->n_only, 1);
	assert_int_equal(m->only[0].op, CONDITION_AT_LEAST);
	assert_true(m->only[0].number == 4);
	assert_int_equal(m->requires.n, 2);
	assert_string_equal(m->requires.item[1].name, "block.io_poll");
	assert_string_equal(m->set.item[0].value, "none");
	assert_int_equal(mode_options(m, "ioloop")->n, 2);
	assert_null(mode_options(m, "fio"));
	assert_int_equal(m->n_expect, 1);
	assert_true(m->expect[0].at_most == 0.01 && isnan(m->expect[0].at_least));
	assert_int_equal(m->expect[0].n_when, 1);
	modes_free(&modes);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *from, *to, *say[2];
	} rows[] = {
		{"  doc:", "  dok:", {"m.yaml:2:3: unknown key \"dok\"", "did you mean \"doc\""}},
		{"  doc: d\n", "", {"m.yaml:1:1: mode \"polled\" needs a doc:", ""}},
		{"target: block",
		 "target: blok",
		 {"m.yaml:3:11: unknown target \"blok\"", "\"block\""}},
		{"only: {iodepth:",
		 "only: {iodeth:",
		 {"m.yaml:4:10: unknown key \"iodeth\"", "\"iodepth\""}},
		{"at_least: 4",
		 "at_lest: 4",
		 {"m.yaml:4:20: unknown key \"at_lest\"", "\"at_least\""}},
		{"at_least: 4", "at_least: few", {"m.yaml:4:30: \"few\" is not a number", ""}},
		{"io_uring.iopoll: 1",
		 "io_uring.iopol: 1",
		 {"m.yaml:5:14: unknown requirement \"io_uring.iopol\"", "\"io_uring.iopoll\""}},
		{"set: {block.scheduler",
		 "set: {block.sheduler",
		 {"m.yaml:6:9: unknown knob \"block.sheduler\"", "\"block.scheduler\""}},
		{"set: {block.scheduler: none}",
		 "set: {block.io_poll: 1}",
		 {"m.yaml:6:9: knob \"block.io_poll\" can only be read", "requires:"}},
		{"engine: io_uring",
		 "engine: [io_uring]",
		 {"m.yaml:7:20: expected a single value", ""}},
		{"ioloop:", "iolop:", {"m.yaml:7:3: unknown key \"iolop\"", "\"ioloop\""}},
		{"grade: counter", "grade: conter", {"m.yaml:8:10: ", "\"counter\""}},
		{"  grade: counter\n", "", {"needs grade: counter or accepted", ""}},
		{"evidence: device_interrupts",
		 "evidence: device_interupts",
		 {"m.yaml:10:7: unknown evidence \"device_interupts\"", "\"device_interrupts\""}},
		{"evidence: device_interrupts, ",
		 "",
		 {"m.yaml:10:7: an expectation needs evidence", ""}},
		{"per: io", "per: ios", {"m.yaml:10:42: per: \"ios\"", "io"}},
		{"at_most: 0.01", "at_most: 1%", {"m.yaml:10:55: '1%' is not a number", ""}},
		{"at_most: 0.01", "at_mots: 0.01", {"unknown key \"at_mots\"", "\"at_most\""}},
		{" at_most: 0.01,",
		 "",
		 {"m.yaml:10:7: an expectation needs at_most: or at_least:", ""}},
		{"when: {iodepth: 1}",
		 "when: {depth: 1}",
		 {"m.yaml:11:15: unknown key \"depth\"", ""}},
		{"set: {block.scheduler: none}",
		 "set: {net.gro: on}",
		 {"m.yaml:6:9: knob \"net.gro\" belongs to net targets, not to block", ""}},
		{"set: {block.scheduler: none}",
		 "set: {block.scheduler@server: none}",
		 {"m.yaml:6:9: \"block.scheduler@server\": only a knob of a network has two ends",
		  ""}},
		{"  ioloop:",
		 "  netloop: {wait: spin}\n  ioloop:",
		 {"netloop: measures net targets; mode \"polled\" is one of block", ""}},
		{"polled:\n", "polled: 3\nother:\n", {"m.yaml:1:9: expected a map", ""}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *at = strstr(good, rows[i].from);
		struct diag d = {""};
		struct modes modes;
		char text[1000];

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, rows[i].to,
			 at + strlen(rows[i].from));
		if (load(text, &modes, &d) != -EINVAL || modes.n)
			fail_msg("\"%s\" was taken", rows[i].to);
		for (size_t j = 0; j < 2 && rows[i].say[j]; j++)
			if (!strstr(d.text, rows[i].say[j]))
				fail_msg("\"%s\": \"%s\" does not say: %s", rows[i].to, d.text,
					 rows[i].say[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
