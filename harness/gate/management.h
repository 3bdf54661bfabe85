/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a network interface be reconfigured? Not when the person at the machine would lose it: the
 * interface, or one stacked on it (bond, bridge, VLAN), carries
 *  - a default route, IPv4 or IPv6;
 *  - an ssh session: an established connection of sshd, of port 22, or the one that
 *    $SSH_CONNECTION names (sudo removes that one, so it does not do alone).
 * Read from /proc/net and /sys/class/net of `s`. What other routing tables and tunnels do below is
 * not seen there.
 */
#pragma once

struct diag;
struct sys;

/* 0, or -EBUSY with the reason; -ENODEV when there is no such interface; other -errno when the
 * routes cannot be read: then nothing may be touched either. */
int net_may_configure(struct sys *s, const char *dev, struct diag *d);
