/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this layer know of each other. */
#pragma once
#include "sys/sys.h"

/* Another live machine whose /sys is the directory `sysfs` (taken over): how a network namespace
 * sees it. Everything else of it happens where the calling thread is. */
int sys_open_with_sysfs(int sysfs, struct sys **s);
/* sys_close() of all namespaces of `s`. */
void sys_netns_drop_all(struct sys *s);
/* As sys_netns_add(), with the system given: a test's. Closed when it is dropped. */
int sys_netns_attach(struct sys *s, const char *label, struct sys *inside);
