// SPDX-License-Identifier: Apache-2.0
/*
 * What one queue has of its own: packet steering in software (files of
 * /sys/class/net/DEV/queues/), and coalescing (ETHTOOL_PERQUEUE, Linux 4.6; it has no netlink
 * form).
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "knob/net_device.h"
#include "sys/genl.h"

static enum net_part part_of(const struct knob *k)
{
	if (!strncmp(k->name, "net.rps", 7))
		return NET_RX;
	return !strncmp(k->name, "net.xps", 7) ? NET_TX : NET_QUEUE;
}

static int place(struct sys *s, const struct knob *k, const char *instance, struct net_place *p,
		 char file[static 64], struct diag *d)
{
	int err = net_place(s, k, instance, part_of(k), p, d);

	if (!err)
		snprintf(file, 64, "%s/queues/%s-%u", p->dev, p->rx ? "rx" : "tx", p->index);
	return err;
}

static int get_file(struct sys *s, const struct knob *k, const char *instance, char *value,
		    struct diag *d)
{
	char file[64];
	struct net_place p;
	int err = place(s, k, instance, &p, file, d);

	return err ? err : knob_get_path(p.inside, k, file, value, d);
}

static int set_file(struct sys *s, const struct knob *k, const char *instance, const char *value,
		    struct diag *d)
{
	char file[64], path[128];
	struct net_place p;
	int err = place(s, k, instance, &p, file, d);

	if (err)
		return err;
	snprintf(path, sizeof(path), k->path, file);
	err = sys_write(p.inside, path, value);
	return err ? net_refused(k, instance, value, err, path, d) : 0;
}

/* The next digit of a mask that counts; commas and zeroes at its head do not. */
static const char *mask_head(const char *text)
{
	return text + strspn(text, "0,");
}

static bool same_mask(const char *want, const char *got)
{
	want = mask_head(want);
	got = mask_head(got);
	for (;; want++, got++) {
		want += *want == ',';
		got += *got == ',';
		if (*want != *got)
			return false;
		if (!*want)
			return true;
	}
}

static int on_device(struct sys *s, const struct knob *k, const char *dev, char ***instances)
{
	_free_ char **list = NULL;
	enum net_part part = part_of(k);
	struct names names = {0};
	struct net_place p;
	char path[64];
	int err = net_place(s, k, dev, NET_DEVICE, &p, NULL);

	if (!err) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/queues", p.dev);
		err = sys_list(p.inside, path, &list);
	}
	for (size_t i = 0; !err && list[i]; i++) {
		bool rx = !strncmp(list[i], "rx-", 3);
		char name[KNOB_INSTANCE_MAX];

		if (part != NET_QUEUE && rx != (part == NET_RX))
			continue;
		snprintf(name, sizeof(name), "%s:%.20s", dev, list[i]);
		names_add(&names, name);
	}
	if (err && err != -ENOENT && !names.err)
		names.err = err;
	return names_finish(&names, instances);
}

/* struct ethtool_per_queue_op with room for the answer of one queue. */
struct per_queue {
	struct {
		uint32_t cmd, sub_command;
		uint32_t queue_mask[MAX_NUM_QUEUE / 32];
	} head;
	struct ethtool_coalesce c;
};

static int read_queue(const struct knob *k, const char *instance, const struct net_place *p,
		      struct per_queue *q, struct diag *d)
{
	int err;

	*q = (struct per_queue){.head = {ETHTOOL_PERQUEUE, ETHTOOL_GCOALESCE, {0}}};
	if (p->index >= MAX_NUM_QUEUE)
		return diag_set(d, -EINVAL, "%s: queue %u is too many", k->name, p->index);
	q->head.queue_mask[p->index / 32] = 1u << p->index % 32;
	err = sys_ethtool(p->inside, p->dev, q, sizeof(*q));
	return err ? net_unanswered(k, instance, err, "coalescing of one queue", d) : 0;
}

static uint32_t *field(const struct knob *k, const struct net_place *p, struct ethtool_coalesce *c)
{
	if (!strcmp(k->name, "net.queue-usecs"))
		return p->rx ? &c->rx_coalesce_usecs : &c->tx_coalesce_usecs;
	if (!strcmp(k->name, "net.queue-frames"))
		return p->rx ? &c->rx_max_coalesced_frames : &c->tx_max_coalesced_frames;
	return p->rx ? &c->use_adaptive_rx_coalesce : &c->use_adaptive_tx_coalesce;
}

