// SPDX-License-Identifier: Apache-2.0
/* Every test runs twice: with a cgroup where this machine lets us make one, and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "sys/child.h"

#define SECOND 1000000000ull

static struct {
	bool no_cgroup;
	int dir;
	char path[64];
} fixture = {.dir = -1};

static struct child_options options(const char *const argv[])
{
	return (struct child_options){
		.argv = argv,
		.memory_node = -1,
		.output_dir = fixture.dir,
		.stdout_name = "out",
		.stderr_name = "err",
		.control_fd = -1,
		.no_cgroup = fixture.no_cgroup,
	};
}

static struct child *start(const struct child_options *o)
{
	struct child *c = NULL;
	struct diag d = {""};

	if (child_start(o, &c, &d))
		fail_msg("%s", d.text);
	return c;
}

static size_t file_text(const char *name, char *text, size_t size)
{
	_fd_ int fd = openat(fixture.dir, name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* A pid that the workload wrote; waits for it to be there. */
static pid_t file_pid(const char *name)
{
	char text[32];

	for (int i = 0; i < 10000; i++) {
		if (file_text(name, text, sizeof(text)) && strchr(text, '\n'))
			return atoi(text);
		poll(NULL, 0, 1);
	}
	fail_msg("nothing in %s", name);
	return -1;
}

static bool is_gone(pid_t pid)
{
	char path[64], text[512];
	_fd_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return true;
	text[n] = '\0';
	return strrchr(text, ')')[2] == 'Z'; /* nobody reaps orphans in a bare container */
}

static bool is_gone_soon(pid_t pid)
{
	for (int i = 0; i < 10000 && !is_gone(pid); i++)
		poll(NULL, 0, 1);
	return is_gone(pid);
}

static pid_t parent_of(pid_t pid)
{
	char path[64];
	int parent = -1;
	_file_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%*d (%*[^)]) %*c %d", &parent) != 1)
		fail_msg("no parent of %d", pid);
	return parent;
}

