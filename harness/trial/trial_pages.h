/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include <sys/types.h>

struct sys;

/*
 * On which nodes the anonymous memory of a program is that does not tell it itself: its main
 * process and those that it started, by /proc/PID/numa_maps (CONFIG_NUMA; of another user's process
 * root only). {"nodes": {"0": pages}}; none where the kernel does not tell. New reference.
 */
json_t *trial_pages(struct sys *s, pid_t pid);
