/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debugfs without a mount point. Queue types and interrupt flags are only there, and a server may
 * not have it mounted; mounting it would change the machine. fsopen(2) and fsmount(2) (Linux 5.2)
 * give a mount that is attached nowhere and goes away with its descriptor.
 *
 * Callers do not use this: `struct sys` of the live machine serves every path below DEBUGFS_PREFIX
 * from it, and a recorded machine has plain files there.
 */
#pragma once

#define DEBUGFS_PREFIX "/sys/kernel/debug/"
/* The same for the numbers and formats of tracepoints (tracefs, Linux 4.1). */
#define TRACEFS_PREFIX "/sys/kernel/tracing/"

/* A directory descriptor of debugfs's root, or -errno: -EPERM without CAP_SYS_ADMIN, -ENODEV when
 * the kernel has no debugfs, -ENOSYS before Linux 5.2. The caller closes it. */
int debugfs_open_detached(void);
int tracefs_open_detached(void);
