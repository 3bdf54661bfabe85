/* SPDX-License-Identifier: Apache-2.0 */
/* The network part of `iomodes probe`. */
#pragma once
#include <stdbool.h>

struct machine;
struct machine_nic;

/* Is it worth a line without --all? Hardware, and virtual interfaces that are up; not loopback. */
bool probe_nic_shown(const struct machine_nic *nic, bool all);
/* Interfaces, their queues with NAPI and interrupts, what the drivers have set. */
void probe_nics_print(const struct machine *m, bool all);
