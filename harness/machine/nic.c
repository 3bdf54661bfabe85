// SPDX-License-Identifier: Apache-2.0
#include "machine/nic.h"

#include <ctype.h>
#include <errno.h>
#include <linux/if.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "gate/management.h"
#include "machine/interrupts.h"
#include "machine/internal.h"
#include "machine/nic_private.h"
#include "sys/netns.h"
#include "sys/sys.h"

#define NET "/sys/class/net/%s/"

enum { ARPHRD_LOOPBACK = 772 }; /* <linux/if_arp.h> */

static int64_t read_number(struct sys *s, const char *dev, const char *attribute, int64_t otherwise)
{
	int64_t value;

	return sys_readf_i64(s, &value, NET "%s", dev, attribute) ? otherwise : value;
}

/* "DEVTYPE=bridge" of a virtual device; veth and lo have none. */
static void read_kind(struct sys *s, struct machine_nic *nic)
{
	_free_ char *text = NULL;
	const char *type;
	char path[64];
	size_t len;

	if (read_number(s, nic->name, "type", 0) == ARPHRD_LOOPBACK) {
		snprintf(nic->kind, sizeof(nic->kind), "loopback");
		return;
	}
	snprintf(path, sizeof(path), NET "uevent", nic->name);
	if (!sys_read_all(s, path, &text, &len) && (type = strstr(text, "DEVTYPE="))) {
		type += strlen("DEVTYPE=");
		snprintf(nic->kind, sizeof(nic->kind), "%.*s", (int)strcspn(type, "\n"), type);
	} else {
		snprintf(nic->kind, sizeof(nic->kind), "%.15s",
			 nic->driver[0] ? nic->driver : "virtual");
	}
}

static void read_pci(struct sys *s, struct machine_nic *nic)
{
	int64_t node;

	if (!sys_readf_i64(s, &node, "/sys/bus/pci/devices/%s/numa_node", nic->pci))
		nic->node = (int)node;
	if (sys_readf(s, nic->link_speed, sizeof(nic->link_speed),
		      "/sys/bus/pci/devices/%s/current_link_speed", nic->pci) ||
	    sys_readf(s, nic->link_width, sizeof(nic->link_width),
		      "/sys/bus/pci/devices/%s/current_link_width", nic->pci) ||
	    !strncmp(nic->link_speed, "Unknown", 7)) /* an emulated device without a link */
		nic->link_speed[0] = nic->link_width[0] = '\0';
}

static void read_identity(struct sys *s, struct machine_nic *nic)
{
	char text[64];

	nic->ifindex = (unsigned)read_number(s, nic->name, "ifindex", 0);
	nic->mtu = (unsigned)read_number(s, nic->name, "mtu", 0);
	nic->node = (int)read_number(s, nic->name, "device/numa_node", -1);
	nic->speed_mbit = read_number(s, nic->name, "speed", -1); /* an error while it is down */
	if (nic->speed_mbit <= 0)
		nic->speed_mbit = -1;
	nic->defer_hard_irqs = read_number(s, nic->name, "napi_defer_hard_irqs", -1);
	nic->gro_flush_timeout_ns = read_number(s, nic->name, "gro_flush_timeout", -1);
	nic->threaded = (int)read_number(s, nic->name, "threaded", -1);
	nic->up = read_number(s, nic->name, "flags", 0) & IFF_UP;
	if (sys_readf(s, nic->operstate, sizeof(nic->operstate), NET "operstate", nic->name))
		nic->operstate[0] = '\0';
	if (sys_readf(s, text, sizeof(text), NET "address", nic->name))
		text[0] = '\0';
	snprintf(nic->mac, sizeof(nic->mac), "%.*s", (int)sizeof(nic->mac) - 1, text);
	/* the device's own driver; of virtual ones only the ethtool ioctl tells */
	if (!sys_linkf_name(s, text, sizeof(text), NET "device/driver", nic->name))
		snprintf(nic->driver, sizeof(nic->driver), "%.*s", (int)sizeof(nic->driver) - 1,
			 text);
}

/* Asked of a system of its own where `s` records: whose processes run is no part of a recording. */
static int read_management(struct sys *s, bool inside, struct machine_nic *nic)
{
	struct sys *plain = NULL;
	struct diag d = {""};
	int err;

	if (!s->live) {
		_json_ json_t *why = recorded_live(s, "management", nic->name);

		if (json_is_string(why)) {
			nic->management = true;
			snprintf(nic->management_why, sizeof(nic->management_why), "%s",
				 json_string_value(why));
		}
		return 0;
	}
	err = inside ? 0 : sys_open(NULL, &plain);
	if (err)
		return err;
	err = net_may_configure(inside ? s : plain, nic->name, &d);
	sys_close(plain);
	if (err && err != -ENODEV) {			   /* not to be told is no permission */
		const char *why = strstr(d.text, ": it "); /* "eth0 is not reconfigured: it …" */

		nic->management = true;
		snprintf(nic->management_why, sizeof(nic->management_why), "%.*s",
			 (int)sizeof(nic->management_why) - 1, why ? why + 5 : d.text);
	}
	return 0;
}

