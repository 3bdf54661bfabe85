// SPDX-License-Identifier: Apache-2.0
/* The user's fio job file: read and classified before anything is changed, then run as it is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/fio_job.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

static int parse(const char *text, struct fio_job *j, struct diag *d)
{
	d->text[0] = '\0';
	return fio_job_parse("x.fio", text, strlen(text), j, d);
}

static struct fio_job good(const char *text)
{
	struct fio_job j;
	struct diag d;

	if (parse(text, &j, &d))
		fail_msg("%s", d.text);
	return j;
}

static void bad(const char *text, const char *words)
{
	struct fio_job j;
	struct diag d;

	assert_true(parse(text, &j, &d) < 0);
	if (!strstr(d.text, words))
		fail_msg("\"%s\" lacks \"%s\"", d.text, words);
}

static void test_errors(void **state)
{
	char *line = malloc(3000);

	bad("", "x.fio: no job: no [section]");
	bad("[global]\nbs=4k\n", "no job");
	bad("bs=4k\n[a]\n", "x.fio:1:1: an option outside of a [section]");
	bad("[a\n", "x.fio:1:1: a section is [name]");
	bad("[]\n", "x.fio:1:1: a section is [name]");
	bad("[a]b]\n", "x.fio:1:3: a bracket");
	bad("[a]\n  b s=4k\n", "x.fio:2:5: a line is option=value or option");
	bad("[a]\n=4k\n", "x.fio:2:1: a line is");
	bad("[a]\nbs=${BS}\n", "x.fio:2:4: \"$\"");
	bad("[a]\nsize=$mb_memory/8'; touch /tmp/x; '\n", "x.fio:2:6: \"$\"");
	bad("[a]\nbs=4\001k\n", "x.fio:2:5: a control character");
	bad("[a]\n exec_prerun=sh \xff\n", "x.fio:2:2: bytes that are not UTF-8");
	assert_non_null(line);
	memset(line, 'a', 2000);
	memcpy(line, "[a]\n", 4);
	strcpy(line + 2000, "\n");
	bad(line, "x.fio:2:1: a line of more than 1000");
	free(line);
}

static void check(const char *text, bool trust, int err, const char *words)
{
	struct fio_job j = good(text);
	struct diag d = {""};

	if (fio_job_check(&j, "/data/t", trust, &d) != err)
		fail_msg("%s: %s", text, d.text);
	if (!strstr(d.text, words))
		fail_msg("\"%s\" lacks \"%s\"", d.text, words);
	fio_job_free(&j);
}

static void test_check(void **state)
{
	check("[a]\nrw=randread\nbs=4k\nfilename=/data/t\n", false, 0, "");
	check("[a]\nexec_prerun=rm -rf /\n", false, -EPERM,
	      "x.fio:2:1: exec_prerun=rm -rf /: runs a command");
	check("[a]\nexec_prerun=true\n", true, 0, "");
	check("[a]\nexec_postrun=x\n", false, -EPERM, "runs a command");
	check("[a]\nioengine=external:/tmp/e.so\n", false, -EPERM, "x.fio:2:1: ioengine=external");
	check("[a]\nioengine=exec\n", false, -EPERM, "runs a command");
	check("[a]\nioengine=/tmp/e.so\n", false, -EPERM, "loads code");
	check("[a]\nioengine=e.so\n", false, -EPERM, "loads code");
	check("[a]\nprofile=act\n", false, -EPERM, "runs a command or loads code");
	check("[a]\ninclude other.fio\n", false, -EPERM, "x.fio:2:1: include=other.fio: reads");
	check("[a]\nread_iolog=/x\n", false, -EPERM, "other files than the target");
	check("[a]\nwrite_bw_log=/x\n", false, -EPERM, "other files than the target");
	check("[a]\nmem=mmaphuge:/etc/x\n", false, -EPERM, "other files than the target");
	check("[a]\nverify_pattern='/etc/shadow'\n", false, -EPERM, "other files");
	check("[a]\nioscheduler=none\n", false, -EPERM, "changes the machine");
	check("[a]\nioscheduler=none\n", true, -EPERM, "(use a knob)");
	check("[a]\nio_depth=4\n", false, -EPERM,
	      "is not on the list of options known to be harmless; did you mean \"iodepth\"?");
	check("[a]\nzonemode=zbd\n", true, 0, "");
	/* another file is no question of trust: its numbers would carry the target's name */
	check("[a]\nfilename=/dev/sda\n", true, -EINVAL,
	      "x.fio:2:1: filename=/dev/sda: is not the target, /data/t");
	check("[a]\nfilename=/data/t:/dev/sda\n", true, -EINVAL, "is not the target");
	check("[a]\ndirectory=/data\n", true, -EINVAL, "names other files than the target");
	check("[a]\nnrfiles=2\n", false, -EINVAL, "names other files");
	check("[a]\nunlink=1\n", false, -EINVAL, "make, fill or remove");
	check("[a]\nunlink=0\n", false, 0, "");
	check("[a]\n[b]\nstonewall\n", true, -EPERM,
	      "x.fio:3:1: stonewall: makes jobs run one after another: there is no window");
	check("[global]\nstonewall\n[a]\n[b]\n", false, -EPERM, "fio_section: its name");
	check("[a]\nstartdelay=3\n[b]\n", false, -EPERM, "x.fio:2:1: startdelay=3: makes jobs");
	check("[a]\nwait_for=b\n[b]\n", false, -EPERM, "x.fio:2:1: wait_for=b: makes jobs");
	/* one job has nothing to wait for */
	check("[global]\nbs=4k\n[a]\nstonewall\nstartdelay=3\nnumjobs=2\n", false, 0, "");
	check("[iomodes-ramp]\n", false, -EINVAL, "is a name that iomodes uses");
	check("[a]\nname=iomodes-ramp\n", false, -EINVAL, "is a name that iomodes uses");
}

