// SPDX-License-Identifier: Apache-2.0
/* Interfaces of the target's name in namespaces of other processes: seen once each, by what they
 * moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "evidence/namesakes.h"
#include "sys/sys.h"

static char root[64];

static void make_dirs(char *path)
{
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

static void lives_in(const char *pid, const char *netns)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/proc/%s/ns/net", root, pid);
	make_dirs(path);
	assert_int_equal(symlink(netns, path), 0);
}

/* /proc/PID/net/dev as Linux prints it */
static void moved(const char *pid, const char *dev, unsigned rx, unsigned tx)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/%s/net/dev", root, pid);
	make_dirs(path);
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f,
		"Inter-|   Receive                                                |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    "
		"packets "
		"errs drop fifo colls carrier compressed\n"
		"    lo:  840      10    0    0    0     0          0         0      840      %u   "
		" "
		"0    0    0     0       0          0\n"
		"%6s: 99999    %u    1    2    3     4          5         6    88888    %u    1    "
		"2    3     4       5          6\n",
		rx, dev, rx, tx);
	fclose(f);
}

static struct namesakes look(const char *const *devs, size_t n)
{
	struct evidence_scope scope = {.net_devs = devs, .n_net_devs = n};
	struct namesakes found;
	struct diag d = {""};

	assert_int_equal(sys_open(root, &scope.sys), 0);
	if (namesakes_read(&scope, &found, &d))
		fail_msg("%s", d.text);
	sys_close(scope.sys);
	return found;
}

static void machine(void)
{
	strcpy(root, "/tmp/namesakes.XXXXXX");
	assert_non_null(mkdtemp(root));
	lives_in("thread-self", "net:[1]");
	lives_in("1", "net:[1]"); /* where the target is */
	moved("1", "eth0", 1000, 1000);
	lives_in("70", "net:[2]"); /* a container's, with two processes */
	moved("70", "eth0", 5, 6);
	lives_in("71", "net:[2]");
	moved("71", "eth0", 5, 6);
	lives_in("72", "net:[3]"); /* another name that begins alike */
	moved("72", "eth01", 7, 7);
	lives_in("73", "net:[4]"); /* gone meanwhile */
}

static void cleanup(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

static void test_moved(void **state)
{
	static const char *const eth0[] = {"eth0"}, *const lo[] = {"lo"};
	struct namesakes before, idle, after;
	const struct namesake *one;

	machine();
	before = look(eth0, 1);
	assert_int_equal(before.n, 1);
	assert_string_equal(before.item[0].netns, "net:[2]");
	assert_string_equal(before.item[0].dev, "eth0");
	assert_int_equal(before.item[0].packets, 11);

	moved("1", "eth0", 9000, 9000);
	moved("72", "eth01", 99, 99);
	idle = look(eth0, 1);
	assert_null(namesakes_moved(&before, &idle)); /* the target's own and others do not count */

	moved("70", "eth0", 5, 7);
	after = look(eth0, 1);
	one = namesakes_moved(&before, &after);
	assert_non_null(one);
	assert_int_equal(one->pid, 70);
	namesakes_free(&after);

	/* a container that was started in between, and has sent something */
	moved("70", "eth0", 5, 6);
	lives_in("80", "net:[5]");
	moved("80", "eth0", 0, 1);
	after = look(eth0, 1);
	one = namesakes_moved(&before, &after);
	assert_non_null(one);
	assert_string_equal(one->netns, "net:[5]");
	namesakes_free(&after);

	after = look(lo, 1);
	assert_int_equal(after.n, 0);
	namesakes_free(&after);
	namesakes_free(&idle);
	namesakes_free(&before);
	cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_moved)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
