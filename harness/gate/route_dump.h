/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of all tables, with every next hop, by rtnetlink (RTM_GETROUTE); /proc/net/route has
 * the main table and the first next hop alone. Internal to gate/.
 */
#pragma once
#include <stdint.h>

struct sys;

struct route_hop {
	uint8_t to[16]; /* an IPv4 address as ::ffff:a.b.c.d */
	unsigned prefix, table, ifindex;
};
typedef int visit_hop(void *arg, const struct route_hop *hop);

/*
 * Every hop that packets may leave by; those that drop or refuse are left out. Stops at the first
 * result of `visit` other than 0 and returns it. 0 also where nobody answers (a recorded machine);
 * -errno when the kernel does not tell, -EBADMSG when it cannot be read.
 */
int route_dump(struct sys *s, visit_hop *visit, void *arg);
