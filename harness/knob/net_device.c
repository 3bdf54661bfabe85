// SPDX-License-Identifier: Apache-2.0
#include "knob/net_device.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "gate/management.h"
#include "sys/netns.h"

#define CLASS  "/sys/class/net"
#define NAP_NS 20000000

size_t net_device_len(const char *instance)
{
	return strcspn(instance, "#:");
}

bool net_same_device(const char *a, const char *b)
{
	size_t len = net_device_len(a);

	return len == net_device_len(b) && !strncmp(a, b, len);
}

bool net_is_scope(const struct knob *k)
{
	return k->scope == KNOB_NETDEV || k->scope == KNOB_NAPI;
}

static bool parse_index(const char *text, unsigned *index)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || n > 1u << 20)
		return false;
	*index = (unsigned)n;
	return true;
}

/* What follows the device: "", ":rx-0", "#0", ":rule-5". */
static bool parse_part(const char *rest, enum net_part part, struct net_place *p)
{
	p->rx = !strncmp(rest, ":rx-", 4);
	switch (part) {
	case NET_DEVICE:
		return !*rest;
	case NET_NAPI:
		return *rest == '#' && parse_index(rest + 1, &p->index);
	case NET_RULE:
		return !strncmp(rest, ":rule-", 6) && parse_index(rest + 6, &p->index);
	case NET_RX:
	case NET_TX:
		if (p->rx != (part == NET_RX))
			return false;
		break;
	case NET_QUEUE:
		break;
	}
	return (p->rx || !strncmp(rest, ":tx-", 4)) && parse_index(rest + 4, &p->index);
}

int net_place(struct sys *s, const struct knob *k, const char *instance, enum net_part part,
	      struct net_place *p, struct diag *d)
{
	static const char *const right[] = {
		[NET_DEVICE] = "a network device (\"eth0\")",
		[NET_RX] = "a receive queue of a device (\"eth0:rx-0\")",
		[NET_TX] = "a transmit queue of a device (\"eth0:tx-0\")",
		[NET_QUEUE] = "a queue of a device (\"eth0:rx-0\")",
		[NET_NAPI] = "a NAPI instance of a device by its index (\"eth0#0\")",
		[NET_RULE] = "a rule of a device by its location (\"eth0:rule-0\")",
	};
	size_t len = net_device_len(instance);
	int err;

	*p = (struct net_place){0};
	snprintf(p->name, sizeof(p->name), "%.*s", (int)len, instance);
	err = sys_netns_split(s, instance, p->dev, sizeof(p->dev), &p->inside);
	if (err == -ENODEV)
		return diag_set(d, err,
				"%s: no namespace is called as in \"%s\": it is gone, and with it "
				"what was set there",
				k->name, instance);
	if (err || len >= sizeof(p->name) || !parse_part(instance + len, part, p))
		return diag_set(d, -EINVAL, "%s: \"%.64s\": %s is expected", k->name, instance,
				right[part]);
	return 0;
}

int net_refused(const struct knob *k, const char *instance, const char *value, int err,
		const char *words, struct diag *d)
{
	char label[KNOB_LABEL_MAX];
	bool unsupported = err == -EOPNOTSUPP || err == -EINVAL || err == -ERANGE ||
			   err == -ENOENT || err == -EIO || err == -ENOTSUP;

	knob_label(k, instance, label);
	if (err == -EACCES || err == -EPERM)
		return diag_set(d, err, "%s: setting it needs root (CAP_NET_ADMIN)", label);
	return diag_set(d, unsupported ? -EOPNOTSUPP : err, "%s: the kernel refuses \"%s\": %s%s%s",
			label, value, strerror(-err), *words ? ": " : "", words);
}

int net_unanswered(const struct knob *k, const char *instance, int err, const char *words,
		   struct diag *d)
{
	char label[KNOB_LABEL_MAX];
	bool unsupported = err == -ENODATA || err == -ENOENT || err == -EINVAL;

