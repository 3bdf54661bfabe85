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
#include <unistd.h>

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

static size_t load_all(const char *folder)
{
	char dir[4096], path[5000];
	struct dirent *entry;
	size_t n = 0;
	DIR *open;

	snprintf(dir, sizeof(dir), "%s/configs/%s", getenv("IOMODES_SOURCE") ?: ".", folder);
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
	return n;
}

static void test_shipped(void **state)
{
	assert_true(load_all("experiments") > 0);
	assert_true(load_all("presets") > 0);
}

/* The letter's cycles per query are of 10 s over the queries of 30 s (8332 and 7050 at saturation);
 * ours are from its raw files. */
static void test_corrected_cycles(void **state)
{
	struct experiment e;
	struct diag d = {""};
	char path[4096];
	size_t found = 0;

	snprintf(path, sizeof(path), "%s/configs/presets/irq-suspend.yaml",
		 getenv("IOMODES_SOURCE") ?: ".");
	if (experiment_load_file(path, &modes, &e, &d))
		fail_msg("%s", d.text);
	for (size_t i = 0; i < e.n_cells; i++) {
		const json_t *ratios = json_object_get(e.cells[i].published, "ratios");
		double cycles;

		if (strcmp(e.cells[i].mode->name, "full-busy"))
			continue;
		cycles = json_number_value(json_object_get(ratios, "cycles_per_transaction"));
		if (!found++)
			assert_float_equal(cycles, 21.0 / 25.4, 1e-9);
		assert_true(cycles > 0.5 && cycles < 4);
	}
	assert_int_equal(found, 5);
	experiment_free(&e);
}

/* Figures of others, and their ratios against the row they name. */
static void test_published(void **state)
{
#define PUBLISHED(text) "name: n\ngroups:\n - {modes: [sync, aio], published: " text "}\n"
	static const struct {
		const char *text, *say;
	} rows[] = {
		{PUBLISHED("{values: {}}"), "e.yaml:3:36: published needs source:"},
		{PUBLISHED("{source: s, differs: d, values: {snyc: {}}}"),
		 "mode \"snyc\" is not in this group; did you mean \"sync\"?"},
		{PUBLISHED("{source: s, differs: d, baseline: iopoll, values: {}}"),
		 "mode \"iopoll\" is not in this group"},
		{PUBLISHED("{source: s, differs: d, values: {aio: {iosp: 1}}}"),
		 "unknown metric \"iosp\"; did you mean \"iops\"?"},
		{PUBLISHED("{source: s, differs: d, values: {aio: {iops: many}}}"), "many"},
		{PUBLISHED("{source: s}"), "or says:, where there is none of a row"},
		{PUBLISHED("{source: s, differs: d, says: [a]}"), "e.yaml:3:"},
		{PUBLISHED("{source: s, values: {aio: {iops: 1}}}"),
		 "e.yaml:3:36: published needs differs:"},
		{PUBLISHED("{source: s, says: more}"), "published needs differs:"},
		{PUBLISHED("{sauce: s}"), "unknown key \"sauce\""},
		{PUBLISHED("{source: s, differs: d, values: {}, elsewhere: {spdk: {iops: 1}}}"),
		 "\"spdk\" needs why: it is no row of ours"},
		{PUBLISHED("{source: s, differs: d, values: {}, elsewhere: {spdk: {why: w, iosp: "
			   "1}}}"),
		 "unknown metric \"iosp\"; did you mean \"iops\"?"},
	};
	struct diag d = {""};
	struct experiment e;
	double ratio = 0;

	if (load(PUBLISHED(
			 "{source: s, baseline: sync, values: {sync: {iops: 4}, aio: {iops: 6, "
			 "latency_p99_ns: 5}}, differs: all of it, elsewhere: {spdk: {why: not the "
			 "kernel's, iops: 8}}}"),
		 &e, &d))
		fail_msg("%s", d.text);
	assert_int_equal(json_unpack(e.cells[1].published, "{s:{s:f}}", "ratios", "iops", &ratio),
			 0);
	assert_true(ratio == 1.5);
	assert_int_equal(json_unpack(e.cells[1].published, "{s:{s:{s:{s:f}}}}", "elsewhere", "spdk",
				     "ratios", "iops", &ratio),
			 0);
	assert_true(ratio == 2);
	assert_string_equal(json_string_value(json_object_get(e.cells[1].published, "differs")),
			    "all of it");
	assert_null(json_object_get(e.cells[1].published, "says"));
	/* nothing to divide by: the figure, no ratio */
	assert_int_equal(json_object_size(json_object_get(e.cells[1].published, "ratios")), 1);
	assert_int_equal(json_object_size(json_object_get(e.cells[1].published, "values")), 2);
	experiment_free(&e);
	/* words without a figure are of every row */
	if (load(PUBLISHED("{source: s, says: a third faster, differs: d}"), &e, &d))
		fail_msg("%s", d.text);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(
			json_string_value(json_object_get(e.cells[i].published, "says")),
			"a third faster");
		assert_int_equal(json_object_size(json_object_get(e.cells[i].published, "ratios")),
				 0);
	}
	experiment_free(&e);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		d.text[0] = '\0';
		assert_int_equal(load(rows[i].text, &e, &d), -EINVAL);
		if (!strstr(d.text, rows[i].say))
			fail_msg("%s: \"%s\" does not say: %s", rows[i].text, d.text, rows[i].say);
	}
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
	assert_true(e.cells[4].load.rate_share == 0.2 && e.cells[5].load.rate_per_s == 5000);
	assert_string_equal(e.baseline, "sync"); /* the first one, when none is named */
	assert_string_equal(e.target, "scratch");
	assert_int_equal(e.blocks, 10);
	experiment_free(&e);
}

