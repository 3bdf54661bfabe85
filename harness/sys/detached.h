/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems of the kernel without a mount point: fsopen(2) and fsmount(2) (Linux 5.2) give a
 * mount that is attached nowhere and goes away with its descriptor. Queue types and interrupt flags
 * are only in debugfs, and a server may not have it mounted; mounting it would change the machine.
 * sysfs shows the network devices of the namespace in which its mount was made.
 *
 * Callers outside this layer do not use this: `struct sys` of the live machine serves every path
 * below DEBUGFS_PREFIX and TRACEFS_PREFIX from such mounts, and a recorded machine has plain files
 * there.
 */
#pragma once
#include <stdbool.h>

#define DEBUGFS_PREFIX "/sys/kernel/debug/"
/* The same for the numbers and formats of tracepoints (tracefs, Linux 4.1). */
#define TRACEFS_PREFIX "/sys/kernel/tracing/"

/* A directory descriptor of the root of `fs` ("debugfs"), or -errno: -EPERM without CAP_SYS_ADMIN,
 * -ENODEV when the kernel has no such file system, -ENOSYS before Linux 5.2. The caller closes it.
 */
int detached_open(const char *fs, bool read_only);
