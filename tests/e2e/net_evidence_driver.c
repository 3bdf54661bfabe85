// SPDX-License-Identifier: Apache-2.0
/*
 * Round trips of one datagram between two processes at the ends of a peer, and what the evidence
 * says of exactly these: prints the evidence as JSON.
 *
 *   net_evidence_driver veth|unprepared|loopback|IF,IF block|busy_poll|threaded N [proof]
 */
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "evidence/evidence.h"
#include "peer/peer.h"
#include "sys/netns.h"
#include "sys/sys.h"

#define PORT	 5000
#define IRQS_MAX 64

static unsigned irqs[IRQS_MAX];
static size_t n_irqs;

struct process {
	const struct peer_end *own, *other;
	bool client, busy_poll;
	long n;
	int pid, go, done; /* pipe ends of the parent */
};

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int open_socket(void *arg)
{
	const struct process *p = arg;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), poll_us = 100000;

	inet_pton(AF_INET, p->own->address, &at.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("bind");
	inet_pton(AF_INET, p->other->address, &at.sin_addr);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)))
		die("connect");
	if (p->busy_poll && setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &poll_us, sizeof(poll_us)))
		die("SO_BUSY_POLL");
	return fd;
}

static void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set); /* one CPU alone will do, too */
}

static void trips(const struct process *p, int fd)
{
	char byte = 'x';

	for (long i = 0; i < p->n; i++) {
		if (p->client && send(fd, &byte, 1, 0) != 1)
			die("send");
		if (recv(fd, &byte, 1, 0) != 1)
			die("recv");
		if (!p->client && send(fd, &byte, 1, 0) != 1)
			die("send");
	}
}

static void start(struct process *p)
{
	int go[2], done[2], fd;
	char byte = 'r';

	if (pipe(go) || pipe(done))
		die("pipe");
	p->pid = fork();
	if (p->pid < 0)
		die("fork");
	p->go = go[1];
	p->done = done[0];
	if (p->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin(!p->client);
	fd = netns_call(p->own->netns_fd, open_socket, p);
	if (write(done[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
		die("pipe");
	trips(p, fd);
	if (write(done[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
		die("pipe");
	_exit(EXIT_SUCCESS);
}

static void await(const struct process *p)
{
	char byte;

	if (read(p->done, &byte, 1) != 1)
		die("a process ended early");
}

static void say_go(const struct process *p)
{
	if (write(p->go, "g", 1) != 1)
		die("pipe");
}

/* While the interface is still in our namespace. */
static void note_vectors(struct sys *s, const char *dev)
{
	char path[64], **names;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/msi_irqs", dev);
	if (sys_list(s, path, &names))
		return;
	for (char **p = names; *p && n_irqs < IRQS_MAX; p++)
		irqs[n_irqs++] = (unsigned)atoi(*p);
	free(names);
}

static json_t *measure(struct sys *s, struct process p[2], bool proof)
{
	const char *devs[] = {p[PEER_CLIENT].own->instance, p[PEER_SERVER].own->instance};
	unsigned cpus[] = {0};
	struct evidence_scope scope = {
		.sys = s,
		.irqs = irqs,
		.n_irqs = n_irqs,
		.net_devs = devs,
		.n_net_devs = 2,
		.cpus = {.cpu = cpus, .n = 1},
		.pid = p[PEER_CLIENT].pid,
		.server_pid = p[PEER_SERVER].pid,
		.proof = proof,
	};
	struct evidence_window *w;
	struct diag d = {""};
	json_t *result = NULL;

	if (evidence_begin(&scope, &w, &d))
		return NULL;
	say_go(&p[PEER_SERVER]);
	say_go(&p[PEER_CLIENT]);
	await(&p[PEER_CLIENT]);
	await(&p[PEER_SERVER]);
	if (evidence_end(w, &result, &d))
		fprintf(stderr, "%s\n", d.text);
	evidence_free(w);
	return result;
}

static void set_threaded(struct sys *s, const struct peer_end *end, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/net/%s/threaded", end->dev);
	if (sys_write(sys_netns(s, end->label), path, value))
		die("threaded");
}

int main(int argc, char **argv)
{
	struct process p[2] = {{.client = true}, {.client = false}};
	struct peer_options o = {0};
	struct peer *peer;
	struct diag d = {""};
	struct sys *s;
	json_t *result;
	char *comma;

	if (argc < 4 || sys_open(NULL, &s))
		return EXIT_FAILURE;
	o.unprepared = !strcmp(argv[1], "unprepared");
	o.loopback = !strcmp(argv[1], "loopback");
	if ((comma = strchr(argv[1], ','))) {
		*comma = '\0';
		o.client_if = argv[1];
		o.server_if = comma + 1;
		note_vectors(s, o.client_if);
		note_vectors(s, o.server_if);
	}
	if (peer_open(s, &o, &peer, &d)) {
		fprintf(stderr, "%s\n", d.text);
		return EXIT_FAILURE;
	}
	for (int i = 0; i < 2; i++) {
		p[i].own = peer_end(peer, i);
		p[i].other = peer_end(peer, !i);
		p[i].busy_poll = !strcmp(argv[2], "busy_poll");
		p[i].n = atol(argv[3]);
		if (!strcmp(argv[2], "threaded"))
			set_threaded(s, p[i].own, "1");
	}
	start(&p[PEER_SERVER]);
	start(&p[PEER_CLIENT]);
	await(&p[PEER_SERVER]);
	await(&p[PEER_CLIENT]);
	result = measure(s, p, argc > 4);
	if (result)
		json_dumpf(result, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
	say_go(&p[PEER_CLIENT]);
	say_go(&p[PEER_SERVER]);
	while (wait(NULL) > 0)
		;
	/* now, while the link is up: Linux 6.17 waits for ever on one that is down */
	for (int i = 0; !strcmp(argv[2], "threaded") && i < 2; i++)
		set_threaded(s, p[i].own, "0");
	json_decref(result);
	if (peer_close(peer, &d))
		fprintf(stderr, "%s\n", d.text);
	sys_close(s);
	return result ? EXIT_SUCCESS : EXIT_FAILURE;
}
