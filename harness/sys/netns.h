/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network namespaces without a name, held by a descriptor: they and what is in them vanish with the
 * last process that holds them. Each has a label of ours ("client", "server"), and its own
 * `struct sys` below the machine's, whose reads, writes, netlink and ioctls happen inside it: /sys
 * is a sysfs mounted there and never attached (fsopen(2), Linux 5.2), /proc/net and /proc/sys/net
 * are the thread's own after setns(2).
 */
#pragma once
#include "sys/sys.h"

struct diag;

enum { NETNS_LABEL_MAX = 32 };

/* Make a namespace: *fd (close-on-exec). -EPERM without CAP_SYS_ADMIN. Its "lo" is down. */
int netns_create(int *fd, struct diag *d);
/* From now on "DEV@label" in `s` means DEV in the namespace `fd` (borrowed until sys_netns_drop()).
 * -EEXIST: the label is taken. Only of the live machine. */
int sys_netns_add(struct sys *s, const char *label, int fd, struct diag *d);
void sys_netns_drop(struct sys *s, const char *label);
/* The system as seen from the namespace; NULL when no such label is known. Borrowed. */
struct sys *sys_netns(struct sys *s, const char *label);
/*
 * Split "eth0@server" (or "eth0@server#2", "eth0@server:rx-0"): the device's name into `dev`, and
 * in *inside the system in which it lives: `s` itself without a label. -ENODEV: the label is not
 * known here, so its namespace is gone and the kernel has undone what was in it. -EINVAL: no
 * device's name.
 */
int sys_netns_split(struct sys *s, const char *instance, char *dev, size_t size,
		    struct sys **inside);
/* Each known namespace; `fd` is -1 where it is none of the kernel's (a test's). Ends at the first
 * result that is not 0, and returns it. */
int sys_netns_each(struct sys *s, int (*fn)(void *arg, const char *label, int fd), void *arg);
/* Run `fn` in the namespace, on this thread, and come back. Returns its result, or -errno when the
 * namespace cannot be entered. */
int netns_call(int fd, int (*fn)(void *arg), void *arg);
