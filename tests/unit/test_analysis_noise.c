// SPDX-License-Identifier: Apache-2.0
/* What a second A/A on a machine leaves of the first, and what is said of a floor. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "analysis/cells.h"
#include "analysis/kind.h"
#include "analysis/machine_key.h"
#include "analysis/noise.h"
#include "base/cleanup.h"
#include "base/jsonio.h"
#include "record/record.h"

static json_t *noise(const char *identity, const char *run, const char *metric, double floor)
{
	return json_pack("{s:s, s:s, s:s, s:{s:{s:f}}}", "identity", identity, "run", run, "made",
			 "2026", "metrics", metric, "floor", floor);
}

/* That of a network keeps what that of a disk found, with whose it was; a new one replaces. */
static void test_keep(void **state)
{
	_json_ json_t *disk = noise("m", "first", "iops", 0.1);
	_json_ json_t *net = noise("m", "second", "transactions_per_s", 0.2);
	_json_ json_t *again = noise("m", "third", "iops", 0.05);

	noise_keep(disk, NULL);
	noise_keep(net, disk);
	assert_float_equal(jsonio_number(net, "metrics.iops.floor"), 0.1, 0);
	assert_string_equal(jsonio_string(net, "metrics.iops.run", ""), "first");
	assert_string_equal(jsonio_string(net, "metrics.transactions_per_s.run", ""), "second");
	noise_keep(again, net);
	assert_float_equal(jsonio_number(again, "metrics.iops.floor"), 0.05, 0);
	assert_float_equal(jsonio_number(again, "metrics.transactions_per_s.floor"), 0.2, 0);
}

static void test_other_machine(void **state)
{
	_json_ json_t *here = noise("m", "first", "iops", 0.1);
	_json_ json_t *other = noise("n", "second", "transactions_per_s", 0.2);

	noise_keep(other, here);
	assert_null(jsonio_at(other, "metrics.iops"));
}

/* A run of the machine "6.1", or another one, a day after the A/A run; the floor as noise_keep()
 * leaves it. */
struct judged {
	struct run_data data;
	struct cell cell;
	struct cells cells;
	json_t *spec, *note;
};

static void judge(struct judged *j, const char *kernel, const char *governor, const char *target,
		  const char *started)
{
	_json_ json_t *aa = json_pack(
		"{s:s, s:{s:{s:{s:s}, s:{s:s}}}}", "started", "2026-01-01T00:00:00.000Z", "machine",
		"facts", "kernel.release", "value", "6.1", "cpu.governor", "value", "performance");
	_json_ json_t *key = machine_key(aa);
	json_t *floor = json_pack("{s:s, s:s, s:s, s:I, s:s, s:O, s:{s:{s:f, s:f, s:f, s:[s]}}}",
				  "identity", "m", "run", "aa", "made", "2026-01-01T00:00:00.000Z",
				  "blocks", (json_int_t)10, "kernel", "6.1", "configuration",
				  jsonio_at(key, "digest.configuration"), "metrics", "iops",
				  "series", 2.0, "floor", 0.05, "margin", 0.01, "targets", "vda");

	noise_keep(floor, NULL);
	*j = (struct judged){.cells = {.n = 1}};
	j->data.run = json_pack("{s:s, s:{s:{s:{s:s}, s:{s:s}}}, s:o}", "started", started,
				"machine", "facts", "kernel.release", "value", kernel,
				"cpu.governor", "value", governor, "noise_floor", floor);
	j->spec = json_pack("{s:s, s:{}}", "target", target, "load");
	j->cell = (struct cell){.spec = j->spec, .kind = kind_find("block"), .used = 10};
	j->cells.cell = &j->cell;
	j->cells.run = &j->data;
	j->note = noise_note(&j->cells);
}

static void clear(struct judged *j)
{
	json_decref(j->data.run);
	json_decref(j->spec);
	json_decref(j->note);
}

static void warned(const char *kernel, const char *governor, const char *target,
		   const char *started, const char *why)
{
	struct judged j;
	const json_t *list;

	judge(&j, kernel, governor, target, started);
	list = json_object_get(j.note, "warnings");
	assert_int_equal(json_array_size(list), why ? 1 : 0);
	if (why && !strstr(json_string_value(json_array_get(list, 0)), why))
		fail_msg("\"%s\" does not say \"%s\"", json_string_value(json_array_get(list, 0)),
			 why);
	clear(&j);
}

/* What it rests on is said, and what speaks against it is named: one thing at a time. */
static void test_note(void **state)
{
	static const char day[] = "2026-01-02T00:00:00.000Z";
	struct judged j;

	judge(&j, "6.1", "performance", "vda", day);
	assert_string_equal(jsonio_string(j.note, "sentence", ""),
			    "the larger of floor and margin decides: IOPS 5 % (margin 1 %), from 2 "
			    "pairs of identical arms in 10 blocks on vda, Linux 6.1, 2026-01-01 "
			    "(aa)");
	clear(&j);
	warned("6.1", "performance", "vda", day, NULL);
	warned("6.1", "performance", "vda", "2026-01-31T00:00:00.000Z", NULL);
	warned("6.1", "performance", "vda", "2026-02-02T00:00:00.000Z",
	       "the noise floor of IOPS was found 32 days before this run");
	warned("6.2", "performance", "vda", day, "under Linux 6.1, this run is of Linux 6.2");
	warned("6.1", "powersave", "vda", day, "in another configuration of this machine");
	warned("6.1", "performance", "nvme1n1", day, "was not found on nvme1n1");
}

/* An A/A run is not held to a floor, and a run without one says so. */
static void test_no_floor(void **state)
{
	struct judged j;
	_json_ json_t *note = NULL;

	judge(&j, "6.1", "performance", "vda", "2026-01-02T00:00:00.000Z");
	json_object_set_new(j.data.run, "command", json_pack("{s:b}", "aa", 1));
	note = noise_note(&j.cells);
	assert_string_equal(jsonio_string(note, "sentence", ""),
			    "none is applied: this is an A/A run");
	json_object_del(j.data.run, "command");
	json_object_del(j.data.run, "noise_floor");
	json_decref(note);
	note = noise_note(&j.cells);
	assert_non_null(
		strstr(jsonio_string(note, "sentence", ""), "none was measured on this machine"));
	clear(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_other_machine),
		cmocka_unit_test(test_note),
		cmocka_unit_test(test_no_floor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