	knob_label(k, instance, label);
	return diag_set(d, unsupported ? -EOPNOTSUPP : err, "%s: %s%s%s", label,
			err == -ENODATA ? "not in this recording" : strerror(-err),
			*words ? ": " : "", words);
}

int net_may_set(struct sys *s, const struct knob *k, const char *instance, struct diag *d)
{
	char dev[16];
	struct sys *inside;
	int err = sys_netns_split(s, instance, dev, sizeof(dev), &inside);

	if (err == -ENODEV)
		return diag_set(d, err, "%s: no namespace is called as in \"%s\"", k->name,
				instance);
	if (err)
		return diag_set(d, err, "%s: \"%.64s\" names no network device", k->name, instance);
	if (inside != s) /* a namespace of our own: nobody comes in that way */
		return 0;
	err = net_may_configure(s, dev, d);
	return err ? diag_prefix(d, err, "%s", k->name) : 0;
}

struct gather {
	struct sys *s;
	struct names names;
};

/* With `label` "": the machine's own. */
static int devices_of(void *arg, const char *label, int fd)
{
	struct gather *g = arg;
	_free_ char **list = NULL;
	struct sys *inside = *label ? sys_netns(g->s, label) : g->s;
	int err = sys_list(inside, CLASS, &list);

	if (err)
		return err == -ENOENT ? 0 : err;
	for (size_t i = 0; list[i]; i++) {
		char name[64], flags[32];

		/* "bonding_masters" is no device */
		if (sys_readf(inside, flags, sizeof(flags), CLASS "/%s/flags", list[i]))
			continue;
		snprintf(name, sizeof(name), *label ? "%s@%s" : "%s", list[i], label);
		names_add(&g->names, name);
	}
	return 0;
}

int net_devices(struct sys *s, char ***devices)
{
	struct gather g = {.s = s};
	int err = devices_of(&g, "", -1);

	if (!err)
		err = sys_netns_each(s, devices_of, &g);
	if (err && !g.names.err)
		g.names.err = err;
	return names_finish(&g.names, devices);
}

int net_candidates(struct sys *s, const struct knob *k, char ***instances)
{
	_free_ char **devices = NULL;
	struct names names = {0};
	int err = net_devices(s, &devices);

	for (size_t i = 0; !err && devices[i]; i++) {
		_free_ char **list = NULL;

		err = k->on_device(s, k, devices[i], &list);
		for (size_t n = 0; !err && list[n]; n++)
			names_add(&names, list[n]);
	}
	if (err && !names.err)
		names.err = err;
	return names_finish(&names, instances);
}

int net_on_device(struct sys *s, const struct knob *k, const char *dev, char ***instances)
{
	struct names names = {0};

	names_add(&names, dev);
	return names_finish(&names, instances);
}

/* Of a device as it is named in `inside`: bus, address and port. */
static int bus_identity(struct sys *inside, const char *dev, char id[static NET_ID_MAX])
{
	char bus[24], address[48], port[8] = "0";
	int err = sys_linkf_name(inside, address, sizeof(address), CLASS "/%s/device", dev);

	if (!err)
		err = sys_linkf_name(inside, bus, sizeof(bus), CLASS "/%s/device/subsystem", dev);
	if (err)
		return err;
	/* two ports of one function (Linux 3.15) */
	sys_readf(inside, port, sizeof(port), CLASS "/%s/dev_port", dev);
	snprintf(id, NET_ID_MAX, "%s/%s/%s", bus, address, port);
	return 0;
}

int net_identity(struct sys *s, const char *instance, char id[static NET_ID_MAX])
{
	char dev[16], mac[32];
	struct sys *inside;
	int err = sys_netns_split(s, instance, dev, sizeof(dev), &inside);

	*id = '\0';
	if (err)
		return err;
	err = bus_identity(inside, dev, id);
	if (err != -ENOENT || inside == s)
		return err == -ENOENT ? 0 : err;
	err = sys_readf(inside, mac, sizeof(mac), CLASS "/%s/address", dev);
	if (!err)
		snprintf(id, NET_ID_MAX, "mac/%s", mac);
	return err;
}

