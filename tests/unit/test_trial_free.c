// SPDX-License-Identifier: Apache-2.0
/* A workload that does not take our word: its window, its output, its end in every way. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "sys/child.h"
#include "sys/sys.h"
#include "trial/listen.h"
#include "trial/workload_free.h"

static struct sys *sys;
static struct rundir dir;
static char parent[64];

static int setup(void **state)
{
	struct diag d = {""};

	snprintf(parent, sizeof(parent), "/tmp/iomodes-test-XXXXXX");
	if (!mkdtemp(parent) || sys_open(NULL, &sys) || rundir_create(parent, "free", &dir, &d))
		fail_msg("%s: %s", parent, d.text);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	rundir_close(&dir);
	sys_close(sys);
	snprintf(command, sizeof(command), "rm -rf %s", parent);
	return system(command);
}

/* Run a shell script as the workload. The evidence, or NULL with the error. */
static json_t *run(const char *trial, const char *script, const char *input, int signal_fd,
		   json_t *notes, int *err, struct diag *d)
{
	char *argv[] = {(char *)"/bin/bash", (char *)"-c", (char *)script, NULL};
	struct workload_free_request r = {
		.name = "fio",
		.argv = argv,
		.input = input,
		.starts_jobs = true,
		.scope = {.sys = sys},
		.dir = &dir,
		.trial = trial,
		.raw = rundir_raw(&dir, trial, d),
		.signal_fd = signal_fd,
		.runtime_ns = 200000000,
		.grace_ns = 60000000000u,
	};
	struct workload_free w;
	json_t *evidence = NULL;

	assert_true(r.raw >= 0);
	d->text[0] = '\0';
	*err = workload_free_start(&w, &r, d);
	if (!*err)
		*err = workload_free_await(&w, &evidence, notes, d);
	workload_free_end(&w);
	close(r.raw);
	return evidence;
}

static void test_good(void **state)
{
	_json_ json_t *notes = json_array(), *evidence = NULL;
	_free_ char *out = NULL, *in = NULL;
	struct diag d = {""};
	size_t len;
	int err;

	evidence = run("good", "cat; (for i in {1..1000}; do sleep 0.001; done); echo a note >&2",
		       "the job\n", -1, notes, &err, &d);
	if (err)
		fail_msg("%s", d.text);
	assert_int_equal(rundir_read_raw(&dir, "good", "fio.stdout", &out, &len, &d), 0);
	assert_string_equal(out, "the job\n");
	assert_int_equal(rundir_read_raw(&dir, "good", "fio.stdin", &in, &len, &d), 0);
	assert_string_equal(in, "the job\n");
	assert_string_equal(json_string_value(json_array_get(notes, 0)), "a note");
	/* the subshell is the job: it was seen at work, and its switches with it */
	if (!(jsonio_number(evidence, "steady.counters.voluntary_context_switches") > 0))
		fail_msg("%s", json_dumps(json_object_get(evidence, "steady"), 0));
	assert_true(jsonio_number(evidence, "steady.window_ns") <
		    jsonio_number(evidence, "window_ns"));
	assert_non_null(jsonio_at(evidence, "absent.cpu_busy_ns"));
	assert_null(jsonio_at(evidence, "counters.cpu_busy_ns"));
	assert_non_null(jsonio_at(evidence, "absent.context_switches"));
}

static void fails(const char *trial, const char *script, int wanted, const char *words)
{
	_json_ json_t *notes = json_array(), *evidence = NULL;
	struct diag d = {""};
	int err;

	evidence = run(trial, script, NULL, -1, notes, &err, &d);
	assert_null(evidence);
	if (err != wanted || !strstr(d.text, words))
		fail_msg("%s: %d, %s", trial, err, d.text);
}

static void test_bad(void **state)
{
	struct stat st;

	fails("exit", "echo note: x; echo fio: some error 5; exit 3", -EPIPE,
	      "fio ended with exit status 3: fio: some error 5");
	fails("silent", "exit 4", -EPIPE, "fio ended with exit status 4 and no message");
	fails("killed", "echo last words >&2; kill -9 $$", -EPIPE,
	      "fio was killed by signal 9 (Killed): last words");
	fails("early", "kill -SEGV $$", -EPIPE, "signal 11");
	fails("large", "yes | head -c 200M", -EFBIG,
	      "fio printed more than 32 MiB, beginning with: y");
	assert_int_equal(fstatat(dir.raw, "large/fio.stdout", &st, 0), 0);
	assert_int_equal(st.st_size, 32 << 20);
}

static void test_absent(void **state)
{
	char *argv[] = {(char *)"/no/such/program", NULL};
	struct diag d = {""};
	struct workload_free_request r = {.name = "fio",
					  .argv = argv,
					  .scope = {.sys = sys},
					  .dir = &dir,
					  .trial = "absent",
					  .raw = rundir_raw(&dir, "absent", &d),
					  .signal_fd = -1};
	struct workload_free w;

	assert_int_equal(workload_free_start(&w, &r, &d), -ENOENT);
	assert_non_null(strstr(d.text, "No such file"));
	workload_free_end(&w);
	close(r.raw);
}

/* A signal to us ends it at once, and what it has started. */
static void test_signal(void **state)
{
	_json_ json_t *notes = json_array();
	_fd_ int fd = eventfd(1, EFD_CLOEXEC);
	struct diag d = {""};
	uint64_t start = clock_ns();
	int err;

	assert_null(run("signal", "setsid sleep 1000 & sleep 1000", NULL, fd, notes, &err, &d));
	assert_int_equal(err, -EINTR);
	assert_true(clock_ns() - start < 10000000000u);
	assert_true(system("pgrep -f '^sleep 1000$' -s 0 >/dev/null") != 0);
}

