/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities of network interfaces and of the kernel's network side: capability_net.c for what
 * discovery knows, capability_net_live.c for what only a system call tells. */
#pragma once
#include "machine/capability_live.h"

CAPABILITY_PROBE(capability_net_napi);
CAPABILITY_PROBE(capability_net_interrupts);
CAPABILITY_PROBE(capability_net_coalescing);
CAPABILITY_PROBE(capability_net_adaptive);
CAPABILITY_PROBE(capability_net_defer);
CAPABILITY_PROBE(capability_net_per_napi_defer);
CAPABILITY_PROBE(capability_net_irq_suspend);
CAPABILITY_PROBE(capability_net_threaded);
CAPABILITY_PROBE(capability_net_threaded_busy_poll);

CAPABILITY_PROBE(capability_net_busy_poll);
CAPABILITY_PROBE(capability_net_prefer_busy_poll);
CAPABILITY_PROBE(capability_net_epoll_params);
CAPABILITY_PROBE(capability_net_zerocopy);
CAPABILITY_PROBE(capability_net_namespaces);
CAPABILITY_PROBE(capability_ring_napi);