static int discover(struct sys *s, bool inside, struct machine_nic *nic,
		    const struct interrupt *interrupts, size_t n_interrupts)
{
	char path[64], link[512];
	int err;

	read_identity(s, nic);
	snprintf(path, sizeof(path), "/sys/class/net/%s", nic->name);
	if (sys_readlink(s, path, link, sizeof(link)))
		link[0] = '\0';
	pci_of_path(link, nic->pci, sizeof(nic->pci));
	if (nic->pci[0])
		read_pci(s, nic);
	err = nic_read_ethtool(s, nic);
	if (!err && strstr(link, "/virtual/net/"))
		read_kind(s, nic);
	if (!err && !nic->kind[0])
		err = nic_read_vectors(s, nic, interrupts, n_interrupts);
	if (!err)
		err = nic_read_queues(s, nic);
	return err ? err : read_management(s, inside, nic);
}

static int read_interrupts(struct sys *s, struct interrupt **list, size_t *n)
{
	_free_ char *text = NULL;
	size_t len;

	*list = NULL;
	*n = 0;
	return sys_read_all(s, "/proc/interrupts", &text, &len)
		       ? 0
		       : interrupts_parse(text, len, list, n);
}

static int add(struct sys *s, const char *instance, const struct interrupt *interrupts,
	       size_t n_interrupts, struct machine_nic **nic, struct diag *d)
{
	struct machine_nic *new = calloc(1, sizeof(*new));
	struct sys *inside;
	int err;

	if (!new)
		return diag_errno(d, -ENOMEM, "%s", instance);
	*new = (struct machine_nic){.node = -1, .speed_mbit = -1};
	snprintf(new->instance, sizeof(new->instance), "%.47s", instance);
	err = sys_netns_split(s, instance, new->name, sizeof(new->name), &inside);
	if (!err && sys_readf_i64(inside, &(int64_t){0}, NET "ifindex", new->name))
		err = -ENODEV;
	if (err)
		diag_set(d, -ENODEV, "no network interface is called \"%s\"", instance);
	else if ((err = discover(inside, inside != s, new, interrupts, n_interrupts)))
		diag_errno(d, err, "%s", instance);
	if (err)
		machine_nic_free(new);
	else
		*nic = new;
	return err;
}

int machine_nic_discover(struct sys *s, const char *instance, struct machine_nic **nic,
			 struct diag *d)
{
	_free_ struct interrupt *interrupts = NULL;
	size_t n;

	*nic = NULL;
	if (read_interrupts(s, &interrupts, &n) == -ENOMEM)
		return diag_errno(d, -ENOMEM, "/proc/interrupts");
	return add(s, instance, interrupts, n, nic, d);
}

int nic_discover(struct machine *m, struct diag *d)
{
	_free_ char **names = NULL;
	_free_ struct interrupt *interrupts = NULL;
	size_t n = 0, n_interrupts;
	int err = sys_list(m->sys, "/sys/class/net", &names);

	if (err == -ENOENT)
		return 0; /* a kernel without network, or a recording without any */
	if (err)
		return diag_errno(d, err, "/sys/class/net");
	err = read_interrupts(m->sys, &interrupts, &n_interrupts);
	if (err == -ENOMEM)
		return diag_errno(d, err, "/proc/interrupts");
	while (names[n])
		n++;
	m->nics = calloc(n ? n : 1, sizeof(struct machine_nic *));
	if (!m->nics)
		return diag_errno(d, -ENOMEM, "/sys/class/net");
	for (size_t i = 0; i < n; i++) {
		/* a file of the bonding module, an interface that was renamed meanwhile */
		err = add(m->sys, names[i], interrupts, n_interrupts, &m->nics[m->n_nics], d);
		if (err && err != -ENODEV)
			return err;
		m->n_nics += !err;
	}
	return 0;
}

void machine_nic_free(struct machine_nic *nic)
{
	if (!nic)
		return;
	free(nic->features);
	json_decref(nic->coalescing);
	json_decref(nic->channels);
	json_decref(nic->rings);
	json_decref(nic->rss);
	vector_free(nic->vectors, nic->n_vectors);
	for (size_t i = 0; i < nic->n_queues; i++) {
		cpulist_free(&nic->queues[i].xps_cpus);
		cpulist_free(&nic->queues[i].rps_cpus);
	}
	free(nic->queues);
	free(nic->napis);
	free(nic);
}

const struct machine_nic *machine_nic(const struct machine *m, const char *name)
{
	for (size_t i = 0; i < m->n_nics; i++)
		if (!strcmp(m->nics[i]->instance, name))
			return m->nics[i];
	return NULL;
}

const struct machine_feature *machine_nic_feature(const struct machine_nic *nic, const char *name)
{
	for (size_t i = 0; i < nic->n_features; i++)
		if (!strcmp(nic->features[i].name, name))
			return &nic->features[i];
	return NULL;
}
