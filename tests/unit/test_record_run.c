// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/record.h"

static char dir[] = "/tmp/iomodes-record-XXXXXX";

static json_t *make_trial(int n)
{
	char id[32];
	json_t *t;

	snprintf(id, sizeof(id), "run-%04d", n);
	t = json_pack(
		"{s:i, s:s, s:s, s:i, s:i, s:s, s:s, s:s, s:s, s:{}, s:{s:i}, s:s, s:s, s:[]}",
		"schema", RECORD_SCHEMA, "trial", id, "run", "run", "block", n, "order", n, "cell",
		"c1", "target", "sda", "mode", "interrupt", "workload", "ioloop", "placement",
		"load", "iodepth", 1, "started", "2026-01-01T00:00:00Z", "status", "valid",
		"checks");
	json_object_update_new(
		t, json_pack("{s:{s:s, s:s, s:[], s:[]}, s:{s:i}, s:{s:f}, s:{s:{}, s:{}}, s:[], "
			     "s:[], s:{s:i}, s:n}",
			     "verdict", "mode", "in_force", "grade", "counter", "reasons",
			     "expectations", "counts", "io", 100, "metrics", "iops", 0.1 + n,
			     "evidence", "counters", "absent", "knobs", "labels", "timing",
			     "measured_ns", 1000000000, "error"));
	return t;
}

static json_t *make_run(void)
{
	return json_pack("{s:i, s:s, s:{}, s:i, s:[], s:[{s:s, s:s, s:s, s:s, s:{}, s:b}], s:s, "
			 "s:{}, s:{}, s:s, s:[s]}",
			 "schema", RECORD_SCHEMA, "run", "run", "experiment", "seed", 1, "order",
			 "cells", "id", "c1", "target", "sda", "mode", "interrupt", "workload",
			 "ioloop", "load", "supported", 1, "started", "2026-01-01T00:00:00Z",
			 "machine", "build", "baseline", "interrupt", "primary_metrics", "iops");
}

static int open_trials(int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/trials.jsonl", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
	assert_true(fd >= 0);
	return fd;
}

static int setup(void **state)
{
	_json_ json_t *run = make_run();
	struct diag d = {""};
	_fd_ int fd = open_trials(O_TRUNC);
	_fd_ int dirfd = open(dir, O_RDONLY | O_DIRECTORY);

	if (record_write_run(dirfd, run, &d))
		fail_msg("%s", d.text);
	for (int n = 0; n < 3; n++) {
		_json_ json_t *t = make_trial(n);

		if (record_append_trial(fd, t, &d))
			fail_msg("%s", d.text);
	}
	return 0;
}

static struct run_data *load(size_t trials, size_t notes, const char *why)
{
	struct run_data *data;
	struct diag d = {""};

	if (record_load_run(dir, &data, &d))
		fail_msg("%s", d.text);
	assert_int_equal(data->n_trials, trials);
	assert_int_equal(data->n_notes, notes);
	if (notes && !strstr(data->note[0].text, why))
		fail_msg("\"%s\" does not say %s", data->note[0].text, why);
	return data;
}

static void test_round_trip(void **state)
{
	struct run_data *data = load(3, 0, NULL);
	_json_ json_t *want = make_trial(1);

	json_object_del(data->trial[1], "sha256");
	assert_true(json_equal(data->trial[1], want));
	record_free_run(data);
}

/* Cut the file at every byte of its last line: two sound records, the torn one named. */
static void test_truncated_anywhere(void **state)
{
	_fd_ int fd = open_trials(0);
	off_t size = lseek(fd, 0, SEEK_END);

	for (off_t cut = size - 2; cut > size - 200; cut -= 7) {
		assert_int_equal(ftruncate(fd, cut), 0);
		record_free_run(load(2, 1, "cut short"));
	}
}