static void test_untrusted(void **state)
{
	struct fio_job j = good("[global]\nexec_prerun=a\n[x]\nbs=4k\nfoo=1\n");
	_json_ json_t *list = fio_job_untrusted(&j);

	assert_int_equal(json_array_size(list), 2);
	assert_non_null(
		strstr(json_string_value(json_array_get(list, 0)), "x.fio:2:1: exec_prerun"));
	assert_non_null(strstr(json_string_value(json_array_get(list, 1)), "x.fio:5:1: foo=1"));
	fio_job_free(&j);
}

/* Trust is given to what was shown: a long command is shown to its end. */
static void test_untrusted_whole(void **state)
{
	char text[1000] = "[a]\nexec_prerun=: ";
	_json_ json_t *list = NULL;
	struct fio_job j;

	for (int i = 0; i < 200; i++)
		strcat(text, "\xc3\xa4 ");
	strcat(text, "| rm -rf /data\n");
	j = good(text);
	list = fio_job_untrusted(&j);
	assert_int_equal(json_array_size(list), 1);
	assert_non_null(strstr(json_string_value(json_array_get(list, 0)), "| rm -rf /data: runs"));
	fio_job_free(&j);
}

static struct fio_job_load load_of(const char *text)
{
	struct fio_job j = good(text);
	struct fio_job_load load;
	struct diag d = {""};

	if (fio_job_load_of(&j, &load, &d))
		fail_msg("%s", d.text);
	fio_job_free(&j);
	return load;
}

static void test_load(void **state)
{
	struct fio_job_load l = load_of("[global]\nbs=8k ; of all\niodepth=4\n[a]\nrw=randread:8\n"
					"numjobs=3\n[b]\nreadwrite=randread\n");
	struct fio_job j = good("[a]\nrw=trim\n");
	struct diag d = {""};

	assert_string_equal(l.rw, "randread");
	assert_true(l.bs == 8192 && l.iodepth == 4 && l.jobs == 4);
	assert_false(l.writes || l.open_loop);
	l = load_of("[a]\nrw=read\nbs=4k\n[b]\nrw=randrw\nblocksize=8k\nrate_iops=5\n");
	assert_string_equal(l.rw, "various");
	assert_true(l.bs == 0 && l.jobs == 2 && l.open_loop && l.writes);
	assert_string_equal(l.write_at, "x.fio:5:1: rw=randrw");
	l = load_of("[a]\nbssplit=4k/50:8k/50\n");
	assert_string_equal(l.rw, "read");
	assert_true(l.bs == 0 && l.iodepth == 1);
	/* a later global does not reach back */
	l = load_of("[a]\nrw=read\n[global]\nrw=write\n");
	assert_false(l.writes);
	l = load_of("[a]\nrw=read\ninclude x\n");
	assert_true(l.writes);
	assert_int_equal(fio_job_load_of(&j, &l, &d), -EINVAL);
	assert_non_null(strstr(d.text, "x.fio:2:1: rw=trim: is no kind of I/O"));
	fio_job_free(&j);
	j = good("[a]\nnumjobs=5000\n");
	assert_int_equal(fio_job_load_of(&j, &l, &d), -EINVAL);
	fio_job_free(&j);
	l = load_of("[a]\nrw=randrw\nrwmixwrite=30\n");
	assert_int_equal(l.rwmixread, 70);
	l = load_of("[a]\nrw=randrw\nrwmixwrite=30\nrwmixread=20\n");
	assert_int_equal(l.rwmixread, 20);
}

