// SPDX-License-Identifier: Apache-2.0
/*
 * Makes a peer, says what it is and where its namespaces can be entered, and closes it when its
 * standard input ends.
 *
 *   peer_driver veth|unprepared|loopback|IF,IF [QUEUES [TIMEOUT_MS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "peer/peer.h"
#include "sys/sys.h"

static void say(const struct peer *peer)
{
	json_t *j = peer_json(peer);

	for (int i = 0; i < 2; i++) {
		const struct peer_end *e = peer_end(peer, i);
		struct stat st;

		fstat(e->netns_fd, &st);
		printf("%s /proc/%d/fd/%d net:[%lu] %s %s %u\n", e->label, getpid(), e->netns_fd,
		       (unsigned long)st.st_ino, e->instance, e->address, e->ifindex);
	}
	json_dumpf(j, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	printf("\nready\n");
	fflush(stdout);
	json_decref(j);
}

int main(int argc, char **argv)
{
	struct peer_options o = {0};
	struct peer *peer;
	struct diag d = {""};
	struct sys *s;
	char *comma;
	int err;

	if (argc < 2 || sys_open(NULL, &s))
		return EXIT_FAILURE;
	o.unprepared = !strcmp(argv[1], "unprepared");
	o.loopback = !strcmp(argv[1], "loopback");
	comma = strchr(argv[1], ',');
	if (comma) {
		*comma = '\0';
		o.client_if = argv[1];
		o.server_if = comma + 1;
	}
	if (argc > 2)
		o.queues = (unsigned)atoi(argv[2]);
	if (argc > 3)
		o.timeout_ms = (unsigned)atoi(argv[3]);
	err = peer_open(s, &o, &peer, &d);
	if (err) {
		fprintf(stderr, "%s: %s\n", strerror(-err), d.text);
		return EXIT_FAILURE;
	}
	say(peer);
	while (getchar() != EOF)
		;
	err = peer_close(peer, &d);
	if (err)
		fprintf(stderr, "%s: %s\n", strerror(-err), d.text);
	sys_close(s);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
