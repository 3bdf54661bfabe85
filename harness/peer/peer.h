/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of a network measurement. On this machine it is either a veth pair between two
 * unnamed network namespaces, prepared so that NAPI and busy polling really work (receiver GRO on,
 * sender TSO off: veth hands a packet to NAPI only then), or two real interfaces cabled to each
 * other, moved into such namespaces and put back. Namespaces are held by descriptors: the kernel
 * undoes everything when we die. Where another host will sit later is behind these functions, too:
 * nothing outside asks what kind a peer is.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct diag;
struct sys;
struct peer;

enum peer_side { PEER_CLIENT, PEER_SERVER };

struct peer_end {
	const char *label; /* "client", "server": as known to sys_netns() */
	char dev[16];	   /* name of the interface inside */
	char instance[48]; /* "DEV@label": as knobs and evidence name it */
	char address[48];  /* IPv4 address of the end, without prefix length */
	int netns_fd;	   /* for child_options.netns_fd; owned by the peer */
	unsigned ifindex;
};

struct peer_options {
	const char *client_if, *server_if; /* real interfaces; both NULL: a veth pair */
	unsigned queues;		   /* of the veth pair; 0: 1 */
	bool unprepared; /* leave veth's defaults (GRO off, TSO on): shows what silently does
			    nothing */
};

/*
 * Make it, bring both links up, wait until a packet passes in both directions. Registers both ends
 * with sys_netns_add(). A real interface is refused with the reason unless it is down and has no
 * address, master or route, and is not the one of the default route or of an ssh session.
 * -EPERM without CAP_NET_ADMIN; -EBUSY: in use, with what uses it; -ETIMEDOUT: not cabled together.
 */
int peer_open(struct sys *s, const struct peer_options *o, struct peer **peer, struct diag *d);
/* Real interfaces go back under their old name, down, as they were; a veth pair disappears. 0 or
 * -EUCLEAN with what did not come back. */
int peer_close(struct peer *peer, struct diag *d);
const struct peer_end *peer_end(const struct peer *peer, enum peer_side side);
/* For records: {"kind", "client": {...}, "server": {...}}. New reference. */
json_t *peer_json(const struct peer *peer);

/* May this interface be reconfigured at all? 0, or -EBUSY with the reason: it carries the default
 * route or the peer of an ssh session. Knobs of a device in the machine's own namespace pass this,
 * too. */
int peer_may_configure(struct sys *s, const char *dev, struct diag *d);
