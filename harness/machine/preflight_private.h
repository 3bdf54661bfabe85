/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "machine/preflight.h"

/* The checks of preflight_load.c and preflight_host.c; a check that finds nothing adds nothing. */
#define PREFLIGHT_CHECK(name)                                                 \
	int name(const struct machine *m, const struct preflight_check *self, \
		 struct preflight *found)

/* Add one finding; -ENOMEM. `effect` and `mend` are copied. */
__attribute__((format(printf, 6, 7))) int preflight_add(struct preflight *found,
							const struct preflight_check *self,
							enum severity severity, const char *effect,
							const char *mend, const char *what, ...);

/* preflight_host.c: how the host is set */
PREFLIGHT_CHECK(preflight_governor);
PREFLIGHT_CHECK(preflight_turbo);
PREFLIGHT_CHECK(preflight_idle);
PREFLIGHT_CHECK(preflight_clock);
PREFLIGHT_CHECK(preflight_smt);
PREFLIGHT_CHECK(preflight_hypervisor);
PREFLIGHT_CHECK(preflight_nmi_watchdog);
PREFLIGHT_CHECK(preflight_numa_balancing);
PREFLIGHT_CHECK(preflight_thp);
PREFLIGHT_CHECK(preflight_mitigations);
PREFLIGHT_CHECK(preflight_irq_time);
PREFLIGHT_CHECK(preflight_cpus);
PREFLIGHT_CHECK(preflight_privilege);
PREFLIGHT_CHECK(preflight_io_uring);
/* preflight_disk.c: how the block devices are set */
PREFLIGHT_CHECK(preflight_scheduler);
PREFLIGHT_CHECK(preflight_rq_affinity);
PREFLIGHT_CHECK(preflight_iostats);
PREFLIGHT_CHECK(preflight_poll_queues);
PREFLIGHT_CHECK(preflight_link);
PREFLIGHT_CHECK(preflight_apst);
/* preflight_net.c: how the network interfaces are set */
PREFLIGHT_CHECK(preflight_busy_sysctl);
PREFLIGHT_CHECK(preflight_steering);
PREFLIGHT_CHECK(preflight_adaptive);
PREFLIGHT_CHECK(preflight_napi);
/* preflight_load.c: what else is going on */
PREFLIGHT_CHECK(preflight_busy);
PREFLIGHT_CHECK(preflight_irqbalance);
PREFLIGHT_CHECK(preflight_services);
PREFLIGHT_CHECK(preflight_swap);
PREFLIGHT_CHECK(preflight_space);
PREFLIGHT_CHECK(preflight_throttling);
PREFLIGHT_CHECK(preflight_iomodes);
