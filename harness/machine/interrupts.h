/* SPDX-License-Identifier: Apache-2.0 */
/* Who sits on which interrupt: the text columns of /proc/interrupts. Counts are the business of the
 * evidence layer. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct interrupt {
	unsigned irq;
	char chip[48];	/* "PCI-MSIX-0000:00:02.0", "IR-PCI-MSI", "GICv3" */
	char name[128]; /* actions, ", " between those that share the line; "" when there is none */
};

/* The numbered lines of /proc/interrupts, in their order; the architecture's own ("LOC:", "ERR:")
 * are left out. The caller frees *list. -EINVAL when the first line is not the CPU header. */
int interrupts_parse(const char *text, size_t len, struct interrupt **list, size_t *n);

/* Does one of the line's actions have this name? */
bool interrupt_has_action(const struct interrupt *i, const char *name);

/* debugfs irq/irqs/N (CONFIG_GENERIC_IRQ_DEBUGFS, Linux 4.13): 1 the affinity is managed by the
 * kernel, 0 it is not, -EINVAL when the text does not tell. */
int interrupt_debug_managed(const char *text, size_t len);
