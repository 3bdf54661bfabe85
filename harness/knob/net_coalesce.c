// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupt coalescing (ethtool netlink, Linux 5.7). net.coalescing is all that the driver has, as
 * one value; each parameter is a knob of its own, too. Whichever is written, the whole is
 * snapshotted and restored after it, because drivers change one with another: ice refuses values
 * while adaptive is on, mlx5 resets them when it is switched.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/ethtool_netlink.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "knob/net_words.h"

/* Younger than the headers we build with: Linux 6.6. */
enum { TX_AGGR_MAX_BYTES = 26, TX_AGGR_MAX_FRAMES = 27, TX_AGGR_TIME_USECS = 28 };

static const struct net_word words[] = {
	{"adaptive-rx", ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, true},
	{"adaptive-tx", ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX, true},
	{"cqe-mode-rx", ETHTOOL_A_COALESCE_USE_CQE_MODE_RX, true},
	{"cqe-mode-tx", ETHTOOL_A_COALESCE_USE_CQE_MODE_TX, true},
	{"rx-usecs", ETHTOOL_A_COALESCE_RX_USECS, false},
	{"rx-frames", ETHTOOL_A_COALESCE_RX_MAX_FRAMES, false},
	{"rx-usecs-irq", ETHTOOL_A_COALESCE_RX_USECS_IRQ, false},
	{"rx-frames-irq", ETHTOOL_A_COALESCE_RX_MAX_FRAMES_IRQ, false},
	{"tx-usecs", ETHTOOL_A_COALESCE_TX_USECS, false},
	{"tx-frames", ETHTOOL_A_COALESCE_TX_MAX_FRAMES, false},
	{"tx-usecs-irq", ETHTOOL_A_COALESCE_TX_USECS_IRQ, false},
	{"tx-frames-irq", ETHTOOL_A_COALESCE_TX_MAX_FRAMES_IRQ, false},
	{"stats-block-usecs", ETHTOOL_A_COALESCE_STATS_BLOCK_USECS, false},
	{"pkt-rate-low", ETHTOOL_A_COALESCE_PKT_RATE_LOW, false},
	{"rx-usecs-low", ETHTOOL_A_COALESCE_RX_USECS_LOW, false},
	{"rx-frames-low", ETHTOOL_A_COALESCE_RX_MAX_FRAMES_LOW, false},
	{"tx-usecs-low", ETHTOOL_A_COALESCE_TX_USECS_LOW, false},
	{"tx-frames-low", ETHTOOL_A_COALESCE_TX_MAX_FRAMES_LOW, false},
	{"pkt-rate-high", ETHTOOL_A_COALESCE_PKT_RATE_HIGH, false},
	{"rx-usecs-high", ETHTOOL_A_COALESCE_RX_USECS_HIGH, false},
	{"rx-frames-high", ETHTOOL_A_COALESCE_RX_MAX_FRAMES_HIGH, false},
	{"tx-usecs-high", ETHTOOL_A_COALESCE_TX_USECS_HIGH, false},
	{"tx-frames-high", ETHTOOL_A_COALESCE_TX_MAX_FRAMES_HIGH, false},
	{"sample-interval", ETHTOOL_A_COALESCE_RATE_SAMPLE_INTERVAL, false},
	{"tx-aggr-max-bytes", TX_AGGR_MAX_BYTES, false},
	{"tx-aggr-max-frames", TX_AGGR_MAX_FRAMES, false},
	{"tx-aggr-time-usecs", TX_AGGR_TIME_USECS, false},
};
enum { ADAPTIVE_RX, ADAPTIVE_TX, N_MODES = 4 }; /* the first words switch, the rest are values */

static const struct net_words group = {
	.word = words,
	.n = ARRAY_SIZE(words),
	.get = ETHTOOL_MSG_COALESCE_GET,
	.set = ETHTOOL_MSG_COALESCE_SET,
	.what = "coalescing parameter",
};

static bool wants_values(const struct net_values *now, const struct net_values *want)
{
	for (size_t i = N_MODES; i < group.n; i++)
		if (want->there[i] && (!now->there[i] || want->value[i] != now->value[i]))
			return true;
	return false;
}

