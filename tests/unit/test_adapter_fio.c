// SPDX-License-Identifier: Apache-2.0
/* The fio adapter: recorded outputs of 3.33, 3.36 and 3.42 become records; a job becomes a job
 * file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdint.h>

#include "adapter/fio_job.h"
#include "adapter_fixture.h"
#include "record/hist.h"

static const struct workload_adapter *fio(void)
{
	const struct workload_adapter *a = workload_find("fio");

	assert_non_null(a);
	assert_false(a->controlled);
	return a;
}

static json_t *good(const char *name)
{
	json_t *record = empty_record(false);
	struct diag d;

	if (parse_fixture(fio(), name, record, &d))
		fail_msg("%s: %s", name, d.text);
	return record;
}

static void near(double a, double b, double relative)
{
	if (!(fabs(a - b) <= relative * fabs(b)))
		fail_msg("%.9g is not %.9g", a, b);
}

/* Our numbers against those that fio prints itself, read by a reader of its own. */
static void agrees_with_fio(const char *name, const char *job, const char *direction)
{
	size_t len;
	_free_ char *text = fixture(name, &len);
	char *start = *text == '{' ? text : strstr(text, "\n{\n") + 1, path[64];
	_json_ json_t *report = json_loads(start, JSON_DISABLE_EOF_CHECK, NULL), *record = NULL;
	json_t *one = json_array_get(json_object_get(report, "jobs"), 0);
	const json_t *side;

	assert_non_null(one);
	assert_string_equal(jsonio_string(one, "jobname", ""), job);
	side = json_object_get(one, direction);
	record = good(name);
	near(jsonio_number(record, "metrics.iops"), jsonio_number(side, "iops"), 1e-6);
	near(jsonio_number(record, "metrics.throughput_bytes_per_s"),
	     jsonio_number(side, "bw_bytes"), 1e-3);
	assert_true(jsonio_number(record, "counts.io") == jsonio_number(side, "total_ios"));
	assert_true(jsonio_number(record, "counts.bytes") == jsonio_number(side, "io_bytes"));
	near(jsonio_number(record, "metrics.latency_mean_ns"), jsonio_number(side, "lat_ns.mean"),
	     1e-6);
	assert_true(jsonio_number(record, "metrics.latency_max_ns") ==
		    jsonio_number(side, "lat_ns.max"));
	/* fio gives the bucket's middle, too */
	snprintf(path, sizeof(path), "99.000000");
	near(jsonio_number(record, "metrics.latency_p99_ns"),
	     json_number_value(json_object_get(
		     json_object_get(json_object_get(side, "lat_ns"), "percentile"), path)),
	     0.02);
	assert_true(jsonio_number(record, "latency.count") == jsonio_number(side, "lat_ns.N"));
	near(jsonio_number(record, "metrics.cpu_ns_per_io_task"),
	     (jsonio_number(one, "usr_cpu") + jsonio_number(one, "sys_cpu")) / 100 *
		     jsonio_number(one, "job_runtime") * 1e6 / jsonio_number(side, "total_ios"),
	     1e-6);
	assert_true(jsonio_number(record, "evidence.counters.context_switches") ==
		    jsonio_number(one, "ctx"));
	assert_null(jsonio_at(record, "evidence.absent.context_switches"));
}

static void test_versions(void **state)
{
	agrees_with_fio("fio/fio-3.33-randread.out", "one", "read");
	agrees_with_fio("fio/fio-3.36-randread.out", "one", "read");
	agrees_with_fio("fio/fio-3.42-randread.out", "one", "read");
	agrees_with_fio("fio/fio-3.33-sparse.out", "one", "read");
	agrees_with_fio("fio/fio-3.33-unified.out", "one", "mixed");
	agrees_with_fio("fio/fio-3.42-unified.out", "one", "mixed");
	agrees_with_fio("fio/fio-3.33-grouped.out", "one", "read");
	agrees_with_fio("fio/fio-3.42-grouped.out", "one", "read");
}

/* The latency and the rate stand; only its part is nonsense, and is kept apart for the check. */
static void test_sqpoll_clat(void **state)
{
	_json_ json_t *old = good("fio/fio-3.33-sqpoll.out");
	_json_ json_t *mended = good("fio/fio-3.36-sqpoll.out");

	assert_true(jsonio_number(old, "clat.mean_ns") >
		    100 * jsonio_number(old, "metrics.latency_mean_ns"));
	assert_true(jsonio_number(old, "metrics.clat_mean_ns") ==
		    jsonio_number(old, "clat.mean_ns"));
	assert_true(jsonio_number(mended, "clat.mean_ns") <=
		    jsonio_number(mended, "metrics.latency_mean_ns"));
	assert_null(json_object_get(old, "slat"));
	near(jsonio_number(old, "metrics.latency_mean_ns") * jsonio_number(old, "metrics.iops"),
	     1e9, 0.1);
}

