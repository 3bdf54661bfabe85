// SPDX-License-Identifier: Apache-2.0
/* Experiments: every shipped one loads, groups become cells, mistakes have their place. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "experiment/experiment.h"

static struct modes modes;

static int setup(void **state)
{
	struct diag d = {""};
	char dir[4096];

	snprintf(dir, sizeof(dir), "%s/configs/modes", getenv("IOMODES_SOURCE") ?: ".");
	if (modes_load(dir, &modes, &d))
		fail_msg("%s", d.text);
	return 0;
}

static int teardown(void **state)
{
	modes_free(&modes);
	return 0;
}

static int load(const char *text, struct experiment *e, struct diag *d)
{
	return experiment_load_text("e.yaml", text, strlen(text), &modes, e, d);
}

static void test_shipped(void **state)
{
	char dir[4096], path[5000];
	struct dirent *entry;
	size_t n = 0;
	DIR *open;

	snprintf(dir, sizeof(dir), "%s/configs/experiments", getenv("IOMODES_SOURCE") ?: ".");
	open = opendir(dir);
	assert_non_null(open);
	while ((entry = readdir(open))) {
		struct diag d = {""};
		struct experiment e;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (experiment_load_file(path, &modes, &e, &d))
			fail_msg("%s", d.text);
		print_message("%s: %zu cells, %llu blocks\n", entry->d_name, e.n_cells,
			      (unsigned long long)e.blocks);
		experiment_free(&e);
		n++;
	}
	closedir(open);
	assert_true(n > 0);
}

/* Later axes vary faster, modes fastest of all; a group's own value replaces the default. */
static void test_expansion(void **state)
{
	static const char *const ids[] = {
		"sync/randread/4k/d1",
		"aio/randread/4k/d1",
		"sync/randread/1M/d1",
		"aio/randread/1M/d1",
		"interrupt/randrw/4k/d8/j2/mix70/open20%",
		"interrupt/randrw/4k/d8/j2/mix70/open5000",
		"interrupt/randrw/4k/d16/j2/mix70/open20%",
		"interrupt/randrw/4k/d16/j2/mix70/open5000",
		"interrupt/write/512/d1/dsync/open100c",
	};
	struct diag d = {""};
	struct experiment e;

	if (load("name: n\n"
		 "load: {rw: randread, bs: 4k}\n"
		 "groups:\n"
		 "  - {modes: [sync, aio], bs: [4k, 1M]}\n"
		 "  - {modes: [interrupt], rw: randrw, rwmixread: 70, numjobs: 2,\n"
		 "     iodepth: [8, 16], rate: [20%, 5000]}\n"
		 "  - {modes: [interrupt], rw: write, bs: 512, dsync: 1, rate: 100,\n"
		 "     rate_process: constant}\n",
		 &e, &d))
		fail_msg("%s", d.text);
	assert_int_equal(e.n_cells, ARRAY_SIZE(ids));
	for (size_t i = 0; i < e.n_cells; i++)
		if (strcmp(e.cells[i].id, ids[i]))
			fail_msg("cell %zu is %s, not %s", i, e.cells[i].id, ids[i]);
	assert_int_equal(e.cells[8].group, 2);
	assert_int_equal(e.cells[4].load.rwmixread, 70);
	assert_true(e.cells[4].load.rate_share == 0.2 && e.cells[5].load.rate_iops == 5000);
	assert_string_equal(e.baseline, "sync"); /* the first one, when none is named */
	assert_string_equal(e.target, "scratch");
	assert_int_equal(e.blocks, 10);
	experiment_free(&e);
}

