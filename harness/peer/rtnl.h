/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few rtnetlink(7) requests that make and place interfaces, through libmnl. A socket belongs to
 * the namespace in which it was opened, whatever the thread does later. Internal to peer/. All
 * return 0 or -errno with the kernel's own words (extended ack) in the sentence.
 */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;
struct mnl_socket;

struct rtnl_link {
	unsigned ifindex, master; /* master 0: none */
	bool up, running, xdp;
	char name[16];
	char kind[16]; /* "veth"; "" for the interface of a device */
	uint8_t mac[6];
};

/* A socket in the namespace `netns_fd` (-1: ours). Closed by mnl_socket_close(). */
int rtnl_open(int netns_fd, struct mnl_socket **nl, struct diag *d);
/* -ENODEV when there is none of that name. */
int rtnl_link(struct mnl_socket *nl, const char *name, struct rtnl_link *link, struct diag *d);
/* Both ends at once, this one in the socket's namespace, the other in `netns_fd`: nothing of it is
 * ever in a third one. */
int rtnl_veth(struct mnl_socket *nl, const char *name, int netns_fd, const char *peer_name,
	      unsigned queues, struct diag *d);
int rtnl_delete(struct mnl_socket *nl, unsigned ifindex, struct diag *d);
int rtnl_set_up(struct mnl_socket *nl, unsigned ifindex, bool up, struct diag *d);
/* Into the namespace `netns_fd`, under `name` there. */
int rtnl_move(struct mnl_socket *nl, unsigned ifindex, int netns_fd, const char *name,
	      struct diag *d);
int rtnl_add_address(struct mnl_socket *nl, unsigned ifindex, struct in_addr address,
		     unsigned prefix, struct diag *d);
/* Permanent: no ARP in the measured window. */
int rtnl_add_neighbour(struct mnl_socket *nl, unsigned ifindex, struct in_addr address,
		       const uint8_t mac[static 6], struct diag *d);

enum rtnl_thing { RTNL_ADDRESS, RTNL_ROUTE, RTNL_QDISC };
/* How many of them somebody configured on the interface; one of them, in words, into `text`. A
 * queueing discipline that the kernel chose by itself (handle 0) is none. */
int rtnl_count(struct mnl_socket *nl, enum rtnl_thing thing, unsigned ifindex, size_t *n,
	       char *text, size_t size, struct diag *d);