/* Asked of each direction by all clones; what cannot be said is not a number. */
static void test_rates(void **state)
{
	static const struct {
		const char *text;
		double reads, writes; /* -1: not a number */
		bool open_loop, poisson;
	} cases[] = {
		{"[a]\nrw=randread\nrate_iops=2000\nnumjobs=3\n", 6000, 0, true, false},
		{"[a]\nrw=randread\nrate_iops=2k\nrate_process=poisson\n", 2048, 0, true, true},
		{"[a]\nrw=randrw\nrate_iops=700,300\n", 700, 300, true, false},
		{"[a]\nrw=randrw\nrate_iops=500\n", 500, 500, true, false},
		{"[a]\nrw=randrw\nrate_iops=,300\n", 0, 300, true, false},
		{"[a]\nrw=read\nbs=64k\nrate=1m\n", 16, 0, true, false},
		{"[a]\nrw=read\nbsrange=4k-8k\nrate=1m\n", -1, 0, true, false},
		{"[global]\nrate_iops=100\n[a]\nrw=read\n[b]\nrw=write\n", 100, 100, true, false},
		{"[a]\nrw=read\nrate_iops=100\n[b]\nrw=read\n", -1, 0, true, false},
		{"[a]\nrw=read\nrate_iops=lots\n", -1, 0, true, false},
		/* fio ignores a process of arrivals without a rate */
		{"[a]\nrw=read\nrate_process=poisson\n", 0, 0, false, false},
		{"[a]\nrw=read\nrate_iops=0\n", 0, 0, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fio_job_load l = load_of(cases[i].text);
		double reads = fio_job_rate(&l, FIO_JOB_READS);
		double writes = fio_job_rate(&l, FIO_JOB_WRITES);

		if ((cases[i].reads < 0 ? !isnan(reads) : reads != cases[i].reads) ||
		    writes != cases[i].writes || l.open_loop != cases[i].open_loop ||
		    l.poisson != cases[i].poisson)
			fail_msg("%s: %g, %g, %d, %d", cases[i].text, reads, writes, l.open_loop,
				 l.poisson);
	}
}

/* Which loads have no lower bound of what is in flight. */
static void test_depth_bound(void **state)
{
	static const struct {
		const char *text, *bound;
	} cases[] = {
		{"[a]\nrw=read\niodepth=8\n", NULL},
		{"[a]\nrw=read\nthinktime=0\n", NULL},
		{"[a]\nrw=read\nthinktime=2ms\n", "thinktime"},
		{"[global]\niodepth_low=2\n[a]\nrw=read\n", "iodepth_low"},
		{"[a]\nrw=read\n[b]\nrw=read\nlatency_target=1ms\n", "latency_target"},
		{"[a]\nrw=read\niodepth_batch_complete=8\n", "iodepth_batch_complete_min"},
		{"[a]\nrw=write\nfsync=1\n", "fsync"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fio_job_load l = load_of(cases[i].text);

		if (cases[i].bound ? !l.depth_bound || strcmp(l.depth_bound, cases[i].bound)
				   : !!l.depth_bound)
			fail_msg("%s: %s", cases[i].text, l.depth_bound ? l.depth_bound : "none");
	}
}

/* None of them says numjobs. */
static void test_too_many_jobs(void **state)
{
	_free_ char *text = calloc(1025, 5);
	struct fio_job_load l;
	struct diag d = {""};
	struct fio_job j;

	assert_non_null(text);
	for (size_t i = 0; i < 1025; i++)
		memcpy(text + 4 * i, "[a]\n", 4);
	j = good(text);
	assert_int_equal(fio_job_load_of(&j, &l, &d), -EINVAL);
	assert_string_equal(d.text, "x.fio:1025:1: [a]: more than 1024 jobs in all");
	fio_job_free(&j);
}

static void fits(const char *text, const char *words)
{
	struct fio_job j = good(text);
	struct diag d = {""};
	int err = fio_job_fits(&j, 1 << 20, &d);

	if (err != (words ? -EINVAL : 0) || (words && !strstr(d.text, words)))
		fail_msg("%s: %d, %s", text, err, d.text);
	fio_job_free(&j);
}

static void test_fits(void **state)
{
	fits("[a]\nrw=randwrite\n", NULL);
	fits("[a]\nsize=1m\nio_size=64m\n", NULL);
	fits("[a]\nsize=50%\noffset=50%\n", NULL);
	fits("[a]\nsize=3m\n",
	     "x.fio:2:1: size=3m: is not seen to stay within the target's 1048576 bytes");
	fits("[global]\nsize=1m\n[a]\n[b]\noffset=4k\n", "x.fio:2:1: size=1m: is not seen");
	fits("[a]\nsize=256k\noffset_increment=256k\nnumjobs=4\n", NULL);
	fits("[a]\nsize=256k\noffset_increment=256k\nnumjobs=5\n", "x.fio:2:1: size=256k");
	fits("[a]\nsize=4k\noffset=18446744073709551615\n", "is not seen");
	fits("[a]\nsize=200%\n", "size=200%: is not seen");
	fits("[a]\nsize=1p\n", "size=1p: is not seen");
	/* a later global does not reach back */
	fits("[a]\nrw=read\n[global]\nsize=3m\n", NULL);
}

static const struct fio_imposed imposed[] = {
	{"ioengine", "io_uring", "mode"},
	{"filename", "/data/t", "target"},
	{"runtime", "1s", "time"},
};

static void test_text(void **state)
{
	struct fio_job j =
		good("; mine\n[global]\nioengine = libaio # old\ndirect=1\nruntime=60\n"
		     "[a]\nrw=randread\nhipri\nfilename=/data/t\n[b]\nrw=read\ntime_based\n");
	_free_ char *text = fio_job_text(&j, imposed, ARRAY_SIZE(imposed));
	_json_ json_t *list = fio_job_imposed_json(&j, imposed, ARRAY_SIZE(imposed));
	_free_ char *line = NULL;

	assert_string_equal(text, "[global]\ndirect=1\n[a]\nrw=randread\nioengine=io_uring\n"
				  "filename=/data/t\nruntime=1s\n[b]\nrw=read\nioengine=io_uring\n"
				  "filename=/data/t\nruntime=1s\n");
	line = jsonio_line(list);
	assert_string_equal(
		line,
		"[{\"instead_of\":[\"x.fio:3:1: ioengine=libaio\"],\"line\":\"ioengine=io_uring\","
		"\"why\":\"mode\"},{\"instead_of\":[\"x.fio:9:1: filename=/data/t\"],\"line\":"
		"\"filename=/data/t\",\"why\":\"target\"},{\"instead_of\":[\"x.fio:5:1: "
		"runtime=60\"],\"line\":\"runtime=1s\",\"why\":\"time\"},{\"instead_of\":[\"x.fio:"
		"8:"
		"1: hipri\",\"x.fio:12:1: time_based\"],\"line\":null,\"why\":\"not the job's to "
		"say under iomodes\"}]");
	fio_job_free(&j);
}

static void test_select(void **state)
{
	struct fio_job j = good("[global]\nbs=4k\n[a]\nrw=read\n[b]\nrw=write\nstonewall\n");
	struct diag d = {""};

	assert_int_equal(fio_job_select(&j, "c", &d), -ENOENT);
	assert_string_equal(d.text, "x.fio: no section [c]; there are: a, b");
	assert_int_equal(fio_job_select(&j, "a", &d), 0);
	assert_int_equal(j.n, 2);
	assert_int_equal(fio_job_check(&j, NULL, false, &d), 0);
	fio_job_free(&j);
}

/* The second of two jobs by itself: it no longer waits for the first, and that is shown. */
static void test_alone(void **state)
{
	struct fio_job j = good("[a]\nrw=read\n[b]\nrw=randread\nstonewall\nwait_for=a\n");
	struct fio_imposed time_only[] = {{"runtime", "1s", "time"}};
	_json_ json_t *list = NULL, *untrusted = NULL;
	_free_ char *text = NULL, *line = NULL;
	struct diag d = {""};

	assert_int_equal(fio_job_check(&j, NULL, false, &d), -EPERM);
	assert_int_equal(fio_job_select(&j, "b", &d), 0);
	assert_int_equal(fio_job_check(&j, NULL, false, &d), 0);
	untrusted = fio_job_untrusted(&j);
	assert_int_equal(json_array_size(untrusted), 0);
	text = fio_job_text(&j, time_only, 1);
	assert_string_equal(text, "[b]\nrw=randread\nruntime=1s\n");
	list = fio_job_imposed_json(&j, time_only, 1);
	line = jsonio_line(list);
	assert_non_null(strstr(line, "x.fio:5:1: stonewall"));
	assert_non_null(strstr(line, "x.fio:6:1: wait_for=a"));
	fio_job_free(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),		cmocka_unit_test(test_check),
		cmocka_unit_test(test_untrusted),	cmocka_unit_test(test_load),
		cmocka_unit_test(test_rates),		cmocka_unit_test(test_text),
		cmocka_unit_test(test_select),		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_untrusted_whole), cmocka_unit_test(test_depth_bound),
		cmocka_unit_test(test_too_many_jobs),	cmocka_unit_test(test_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
