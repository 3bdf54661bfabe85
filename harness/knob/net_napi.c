// SPDX-License-Identifier: Apache-2.0
/*
 * Deferral of interrupts, their suspension and threaded polling: for all of a device (sysfs), or
 * for each NAPI instance (netlink family "netdev": read since Linux 6.8, set since 6.13). A write
 * to the device overwrites what its instances have.
 */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "knob/net_device.h"
#include "sys/genl.h"

/* Documentation/netlink/specs/netdev.yaml */
enum { NETDEV_NAPI_GET = 11, NETDEV_NAPI_SET = 14 };
enum {
	NAPI_IFINDEX = 1,
	NAPI_ID = 2,
	NAPI_DEFER_HARD_IRQS = 5,
	NAPI_GRO_FLUSH_TIMEOUT = 6,
	NAPI_IRQ_SUSPEND_TIMEOUT = 7,
	NAPI_THREADED = 8,
};

#define NAPIS_MAX 1024

static uint16_t attribute_of(const struct knob *k)
{
	static const struct {
		const char *name;
		uint16_t attr;
	} table[] = {
		{"napi.defer-hard-irqs", NAPI_DEFER_HARD_IRQS},
		{"napi.gro-flush-timeout", NAPI_GRO_FLUSH_TIMEOUT},
		{"napi.irq-suspend-timeout", NAPI_IRQ_SUSPEND_TIMEOUT},
		{"napi.threaded", NAPI_THREADED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i].name, k->name))
			return table[i].attr;
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x, y;

	/* one without an id (it cannot be) sorts first */
	if (genl_find_uint(((const struct genl_reply *)a)->attrs,
			   ((const struct genl_reply *)a)->len, NAPI_ID, &x))
		x = 0;
	if (genl_find_uint(((const struct genl_reply *)b)->attrs,
			   ((const struct genl_reply *)b)->len, NAPI_ID, &y))
		y = 0;
	return x < y ? -1 : x > y;
}

static bool is_up(const struct net_place *p)
{
	char text[32];

	return !sys_readf(p->inside, text, sizeof(text), "/sys/class/net/%s/flags", p->dev) &&
	       (strtoul(text, NULL, 16) & IFF_UP);
}

int net_napis(const struct net_place *p, struct genl_replies *replies, char *words, size_t size)
{
	struct genl_request r;
	int64_t ifindex;
	int err = sys_readf_i64(p->inside, &ifindex, "/sys/class/net/%s/ifindex", p->dev);

	*replies = (struct genl_replies){0};
	if (err)
		return err == -ENOENT ? -ENODEV : err;
	genl_request_init(&r, "netdev", NETDEV_NAPI_GET, GENL_DUMP);
	genl_put_u32(&r, NAPI_IFINDEX, (uint32_t)ifindex);
	err = sys_genl(p->inside, &r, replies, words, size);
	genl_request_free(&r);
	if (!err && replies->n > 1)
		qsort(replies->reply, replies->n, sizeof(*replies->reply), compare);
	return err;
}

int net_no_napi(const struct knob *k, const char *instance, const struct net_place *p, size_t n,
		struct diag *d)
{
	char label[KNOB_LABEL_MAX];

	knob_label(k, instance, label);
	if (!is_up(p))
		return diag_set(d, -ENETDOWN,
				"%s: the interface is down, and its NAPI instances are out of "
				"reach until it is up ('ip link set %s up')",
				label, p->dev);
	return diag_set(d, -ENOENT,
			"%s: %s has %zu NAPI instances (veth has them only with GRO on)", label,
			p->name, n);
}

