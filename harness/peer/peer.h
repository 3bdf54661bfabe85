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
	char dev[16];	   /* name of the interface inside; with `loopback` both ends have the same,
			      "lo", in the same namespace under both labels */
	char instance[48]; /* "DEV@label": as knobs and evidence name it */
	char address[48];  /* IPv4 address of the end, without prefix length */
	int netns_fd;	   /* for child_options.netns_fd; owned by the peer */
	unsigned ifindex;
};

struct peer_options {
	const char *client_if, *server_if; /* real interfaces; both NULL: a veth pair */
	unsigned queues;		   /* of the veth pair; 0: 1 */
	bool unprepared;     /* leave veth's defaults (GRO off, TSO on): shows what silently does
				nothing */
	bool loopback;	     /* both ends on `lo` of one namespace: has no NAPI, shows the same */
	unsigned timeout_ms; /* for the first packet; 0: 2 s, real interfaces 15 s (they negotiate)
			      */
};

/*
 * Make it, bring both links up, wait until a packet passes in both directions. Registers both ends
 * with sys_netns_add(). IPv6 is off inside and neighbours are static, so that no packet but the
 * workload's passes. A real interface is refused with the reason unless it belongs to a device, is
 * down and unconfigured (no address, route, master, interface on top, queueing discipline, XDP
 * program, and net.ipv?.conf as the default), and is not the one of the default route or of an ssh
 * session. What the driver was told (features, coalescing, MAC) goes along and comes back.
 *
 * When we die, the kernel removes a veth pair, and gives real interfaces back to the machine's
 * first network namespace (which is ours unless we run in a container), down, under their old names
 * (devN where somebody took the name meanwhile). What knobs changed on them inside goes back with
 * them: the guardian, which inherits the descriptors when it starts after peer_open(), restores
 * that first. 0, -EPERM without CAP_SYS_ADMIN, -ENODEV, -EINVAL (virtual interface), -EBUSY: in
 * use, with what uses it; -ETIMEDOUT: not cabled together.
 */
int peer_open(struct sys *s, const struct peer_options *o, struct peer **peer, struct diag *d);
/* Real interfaces go back under their old name, down, as they were; a veth pair disappears. 0 or
 * -EUCLEAN with what did not come back. NULL is allowed. The peer is gone in every case. */
int peer_close(struct peer *peer, struct diag *d);
const struct peer_end *peer_end(const struct peer *peer, enum peer_side side);
/* For records: {"kind": "veth", "interfaces" or "loopback", "prepared", "queues", "client": {"dev",
 * "address", "mac", "gro", "tso", "napi"}, "server": {...}}; "napi" is whether what arrives passes
 * a NAPI instance, without which busy polling does nothing. New reference. */
json_t *peer_json(const struct peer *peer);
