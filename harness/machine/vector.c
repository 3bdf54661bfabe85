// SPDX-License-Identifier: Apache-2.0
/* Interrupt vectors of a device, and whether the kernel lets anybody move them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/internal.h"
#include "machine/interrupts.h"
#include "sys/sys.h"

static bool kernel_at_least(struct sys *s, unsigned major, unsigned minor)
{
	char text[128];
	unsigned a, b;

	return !sys_readf(s, text, sizeof(text), "/proc/sys/kernel/osrelease") &&
	       sscanf(text, "%u.%u", &a, &b) == 2 && (a > major || (a == major && b >= minor));
}

/*
 * Found by looking, never by writing. Since Linux 6.12 the file of a vector that user space may not
 * move is read-only (c7718e5c76d4); before that, only debugfs tells.
 */
static void read_managed(struct sys *s, struct machine_vector *v)
{
	_free_ char *text = NULL;
	char path[64];
	size_t len;
	mode_t mode;
	int managed;

	snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", v->irq);
	if (!sys_mode(s, path, &mode)) {
		if (!(mode & S_IWUSR)) {
			v->managed = VECTOR_MANAGED;
			v->managed_why = "smp_affinity_list is read-only";
			return;
		}
		if (kernel_at_least(s, 6, 12)) {
			v->managed = VECTOR_MOVABLE;
			v->managed_why = "smp_affinity_list is writable";
			return;
		}
	}
	snprintf(path, sizeof(path), "/sys/kernel/debug/irq/irqs/%u", v->irq);
	managed = sys_read_all(s, path, &text, &len) ? -1 : interrupt_debug_managed(text, len);
	v->managed = managed < 0 ? VECTOR_UNKNOWN : managed ? VECTOR_MANAGED : VECTOR_MOVABLE;
	v->managed_why = managed < 0 ? "before Linux 6.12 only debugfs irq/irqs tells, and it is "
				       "not readable"
			 : managed   ? "debugfs: IRQD_AFFINITY_MANAGED"
				     : "debugfs: no IRQD_AFFINITY_MANAGED";
}

static int read_list(struct sys *s, unsigned irq, const char *file, struct cpulist *list)
{
	char text[4096];
	int err;

	/* effective_affinity_list is not there on every architecture; an empty list says so */
	if (sys_readf(s, text, sizeof(text), "/proc/irq/%u/%s", irq, file))
		return 0;
	err = cpulist_parse(text, list, NULL);
	return err == -EINVAL ? 0 : err;
}

/* `device` names it: the PCI address for a message-signalled vector, NULL for any other, which is
 * named by its first action. The same rule as the instances of knob irq.affinity. */
static int add(struct sys *s, unsigned irq, const char *device, const struct interrupt *all,
	       size_t n, struct machine_vector **vectors, size_t *n_vectors)
{
	struct machine_vector *v = reallocarray(*vectors, *n_vectors + 1, sizeof(*v));
	int err;

	if (!v)
		return -ENOMEM;
	*vectors = v;
	v += (*n_vectors)++;
	*v = (struct machine_vector){.irq = irq};
	for (size_t i = 0; i < n; i++) {
		if (all[i].irq != irq)
			continue;
		snprintf(v->name, sizeof(v->name), "%.*s", (int)sizeof(v->name) - 1, all[i].name);
		snprintf(v->chip, sizeof(v->chip), "%.*s", (int)sizeof(v->chip) - 1, all[i].chip);
	}
	if (v->name[0] && device)
		snprintf(v->instance, sizeof(v->instance), "%s:%s", device, v->name);
	else if (v->name[0])
		snprintf(v->instance, sizeof(v->instance), "%.*s:%s", (int)strcspn(v->name, ", "),
			 v->name, v->name);
	err = read_list(s, irq, "smp_affinity_list", &v->requested);
	if (!err)
		err = read_list(s, irq, "effective_affinity_list", &v->effective);
	read_managed(s, v);
	return err;
}

int vector_add(struct sys *s, unsigned irq, const struct interrupt *all, size_t n,
	       struct machine_vector **vectors, size_t *n_vectors)
{
	return add(s, irq, NULL, all, n, vectors, n_vectors);
}

int vector_discover(struct sys *s, const char *pci, const struct interrupt *all, size_t n,
		    struct machine_vector **vectors, size_t *n_vectors)
{
	_free_ char **names = NULL;
	char path[128];
	int64_t line;
	int err = 0;

	/* One file an MSI vector, named by its Linux interrupt number (Linux 3.2); without MSI the
	 * device has its one line. */
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/msi_irqs", pci);
	if (sys_list(s, path, &names))
		names = NULL;
	for (size_t i = 0; !err && names && names[i]; i++) {
		uint64_t irq;

		if (!num_parse_u64(names[i], &irq, NULL))
			err = add(s, (unsigned)irq, pci, all, n, vectors, n_vectors);
	}
	if (!err && !*n_vectors && !sys_readf_i64(s, &line, "/sys/bus/pci/devices/%s/irq", pci) &&
	    line > 0)
		err = add(s, (unsigned)line, NULL, all, n, vectors, n_vectors);
	return err;
}

void vector_free(struct machine_vector *vectors, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cpulist_free(&vectors[i].requested);
		cpulist_free(&vectors[i].effective);
	}
	free(vectors);
}

const char *vector_managed_name(const struct machine_vector *v)
{
	switch (v->managed) {
	case VECTOR_MANAGED:
		return "managed";
	case VECTOR_MOVABLE:
		return "movable";
	case VECTOR_UNKNOWN:
		break;
	}
	return "unknown";
}