static int find(struct sys *s, const struct knob *k, const char *instance, struct net_place *p,
		uint64_t *id, uint64_t *value, struct diag *d)
{
	struct genl_replies replies = {0};
	const struct genl_reply *one;
	char words[256] = "", label[KNOB_LABEL_MAX];
	int err = net_place(s, k, instance, NET_NAPI, p, d);

	if (err)
		return err;
	err = net_napis(p, &replies, words, sizeof(words));
	if (err) {
		err = net_unanswered(k, instance, err, words, d);
	} else if (p->index >= replies.n) {
		err = net_no_napi(k, instance, p, replies.n, d);
	} else {
		one = &replies.reply[p->index];
		err = genl_find_uint(one->attrs, one->len, NAPI_ID, id);
		if (!err)
			err = genl_find_uint(one->attrs, one->len, attribute_of(k), value);
		if (err)
			err = diag_set(d, -EOPNOTSUPP,
				       "%s: this kernel has no such setting of a NAPI instance "
				       "(since Linux %s)",
				       knob_label(k, instance, label), k->since);
	}
	genl_replies_free(&replies);
	return err;
}

static int get(struct sys *s, const struct knob *k, const char *instance, char *value,
	       struct diag *d)
{
	struct net_place p;
	uint64_t id, number;
	int err = find(s, k, instance, &p, &id, &number, d);

	if (!err)
		snprintf(value, KNOB_VALUE_MAX, "%" PRIu64, number);
	return err;
}

static int parse(const struct knob *k, const char *text, uint64_t *number, struct diag *d)
{
	if (attribute_of(k) == NAPI_THREADED && !strcmp(text, "busy-poll")) {
		*number = 2;
		return 0;
	}
	if (num_parse_u64(text, number, NULL))
		return diag_set(d, -EINVAL, "%s: \"%.40s\": a number is expected", k->name, text);
	return 0;
}

static int set(struct sys *s, const struct knob *k, const char *instance, const char *value,
	       struct diag *d)
{
	struct net_place p;
	struct genl_request r;
	struct genl_replies replies = {0};
	uint64_t id, now, number;
	char words[256] = "";
	int err = parse(k, value, &number, d);

	if (!err)
		err = find(s, k, instance, &p, &id, &now, d);
	if (err)
		return err;
	genl_request_init(&r, "netdev", NETDEV_NAPI_SET, 0);
	genl_put_u32(&r, NAPI_ID, (uint32_t)id);
	/* the timeouts are of any width, the others of 32 bits */
	if (attribute_of(k) == NAPI_GRO_FLUSH_TIMEOUT ||
	    attribute_of(k) == NAPI_IRQ_SUSPEND_TIMEOUT)
		genl_put_u64(&r, attribute_of(k), number);
	else
		genl_put_u32(&r, attribute_of(k),
			     (uint32_t)(number > UINT32_MAX ? UINT32_MAX : number));
	err = sys_genl(p.inside, &r, &replies, words, sizeof(words));
	genl_request_free(&r);
	genl_replies_free(&replies);
	return err ? net_refused(k, instance, value, err, words, d) : 0;
}

static bool same(const char *want, const char *got)
{
	return !strcmp(strcmp(want, "busy-poll") ? want : "2", got);
}

static int on_device(struct sys *s, const struct knob *k, const char *dev, char ***instances)
{
	struct genl_replies replies = {0};
	struct names names = {0};
	struct net_place p;
	char words[256];
	int err = net_place(s, k, dev, NET_DEVICE, &p, NULL);

	if (!err && !net_napis(&p, &replies, words, sizeof(words)))
		for (size_t i = 0; i < replies.n && i < NAPIS_MAX; i++) {
			char name[KNOB_INSTANCE_MAX];

			snprintf(name, sizeof(name), "%s#%zu", dev, i);
			names_add(&names, name);
		}
	genl_replies_free(&replies);
	if (err && !names.err)
		names.err = err;
	return names_finish(&names, instances);
}

/* A device's own: a file of /sys/class/net/DEV/. */
static int get_file(struct sys *s, const struct knob *k, const char *instance, char *value,
		    struct diag *d)
{
	struct net_place p;
	int err = net_place(s, k, instance, NET_DEVICE, &p, d);