static void append_text(const char *text)
{
	_fd_ int fd = open_trials(O_APPEND);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void test_edited(void **state)
{
	_json_ json_t *t = make_trial(7), *pretty = make_trial(8);
	_free_ char *text = NULL, *spaced = NULL;
	char *at;

	record_seal(t, NULL);
	record_seal(pretty, NULL);
	text = jsonio_line(t);
	at = strstr(text, "\"iops\":7.1");
	assert_non_null(at);
	at[7] = '9';
	append_text(text);
	append_text("\n");
	/* other blanks and another order of the same record are no edit */
	spaced = json_dumps(pretty, JSON_REAL_PRECISION(17));
	append_text(spaced);
	append_text("\n");
	record_free_run(load(4, 1, "edited"));
}

static void test_left_out(void **state)
{
	_json_ json_t *again = make_trial(1), *wrong = make_trial(9);
	_free_ char *doubled = jsonio_line(again), *malformed = NULL;

	append_text(doubled);
	append_text("\n");
	record_free_run(load(3, 1, "was there before"));
	setup(state);
	json_object_set_new(json_object_get(wrong, "metrics"), "iopss", json_real(1));
	malformed = jsonio_line(wrong);
	append_text(malformed);
	append_text("\n");
	record_free_run(load(3, 1, "metrics.iopss"));
	setup(state);
	append_text("{nonsense}\n");
	record_free_run(load(3, 1, "not JSON"));
}

static void test_newer(void **state)
{
	_json_ json_t *t = make_trial(9);
	_free_ char *text = NULL;
	struct run_data *data;
	struct diag d = {""};

	json_object_set_new(t, "schema", json_integer(RECORD_SCHEMA + 1));
	text = jsonio_line(t);
	append_text(text);
	append_text("\n");
	assert_int_equal(record_load_run(dir, &data, &d), -EPROTONOSUPPORT);
	assert_non_null(strstr(d.text, "trials.jsonl:4"));
	assert_non_null(strstr(d.text, "schema 2 is newer"));
	assert_null(data);
}

/* A record without any one required member, or with it of a wrong kind, is not written. */
static void test_every_member(void **state)
{
	for (const char *const *m = record_required_trial(); *m; m++) {
		_json_ json_t *t = make_trial(1);
		struct diag d = {""};

		assert_int_equal(record_validate_trial(t, &d), 0);
		json_object_del(t, *m);
		assert_true(record_validate_trial(t, &d) < 0);
		assert_non_null(strstr(d.text, *m));
		json_object_set_new(t, *m, json_real(0.5));
		assert_true(record_validate_trial(t, &d) < 0);
	}
	for (const char *const *m = record_required_run(); *m; m++) {
		_json_ json_t *run = make_run();
		struct diag d = {""};

		assert_int_equal(record_validate_run(run, &d), 0);
		json_object_del(run, *m);
		assert_true(record_validate_run(run, &d) < 0);
		assert_non_null(strstr(d.text, *m));
	}
}

static void same_required(const char *file, const char *const *members)
{
	_free_ char *path = NULL;
	_json_ json_t *schema = NULL;
	struct diag d = {""};
	size_t n = 0;

	if (!getenv("IOMODES_SOURCE"))
		skip();
	assert_true(asprintf(&path, "%s/results/schema/%s", getenv("IOMODES_SOURCE"), file) > 0);
	if (jsonio_read(path, &schema, &d))
		fail_msg("%s", d.text);
	for (; members[n]; n++) {
		const char *named =
			json_string_value(json_array_get(json_object_get(schema, "required"), n));

		assert_string_equal(named, members[n]);
		assert_non_null(json_object_get(json_object_get(schema, "properties"), members[n]));
	}
	assert_int_equal(json_array_size(json_object_get(schema, "required")), n);
}

static void test_schema_files(void **state)
{
	same_required("trial.schema.json", record_required_trial());
	same_required("run.schema.json", record_required_run());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_round_trip, setup),
		cmocka_unit_test_setup(test_truncated_anywhere, setup),
		cmocka_unit_test_setup(test_edited, setup),
		cmocka_unit_test_setup(test_left_out, setup),
		cmocka_unit_test_setup(test_newer, setup),
		cmocka_unit_test(test_every_member),
		cmocka_unit_test(test_schema_files),
	};
	char path[128];
	int failed;

	if (!mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "%s/trials.jsonl", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/run.json", dir);
	unlink(path);
	rmdir(dir);
	return failed;
}