static void test_directions(void **state)
{
	static const char *const names[] = {"fio/fio-3.33-mixed.out", "fio/fio-3.36-mixed.out",
					    "fio/fio-3.42-mixed.out"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_json_ json_t *record = good(names[i]);
		double reads = jsonio_number(record, "workload_report.directions.read.ios");
		double writes = jsonio_number(record, "workload_report.directions.write.ios");

		near(reads / (reads + writes), 0.7, 0.05);
		assert_true(reads + writes == jsonio_number(record, "counts.io"));
		assert_true(reads + writes == jsonio_number(record, "latency.count"));
		assert_true(isfinite(
			jsonio_number(record, "workload_report.directions.write.latency_p50_ns")));
	}
}

/* Two clones of one job and another of other blocks: bytes are not I/Os times one size. */
static void test_jobs(void **state)
{
	static const char *const names[] = {"fio/fio-3.33-jobs.out", "fio/fio-3.36-jobs.out",
					    "fio/fio-3.42-jobs.out"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_json_ json_t *record = good(names[i]);
		const json_t *parts = jsonio_at(record, "workload_report.parts"), *part;
		double ios = 0, bytes = 0;
		size_t k;

		assert_int_equal((int)jsonio_number(record, "workload_report.jobs"), 3);
		json_array_foreach (parts, k, part) {
			double bs = strcmp(jsonio_string(part, "job", ""), "b") ? 4096 : 65536;

			ios += jsonio_number(part, "ios");
			bytes += jsonio_number(part, "bytes");
			assert_true(jsonio_number(part, "bytes") ==
				    jsonio_number(part, "ios") * bs);
		}
		assert_true(ios == jsonio_number(record, "counts.io"));
		assert_true(bytes == jsonio_number(record, "counts.bytes"));
		assert_true(ios == jsonio_number(record, "latency.count"));
		assert_true(ios == jsonio_number(record, "evidence.counts.io"));
	}
}

/* fio's latency of an open loop starts at the submission: it is the service time. */
static void test_rate(void **state)
{
	_json_ json_t *record = empty_record(true);
	struct diag d;

	assert_int_equal(parse_fixture(fio(), "fio/fio-3.33-rate.out", record, &d), 0);
	assert_null(json_object_get(record, "latency"));
	assert_true(isnan(jsonio_number(record, "metrics.latency_p50_ns")));
	assert_true(jsonio_number(record, "service.count") == jsonio_number(record, "counts.io"));
	assert_true(jsonio_number(record, "metrics.service_p50_ns") > 0);
	near(jsonio_number(record, "metrics.iops"), 2000, 0.2);
}

static void test_notes(void **state)
{
	_json_ json_t *record = good("fio/fio-3.33-notes.out");
	_json_ json_t *status = good("fio/fio-3.33-status.out");
	_json_ json_t *silent = good("fio/fio-3.33-nolat.out");

	assert_non_null(
		strstr(json_string_value(json_array_get(json_object_get(record, "diagnostics"), 0)),
		       "queue depth will be capped at 1"));
	/* --status-interval: the last report is the whole */
	assert_true(jsonio_number(status, "workload_report.window_ns") > 1.1e9);
	assert_null(json_object_get(silent, "latency"));
	assert_true(jsonio_number(silent, "metrics.iops") > 0);
}

static void bad(const char *name, int err, const char *words)
{
	_json_ json_t *record = empty_record(false);
	struct diag d;

	assert_int_equal(parse_fixture(fio(), name, record, &d), err);
	if (!strstr(d.text, words))
		fail_msg("%s: \"%s\" lacks \"%s\"", name, d.text, words);
}

static void test_errors(void **state)
{
	bad("fio/fio-3.33-eio.out", -EIO, "job one ended with error 5 (Input/output error)");
	bad("fio/fio-3.33-eio.out", -EIO, "func=io_u error");
	bad("fio/fio-3.36-eio.out", -EIO, "error 5");
	bad("fio/fio-3.42-eio.out", -EIO, "error 5");
	bad("fio/fio-3.33-nofile.out", -EIO, "No such file or directory");
	bad("fio/fio-3.33-badengine.out", -EPROTO, "no JSON report");
	bad("fio/fio-3.33-badoption.out", -EPROTO, "no JSON report");
}

