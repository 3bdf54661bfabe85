// SPDX-License-Identifier: Apache-2.0
#include "peer/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "peer/interface.h"
#include "peer/reach.h"
#include "peer/rtnl.h"
#include "sys/genl.h"
#include "sys/netns.h"
#include "sys/sys.h"

#define VETH_TIMEOUT_MS	     2000
#define INTERFACE_TIMEOUT_MS 15000
#define QUEUES_MAX	     128
#define PREFIX		     30

static const char *const labels[] = {[PEER_CLIENT] = "client", [PEER_SERVER] = "server"};
/* Of the range for benchmarks (RFC 2544): no network of anybody's. */
static const char *const addresses[] = {[PEER_CLIENT] = "198.18.0.1", [PEER_SERVER] = "198.18.0.2"};

/*
 * What counts by name (the tracepoint of NAPI polls; NAPI threads before Linux 6.8) sees interfaces
 * of all namespaces: one that nobody else has. Not longer, or the name of a NAPI thread would not
 * have room for it.
 */
#define VETH_NAME "iom0"

enum kind { KIND_VETH, KIND_INTERFACES, KIND_LOOPBACK };
static const char *const kind_names[] = {
	[KIND_VETH] = "veth", [KIND_INTERFACES] = "interfaces", [KIND_LOOPBACK] = "loopback"};

struct side {
	struct peer_end end;
	struct mnl_socket *nl; /* in the namespace */
	struct rtnl_link link; /* in the namespace */
	struct moved_interface moved;
	bool known; /* to sys_netns() */
	bool gro, tso;
	unsigned napi_id;
};

struct peer {
	struct sys *sys;
	enum kind kind;
	bool prepared;
	unsigned queues;
	struct mnl_socket *nl; /* in our namespace */
	int home_fd;
	struct side side[2];
};

/* ETHTOOL_SGRO and STSO stand for all features of the kind, as veth looks at all of them. */
static int switch_offload(struct sys *inside, const char *dev, uint32_t cmd, bool on)
{
	struct ethtool_value v = {.cmd = cmd, .data = on};

	return sys_ethtool(inside, dev, &v, sizeof(v));
}

static bool offload(struct sys *inside, const char *dev, uint32_t cmd)
{
	struct ethtool_value v = {.cmd = cmd};

	return !sys_ethtool(inside, dev, &v, sizeof(v)) && v.data;
}

/*
 * veth_skb_is_eligible_for_gro() of drivers/net/veth.c: a packet passes the receiver's NAPI only
 * where the receiver has GRO on and the sender has no TSO feature at all.
 */
static int prepare_end(struct peer *p, struct side *side, struct diag *d)
{
	struct sys *inside = sys_netns(p->sys, side->end.label);
	int err = switch_offload(inside, side->end.dev, ETHTOOL_SGRO, true);

	if (err)
		return diag_errno(d, err, "%s: switching GRO on", side->end.instance);
	err = switch_offload(inside, side->end.dev, ETHTOOL_STSO, false);
	return err ? diag_errno(d, err, "%s: switching TSO off", side->end.instance) : 0;
}

/* No router solicitation, no duplicate address detection; a kernel without IPv6 has none anyway. */
static int silence_ipv6(struct sys *inside, struct diag *d)
{
	static const char *const files[] = {"/proc/sys/net/ipv6/conf/all/disable_ipv6",
					    "/proc/sys/net/ipv6/conf/default/disable_ipv6"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int err = sys_write(inside, files[i], "1");

		if (err && err != -ENOENT)
			return diag_errno(d, err, "%s", files[i]);
	}
	return 0;
}

static int make_namespace(struct peer *p, enum peer_side which, struct diag *d)
{
	struct side *side = &p->side[which];
	int err = 0;

	if (p->kind == KIND_LOOPBACK && which == PEER_SERVER) {
		side->end.netns_fd = fcntl(p->side[PEER_CLIENT].end.netns_fd, F_DUPFD_CLOEXEC, 3);
		if (side->end.netns_fd < 0)
			err = diag_errno(d, -errno, "network namespace");
	} else {
		err = netns_create(&side->end.netns_fd, d);
	}
	if (!err)
		err = rtnl_open(side->end.netns_fd, &side->nl, d);
	if (!err)
		err = sys_netns_add(p->sys, side->end.label, side->end.netns_fd, d);
	if (err)
		return err;
	side->known = true;
	return silence_ipv6(sys_netns(p->sys, side->end.label), d);
}