	return err ? err : knob_get_path(p.inside, k, p.dev, value, d);
}

/*
 * Since 6.17 the kernel waits, with the device's lock held, until a NAPI instance is idle before
 * its thread goes; one of an interface that is down counts as busy for ever, so that such a write
 * never returns (seen on igb, 7.3). Of a virtual interface that is down no instance is left.
 */
static bool would_hang(const struct knob *k, const struct net_place *p, const char *value)
{
	char now[16], device[64];

	if (strcmp(k->name, "net.threaded") || strcmp(value, "0") || is_up(p))
		return false;
	snprintf(device, sizeof(device), "/sys/class/net/%s/device", p->dev);
	return sys_exists(p->inside, device) &&
	       !sys_readf(p->inside, now, sizeof(now), "/sys/class/net/%s/threaded", p->dev) &&
	       strcmp(now, "0");
}

static int set_file(struct sys *s, const struct knob *k, const char *instance, const char *value,
		    struct diag *d)
{
	char path[64], label[KNOB_LABEL_MAX];
	struct net_place p;
	int err = net_place(s, k, instance, NET_DEVICE, &p, d);

	if (err)
		return err;
	if (would_hang(k, &p, value))
		return diag_set(d, -ENETDOWN,
				"%s: the interface is down, and the kernel would wait for ever; do "
				"it while it is up ('ip link set %s up')",
				knob_label(k, instance, label), p.dev);
	snprintf(path, sizeof(path), k->path, p.dev);
	err = sys_write(p.inside, path, value);
	return err ? net_refused(k, instance, value, err, path, d) : 0;
}

#define NAPI_ROW(text)                                                                  \
	.name = "napi." text, .scope = KNOB_NAPI, .get = get, .set = set, .same = same, \
	.may_set = net_may_set, .candidates = net_candidates, .on_device = on_device
#define DEVICE_ROW(text, file)                                                                   \
	.name = "net." text, .scope = KNOB_NETDEV, .get = get_file, .set = set_file,             \
	.path = "/sys/class/net/%s/" file, .may_set = net_may_set, .candidates = net_candidates, \
	.on_device = net_on_device

static const struct knob rows[] = {
	{NAPI_ROW("defer-hard-irqs"), .since = "6.13",
	 .doc = "empty polls before the interrupt is armed again; needs a gro-flush-timeout"},
	{NAPI_ROW("gro-flush-timeout"), .since = "6.13", .unit = "ns",
	 .doc = "timer that polls while the interrupt is deferred"},
	{NAPI_ROW("irq-suspend-timeout"), .since = "6.13", .unit = "ns",
	 .doc = "how long interrupts stay off while an epoll loop with prefer-busy-poll keeps "
		"finding work; needs the other two; survives a GRO toggle on veth, which resets "
		"those"},
	{NAPI_ROW("threaded"), .since = "6.17",
	 .doc = "0: softirq, 1: a kernel thread polls, 2 or busy-poll: it never sleeps (6.19)"},
	{DEVICE_ROW("defer-hard-irqs", "napi_defer_hard_irqs"), .since = "5.8",
	 .disturbs = (const char *const[]){"napi.defer-hard-irqs", NULL},
	 .doc = "napi.defer-hard-irqs of all instances, now and to come: overwrites theirs"},
	{DEVICE_ROW("gro-flush-timeout", "gro_flush_timeout"), .unit = "ns",
	 .disturbs = (const char *const[]){"napi.gro-flush-timeout", NULL},
	 .doc = "napi.gro-flush-timeout of all instances, now and to come: overwrites theirs"},
	{DEVICE_ROW("threaded", "threaded"), .since = "5.12",
	 .disturbs = (const char *const[]){"napi.threaded", NULL},
	 .doc = "napi.threaded of all instances, now and to come: overwrites theirs"},
};

const struct knob_family knob_family_net_napi = {rows, ARRAY_SIZE(rows)};