static void test_status(void **state)
{
	const char *const exits[] = {"sh", "-c", "exit 7", NULL};
	const char *const dies[] = {"sh", "-c", "kill -USR1 $$", NULL};
	struct child_options o = options(exits);
	struct child *c = start(&o);
	int status = 0;

	assert_int_equal(child_wait(c, clock_ns() + 60 * SECOND, &status), 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(child_kill(c), 0);
	child_free(c);

	o = options(dies);
	c = start(&o);
	assert_int_equal(child_wait(c, UINT64_MAX, &status), 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
	child_free(c);
}

static void test_missing(void **state)
{
	const char *const argv[] = {"no-such-loop", NULL};
	struct child_options o = options(argv);
	struct child *c = NULL;
	struct diag d = {""};

	assert_int_equal(child_start(&o, &c, &d), -ENOENT);
	assert_null(c);
	assert_string_equal(d.text, "no-such-loop: No such file or directory");
}

static void test_bad_placement(void **state)
{
	const char *const argv[] = {"true", NULL};
	unsigned far_away[] = {4095};
	struct cpulist cpus = {.cpu = far_away, .n = 1};
	struct child_options o = options(argv);
	struct child *c = NULL;
	struct diag d = {""};

	o.cpus = &cpus;
	assert_int_equal(child_start(&o, &c, &d), -EINVAL);
	assert_non_null(strstr(d.text, "pinned to CPUs 4095"));
	o.cpus = NULL;
	o.memory_node = 1000;
	assert_true(child_start(&o, &c, &d) < 0);
	assert_non_null(strstr(d.text, "memory to node 1000"));
	assert_null(c);
}

/* What the workload finds: its input, its CPU, no core file, default signals, 4 descriptors. */
static void test_surroundings(void **state)
{
	const char *const argv[] = {
		"sh", "-c",
		"cat; ulimit -c; grep -E '^(Cpus_allowed_list|SigBlk|SigIgn):' /proc/self/status;"
		"for i in $(seq 0 99); do [ ! -e /proc/$$/fd/$i ] || echo $i; done; echo hello "
		">&7; echo oops >&2",
		NULL};
	unsigned first[] = {0};
	struct cpulist cpus = {.cpu = first, .n = 1};
	struct child_options o = options(argv);
	int pair[2], status, leak;
	char text[4096];
	struct child *c;
	sigset_t usr1;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	leak = dup(0); /* not close-on-exec */
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	signal(SIGPIPE, SIG_IGN);
	o.cpus = &cpus;
	o.stdin_text = "some input\n";
	o.control_fd = pair[1];
	o.control_as = 7;
	c = start(&o);
	close(pair[1]);
	assert_int_equal(child_wait(c, clock_ns() + 60 * SECOND, &status), 0);
	assert_int_equal(status, 0);
	file_text("out", text, sizeof(text));
	assert_string_equal(text, "some input\n0\nSigBlk:\t0000000000000000\n"
				  "SigIgn:\t0000000000000000\nCpus_allowed_list:\t0\n"
				  "0\n1\n2\n7\n");
	file_text("err", text, sizeof(text));
	assert_string_equal(text, "oops\n");
	assert_int_equal(read(pair[0], text, sizeof(text)), 6);
	assert_int_equal(read(pair[0], text, sizeof(text)), 0); /* the supervisor holds no copy */
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	close(leak);
	close(pair[0]);
	child_free(c);
}

static void test_hang(void **state)
{
	const char *const argv[] = {
		"sh", "-c", "trap '' TERM INT HUP; echo $$; while :; do sleep 1; done", NULL};
	struct child_options o = options(argv);
	struct child *c = start(&o);
	struct pollfd p = {.fd = child_fd(c), .events = POLLIN};
	pid_t pid = file_pid("out");
	char cgroup[512];
	int status;

	assert_int_equal(pid, child_pid(c));
	assert_int_equal(child_wait(c, clock_ns() + SECOND / 20, &status), -ETIMEDOUT);
	assert_int_equal(poll(&p, 1, 0), 0);
	snprintf(cgroup, sizeof(cgroup), "%s", child_cgroup(c));
	assert_int_equal(child_kill(c), 0);
	assert_int_equal(child_wait(c, 0, &status), 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(is_gone(pid));
	assert_true(!*cgroup || access(cgroup, F_OK));
	child_free(c);
}

/* A double fork with a session of its own, whose parents are gone, that ignores what it can. */
#define ESCAPE                                                              \
	"(setsid sh -c 'trap \"\" TERM INT HUP; echo $$ > \"$0/escaped\"; " \
	"while :; do sleep 1; done' \"$0\" >/dev/null 2>&1 &) & wait; "     \
	"while [ ! -s \"$0/escaped\" ]; do sleep 0.01; done; "

static void test_escape(void **state)
{
	const char *const argv[] = {"sh", "-c", ESCAPE "sleep 1000", fixture.path, NULL};
	struct child_options o = options(argv);
	struct child *c = start(&o);
	pid_t pid = file_pid("escaped");

	assert_false(is_gone(pid));
	assert_int_equal(child_kill(c), 0);
	assert_true(is_gone(pid));
	child_free(c);
}

/* What is left when the main process ends is killed before the end is told. */
static void test_left_behind(void **state)
{
	const char *const argv[] = {"sh", "-c", ESCAPE "exit 3", fixture.path, NULL};
	struct child_options o = options(argv);
	struct child *c = start(&o);
	int status;

	assert_int_equal(child_wait(c, clock_ns() + 60 * SECOND, &status), 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	assert_true(is_gone(file_pid("escaped")));
	child_free(c);
}

static void test_output_limit(void **state)
{
	const char *const argv[] = {"sh", "-c", "head -c 3000000 /dev/zero; echo end >&2", NULL};
	struct child_options o = options(argv);
	struct child *c;
	struct stat st;
	int status;

	o.output_max = 100000;
	c = start(&o);
	assert_int_equal(child_wait(c, clock_ns() + 60 * SECOND, &status), 0);
	assert_int_equal(status, 0);
	assert_true(child_output_cut(c));
	assert_int_equal(fstatat(fixture.dir, "out", &st, 0), 0);
	assert_int_equal(st.st_size, 100000);
	assert_int_equal(fstatat(fixture.dir, "err", &st, 0), 0);
	assert_int_equal(st.st_size, 4);
	child_free(c);

	o.output_max = 3000000; /* exactly what comes */
	c = start(&o);
	assert_int_equal(child_wait(c, clock_ns() + 60 * SECOND, &status), 0);
	assert_false(child_output_cut(c));
	assert_int_equal(fstatat(fixture.dir, "out", &st, 0), 0);
	assert_int_equal(st.st_size, 3000000);
	child_free(c);
}

/* An orchestrator that starts `argv` and waits to be killed. Its leaf is left in `leaf`. */
static pid_t orchestrator(const char *const argv[], char *leaf, size_t size)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct child_options o = options(argv);
		struct child *c;

		if (child_start(&o, &c, NULL) ||
		    write(ends[1], child_cgroup(c), strlen(child_cgroup(c)) + 1) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_true(read(ends[0], leaf, size) > 0);
	close(ends[0]);
	return pid;
}

static void test_orchestrator_killed(void **state)
{
	const char *const argv[] = {"sh", "-c", ESCAPE "echo $$; sleep 1000", fixture.path, NULL};
	char leaf[512];
	pid_t pid = orchestrator(argv, leaf, sizeof(leaf));
	pid_t escaped = file_pid("escaped"), loop = file_pid("out");

	assert_false(is_gone(escaped));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(is_gone_soon(loop));
	assert_true(is_gone_soon(escaped));
	for (int i = 0; *leaf && !access(leaf, F_OK) && i < 10000; i++)
		poll(NULL, 0, 1);
	assert_true(!*leaf || access(leaf, F_OK)); /* the supervisor took its leaf away */
}

/* The supervisor killed: the main process goes with it, and with a cgroup the rest does, too. */
static void test_supervisor_killed(void **state)
{
	const char *const argv[] = {"sh", "-c", ESCAPE "echo $$; exec sleep 1000", fixture.path,
				    NULL};
	struct child_options o = options(argv);
	struct child *c = start(&o);
	pid_t escaped = file_pid("escaped"), pid = file_pid("out");
	bool cgroup = *child_cgroup(c);
	int status;

	assert_int_equal(kill(parent_of(pid), SIGKILL), 0);
	assert_int_equal(child_wait(c, clock_ns() + 60 * SECOND, &status), 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(is_gone_soon(pid));
	if (cgroup)
		assert_true(is_gone_soon(escaped));
	else
		kill(escaped, SIGKILL);
	child_free(c);
}

/* Both processes killed: the leaf that stays is ended and removed by a later start. */
static void test_stale_leaf(void **state)
{
	const char *const argv[] = {"sh", "-c", ESCAPE "echo $$; exec sleep 1000", fixture.path,
				    NULL};
	const char *const nothing[] = {"true", NULL};
	struct child_options o = options(nothing);
	char leaf[512];
	pid_t pid = orchestrator(argv, leaf, sizeof(leaf));
	pid_t escaped = file_pid("escaped"), loop = file_pid("out");

	kill(pid, SIGSTOP); /* so that neither mends what happens to the other */
	kill(parent_of(loop), SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(is_gone_soon(loop));
	if (!*leaf) {
		kill(escaped, SIGKILL);
		return;
	}
	assert_int_equal(access(leaf, F_OK), 0);
	assert_false(is_gone(escaped));
	for (int i = 0; i < 2; i++) { /* one start kills, at the latest the next one removes */
		struct child *c = start(&o);

		child_free(c);
		assert_true(is_gone_soon(escaped));
	}
	assert_int_not_equal(access(leaf, F_OK), 0);
}

static int with_cgroup(void **state)
{
	fixture.no_cgroup = false;
	return 0;
}

static int without_cgroup(void **state)
{
	fixture.no_cgroup = true;
	return 0;
}

static int clear(void **state)
{
	unlinkat(fixture.dir, "out", 0);
	unlinkat(fixture.dir, "err", 0);
	unlinkat(fixture.dir, "escaped", 0);
	return 0;
}

static int make_directory(void **state)
{
	strcpy(fixture.path, "/tmp/test-child-XXXXXX");
	if (!mkdtemp(fixture.path))
		return -1;
	fixture.dir = open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fixture.dir < 0 ? -1 : 0;
}

static int remove_directory(void **state)
{
	close(fixture.dir);
	return rmdir(fixture.path);
}

/* clang-format off */
#define BOTH(test)                                                                                 \
	{#test " (cgroup)", test, with_cgroup, clear, NULL},                                       \
	{#test " (subreaper)", test, without_cgroup, clear, NULL}
/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_status),
		BOTH(test_missing),
		BOTH(test_bad_placement),
		BOTH(test_surroundings),
		BOTH(test_hang),
		BOTH(test_escape),
		BOTH(test_left_behind),
		BOTH(test_output_limit),
		BOTH(test_orchestrator_killed),
		BOTH(test_supervisor_killed),
		BOTH(test_stale_leaf),
	};
	const char *const argv[] = {"true", NULL};
	struct child_options o = {
		.argv = argv, .memory_node = -1, .output_dir = -1, .control_fd = -1};
	struct child *c = NULL;

	if (!child_start(&o, &c, NULL))
		printf("cgroup: %s\n",
		       *child_cgroup(c) ? child_cgroup(c) : "none can be made here");
	child_free(c);
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
