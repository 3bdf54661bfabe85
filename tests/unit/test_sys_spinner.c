// SPDX-License-Identifier: Apache-2.0
/* The spinner under child supervision, over its control socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "sys/child.h"

struct spinner {
	struct child *child;
	int control, dir;
	char path[64];
};

static void start(struct spinner *s)
{
	const char *bin = getenv("IOMODES_BIN");
	const char *argv[] = {NULL, "--cpus", "0", "--control-fd", "9", NULL};
	char program[512];
	struct child_options o = {.argv = argv,
				  .memory_node = -1,
				  .control_as = 9,
				  .stdout_name = "out",
				  .stderr_name = "err"};
	struct diag d = {""};
	int pair[2];

	snprintf(program, sizeof(program), "%s/spinner", bin);
	argv[0] = program;
	strcpy(s->path, "/tmp/test-spinner-XXXXXX");
	assert_non_null(mkdtemp(s->path));
	s->dir = o.output_dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	o.control_fd = pair[1];
	if (child_start(&o, &s->child, &d))
		fail_msg("%s", d.text);
	close(pair[1]);
	s->control = pair[0];
}

static void say(struct spinner *s, const char *line)
{
	assert_int_equal(send(s->control, line, strlen(line), MSG_NOSIGNAL), strlen(line));
}

static void hear(struct spinner *s, const char *line)
{
	char got[32] = "";

	assert_int_equal(recv(s->control, got, strlen(line), MSG_WAITALL), strlen(line));
	assert_string_equal(got, line);
}

static int end(struct spinner *s)
{
	int status;

	assert_int_equal(child_wait(s->child, clock_ns() + 60000000000u, &status), 0);
	child_free(s->child);
	unlinkat(s->dir, "out", 0);
	unlinkat(s->dir, "err", 0);
	close(s->dir);
	rmdir(s->path);
	return status;
}

static void expect_work(struct spinner *s)
{
	char path[128];
	json_t *out = NULL;
	struct diag d = {""};

	assert_int_equal(child_wait(s->child, clock_ns() + 60000000000u, NULL), 0);
	snprintf(path, sizeof(path), "%s/out", s->path);
	if (jsonio_read(path, &out, &d))
		fail_msg("%s", d.text);
	assert_string_equal(jsonio_string(out, "tool", ""), "spinner");
	assert_true(jsonio_number(out, "work") >= 0 && jsonio_number(out, "window_ns") > 0);
	assert_int_equal(json_array_size(json_object_get(out, "per_cpu")), 1);
	json_decref(out);
}

static void test_window(void **state)
{
	struct spinner s;

	start(&s);
	hear(&s, "ready\n");
	say(&s, "go\n");
	say(&s, "stop\n");
	hear(&s, "done\n");
	say(&s, "exit\n");
	expect_work(&s);
	close(s.control);
	assert_int_equal(end(&s), 0);
}

static void test_exit_at_once(void **state)
{
	struct spinner s;

	start(&s);
	hear(&s, "ready\n");
	say(&s, "go\n");
	say(&s, "exit\n"); /* nobody waits for a "done" any more */
	expect_work(&s);
	close(s.control);
	assert_int_equal(end(&s), 0);
}

static void test_closed(void **state)
{
	struct spinner s;
	int status;

	start(&s);
	hear(&s, "ready\n");
	say(&s, "go\n");
	close(s.control);
	status = end(&s);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void test_wrong_word(void **state)
{
	struct spinner s;
	int status;

	start(&s);
	hear(&s, "ready\n");
	say(&s, "stop\n");
	status = end(&s);
	close(s.control);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_exit_at_once),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_wrong_word),
	};

	if (!getenv("IOMODES_BIN")) {
		printf("skipped: IOMODES_BIN is not set, so that there is no spinner to run\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