/* Its name among the devices of `s` and of the known namespaces; -ENOENT. */
static int find(struct sys *s, const char *id, char name[static KNOB_INSTANCE_MAX])
{
	_free_ char **devices = NULL;
	int err = net_devices(s, &devices);

	for (size_t i = 0; !err && devices[i]; i++) {
		char other[NET_ID_MAX];

		err = net_identity(s, devices[i], other);
		if (!err && !strcmp(other, id)) {
			snprintf(name, KNOB_INSTANCE_MAX, "%s", devices[i]);
			return 0;
		}
		if (err == -ENOENT) /* it went while we looked */
			err = 0;
	}
	return err ? err : -ENOENT;
}

/* "pci/0000:01:00.0/0" is still plugged in. */
static bool is_plugged(struct sys *s, const char *id)
{
	char path[192], target[8];
	size_t bus = strcspn(id, "/"), address = strcspn(id + bus + 1, "/");
	mode_t mode;

	snprintf(path, sizeof(path), "/sys/bus/%.*s/devices/%.*s", (int)bus, id, (int)address,
		 id + bus + 1);
	/* a link, on a recorded machine perhaps without what it leads to */
	return !sys_mode(s, path, &mode) ||
	       sys_readlink(s, path, target, sizeof(target)) != -ENOENT;
}

int net_locate(struct sys *s, const char *instance, const char *id, uint64_t deadline_ns,
	       char now[static KNOB_INSTANCE_MAX], struct diag *d)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	size_t len = net_device_len(instance);
	char there[NET_ID_MAX], name[KNOB_INSTANCE_MAX], dev[16];
	struct sys *inside;
	int err = sys_netns_split(s, instance, dev, sizeof(dev), &inside);

	snprintf(now, KNOB_INSTANCE_MAX, "%s", instance);
	if (!*id && err == -ENODEV)
		return diag_set(d, err, "gone: its namespace, and what was set there");
	if (!*id || (err && err != -ENODEV))
		return err;
	if (!err)
		err = net_identity(s, instance, there);
	if (!err && !strcmp(there, id))
		return 0;
	if (err && err != -ENODEV && err != -ENOENT)
		return diag_errno(d, err, "%s: which device it is", instance);
	if (!strncmp(id, "mac/", 4))
		return diag_set(d, -ENODEV,
				"gone: its namespace with the device, and what was set there");
	for (;;) {
		err = find(s, id, name);
		if (err != -ENOENT)
			break;
		if (!is_plugged(s, id))
			return diag_set(d, -ENODEV,
					"gone: the device %s is no longer there, nor is what was "
					"set",
					id);
		if (!s->live || clock_ns() >= deadline_ns)
			return diag_set(d, -EBUSY,
					"%s (%s) is in a network namespace that some process still "
					"holds: end that process, then 'iomodes restore'",
					instance, id);
		nanosleep(&nap, NULL);
	}
	if (err)
		return diag_errno(d, err, "%s: looking for %s", instance, id);
	if (snprintf(now, KNOB_INSTANCE_MAX, "%s%s", name, instance + len) >= KNOB_INSTANCE_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* "../../devices/pci0000:00/0000:00:03.0/virtio2/net/eth0": the last address in it. */
int net_pci(struct sys *s, const char *instance, char *pci, size_t size)
{
	char dev[16], path[64], target[512], *rest = target, *word;
	struct sys *inside;
	int err = sys_netns_split(s, instance, dev, sizeof(dev), &inside);

	if (err)
		return err;
	snprintf(path, sizeof(path), CLASS "/%s", dev);
	err = sys_readlink(inside, path, target, sizeof(target));
	if (err)
		return err;
	*pci = '\0';
	while ((word = strsep(&rest, "/"))) {
		unsigned domain, bus, slot, function;
		int end = 0;

		if (sscanf(word, "%x:%x:%x.%x%n", &domain, &bus, &slot, &function, &end) == 4 &&
		    !word[end])
			snprintf(pci, size, "%s", word);
	}
	return *pci ? 0 : -ENOENT;
}