/* Only those of `want` that are switches, or only those that are values. */
static struct net_values part(const struct net_values *want, bool switches)
{
	struct net_values v = *want;

	for (size_t i = 0; i < group.n; i++)
		if ((i < N_MODES) != switches)
			v.there[i] = false;
	return v;
}

/*
 * Adaptive off first, then the values, then the switches as they shall be, then once more the
 * values that a switch has changed.
 */
static int write_all(const struct knob *k, const char *instance, const struct net_place *p,
		     const struct net_values *want, struct diag *d)
{
	struct net_values now, off = {0}, switches = part(want, true), values = part(want, false);
	int err = net_words_read(&group, k, instance, p, &now, d);

	if (err)
		return err;
	if (wants_values(&now, want)) {
		for (size_t i = ADAPTIVE_RX; i <= ADAPTIVE_TX; i++) {
			off.there[i] = now.there[i] && now.value[i];
			if (off.there[i] && !switches.there[i]) {
				switches.there[i] = true;
				switches.value[i] = now.value[i];
			}
		}
		err = net_words_write(&group, k, instance, p, &now, &off, d);
		if (!err)
			err = net_words_read(&group, k, instance, p, &now, d);
	}
	if (!err)
		err = net_words_write(&group, k, instance, p, &now, &values, d);
	if (!err)
		err = net_words_read(&group, k, instance, p, &now, d);
	if (!err)
		err = net_words_write(&group, k, instance, p, &now, &switches, d);
	if (!err)
		err = net_words_read(&group, k, instance, p, &now, d);
	if (!err)
		err = net_words_write(&group, k, instance, p, &now, &values, d);
	return err ? err : net_words_verify(&group, k, instance, p, want, d);
}

static int get_all(struct sys *s, const struct knob *k, const char *instance, char *value,
		   struct diag *d)
{
	return net_words_get(&group, s, k, instance, value, d);
}

static int set_all(struct sys *s, const struct knob *k, const char *instance, const char *value,
		   struct diag *d)
{
	struct net_place p;
	struct net_values want;
	int err = net_place(s, k, instance, NET_DEVICE, &p, d);

	if (!err)
		err = net_words_parse(&group, k, value, &want, d);
	return err ? err : write_all(k, instance, &p, &want, d);
}

/* "net.rx-usecs" is the word "rx-usecs". */
static size_t word_of(const struct knob *k)
{
	size_t i = 0;

	while (i < group.n && strcmp(words[i].name, k->name + strlen("net.")))
		i++;
	return i;
}

static int get_one(struct sys *s, const struct knob *k, const char *instance, char *value,
		   struct diag *d)
{
	char label[KNOB_LABEL_MAX];
	size_t i = word_of(k);
	struct net_place p;
	struct net_values v;
	int err = net_place(s, k, instance, NET_DEVICE, &p, d);

	if (!err)
		err = net_words_read(&group, k, instance, &p, &v, d);
	if (!err && !v.there[i])
		err = diag_set(d, -EOPNOTSUPP, "%s: the driver has no such coalescing parameter",
			       knob_label(k, instance, label));
	if (!err)
		snprintf(value, KNOB_VALUE_MAX, "%" PRIu64, v.value[i]);
	return err;
}

static int set_one(struct sys *s, const struct knob *k, const char *instance, const char *value,
		   struct diag *d)
{
	size_t i = word_of(k);
	struct net_place p;
	struct net_values want = {0};
	int err = net_place(s, k, instance, NET_DEVICE, &p, d);

	if (!err && (num_parse_u64(value, &want.value[i], NULL) ||
		     want.value[i] > (words[i].is_flag ? 1 : UINT32_MAX)))
		err = diag_set(d, -EINVAL, "%s: \"%.40s\": %s is expected", k->name, value,
			       words[i].is_flag ? "0 or 1" : "a number");
	want.there[i] = true;
	return err ? err : write_all(k, instance, &p, &want, d);
}

