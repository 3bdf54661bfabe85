// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupt affinity. A vector is named by its device and its action ("0000:00:04.0:virtio3-rx",
 * "ttyS0:ttyS0"), never by its number: a driver reload renumbers. The number is looked up at each
 * access. Contract: smp_affinity_list as requested; effective_affinity lags until the next
 * interrupt and is not part of it.
 */
#include "knob/irq.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"

/* One line of /proc/interrupts that has a number and an action. */
struct vector {
	unsigned irq;
	const char *chip, *action; /* into the text */
};

/* "28:  0  0  PCI-MSIX-0000:00:01.0  0-edge  virtio0-config": after one column a CPU come the chip,
 * the hardware interrupt with its trigger, and the actions, which may contain spaces. */
static bool parse_line(char *line, size_t columns, struct vector *v)
{
	char *end, *at = line;

	v->irq = (unsigned)strtoul(at, &end, 10);
	if (end == at || *end != ':')
		return false;
	at = end + 1;
	for (size_t i = 0; i < columns; i++) {
		strtoull(at, &end, 10);
		if (end == at)
			return false;
		at = end;
	}
	at += strspn(at, " \t");
	v->chip = at;
	at += strcspn(at, " \t");
	if (!*at)
		return false;
	*at++ = '\0';
	at += strspn(at, " \t");
	at += strcspn(at, " \t"); /* "0-edge", "IR-PCI-MSI 524288-edge" */
	at += strspn(at, " \t");
	v->action = at;
	return *at != '\0';
}

/* "PCI-MSIX-0000:00:01.0" names the device since 6.2; before, the device is who lists the number in
 * msi_irqs. Others are named by their first action. */
static void device_of(struct sys *s, const struct vector *v, char *out, size_t size)
{
	_free_ char **devices = NULL;
	const char *pci = strrchr(v->chip, '-');
	char path[256];
	unsigned domain, bus, slot, function;
	int end = 0;

	if (pci && sscanf(pci + 1, "%x:%x:%x.%x%n", &domain, &bus, &slot, &function, &end) == 4 &&
	    !pci[1 + end]) {
		snprintf(out, size, "%s", pci + 1);
		return;
	}
	if (!sys_list(s, "/sys/bus/pci/devices", &devices))
		for (size_t i = 0; devices[i]; i++) {
			snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/msi_irqs/%u",
				 devices[i], v->irq);
			if (sys_exists(s, path)) {
				snprintf(out, size, "%s", devices[i]);
				return;
			}
		}
	snprintf(out, size, "%.*s", (int)strcspn(v->action, ", "), v->action);
}

int irq_each(struct sys *s, irq_visit *visit, void *arg)
{
	_free_ char *text = NULL;
	char *rest, *line;
	size_t len, columns = 0;
	int err = sys_read_all(s, "/proc/interrupts", &text, &len);

	if (err)
		return err;
	rest = text;
	line = strsep(&rest, "\n");
	for (char *at = line; (at = strstr(at, "CPU")); at += 3)
		columns++;
	while ((line = strsep(&rest, "\n"))) {
		char device[64], instance[KNOB_INSTANCE_MAX];
		struct vector v;

		if (!parse_line(line, columns, &v))
			continue;
		device_of(s, &v, device, sizeof(device));
		if (snprintf(instance, sizeof(instance), "%s:%s", device, v.action) >=
			    (int)sizeof(instance) ||
		    strchr(instance, '/'))
			continue; /* cannot be named */
		err = visit(arg, v.irq, instance);
		if (err)
			return err;
	}
	return 0;
}

struct search {
	const char *instance;
	unsigned irq, hits;
};

static int match(void *arg, unsigned irq, const char *instance)
{
	struct search *search = arg;

	if (!strcmp(instance, search->instance)) {
		search->irq = irq;
		search->hits++;
	}
	return 0;
}