/* A fixed number of blocks, or from so many to so many until it is precise. */
static void test_blocks(void **state)
{
#define BLOCKS(text) "name: n\ndesign: {blocks: " text "}\ngroups: [{modes: [sync]}]\n"
	static const struct {
		const char *text;
		uint64_t least, most;
		double precision;
	} good[] = {
		{"name: n\ngroups: [{modes: [sync]}]\n", 10, 10, 0},
		{BLOCKS("6"), 6, 6, 0},
		{BLOCKS("{min: 6, max: 30}"), 6, 30, 0},
		{BLOCKS("{max: 20}"), 10, 20, 0},
		{BLOCKS("{min: 10, max: 30, precision: 2%}"), 10, 30, 0.02},
		{BLOCKS("{max: 10, precision: 0.5%}"), 10, 10, 0.005},
	};
	static const struct {
		const char *text, *say;
		int err;
	} bad[] = {
		{BLOCKS("5"), "e.yaml:2:18: blocks must be 6 to 30: below 6", -ERANGE},
		{BLOCKS("31"), "e.yaml:2:18: blocks must be 6 to 30", -ERANGE},
		{BLOCKS("{min: 5, max: 30}"), "e.yaml:2:24: blocks must be 6 to 30", -ERANGE},
		{BLOCKS("{min: 10}"), "e.yaml:2:18: blocks needs max:", -EINVAL},
		{BLOCKS("{min: 20, max: 15}"), "e.yaml:2:33: max: 15 is below min: 20", -ERANGE},
		{BLOCKS("{max: 8}"), "e.yaml:2:24: max: 8 is below min: 10", -ERANGE},
		{BLOCKS("{min: 10, mx: 15}"), "unknown key \"mx\"; did you mean \"max\"?", -EINVAL},
		{BLOCKS("{max: 15, precision: 2}"), "e.yaml:2:39: precision is half the width",
		 -EINVAL},
		{BLOCKS("{max: 15, precision: 0%}"), "0.1% to 50%, not \"0%\"", -EINVAL},
		{BLOCKS("{max: 15, precision: nan%}"), "not \"nan%\"", -EINVAL},
		{BLOCKS("[10, 20]"), "e.yaml:2:18: ", -EINVAL},
	};
	struct diag d = {""};
	struct experiment e;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (load(good[i].text, &e, &d))
			fail_msg("%s", d.text);
		assert_int_equal(e.blocks_min, good[i].least);
		assert_int_equal(e.blocks, good[i].most);
		assert_true(e.precision == good[i].precision);
		experiment_free(&e);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		d.text[0] = '\0';
		assert_int_equal(load(bad[i].text, &e, &d), bad[i].err);
		if (!strstr(d.text, bad[i].say))
			fail_msg("%s: \"%s\" does not say: %s", bad[i].text, d.text, bad[i].say);
	}
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

