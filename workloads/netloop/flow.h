/* SPDX-License-Identifier: Apache-2.0 */
/* One flow: a TCP connection, or a pair of connected UDP sockets. Both ends have the same struct.
 */
#pragma once
#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "options.h"

/* What a UDP request begins with; its response repeats it. A TCP stream needs none. */
struct message {
	uint32_t slot, generation;
};

/* Where the kernel last took a packet of the socket in. */
struct placement {
	uint32_t napi_id; /* SO_INCOMING_NAPI_ID (Linux 4.12); 0: no NAPI instance, no busy polling
			   */
	int cpu;	  /* SO_INCOMING_CPU (Linux 3.19); -1: none yet */
};

/* Packets as TCP counts them (tcp_info, Linux 4.2 and later). */
struct segments {
	uint64_t in, retransmitted;
};

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
	char text[INET6_ADDRSTRLEN + 8]; /* as it was given */
};

struct flow {
	int fd;
	uint32_t index; /* of all flows of the run */
	bool tcp;

	/* hot */
	uint32_t partial; /* TCP: bytes that have come of the next message */
	uint64_t owed;	  /* TCP: bytes to be sent that found no room yet */
	uint32_t *fifo;	  /* TCP, client: slots in the order of their requests, `depth` of them */
	uint32_t fifo_at; /* the oldest */
	uint32_t in_flight;
	bool out_armed; /* epoll looks for room, too */

	/* figures of the step */
	uint64_t bytes_in, bytes_out, messages_in;
	struct segments before, after;

	uint16_t source_port;	       /* the client's */
	struct placement placed, seen; /* when it was set up, after the last step */
	char ticket[33];	       /* server: what the data connection must show */
} __attribute__((aligned(64)));

/* Numeric addresses only: a name could resolve to another machine tomorrow. A wildcard is refused
 * with `no_wildcard`. */
int address_parse(const char *text, uint64_t port, bool no_wildcard, struct address *a,
		  struct diag *d);
uint16_t address_port(const struct sockaddr_storage *sa);
void address_set_port(struct address *a, uint16_t port);

/* Options of a new data socket: TCP_NODELAY, busy polling where `l->wait` does it by socket,
 * SO_ZEROCOPY. Each is read back; a refusal names the option. */
int flow_options(int fd, const struct load *l, struct diag *d);
struct placement flow_placement(int fd);
struct segments flow_segments(const struct flow *f);
/* Packets that the flow's messages came in, between flow_segments() before and after the step. UDP:
 * `fragments` a message. */
uint64_t flow_packets(const struct flow *f, const struct load *l, uint32_t message_bytes);
/* Wait until data can be read: 0, -ETIMEDOUT. */
int flow_await(int fd, uint64_t deadline_ns);
json_t *placement_json(const struct placement *p);