static int get_coalesce(struct sys *s, const struct knob *k, const char *instance, char *value,
			struct diag *d)
{
	struct per_queue q;
	struct net_place p;
	int err = net_place(s, k, instance, NET_QUEUE, &p, d);

	if (!err)
		err = read_queue(k, instance, &p, &q, d);
	if (!err)
		snprintf(value, KNOB_VALUE_MAX, "%u", *field(k, &p, &q.c));
	return err;
}

static uint32_t *adaptive(const struct net_place *p, struct ethtool_coalesce *c)
{
	return p->rx ? &c->use_adaptive_rx_coalesce : &c->use_adaptive_tx_coalesce;
}

static int write_queue(const struct knob *k, const char *instance, const char *value,
		       const struct net_place *p, struct per_queue *q, struct diag *d)
{
	int err;

	q->head.sub_command = ETHTOOL_SCOALESCE;
	err = sys_ethtool(p->inside, p->dev, q, sizeof(*q));
	return err ? net_refused(k, instance, value, err, "", d) : read_queue(k, instance, p, q, d);
}

/* As for the whole device: drivers take a value only with adaptive off, and it is theirs once that
 * is on again. */
static int set_coalesce(struct sys *s, const struct knob *k, const char *instance,
			const char *value, struct diag *d)
{
	char label[KNOB_LABEL_MAX];
	struct per_queue q;
	struct net_place p;
	uint32_t on = 0;
	uint64_t number;
	int err = net_place(s, k, instance, NET_QUEUE, &p, d);

	if (!err && (num_parse_u64(value, &number, NULL) || number > UINT32_MAX))
		err = diag_set(d, -EINVAL, "%s: \"%.40s\": a number is expected", k->name, value);
	if (!err)
		err = read_queue(k, instance, &p, &q, d);
	if (err)
		return err;
	if (field(k, &p, &q.c) != adaptive(&p, &q.c))
		on = *adaptive(&p, &q.c);
	if (on) {
		*adaptive(&p, &q.c) = 0;
		err = write_queue(k, instance, value, &p, &q, d);
	}
	if (!err) {
		*field(k, &p, &q.c) = (uint32_t)number;
		err = write_queue(k, instance, value, &p, &q, d);
	}
	if (!err && *field(k, &p, &q.c) != number)
		err = diag_set(d, -EOPNOTSUPP, "%s: the driver took %s and has %u",
			       knob_label(k, instance, label), value, *field(k, &p, &q.c));
	if (on) {
		struct diag second;
		int again;

		*adaptive(&p, &q.c) = on;
		again = write_queue(k, instance, value, &p, &q, err ? &second : d);
		err = err ? err : again;
	}
	return err;
}

#define COMMON                                                                      \
	.scope = KNOB_NETDEV, .may_set = net_may_set, .candidates = net_candidates, \
	.on_device = on_device
#define FILE_ROW(text, file) \
	COMMON, .name = text, .get = get_file, .set = set_file, .path = "/sys/class/net/%s/" file
#define COALESCE_ROW(text) \
	COMMON, .name = text, .get = get_coalesce, .set = set_coalesce, .since = "4.6"

static const struct knob rows[] = {
	{FILE_ROW("net.rps-cpus", "rps_cpus"), .same = same_mask,
	 .doc = "CPUs, as a hexadecimal mask, that software spreads a receive queue's packets "
		"over; 0: none, the CPU of the interrupt does all"},
	{FILE_ROW("net.rps-flow-cnt", "rps_flow_cnt"),
	 .doc = "flows of the queue that follow their application's CPU (RFS); needs "
		"sysctl.net.core.rps_sock_flow_entries; rounded up to a power of two"},
	{FILE_ROW("net.xps-cpus", "xps_cpus"), .same = same_mask,
	 .doc = "CPUs, as a hexadecimal mask, that send by this queue"},
	{FILE_ROW("net.xps-rxqs", "xps_rxqs"), .since = "4.18", .same = same_mask,
	 .doc = "receive queues, as a hexadecimal mask, whose connections send by this queue"},
	{COALESCE_ROW("net.queue-usecs"), .unit = "us",
	 .doc = "rx-usecs or tx-usecs of one queue; the device's own shows one of them"},
	{COALESCE_ROW("net.queue-frames"), .doc = "rx-frames or tx-frames of one queue"},
	{COALESCE_ROW("net.queue-adaptive"),
	 .disturbs = (const char *const[]){"net.queue-usecs", "net.queue-frames", NULL},
	 .doc = "adaptive-rx or adaptive-tx of one queue: the driver moves its delay by load"},
};

const struct knob_family knob_family_net_queue = {rows, ARRAY_SIZE(rows)};