static void test_reason(void **state)
{
	static const struct {
		const char *name, *words;
	} cases[] = {
		{"fio/fio-3.33-badoption.err", "unrecognized option '--no_such_option=1'"},
		{"fio/fio-3.33-badengine.err", "engine rdbms not loadable"},
		{"fio/fio-3.33-eio.err", "Input/output error: read offset="},
		{"fio/fio-3.33-eio.out", "err=5/file:io_u.c"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;
		_free_ char *text = fixture(cases[i].name, &len);
		_json_ json_t *notes = json_array();

		workload_notes(text, len, notes);
		assert_non_null(workload_reason(notes));
		if (!strstr(workload_reason(notes), cases[i].words))
			fail_msg("%s: %s", cases[i].name, workload_reason(notes));
	}
}

static void text_is(const char *text, int err, const char *words)
{
	_json_ json_t *record = empty_record(false);
	struct diag d;

	assert_int_equal(parse_text(fio(), text, strlen(text), record, &d), err);
	if (!strstr(d.text, words))
		fail_msg("\"%s\" lacks \"%s\"", d.text, words);
}

#define SIDE(ios) "{\"total_ios\":" ios ",\"io_bytes\":1,\"runtime\":1}"
#define JOB(read)                                                    \
	"{\n\"jobs\":[{\"jobname\":\"x\",\"error\":0,\"read\":" read \
	",\"usr_cpu\":1,\"sys_cpu\":1,\"ctx\":1,\"job_runtime\":1}]}\n"

static void test_garbage(void **state)
{
	text_is("", -EPROTO, "no JSON report");
	text_is("fio: something went wrong\n", -EPROTO, "something went wrong");
	text_is("note\n{\n\"a\": 1,\n", -EPROTO, "from line 2 on, has no end");
	text_is("x\n{\n\"a\": nan\n}\n", -EPROTO, "not JSON: 3:");
	text_is("{\n\"a\": \"}\\\"\"}\n", -EPROTO, "no \"jobs\"");
	text_is("{\n\"jobs\":[]}\n", -EPROTO, "no \"jobs\"");
	text_is("{\n\"jobs\":[{\"error\":0}]}\n", -EPROTO, "no direction");
	text_is("{\n\"jobs\":[{\"jobname\":\"x\"}]}\n", -EPROTO, "no \"error\"");
	text_is(JOB(SIDE("-1")), -EPROTO, "\"total_ios\" is missing or no count");
	text_is(JOB(SIDE("9223372036854775807")), -EPROTO, "no count");
	text_is(JOB(SIDE("0.5")), -EPROTO, "no count");
	text_is(JOB(SIDE("5")), 0, "");
	text_is(JOB(SIDE("5") ",\"total_err\":0,\"first_error\":0"), 0, "");
	text_is(JOB(SIDE("5") ",\"total_err\":4,\"first_error\":95"), -EIO,
		"went on over 4 failed I/Os, the first with 95 (Operation not supported)");
	text_is(JOB("{\"total_ios\":1,\"io_bytes\":1,\"runtime\":1,\"lat_ns\":{\"N\":1,\"min\":1,"
		    "\"max\":1,\"mean\":1,\"bins\":{\"130\":1}}}"),
		-EPROTO, "not the middle of a bucket");
}

/* Of gigabytes the harness keeps 32 MiB; of those, no more than 16 become a tree. */
static void test_too_much(void **state)
{
	size_t len = (17u << 20) + 16;
	_free_ char *text = malloc(len + 1);
	_json_ json_t *record = empty_record(false);
	struct diag d;

	assert_non_null(text);
	memset(text, ' ', len);
	memcpy(text, "{\n", 2);
	text[len - 1] = '}';
	text[len] = '\0';
	assert_int_equal(parse_text(fio(), text, len, record, &d), -EFBIG);
	memset(text, 'x', len);
	for (size_t i = 99; i < len; i += 100)
		text[i] = '\n';
	assert_int_equal(parse_text(fio(), text, len, record, &d), -EPROTO);
	assert_true(json_array_size(json_object_get(record, "diagnostics")) < 50);
}

/* The warm-up job counts in the evidence and in nothing else. */
static void test_ramp(void **state)
{
#define SIDES(n)                                                                                \
	"\"error\":0,\"usr_cpu\":10,\"sys_cpu\":0,\"ctx\":" n ",\"job_runtime\":100,\"read\":{" \
	"\"total_ios\":" n ",\"io_bytes\":" n "000,\"runtime\":100,\"lat_ns\":{\"N\":" n        \
	",\"min\":5,\"max\":5,\"mean\":5,\"bins\":{\"5\":" n "}}}"
	static const char text[] = "{\n\"jobs\":[{\"jobname\":\"iomodes-ramp\"," SIDES(
		"30") "},"
		      "{\"jobname\":\"iomodes\"," SIDES("70") "}]}\n";
	_json_ json_t *record = empty_record(false);
	struct diag d;

	assert_int_equal(parse_text(fio(), text, strlen(text), record, &d), 0);
	assert_true(jsonio_number(record, "counts.io") == 70);
	assert_true(jsonio_number(record, "latency.count") == 70);
	assert_true(jsonio_number(record, "evidence.counts.io") == 100);
	assert_true(jsonio_number(record, "evidence.counters.context_switches") == 100);
	near(jsonio_number(record, "evidence.counters.task_cpu_ns"), 2e7, 1e-9);
	near(jsonio_number(record, "metrics.cpu_ns_per_io_task"), 1e7 / 70, 1e-9);
	near(jsonio_number(record, "metrics.iops"), 700, 1e-9);
}

static void test_steady(void **state)
{
	_json_ json_t *record = empty_record(false);
	struct diag d;

	json_object_set_new(record, "evidence",
			    json_pack("{s:{s:f}, s:{s:s}, s:{s:{s:i, s:i}}}", "counters",
				      "sq_thread_cpu_share", 1.0, "absent",
				      "voluntary_context_switches", "x", "steady", "counters",
				      "context_switches", 200, "voluntary_context_switches", 150));
	assert_int_equal(parse_fixture(fio(), "fio/fio-3.36-sqpoll.out", record, &d), 0);
	near(jsonio_number(record, "evidence.counters.voluntary_context_switches"),
	     0.75 * jsonio_number(record, "evidence.counters.context_switches"), 1e-9);
	near(jsonio_number(record, "metrics.cpu_ns_per_io_sq_thread"),
	     1e9 / jsonio_number(record, "metrics.iops"), 1e-6);
	assert_true(jsonio_number(record, "metrics.cpu_ns_per_io_task") >
		    jsonio_number(record, "metrics.cpu_ns_per_io_sq_thread"));
}

static void test_merge(void **state)
{
	_json_ json_t *mixed = good("fio/fio-3.33-mixed.out");
	_free_ struct hist *h = malloc(sizeof(*h)), *own = malloc(sizeof(*own));
	struct diag d;
	uint64_t before;

	assert_int_equal(hist_from_json(json_object_get(mixed, "latency"), h, &d), 0);
	hist_init(own);
	hist_add(own, hist_mid(500));
	before = h->bucket[500];
	hist_merge(h, own);
	assert_true(h->bucket[500] == before + 1);
	assert_true(h->count == (uint64_t)jsonio_number(mixed, "counts.io") + 1);
}

static const struct workload_job plain = {
	.program = "fio",
	.target = "/data/a:b",
	.rw = "randread",
	.bs = 4096,
	.iodepth = 16,
	.numjobs = 2,
	.rwmixread = 70,
	.ramp_ns = 200000000,
	.runtime_ns = 1000000000,
	.seed = 5,
	.cpus = "1-2",
	.control_fd = -1,
};

static void input_is(const struct workload_job *job, const char *wanted)
{
	_free_ char *text = NULL;
	struct diag d = {""};

	if (fio()->input(job, &text, &d))
		fail_msg("%s", d.text);
	assert_string_equal(text, wanted);
}

static void input_fails(const struct workload_job *job, int err, const char *words)
{
	_free_ char *text = NULL;
	struct diag d = {""};

	assert_int_equal(fio()->input(job, &text, &d), err);
	if (!strstr(d.text, words))
		fail_msg("\"%s\" lacks \"%s\"", d.text, words);
}

static void test_input(void **state)
{
	static const struct workload_option polled[] = {{"ioengine", "io_uring"}, {"hipri", "1"}};
	static const struct workload_option passthrough[] = {{"ioengine", "io_uring_cmd"},
							     {"cmd_type", "nvme"}};
	static const struct workload_option runs[] = {{"exec_prerun", "true"}};
	static const struct workload_option loads[] = {{"ioengine", "external:/tmp/x.so"}};
	static const struct workload_option path[] = {{"ioengine", "/tmp/x.so"}};
	static const struct workload_option folder[] = {{"opendir", "/home"}};
	static const struct workload_option endless[] = {{"loops", "9"}};
	static const struct workload_option smuggles[] = {{"ioengine", "psync\nexec_prerun=x"}};
	struct workload_job job = plain;

	job.options = polled;
	job.n_options = 2;
	input_is(&job, "[global]\nrw=randread\nbs=4096\niodepth=16\nnumjobs=2\ndirect=1\n"
		       "norandommap=1\nrandseed=5\ninvalidate=0\ngroup_reporting=1\n"
		       "ioengine=io_uring\nhipri=1\nfilename=/data/a\\:b\nallow_file_create=0\n"
		       "cpus_allowed=1-2\ncpus_allowed_policy=split\ntime_based=1\nramp_time=0\n"
		       "lat_percentiles=1\n[iomodes-ramp]\nruntime=200000us\n[iomodes]\nstonewall\n"
		       "runtime=1000000us\n");
	job.options = passthrough;
	job.target = "/dev/ng0n1";
	job.cpus = NULL;
	job.ramp_ns = 0;
	job.rw = "randrw";
	job.dsync = true;
	job.rate_iops = 4000; /* of all jobs and directions */
	job.poisson = true;
	input_is(&job, "[global]\nrw=randrw\nbs=4096\niodepth=16\nnumjobs=2\nrwmixread=70\n"
		       "sync=dsync\nnorandommap=1\nrandseed=5\ninvalidate=0\ngroup_reporting=1\n"
		       "rate_iops=1400,600\nrate_process=poisson\n"
		       "ioengine=io_uring_cmd\ncmd_type=nvme\nfilename=/dev/ng0n1\n"
		       "allow_file_create=0\ntime_based=1\nramp_time=0\nlat_percentiles=1\n"
		       "[iomodes]\nruntime=1000000us\n");
	job.n_options = 1;
	job.options = runs;
	input_fails(&job, -EPERM, "exec_prerun=true runs a command");
	job.options = loads;
	input_fails(&job, -EPERM, "runs a command or loads code");
	job.options = path;
	input_fails(&job, -EPERM, "runs a command or loads code");
	job.options = folder;
	input_fails(&job, -EPERM, "opendir=/home is about files");
	job.options = endless;
	input_fails(&job, -EPERM, "loops=9 is not a mode's to say");
	job.options = smuggles;
	input_fails(&job, -EINVAL, "line end");
	job = plain;
	job.target = "/data/$HOME";
	input_fails(&job, -EINVAL, "'$'");
}

static void test_argv(void **state)
{
	struct workload_job job = plain;
	_free_ char **argv = NULL, **writing = NULL;
	struct diag d;

	assert_int_equal(fio()->argv(&job, &argv, &d), 0);
	assert_string_equal(argv[3], "--readonly");
	assert_string_equal(argv[4], "-");
	assert_null(argv[5]);
	job.rw = "randwrite";
	assert_int_equal(fio()->argv(&job, &writing, &d), 0);
	assert_string_equal(writing[3], "-");
}

/* Of a user's job file, what its jobs do decides. */
static void test_argv_of_file(void **state)
{
	static const char *const texts[] = {"[a]\nrw=read\n[b]\nrw=randread\n",
					    "[a]\nrw=read\n[b]\nrw=randwrite\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct workload_job job = plain;
		_free_ char **argv = NULL;
		struct fio_job file;
		struct diag d;

		assert_int_equal(fio_job_parse("x", texts[i], strlen(texts[i]), &file, &d), 0);
		job.fio_job = &file;
		job.rw = "various";
		assert_int_equal(fio()->argv(&job, &argv, &d), 0);
		assert_string_equal(argv[3], i ? "-" : "--readonly");
		fio_job_free(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),   cmocka_unit_test(test_sqpoll_clat),
		cmocka_unit_test(test_directions), cmocka_unit_test(test_jobs),
		cmocka_unit_test(test_rate),	   cmocka_unit_test(test_notes),
		cmocka_unit_test(test_errors),	   cmocka_unit_test(test_reason),
		cmocka_unit_test(test_garbage),	   cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_ramp),	   cmocka_unit_test(test_steady),
		cmocka_unit_test(test_merge),	   cmocka_unit_test(test_input),
		cmocka_unit_test(test_argv),	   cmocka_unit_test(test_argv_of_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