#define ROW(text, ...)                                                                    \
	.name = "net." text, .scope = KNOB_NETDEV, .get = get_one, .set = set_one,        \
	.may_set = net_may_set, .candidates = net_candidates, .on_device = net_on_device, \
	.part_of = "net.coalescing", .disturbs = (const char *const[])                    \
	{                                                                                 \
		__VA_ARGS__                                                               \
	}

static const struct knob rows[] = {
	{.name = "net.coalescing",
	 .scope = KNOB_NETDEV,
	 .get = get_all,
	 .set = set_all,
	 .same = knob_same_words,
	 .may_set = net_may_set,
	 .candidates = net_candidates,
	 .on_device = net_on_device,
	 .disturbs = (const char *const[]){"net.queue-usecs", "net.queue-frames",
					   "net.queue-adaptive", NULL},
	 .doc = "every coalescing parameter of the driver as NAME=NUMBER words; a list to set may "
		"be partial; adaptive is switched off first, and for all queues"},
	{ROW("adaptive-rx", "net.rx-usecs", "net.rx-frames", NULL),
	 .doc = "1: the driver chooses the receive delay by load (DIM)"},
	{ROW("adaptive-tx", "net.tx-usecs", "net.tx-frames", NULL),
	 .doc = "1: the driver chooses the transmit delay by load (DIM)"},
	{ROW("cqe-mode-rx", NULL), .since = "5.15",
	 .doc = "1: the receive timer starts anew with each completion, not with the first"},
	{ROW("cqe-mode-tx", NULL), .since = "5.15", .doc = "the same for transmit"},
	{ROW("rx-usecs", NULL), .unit = "us",
	 .doc = "delay of the receive interrupt after the first packet; drivers give small values "
		"meanings of their own (igb: 1 and 3), and round"},
	{ROW("rx-frames", NULL), .doc = "packets that end that delay early, 0: none do"},
	{ROW("rx-usecs-irq", NULL), .unit = "us",
	 .doc = "rx-usecs while the host serves an interrupt"},
	{ROW("rx-frames-irq", NULL), .doc = "rx-frames while the host serves an interrupt"},
	{ROW("tx-usecs", NULL), .unit = "us", .doc = "delay of the transmit interrupt"},
	{ROW("tx-frames", NULL), .doc = "packets that end that delay early"},
	{ROW("tx-usecs-irq", NULL), .unit = "us",
	 .doc = "tx-usecs while the host serves an interrupt"},
	{ROW("tx-frames-irq", NULL), .doc = "tx-frames while the host serves an interrupt"},
	{ROW("stats-block-usecs", NULL), .unit = "us", .doc = "how often counters are refreshed"},
	{ROW("pkt-rate-low", NULL), .unit = "1/s",
	 .doc = "below this rate adaptive uses the -low parameters"},
	{ROW("pkt-rate-high", NULL), .unit = "1/s",
	 .doc = "above this rate adaptive uses the -high parameters"},
	{ROW("sample-interval", NULL), .unit = "s", .doc = "how often adaptive looks at the rate"},
	{ROW("rx-usecs-low", NULL), .unit = "us", .doc = "rx-usecs below pkt-rate-low"},
	{ROW("rx-frames-low", NULL), .doc = "rx-frames below pkt-rate-low"},
	{ROW("tx-usecs-low", NULL), .unit = "us", .doc = "tx-usecs below pkt-rate-low"},
	{ROW("tx-frames-low", NULL), .doc = "tx-frames below pkt-rate-low"},
	{ROW("rx-usecs-high", NULL), .unit = "us", .doc = "rx-usecs above pkt-rate-high"},
	{ROW("rx-frames-high", NULL), .doc = "rx-frames above pkt-rate-high"},
	{ROW("tx-usecs-high", NULL), .unit = "us", .doc = "tx-usecs above pkt-rate-high"},
	{ROW("tx-frames-high", NULL), .doc = "tx-frames above pkt-rate-high"},
};

const struct knob_family knob_family_net_coalesce = {rows, ARRAY_SIZE(rows)};