static const char *write_job(const char *text)
{
	static char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/iomodes-test-%d.fio", (int)getpid());
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* The user's own fio job: what it does becomes the load, as far as its jobs have it in common. */
static void test_fio_job(void **state)
{
	const char *path = write_job("[a]\nrw=randread\nbs=8k\niodepth=4\nnumjobs=2\n"
				     "[b]\nrw=randwrite\nbs=4k\niodepth=4\nrate_iops=9\n");
	char text[600], id[200];
	struct diag d = {""};
	struct experiment e;
	_json_ json_t *whole = NULL, *part = NULL;

	snprintf(text, sizeof(text),
		 "name: n\ngroups:\n  - {modes: [sync], fio_job: %s}\n"
		 "  - {modes: [sync], fio_job: %s, fio_section: a}\n",
		 path, path);
	if (load(text, &e, &d))
		fail_msg("%s", d.text);
	assert_int_equal(e.n_cells, 2);
	snprintf(id, sizeof(id), "sync/%s/fio", strrchr(path, '/') + 1);
	assert_string_equal(e.cells[0].id, id);
	assert_string_equal(e.cells[0].workload, "fio");
	whole = experiment_load_json(&e.cells[0].load);
	part = experiment_load_json(&e.cells[1].load);
	assert_string_equal(json_string_value(json_object_get(whole, "rw")), "various");
	assert_null(json_object_get(whole, "bs"));
	assert_int_equal(json_integer_value(json_object_get(whole, "iodepth")), 4);
	assert_int_equal(json_integer_value(json_object_get(whole, "numjobs")), 3);
	assert_true(json_is_true(json_object_get(whole, "open_loop")));
	assert_true(experiment_load_writes(&e.cells[0].load));
	assert_int_equal(json_integer_value(json_object_get(part, "bs")), 8192);
	assert_false(experiment_load_writes(&e.cells[1].load));
	experiment_free(&e);

	snprintf(text, sizeof(text), "name: n\ngroups: [{modes: [sync], bs: 4k, fio_job: %s}]\n",
		 path);
	assert_int_equal(load(text, &e, &d), -EINVAL);
	assert_string_equal(d.text, "e.yaml:2:30: the job file says bs; leave it out");
	snprintf(text, sizeof(text),
		 "name: n\ngroups: [{modes: [sync], workloads: [ioloop], fio_job: %s}]\n", path);
	assert_int_equal(load(text, &e, &d), -EINVAL);
	assert_non_null(strstr(d.text, "is run by fio alone"));
	assert_int_equal(
		load("name: n\ngroups: [{modes: [sync], fio_job: /no/such.fio}]\n", &e, &d),
		-ENOENT);
	assert_non_null(strstr(d.text, "/no/such.fio: No such file"));
	snprintf(text, sizeof(text),
		 "name: n\ngroups: [{modes: [sync], fio_section: c, fio_job: %s}]\n", path);
	assert_int_equal(load(text, &e, &d), -ENOENT);
	assert_non_null(strstr(d.text, "no section [c]; there are: a, b"));
	write_job("[a]\nrw=trim\n");
	snprintf(text, sizeof(text), "name: n\ngroups: [{modes: [sync], fio_job: %s}]\n", path);
	assert_int_equal(load(text, &e, &d), -EINVAL);
	assert_non_null(strstr(d.text, ".fio:2:1: rw=trim"));
	unlink(path);
}

/* Beside our own loop, a mode that fio cannot make is a row that does not run; alone, a mistake. */
static void test_fio_beside(void **state)
{
	struct diag d = {""};
	struct experiment e;

	if (load("name: n\ngroups: [{modes: [min-wait], iodepth: 8, workloads: [ioloop, fio]}]\n",
		 &e, &d))
		fail_msg("%s", d.text);
	assert_int_equal(e.n_cells, 2);
	experiment_free(&e);
	assert_int_equal(
		load("name: n\ngroups: [{modes: [min-wait], iodepth: 8, workloads: [fio]}]\n", &e,
		     &d),
		-EINVAL);
	assert_non_null(strstr(d.text, "mode \"min-wait\" has no fio: section"));
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
		{"name: n\ndesign: {corunner: core}\n",
		 "e.yaml:2:20: corunner is none, cpu (on the measured CPUs) or sibling"},
		{"name: n\nprepare: full\n",
		 "e.yaml:2:10: prepare is none, fill (written once) or pts"},
		{"name: n\nprepare_round: 1ms\n",
		 "e.yaml:2:16: prepare_round must be at least 100ms"},
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

static void test_placements(void **state)
{
	struct experiment e;
	struct diag d = {""};

	if (load("name: p\n"
		 "load: {placement: [local, remote-node]}\n"
		 "groups:\n"
		 "  - {modes: [interrupt], rw: randread}\n"
		 "  - {modes: [interrupt], rw: randread, bs: 8k, placement: cpus:2-3}\n"
		 "  - {modes: [interrupt], target: net, pattern: pingpong, placement: "
		 "[os-default]}\n",
		 &e, &d))
		fail_msg("%s", d.text);
	assert_int_equal(e.n_cells, 4);
	/* the default has no part in the name, so that a cell keeps its name over runs */
	assert_string_equal(e.cells[0].id, "interrupt/randread/4k/d1");
	assert_string_equal(e.cells[0].placement, "local");
	assert_string_equal(e.cells[1].id, "interrupt/randread/4k/d1/remote-node");
	assert_string_equal(e.cells[2].id, "interrupt/randread/8k/d1/cpus:2-3");
	assert_string_equal(e.cells[2].placement, "cpus:2-3");
	assert_string_equal(e.cells[3].id, "interrupt/udp-pingpong/16/d1/os-default");
	experiment_free(&e);
	assert_int_equal(load("name: p\ngroups: [{modes: [interrupt]}]\n", &e, &d), 0);
	assert_null(e.cells[0].placement);
	experiment_free(&e);
	assert_int_equal(load("name: p\n"
			      "groups: [{modes: [interrupt], placement: [local, remote-nod]}]\n",
			      &e, &d),
			 -EINVAL);
	assert_string_equal(d.text, "e.yaml:2:50: unknown placement \"remote-nod\"; did you mean "
				    "\"remote-node\"?");
	assert_int_equal(load("name: p\n"
			      "groups: [{modes: [interrupt], placement: [local, local]}]\n",
			      &e, &d),
			 -EINVAL);
	assert_non_null(strstr(d.text, "already in an earlier group"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),	   cmocka_unit_test(test_expansion),
		cmocka_unit_test(test_blocks),	   cmocka_unit_test(test_only),
		cmocka_unit_test(test_mistakes),

		cmocka_unit_test(test_fio_job),	   cmocka_unit_test(test_fio_beside),
		cmocka_unit_test(test_published),  cmocka_unit_test(test_corrected_cycles),
		cmocka_unit_test(test_placements),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
