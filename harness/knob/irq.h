/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupt vectors by their lasting names; shared by irq.affinity and irqbalance.banned. */
#pragma once
#include "knob/family.h"

/* Called for each vector of /proc/interrupts that can be named; non-zero ends the walk. */
typedef int irq_visit(void *arg, unsigned irq, const char *instance);
int irq_each(struct sys *s, irq_visit *visit, void *arg);
/* -ENOENT, -ENOTUNIQ. */
int irq_resolve(struct sys *s, const char *instance, unsigned *irq, struct diag *d);
int irq_candidates(struct sys *s, const struct knob *k, char ***instances);
