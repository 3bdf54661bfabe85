// SPDX-License-Identifier: Apache-2.0
/*
 * How many channels (queues with their vectors) and how long their rings are (ethtool netlink,
 * Linux 5.7). Drivers make all queues anew for it: NAPI instances get new ids, on many drivers
 * interrupt affinities the default, steering of queues that go is forgotten. All that is
 * snapshotted, put back after the write and restored after this. Flow rules and further hash
 * tables, which many drivers drop, too, are somebody's who has to take them away first.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/ethtool_netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "knob/net_words.h"

static const struct net_word channels[] = {
	{"rx", ETHTOOL_A_CHANNELS_RX_COUNT, false},
	{"tx", ETHTOOL_A_CHANNELS_TX_COUNT, false},
	{"other", ETHTOOL_A_CHANNELS_OTHER_COUNT, false},
	{"combined", ETHTOOL_A_CHANNELS_COMBINED_COUNT, false},
};
enum { RX, TX, OTHER, COMBINED };

/* Younger than the headers we build with. */
enum { RINGS_RX_PUSH = 14, RINGS_HDS_THRESH = 17 }; /* Linux 6.4, 6.14 */

static const struct net_word rings[] = {
	{"rx", ETHTOOL_A_RINGS_RX, false},
	{"rx-mini", ETHTOOL_A_RINGS_RX_MINI, false},
	{"rx-jumbo", ETHTOOL_A_RINGS_RX_JUMBO, false},
	{"tx", ETHTOOL_A_RINGS_TX, false},
	{"rx-buf-len", ETHTOOL_A_RINGS_RX_BUF_LEN, false},
	{"tcp-data-split", ETHTOOL_A_RINGS_TCP_DATA_SPLIT, true},
	{"cqe-size", ETHTOOL_A_RINGS_CQE_SIZE, false},
	{"tx-push", ETHTOOL_A_RINGS_TX_PUSH, true},
	{"rx-push", RINGS_RX_PUSH, true},
	{"hds-thresh", RINGS_HDS_THRESH, false},
};

static const struct net_words channel_words = {
	.word = channels,
	.n = ARRAY_SIZE(channels),
	.get = ETHTOOL_MSG_CHANNELS_GET,
	.set = ETHTOOL_MSG_CHANNELS_SET,
	.what = "kind of channels",
};
static const struct net_words ring_words = {
	.word = rings,
	.n = ARRAY_SIZE(rings),
	.get = ETHTOOL_MSG_RINGS_GET,
	.set = ETHTOOL_MSG_RINGS_SET,
	.what = "ring parameter",
};

static const struct net_words *group_of(const struct knob *k)
{
	return strcmp(k->name, "net.rings") ? &channel_words : &ring_words;
}

static int get(struct sys *s, const struct knob *k, const char *instance, char *value,
	       struct diag *d)
{
	return net_words_get(group_of(k), s, k, instance, value, d);
}

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* A bare number: that many queues for receive and transmit, in the driver's way. */
static int parse(const struct knob *k, const char *value, const struct net_values *now,
		 struct net_values *want, struct diag *d)
{
	uint64_t n;

	if (!is_number(value))
		return net_words_parse(group_of(k), k, value, want, d);
	*want = (struct net_values){0};
	if (num_parse_u64(value, &n, NULL) || n > UINT32_MAX)
		return diag_set(d, -EINVAL, "%s: \"%.40s\" is too much", k->name, value);
	if (group_of(k) == &channel_words && now->there[COMBINED]) {
		want->there[COMBINED] = true;
		want->value[COMBINED] = n;
		return 0;
	}
	for (size_t i = 0; i < group_of(k)->n; i++)
		if (!strcmp(group_of(k)->word[i].name, "rx") ||
		    !strcmp(group_of(k)->word[i].name, "tx")) {
			want->there[i] = now->there[i];
			want->value[i] = n;
		}
	return 0;
}

static int keep_steering(const struct knob *k, const char *instance, const struct net_place *p,
			 const struct net_values *now, const struct net_values *want,
			 struct diag *d)
{
	bool changes = false;
	int err;

	for (size_t i = 0; i < group_of(k)->n; i++)
		changes |= want->there[i] && (!now->there[i] || now->value[i] != want->value[i]);
	if (!changes || group_of(k) != &channel_words)
		return 0;
	err = net_keep_rules(k, instance, p, d);
	return err ? err : net_keep_contexts(k, instance, p, d);
}

static int set(struct sys *s, const struct knob *k, const char *instance, const char *value,
	       struct diag *d)
{
	struct net_place p;
	struct net_values now, want;
	int err = net_place(s, k, instance, NET_DEVICE, &p, d);

	if (!err)
		err = net_words_read(group_of(k), k, instance, &p, &now, d);
	if (!err)
		err = parse(k, value, &now, &want, d);
	if (!err)
		err = keep_steering(k, instance, &p, &now, &want, d);
	if (!err)
		err = net_words_write(group_of(k), k, instance, &p, &now, &want, d);
	return err ? err : net_words_verify(group_of(k), k, instance, &p, &want, d);
}

static bool same(const char *want, const char *got)
{
	char text[64];

	if (!is_number(want))
		return knob_same_words(want, got);
	snprintf(text, sizeof(text), "combined=%.20s", want);
	if (knob_same_words(text, got))
		return true;
	snprintf(text, sizeof(text), "rx=%.20s tx=%.20s", want, want);
	return knob_same_words(text, got);
}

#define ROW(text)                                                                          \
	.name = text, .scope = KNOB_NETDEV, .flags = KNOB_REMAKES, .get = get, .set = set, \
	.same = same, .may_set = net_may_set, .candidates = net_candidates,                \
	.on_device = net_on_device
#define NAPI_KNOBS                                                                    \
	"napi.defer-hard-irqs", "napi.gro-flush-timeout", "napi.irq-suspend-timeout", \
		"napi.threaded"
#define QUEUE_KNOBS "net.queue-usecs", "net.queue-frames", "net.queue-adaptive"

static const struct knob rows[] = {
	{ROW("net.channels"),
	 .doc = "queues with their vectors, as \"combined=4\" or \"rx=2 tx=2\" words, or a bare "
		"number; the driver makes them anew, and the link may go down for it; refused "
		"while "
		"there are flow rules or further hash tables, which it may drop",
	 .disturbs =
		 (const char *const[]){"irq.affinity", "net.coalescing", "net.rss-table",
				       QUEUE_KNOBS, NAPI_KNOBS, "net.rps-cpus", "net.rps-flow-cnt",
				       "net.xps-cpus", "net.xps-rxqs", NULL}},
	{ROW("net.rings"),
	 .doc = "descriptors of the rings, as \"rx=512 tx=512\" words, or a bare number for both; "
		"the driver makes them anew, and the link may go down for it",
	 .disturbs = (const char *const[]){"irq.affinity", "net.coalescing", QUEUE_KNOBS,
					   NAPI_KNOBS, NULL}},
};

const struct knob_family knob_family_net_channels = {rows, ARRAY_SIZE(rows)};