static int name_end(struct side *side, const char *dev, struct diag *d)
{
	struct peer_end *end = &side->end;
	int err = rtnl_link(side->nl, dev, &side->link, d);

	snprintf(end->dev, sizeof(end->dev), "%.15s", dev);
	snprintf(end->instance, sizeof(end->instance), "%s@%s", end->dev, end->label);
	end->ifindex = side->link.ifindex;
	return err;
}

static int make_veth(struct peer *p, struct diag *d)
{
	struct side *client = &p->side[PEER_CLIENT], *server = &p->side[PEER_SERVER];
	int err = rtnl_veth(client->nl, VETH_NAME, server->end.netns_fd, VETH_NAME, p->queues, d);

	if (!err)
		err = name_end(client, VETH_NAME, d);
	if (!err)
		err = name_end(server, VETH_NAME, d);
	for (int i = 0; !err && p->prepared && i < 2; i++)
		err = prepare_end(p, &p->side[i], d);
	return err;
}

/* Both are checked before one is touched. */
static int move_interfaces(struct peer *p, const struct peer_options *o, struct diag *d)
{
	const char *names[] = {[PEER_CLIENT] = o->client_if, [PEER_SERVER] = o->server_if};
	struct rtnl_link link[2];
	int err = 0;

	if (!names[0] || !names[1])
		return diag_set(d, -EINVAL, "two interfaces cabled to each other are needed");
	if (!strcmp(names[0], names[1]))
		return diag_set(d, -EINVAL, "%s cannot be both ends", names[0]);
	for (int i = 0; !err && i < 2; i++)
		err = interface_check(p->sys, p->nl, names[i], &link[i], d);
	for (int i = 0; !err && i < 2; i++) {
		struct side *side = &p->side[i];

		err = interface_move(p->nl, &link[i], side->end.netns_fd, &side->moved, d);
		if (!err)
			err = name_end(side, names[i], d);
	}
	return err;
}

static int make_ends(struct peer *p, const struct peer_options *o, struct diag *d)
{
	int err = 0;

	switch (p->kind) {
	case KIND_VETH:
		return make_veth(p, d);
	case KIND_INTERFACES:
		return move_interfaces(p, o, d);
	default:
		for (int i = 0; !err && i < 2; i++)
			err = name_end(&p->side[i], "lo", d);
		return err;
	}
}

/* Addresses before the link is up: no packet leaves with another. */
static int configure_end(struct peer *p, enum peer_side which, struct diag *d)
{
	struct side *side = &p->side[which], *other = &p->side[!which];
	unsigned prefix = p->kind == KIND_LOOPBACK ? 32 : PREFIX;
	struct in_addr own, others;
	int err;

	snprintf(side->end.address, sizeof(side->end.address), "%s", addresses[which]);
	inet_pton(AF_INET, addresses[which], &own);
	inet_pton(AF_INET, addresses[!which], &others);
	err = rtnl_add_address(side->nl, side->link.ifindex, own, prefix, d);
	if (!err)
		err = rtnl_set_up(side->nl, side->link.ifindex, true, d);
	if (!err && p->kind != KIND_LOOPBACK)
		err = rtnl_add_neighbour(side->nl, side->link.ifindex, others, other->link.mac, d);
	return err ? diag_prefix(d, err, "%s", side->end.instance) : 0;
}

/* Some programs talk to themselves. */
static int lo_up(struct side *side, struct diag *d)
{
	struct rtnl_link lo;
	int err = rtnl_link(side->nl, "lo", &lo, d);

	return err ? err : rtnl_set_up(side->nl, lo.ifindex, true, d);
}

static int await_packets(struct peer *p, unsigned timeout_ms, struct diag *d)
{
	struct reach_end ends[2];
	int err;

	for (int i = 0; i < 2; i++) {
		ends[i] = (struct reach_end){.netns_fd = p->side[i].end.netns_fd};
		inet_pton(AF_INET, p->side[i].end.address, &ends[i].address);
	}
	if (!timeout_ms)
		timeout_ms = p->kind == KIND_INTERFACES ? INTERFACE_TIMEOUT_MS : VETH_TIMEOUT_MS;
	err = reach_wait(ends, timeout_ms, d);
	for (int i = 0; i < 2; i++) {
		struct side *side = &p->side[i];
		struct sys *inside = sys_netns(p->sys, side->end.label);

		side->napi_id = ends[i].napi_id;
		side->gro = offload(inside, side->end.dev, ETHTOOL_GGRO);
		side->tso = offload(inside, side->end.dev, ETHTOOL_GTSO);
	}
	if (err && p->kind == KIND_INTERFACES)
		return diag_prefix(d, err, "%s and %s are not cabled to each other",
				   p->side[PEER_CLIENT].end.dev, p->side[PEER_SERVER].end.dev);
	return err;
}