int irq_resolve(struct sys *s, const char *instance, unsigned *irq, struct diag *d)
{
	struct search search = {.instance = instance};
	int err = irq_each(s, match, &search);

	if (err)
		return diag_errno(d, err, "/proc/interrupts");
	if (!search.hits)
		return diag_set(d, -ENOENT, "no interrupt vector \"%s\" on this machine", instance);
	if (search.hits > 1)
		return diag_set(d, -ENOTUNIQ,
				"%u interrupt vectors are called \"%s\": cannot tell them apart",
				search.hits, instance);
	*irq = search.irq;
	return 0;
}

static int collect(void *arg, unsigned irq, const char *instance)
{
	names_add(arg, instance);
	return 0;
}

int irq_candidates(struct sys *s, const struct knob *k, char ***instances)
{
	struct names names = {0};
	int err = irq_each(s, collect, &names);

	if (err && !names.err)
		names.err = err;
	return names_finish(&names, instances);
}

static int get(struct sys *s, const struct knob *k, const char *instance, char *value,
	       struct diag *d)
{
	unsigned irq;
	int err = irq_resolve(s, instance, &irq, d);

	if (err)
		return err;
	err = sys_readf(s, value, KNOB_VALUE_MAX, "/proc/irq/%u/smp_affinity_list", irq);
	return err ? diag_errno(d, err, "irq.affinity of %s (interrupt %u)", instance, irq) : 0;
}

/*
 * Managed vectors (NVMe queues, virtio-blk) belong to the kernel: EIO up to 6.11, a read-only file
 * and EPERM since 6.12 (storage drivers ask for it with PCI_IRQ_AFFINITY). The mode bits are looked
 * at first, so that root does not write where the kernel says no.
 */
static int set(struct sys *s, const struct knob *k, const char *instance, const char *value,
	       struct diag *d)
{
	struct cpulist cpus = {0};
	char path[64];
	unsigned irq;
	mode_t mode;
	int err = cpulist_parse(value, &cpus, d);

	cpulist_free(&cpus);
	if (err)
		return diag_prefix(d, -EINVAL, "irq.affinity of %s", instance);
	err = irq_resolve(s, instance, &irq, d);
	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", irq);
	err = sys_mode(s, path, &mode);
	if (!err && !(mode & 0222))
		return diag_set(d, -EOPNOTSUPP,
				"irq.affinity of %s: interrupt %u is managed by the kernel (its "
				"affinity file is read-only); place the threads to match it",
				instance, irq);
	if (!err)
		err = sys_write(s, path, value);
	if (err == -EIO || err == -EPERM)
		return diag_set(d, -EOPNOTSUPP,
				"irq.affinity of %s: the kernel refuses to move interrupt %u (%s): "
				"managed, or its chip cannot; place the threads to match it",
				instance, irq, strerror(-err));
	if (err == -EACCES)
		return diag_set(d, err, "irq.affinity of %s: setting it needs root", instance);
	return err ? diag_errno(d, err, "irq.affinity of %s: the kernel refuses CPUs \"%s\"",
				instance, value)
		   : 0;
}

/* "0,1" and "0-1" are the same CPUs. */
static bool same(const char *want, const char *got)
{
	struct cpulist a = {0}, b = {0};
	bool equal = !cpulist_parse(want, &a, NULL) && !cpulist_parse(got, &b, NULL) &&
		     a.n == b.n && !memcmp(a.cpu, b.cpu, a.n * sizeof(*a.cpu));

	cpulist_free(&a);
	cpulist_free(&b);
	return equal;
}

static const struct knob rows[] = {
	{.name = "irq.affinity",
	 .scope = KNOB_IRQ,
	 .get = get,
	 .set = set,
	 .same = same,
	 .candidates = irq_candidates,
	 .doc = "CPUs an interrupt vector may fire on, as a list; takes effect at the next "
		"interrupt; refused for vectors the kernel manages (NVMe queues, virtio-blk)"},
};

const struct knob_family knob_family_irq = {rows, ARRAY_SIZE(rows)};
