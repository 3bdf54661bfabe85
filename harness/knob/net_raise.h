/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interface that was in a namespace comes home down when that dies, with what was set in it: its
 * NAPI instances are out of reach then, and a NAPI thread cannot be stopped. Restore has it up for
 * as long as that takes. Linux: /sys/class/net/DEV/flags and, so that a restore that is killed
 * itself leaves a trace, /sys/class/net/DEV/ifalias (3.0).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct sys;
struct diag;

#define NET_RAISED_MAX	 8
#define NET_RAISED_ALIAS "iomodes restore has it up"

struct net_raised {
	char dev[NET_RAISED_MAX][16];
	size_t n;
};

/* Is it there, and down? */
bool net_is_down(struct sys *s, const char *dev);
/*
 * Set `dev` of the machine up and note it, when it is down and nothing is built on it: no master,
 * nothing above it, no alias of somebody's, no route and no session. 0, also when it is up; -EBUSY
 * with the reason.
 */
int net_raise(struct sys *s, const char *dev, struct net_raised *r, struct diag *d);
/* Note one on which an earlier restore that was killed left its trace. */
void net_raise_found(struct sys *s, const char *dev, struct net_raised *r);
/* Set all of them down again. The first that fails is told; the others are set down all the same.
 */
int net_lower(struct sys *s, struct net_raised *r, struct diag *d);
