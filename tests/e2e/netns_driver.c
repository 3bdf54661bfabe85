// SPDX-License-Identifier: Apache-2.0
/*
 * netns_driver: makes two namespaces, says "PID FD FD" (so that others can look into them through
 * /proc), and obeys lines on standard input, each answered by one line:
 *   read INSTANCE PATH     first line of a file, as the instance's namespace sees it
 *   write INSTANCE PATH VALUE
 *   list INSTANCE PATH     names, separated by blanks
 *   gro INSTANCE 0|1       feature rx-gro over netlink
 *   driver INSTANCE        ETHTOOL_GDRVINFO
 *   drop LABEL
 *   child LABEL ARGV...    run a child there, wait for it
 *   own                    number of this process's namespace
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "sys/child.h"
#include "sys/genl.h"
#include "sys/netns.h"

static int fds[2];
static const char *const labels[2] = {"client", "server"};

static void say_list(struct sys *s, const char *path)
{
	_free_ char **names = NULL;
	int err = sys_list(s, path, &names);

	if (err) {
		printf("error %s\n", strerror(-err));
		return;
	}
	for (size_t i = 0; names[i]; i++)
		printf("%s%s", i ? " " : "", names[i]);
	puts("");
}

static void set_gro(struct sys *s, const char *dev, bool on)
{
	struct genl_replies replies;
	struct genl_request r;
	char words[200];
	size_t nest, bits, bit;
	int err;

	genl_request_init(&r, "ethtool", ETHTOOL_MSG_FEATURES_SET, 0);
	nest = genl_nest_begin(&r, ETHTOOL_A_FEATURES_HEADER);
	genl_put_str(&r, ETHTOOL_A_HEADER_DEV_NAME, dev);
	genl_nest_end(&r, nest);
	nest = genl_nest_begin(&r, ETHTOOL_A_FEATURES_WANTED);
	bits = genl_nest_begin(&r, ETHTOOL_A_BITSET_BITS);
	bit = genl_nest_begin(&r, ETHTOOL_A_BITSET_BITS_BIT);
	genl_put_str(&r, ETHTOOL_A_BITSET_BIT_NAME, "rx-gro");
	if (on)
		genl_put_flag(&r, ETHTOOL_A_BITSET_BIT_VALUE);
	genl_nest_end(&r, bit);
	genl_nest_end(&r, bits);
	genl_nest_end(&r, nest);
	err = sys_genl(s, &r, &replies, words, sizeof(words));
	printf(err ? "error %s: %s\n" : "ok\n", strerror(-err), words);
	genl_replies_free(&replies);
	genl_request_free(&r);
}

static void say_driver(struct sys *s, const char *dev)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int err = sys_ethtool(s, dev, &info, sizeof(info));

	printf("%s\n", err ? strerror(-err) : info.driver);
}

static void run_child(const char *label, char *words)
{
	const char *argv[16] = {NULL};
	struct child_options o = {.argv = argv, .memory_node = -1, .output_dir = -1};
	struct child *c = NULL;
	struct diag d = {""};
	int status = -1;

	o.control_fd = -1;
	o.netns_fd = strcmp(label, labels[0]) ? fds[1] : fds[0];
	for (size_t n = 0; n < ARRAY_SIZE(argv) - 1 && (argv[n] = strtok_r(NULL, " ", &words)); n++)
		;
	if (child_start(&o, &c, &d) || child_wait(c, clock_ns() + 10000000000ull, &status))
		printf("error %s\n", d.text);
	else
		printf("status %d\n", status);
	child_free(c);
}

static void obey(struct sys *s, char *line)
{
	char *rest, *verb = strtok_r(line, " \n", &rest), *instance, *path, text[4096], dev[16];
	struct sys *inside = s;
	int err = 0;

	if (!verb)
		return;
	instance = strtok_r(NULL, " \n", &rest);
	if (!strcmp(verb, "own")) {
		err = sys_readlink(s, "/proc/thread-self/ns/net", text, sizeof(text));
		puts(err ? strerror(-err) : text);
		return;
	}
	if (!strcmp(verb, "drop") || !strcmp(verb, "child")) {
		if (*verb == 'd') {
			sys_netns_drop(s, instance);
			puts("ok");
		} else {
			rest[strcspn(rest, "\n")] = '\0';
			run_child(instance, rest);
		}
		return;
	}
	err = sys_netns_split(s, instance, dev, sizeof(dev), &inside);
	path = strtok_r(NULL, " \n", &rest);
	if (err)
		printf("error %s\n", strerror(-err));
	else if (!strcmp(verb, "read"))
		puts((err = sys_readf(inside, text, sizeof(text), "%s", path)) ? strerror(-err)
									       : text);
	else if (!strcmp(verb, "list"))
		say_list(inside, path);
	else if (!strcmp(verb, "write"))
		puts(strerror(-sys_write(inside, path, strtok_r(NULL, " \n", &rest))));
	else if (!strcmp(verb, "gro"))
		set_gro(inside, dev, *path == '1');
	else if (!strcmp(verb, "driver"))
		say_driver(inside, dev);
	else
		puts("error unknown word");
}

int main(void)
{
	struct diag d = {""};
	struct sys *s;
	char line[512];

	if (sys_open(NULL, &s))
		return 1;
	for (int i = 0; i < 2; i++)
		if (netns_create(&fds[i], &d) || sys_netns_add(s, labels[i], fds[i], &d)) {
			fprintf(stderr, "%s\n", d.text);
			return 1;
		}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("%d %d %d\n", (int)getpid(), fds[0], fds[1]);
	while (fgets(line, sizeof(line), stdin))
		obey(s, line);
	sys_close(s);
	return 0;
}