static int open_all(struct peer *p, const struct peer_options *o, struct diag *d)
{
	int err = rtnl_open(-1, &p->nl, d);

	p->home_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (!err && p->home_fd < 0)
		err = diag_errno(d, -errno, "our network namespace");
	for (int i = 0; !err && i < 2; i++)
		err = make_namespace(p, i, d);
	if (!err)
		err = make_ends(p, o, d);
	for (int i = 0; !err && i < 2; i++)
		err = configure_end(p, i, d);
	for (int i = 0; !err && i < 2; i++)
		err = lo_up(&p->side[i], d);
	return err ? err : await_packets(p, o->timeout_ms, d);
}

int peer_open(struct sys *s, const struct peer_options *o, struct peer **peer, struct diag *d)
{
	struct peer *p;
	struct diag close = {""};
	int err;

	*peer = NULL;
	if (!s->live)
		return diag_set(d, -EROFS, "a recorded machine has no other end");
	if (o->queues > QUEUES_MAX)
		return diag_set(d, -EINVAL, "%u queues: at most %d", o->queues, QUEUES_MAX);
	p = calloc(1, sizeof(*p));
	if (!p)
		return diag_errno(d, -ENOMEM, "peer");
	p->sys = s;
	p->home_fd = -1;
	p->queues = o->queues ? o->queues : 1;
	if (o->loopback)
		p->kind = KIND_LOOPBACK;
	else if (o->client_if || o->server_if)
		p->kind = KIND_INTERFACES;
	p->prepared = p->kind == KIND_VETH && !o->unprepared;
	for (int i = 0; i < 2; i++) {
		p->side[i].end.label = labels[i];
		p->side[i].end.netns_fd = -1;
	}
	err = open_all(p, o, d);
	if (err) {
		int undone = peer_close(p, &close);

		if (undone)
			diag_set(d, undone, "%.400s; and %.400s", close.text, d->text);
		return undone ? undone : err;
	}
	*peer = p;
	return 0;
}

/* A veth pair is deleted, not left to its namespaces: a guardian may still hold those. */
static int undo_ends(struct peer *p, struct diag *d)
{
	struct side *client = &p->side[PEER_CLIENT];
	int undone = 0;

	if (p->kind == KIND_VETH && client->link.ifindex) {
		undone = rtnl_delete(client->nl, client->link.ifindex, d);
		return undone ? diag_prefix(d, -EUCLEAN, "veth pair") : 0;
	}
	for (int i = 0; i < 2; i++) {
		struct side *side = &p->side[i];
		struct diag why = {""};
		int err = interface_put_back(side->nl, p->nl, p->home_fd, &side->moved, &why);

		if (!err)
			continue;
		if (undone)
			diag_set(d, err, "%.480s; %.480s", d->text, why.text);
		else
			*d = why;
		undone = err;
	}
	return undone;
}

int peer_close(struct peer *p, struct diag *d)
{
	int undone;

	if (!p)
		return 0;
	undone = undo_ends(p, d);
	for (int i = 0; i < 2; i++) {
		struct side *side = &p->side[i];

		if (side->known)
			sys_netns_drop(p->sys, side->end.label);
		if (side->nl)
			mnl_socket_close(side->nl);
		if (side->end.netns_fd >= 0)
			close(side->end.netns_fd);
	}
	if (p->nl)
		mnl_socket_close(p->nl);
	if (p->home_fd >= 0)
		close(p->home_fd);
	free(p);
	return undone;
}

const struct peer_end *peer_end(const struct peer *peer, enum peer_side side)
{
	return &peer->side[side].end;
}

static json_t *end_json(const struct side *side)
{
	const uint8_t *m = side->link.mac;
	char mac[24];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:b}", "dev", side->end.dev, "address",
			 side->end.address, "mac", mac, "gro", side->gro, "tso", side->tso, "napi",
			 side->napi_id != 0);
}

json_t *peer_json(const struct peer *p)
{
	json_t *j = json_pack("{s:s, s:b, s:o, s:o}", "kind", kind_names[p->kind], "prepared",
			      p->prepared, "client", end_json(&p->side[PEER_CLIENT]), "server",
			      end_json(&p->side[PEER_SERVER]));

	if (j && p->kind == KIND_VETH)
		json_object_set_new(j, "queues", json_integer(p->queues));
	return j;
}
