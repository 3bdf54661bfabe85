/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the network cells of a run measure: a veth pair, `lo`, or two cabled interfaces, with both
 * ends opened (peer/peer.h) and looked at (machine/nic.h).
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include "machine/machine.h"
#include "machine/nic.h"
#include "peer/peer.h"

struct diag;

struct net_target {
	char label[160]; /* for tables: "veth pair", "eth1 to eth2"; "" without network cells */
	char instance[2][48]; /* by enum peer_side, as knobs and evidence name the ends */
	struct peer *peer;    /* NULL while only planned, or refused */
	struct machine_nic *nic[2];
	size_t n_nics;
	/* Why no end could be had, for cells that are unsupported then; "" when it could. */
	char refusal[400], remedy[120];
	bool needs_root;
	/* Only looked at, and down: what its driver can do shows when a run has brought it up.
	 * "eth0 is down: ..." or "". */
	char tentative[120];
};

/* Does the word name a network target: veth, lo, or an interface of this machine? */
bool net_target_named(struct sys *s, const char *text);
/*
 * `text` is "veth", "lo", or an interface that is cabled to `other`. Namespaces are made at once
 * (they are ours alone, and vanish with us); real interfaces are moved into them only when `move`,
 * else looked at where they are. A veth pair has `queues` receive queues an end. 0 with t->refusal
 * where a veth pair or lo cannot be had here; -errno with the reason where two named interfaces
 * cannot. Freed by net_target_close().
 */
int net_target_open(struct sys *s, const char *text, const char *other, bool move, unsigned queues,
		    struct net_target *t, struct diag *d);
/* Look at both ends again: NAPI instances are renumbered by many settings. */
int net_target_look(struct sys *s, struct net_target *t, struct diag *d);
/*
 * The NAPI instances (by enum peer_side) that serve receive queue `queue` of the ends: by netlink
 * where the driver tells which; else, where an end has as many instances as receive queues, by
 * their order (a veth has one a queue, made in order). -ENOENT: no such queue, -EOPNOTSUPP: not
 * known; with the reason.
 */
int net_target_queue(const struct net_target *t, int queue, unsigned napi_id[2], struct diag *d);
/* -EUCLEAN when an interface did not come back as it was. May be called twice. */
int net_target_close(struct net_target *t, struct diag *d);
/* Both ends as the subject of mode_check() and mode_settings(); points into `t`. */
struct machine_subject net_target_subject(const struct net_target *t);
/* Has any end vectors of its own? A veth and lo have none. */
bool net_target_has_interrupts(const struct net_target *t);
/* NUMA node of the ends; -1: unknown, or two different ones. */
int net_target_node(const struct net_target *t);
/* {"label", "peer", "client", "server"} for run.json; null without network cells. New reference. */
json_t *net_target_json(const struct net_target *t);
