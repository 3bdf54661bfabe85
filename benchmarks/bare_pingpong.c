// SPDX-License-Identifier: Apache-2.0
/*
 * The least that a ping-pong can be: send, receive, one time stamp, one store. What netloop adds is
 * measured against this (netloop_pingpong.sh); it is no test and no part of the programs.
 * Usage: bare_pingpong serve|run ADDRESS PORT tcp|udp block|spin BYTES SECONDS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX 20000000u
/* Not recorded, as that of netloop: a CPU that was just busy sleeps less deeply. */
#define RAMP_NS 100000000u

static char buf[65536];

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* One whole message; 0 at the end. */
static int take(int fd, int flags, size_t bytes)
{
	for (size_t got = 0; got < bytes;) {
		ssize_t n = recv(fd, buf, sizeof(buf), flags);

		if (n > 0)
			got += (size_t)n;
		else if (n == 0 || errno != EAGAIN)
			return 0;
	}
	return 1;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void ping(int fd, int flags, size_t bytes, double seconds)
{
	uint32_t *sample = calloc(SAMPLES_MAX, sizeof(*sample)), n = 0;
	uint64_t t, begin, end;

	memset(sample, 1, SAMPLES_MAX / 10 * sizeof(*sample)); /* no page faults while it runs */
	t = now();
	begin = t + RAMP_NS;
	for (end = begin + (uint64_t)(seconds * 1e9); t < end && n < SAMPLES_MAX;) {
		uint64_t then = t;

		if (send(fd, buf, bytes, 0) < 0 || !take(fd, flags, bytes))
			die("round trip");
		t = now();
		sample[n] = (uint32_t)(t - then);
		n += then >= begin;
	}
	if (!n)
		die("no round trip");
	qsort(sample, n, sizeof(*sample), by_value);
	printf("%u %u %u\n", sample[n / 2], sample[(uint64_t)n * 99 / 100], n);
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET}, peer;
	socklen_t len = sizeof(peer);
	int one = 1, fd, tcp, flags, server;
	size_t bytes;

	if (argc != 8)
		return 2;
	server = !strcmp(argv[1], "serve");
	tcp = !strcmp(argv[4], "tcp");
	flags = !strcmp(argv[5], "spin") ? MSG_DONTWAIT : 0;
	bytes = (size_t)atoi(argv[6]);
	inet_pton(AF_INET, argv[2], &a.sin_addr);
	a.sin_port = htons((uint16_t)atoi(argv[3]));
	fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!server) {
		if (connect(fd, (void *)&a, sizeof(a)))
			die("connect");
		if (tcp)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		ping(fd, flags, bytes, atof(argv[7]));
		return 0;
	}
	if (bind(fd, (void *)&a, sizeof(a)))
		die("bind");
	if (tcp) {
		listen(fd, 1);
		puts("listens");
		fflush(stdout);
		fd = accept(fd, NULL, NULL);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	} else {
		puts("listens");
		fflush(stdout);
		if (recvfrom(fd, buf, sizeof(buf), 0, (void *)&peer, &len) < 0 ||
		    connect(fd, (void *)&peer, len) || send(fd, buf, bytes, 0) < 0)
			die("first");
	}
	while (take(fd, flags, bytes))
		if (send(fd, buf, bytes, 0) < 0)
			break;
	return 0;
}
