/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of facts that need more than a file: environment_live.c. Each writes at most FACT_MAX
 * bytes to `value` and returns 0 or -errno. They are called on the live machine only. */
#pragma once

struct sys;

#define FACT_MAX 8192

/* Does the kernel account interrupt time (CONFIG_IRQ_TIME_ACCOUNTING)? */
int fact_irq_time(struct sys *s, const char *unused, char *value);
/* Which hypervisor, and how we know. -ENODATA on bare metal. */
int fact_hypervisor(struct sys *s, const char *unused, char *value);
/* "cycles instructions …": the hardware events that perf_event_open(2) grants. */
int fact_perf(struct sys *s, const char *unused, char *value);
