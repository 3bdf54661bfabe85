/* SPDX-License-Identifier: Apache-2.0 */
/* The interfaces of a network target, as its sources go through them. Internal to evidence/. */
#pragma once
#include "evidence/evidence.h"
#include <stdint.h>

struct sys;

enum net_side { NET_CLIENT, NET_SERVER, NET_OTHER, NET_SIDES };

struct net_end {
	const char *instance; /* borrowed from the scope */
	char dev[16];
	enum net_side side;
	struct sys *inside;
};

/*
 * Each interface once: both ends of a loopback target are the same "lo". -ENODATA when the target
 * has none, -ENODEV when the namespace of one is gone. The caller frees *ends.
 */
int net_ends(const struct evidence_scope *scope, struct net_end **ends, size_t *n, struct diag *d);

/*
 * The counter `name` with the sum over all sides; with `by_side` also client_NAME and server_NAME,
 * which are absent, with the reason, for a side that has no interface of its own.
 */
void net_put(json_t *result, const char *name, const struct net_end *ends, size_t n,
	     const uint64_t *value, bool by_side);

/* All the counters that net_put() would have put are absent. */
__attribute__((format(printf, 4, 5))) void net_absent(json_t *result, const char *name,
						      bool by_side, const char *fmt, ...);

/* /proc/net/netstat and snmp: the number in the line "SECTION: values" below the KEY of the line
 * "SECTION: keys". -ENOENT: this kernel has no such counter; -EINVAL: not that format. */
int text_protocol_field(const char *text, const char *section, const char *key, uint64_t *value);

/* A line of /proc/net/softnet_stat: hexadecimal columns; how many there were (at most n). */
size_t text_hex_numbers(const char *line, uint32_t *value, size_t n);

/* "rx_queue_3_packets", "rx3_packets", "rx-3.packets", "queue_3_rx_cnt" of ethtool -S, and the same
 * for tx: which queue, -ENOENT when it is not the packets of one. */
int queue_statistic_parse(const char *name, bool *rx, unsigned *queue);
/* "rx_queue_3_xdp_packets": all that came through the queue's ring where the driver has no other
 * count of a queue (veth, with or without an XDP program); a part of them where it has. */
int queue_ring_parse(const char *name, unsigned *queue);