/* A client or server named iperf3 in PATH that never ends, whatever it is asked. Its process and
 * what it has started write their ids. */
static void fake_iperf3(char old_path[static 4096])
{
	char path[5000], text[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/iperf3", parent);
	f = fopen(path, "w");
	assert_non_null(f);
	snprintf(text, sizeof(text),
		 "trap '' TERM INT HUP\necho 'warning: waiting' >&2\n"
		 "setsid sleep 1000 &\necho $$ $! >%s/pids\n"
		 "while :; do sleep 1000; done\n",
		 parent);
	fprintf(f, "#!/bin/bash\n%s", text);
	fchmod(fileno(f), 0755);
	fclose(f);
	snprintf(old_path, 4096, "%s", getenv("PATH"));
	snprintf(path, sizeof(path), "%s:%s", parent, old_path);
	setenv("PATH", path, 1);
}

static void is_gone(void)
{
	char path[128];
	int pids[2] = {0};
	FILE *f;

	snprintf(path, sizeof(path), "%s/pids", parent);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d %d", &pids[0], &pids[1]), 2);
	fclose(f);
	remove(path);
	for (int i = 0; i < 2; i++)
		assert_true(kill(pids[i], 0) && errno == ESRCH);
}

/* A client that never ends, and a server that never listens: said, and nothing of them is left. */
static void test_hangs(void **state)
{
	char *argv[] = {(char *)"iperf3", (char *)"--client=::1", NULL}, old_path[4096];
	_json_ json_t *notes = json_array(), *evidence = NULL;
	struct diag d = {""};
	int raw = rundir_raw(&dir, "hangs", &d);
	struct workload_free_request r = {.name = "iperf3",
					  .argv = argv,
					  .scope = {.sys = sys},
					  .dir = &dir,
					  .trial = "hangs",
					  .raw = raw,
					  .signal_fd = -1,
					  .runtime_ns = 4000000000,
					  .grace_ns = 1000000000};
	struct workload_start start = {.name = "iperf3-server", .argv = argv, .raw = raw};
	struct workload_free w;
	struct workload_run server;

	fake_iperf3(old_path);
	assert_int_equal(workload_free_start(&w, &r, &d), 0);
	assert_int_equal(workload_free_await(&w, &evidence, notes, &d), -ETIMEDOUT);
	assert_string_equal(d.text,
			    "iperf3 had not ended 1 s after it should have: it hangs, and was "
			    "ended: warning: waiting");
	assert_null(evidence);
	is_gone();
	workload_free_end(&w);

	assert_int_equal(workload_run_start(&server, &start, &d), 0);
	assert_int_equal(listen_await(&server, 1, clock_ns() + 1000000000u, -1, &d), -ETIMEDOUT);
	assert_string_equal(d.text, "iperf3-server does not listen on port 1");
	workload_run_free(&server);
	is_gone();
	setenv("PATH", old_path, 1);
	close(raw);
}

/* The gate: what we did not make is not written, and fio is never started. */
static void test_gate(void **state)
{
	char path[128], *argv[] = {(char *)"/bin/true", NULL};
	struct diag d = {""};
	struct workload_free_request r = {.name = "fio",
					  .argv = argv,
					  .scope = {.sys = sys},
					  .dir = &dir,
					  .trial = "gate",
					  .raw = rundir_raw(&dir, "gate", &d),
					  .signal_fd = -1,
					  .writes_to = path};
	struct workload_free w;
	FILE *f;

	snprintf(path, sizeof(path), "%s/theirs", parent);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(workload_free_start(&w, &r, &d), -EPERM);
	assert_null(w.child);
	workload_free_end(&w);
	close(r.raw);
}

static void test_listen(void **state)
{
	static const char script[] =
		"import socket, time\n"
		"s = socket.socket(); s.bind(('127.0.0.1', 0)); time.sleep(0.1)\n"
		"print(s.getsockname()[1], flush=True); s.listen(); time.sleep(60)";
	char *argv[] = {(char *)"python3", (char *)"-c", (char *)script, NULL}, port[32] = "";
	struct diag d = {""};
	int raw = rundir_raw(&dir, "listen", &d), fd = -1;
	struct workload_start start = {.name = "server", .argv = argv, .raw = raw};
	struct workload_run w;

	assert_int_equal(workload_run_start(&w, &start, &d), 0);
	for (int i = 0; i < 500 && !strchr(port, '\n'); i++) {
		usleep(10000);
		fd = openat(raw, "server.stdout", O_RDONLY);
		if (fd >= 0 && read(fd, port, sizeof(port) - 1) < 0)
			port[0] = '\0';
		close(fd);
	}
	assert_true(atoi(port) > 0);
	if (listen_await(&w, (uint16_t)atoi(port), clock_ns() + 10000000000u, -1, &d))
		fail_msg("%s", d.text);
	assert_int_equal(listen_await(&w, 1, clock_ns() + 50000000u, -1, &d), -ETIMEDOUT);
	kill(child_pid(w.child), SIGTERM);
	assert_int_equal(listen_await(&w, 1, clock_ns() + 10000000000u, -1, &d), -EPIPE);
	workload_run_free(&w);
	close(raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
		cmocka_unit_test(test_absent), cmocka_unit_test(test_signal),
		cmocka_unit_test(test_hangs),  cmocka_unit_test(test_gate),
		cmocka_unit_test(test_listen),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