static void test_only(void **state)
{
	char reason[256] = "";
	struct diag d = {""};
	struct experiment e;

	assert_int_equal(load("name: n\ngroups: [{modes: [sync], iodepth: [1, 16]}]\n", &e, &d), 0);
	assert_true(experiment_cell_makes_sense(&e.cells[0], reason, sizeof(reason)));
	assert_false(experiment_cell_makes_sense(&e.cells[1], reason, sizeof(reason)));
	assert_string_equal(reason, "sync exists only with iodepth 1");
	experiment_free(&e);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *say;
	} rows[] = {
		{"name: n\ngropus: []\n",
		 "e.yaml:2:1: unknown key \"gropus\"; did you mean \"groups\"?"},
		{"groups: []\n", "e.yaml:1:1: an experiment needs a name:"},
		{"name: a/b\n", "e.yaml:1:7: name \"a/b\" becomes part of a directory"},
		{"name: n\n", "an experiment needs groups:"},
		{"name: n\ngroups: []\n", "e.yaml:2:9: no cell"},
		{"name: n\ndesign: {blocks: 5}\n",
		 "e.yaml:2:18: blocks must be 6 to 30: below 6 no 95 % interval"},
		{"name: n\ndesign: {blocks: 31}\n", "e.yaml:2:18: blocks must be 6 to 30"},
		{"name: n\ndesign: {runtime: 1ms}\n",
		 "e.yaml:2:19: runtime must be at least 100ms"},
		{"name: n\ndesign: {runtme: 1s}\n", "did you mean \"runtime\""},
		{"name: n\nprimary: [iosp]\n",
		 "e.yaml:2:11: unknown metric \"iosp\"; did you mean \"iops\"?"},
		{"name: n\nset: {block.sheduler: none}\n",
		 "e.yaml:2:7: unknown knob \"block.sheduler\""},
		{"name: n\nset: {block.io_poll: 1}\n", "can only be read"},
		{"name: n\nload: {iodeph: 1}\ngroups: [{modes: [sync]}]\n",
		 "e.yaml:2:8: unknown key \"iodeph\""},
		{"name: n\ngroups: [{modes: [snyc]}]\n",
		 "e.yaml:2:19: unknown mode \"snyc\"; did you mean \"sync\"?"},
		{"name: n\ngroups: [{modes: sync}]\n", "e.yaml:2:18: expected a list"},
		{"name: n\ngroups: [{iodepth: 1}]\n", "e.yaml:2:10: a group needs modes:"},
		{"name: n\ngroups: [{modes: [sync], rw: raed}]\n",
		 "e.yaml:2:30: unknown rw \"raed\"; did you mean \"read\"?"},
		{"name: n\ngroups: [{modes: [sync], bs: 1000}]\n",
		 "e.yaml:2:30: bs must be a multiple of 512"},
		{"name: n\ngroups: [{modes: [sync], bs: 4q}]\n", "unknown unit 'q'"},
		{"name: n\ngroups: [{modes: [sync], iodepth: 0}]\n",
		 "e.yaml:2:35: must be 1 to 4096"},
		{"name: n\ngroups: [{modes: [sync], rate: 0}]\n", "e.yaml:2:32: rate \"0\""},
		{"name: n\ngroups: [{modes: [sync], rate: 120%}]\n", "rate \"120%\""},
		{"name: n\ngroups: [{modes: [sync], rate: -5}]\n", "rate \"-5\""},
		{"name: n\ngroups: [{modes: [sync], rate: nan}]\n", "rate \"nan\""},
		{"name: n\ngroups: [{modes: [sync], rate: 5x}]\n", "rate \"5x\""},
		{"name: n\ngroups: [{modes: [sync], rate_process: poison}]\n",
		 "constant or poisson"},
		{"name: n\ngroups: [{modes: [sync], workloads: [iolop]}]\n",
		 "unknown workload \"iolop\"; did you mean \"ioloop\"?"},
		{"name: n\ngroups: [{modes: [sync]}, {modes: [sync]}]\n",
		 "e.yaml:2:27: cell sync/randread/4k/d1 is already"},
		{"name: n\nbaseline: snyc\ngroups: [{modes: [sync]}]\n",
		 "e.yaml:2:11: unknown mode \"snyc\""},
		{"name: n\nbaseline: aio\ngroups: [{modes: [sync]}]\n",
		 "e.yaml:2:11: baseline \"aio\" is in no group"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag d = {""};
		struct experiment e;
		int err = load(rows[i].text, &e, &d);

		if (err != -EINVAL && err != -ERANGE)
			fail_msg("taken (%d): %s", err, rows[i].text);
		if (!strstr(d.text, rows[i].say))
			fail_msg("%s: \"%s\" does not say: %s", rows[i].text, d.text, rows[i].say);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_expansion),
		cmocka_unit_test(test_only),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
