// SPDX-License-Identifier: Apache-2.0
/* What the driver tells by ethtool: generic netlink, and the ioctl where that has nothing. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "machine/nic_private.h"
#include "sys/genl.h"

/* Attribute -> name, as Documentation/netlink/specs/ethtool.yaml has it. Numbers that the headers
 * of 6.1 lack are written out. */
struct name {
	uint16_t attribute;
	const char *name;
};

static const struct name coalescing_names[] = {
	{ETHTOOL_A_COALESCE_RX_USECS, "rx-usecs"},
	{ETHTOOL_A_COALESCE_RX_MAX_FRAMES, "rx-max-frames"},
	{ETHTOOL_A_COALESCE_RX_USECS_IRQ, "rx-usecs-irq"},
	{ETHTOOL_A_COALESCE_RX_MAX_FRAMES_IRQ, "rx-max-frames-irq"},
	{ETHTOOL_A_COALESCE_TX_USECS, "tx-usecs"},
	{ETHTOOL_A_COALESCE_TX_MAX_FRAMES, "tx-max-frames"},
	{ETHTOOL_A_COALESCE_TX_USECS_IRQ, "tx-usecs-irq"},
	{ETHTOOL_A_COALESCE_TX_MAX_FRAMES_IRQ, "tx-max-frames-irq"},
	{ETHTOOL_A_COALESCE_STATS_BLOCK_USECS, "stats-block-usecs"},
	{ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, "use-adaptive-rx"},
	{ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX, "use-adaptive-tx"},
	{ETHTOOL_A_COALESCE_PKT_RATE_LOW, "pkt-rate-low"},
	{ETHTOOL_A_COALESCE_RX_USECS_LOW, "rx-usecs-low"},
	{ETHTOOL_A_COALESCE_RX_MAX_FRAMES_LOW, "rx-max-frames-low"},
	{ETHTOOL_A_COALESCE_TX_USECS_LOW, "tx-usecs-low"},
	{ETHTOOL_A_COALESCE_TX_MAX_FRAMES_LOW, "tx-max-frames-low"},
	{ETHTOOL_A_COALESCE_PKT_RATE_HIGH, "pkt-rate-high"},
	{ETHTOOL_A_COALESCE_RX_USECS_HIGH, "rx-usecs-high"},
	{ETHTOOL_A_COALESCE_RX_MAX_FRAMES_HIGH, "rx-max-frames-high"},
	{ETHTOOL_A_COALESCE_TX_USECS_HIGH, "tx-usecs-high"},
	{ETHTOOL_A_COALESCE_TX_MAX_FRAMES_HIGH, "tx-max-frames-high"},
	{ETHTOOL_A_COALESCE_RATE_SAMPLE_INTERVAL, "rate-sample-interval"},
	{ETHTOOL_A_COALESCE_USE_CQE_MODE_TX, "use-cqe-mode-tx"},
	{ETHTOOL_A_COALESCE_USE_CQE_MODE_RX, "use-cqe-mode-rx"},
	{26, "tx-aggr-max-bytes"}, /* Linux 6.3 */
	{27, "tx-aggr-max-frames"},
	{28, "tx-aggr-time-usecs"},
	{31, "rx-cqe-frames"}, /* newest */
	{32, "rx-cqe-nsecs"},
};

static const struct name channel_names[] = {
	{ETHTOOL_A_CHANNELS_RX_MAX, "rx-max"},
	{ETHTOOL_A_CHANNELS_TX_MAX, "tx-max"},
	{ETHTOOL_A_CHANNELS_OTHER_MAX, "other-max"},
	{ETHTOOL_A_CHANNELS_COMBINED_MAX, "combined-max"},
	{ETHTOOL_A_CHANNELS_RX_COUNT, "rx-count"},
	{ETHTOOL_A_CHANNELS_TX_COUNT, "tx-count"},
	{ETHTOOL_A_CHANNELS_OTHER_COUNT, "other-count"},
	{ETHTOOL_A_CHANNELS_COMBINED_COUNT, "combined-count"},
};

static const struct name ring_names[] = {
	{ETHTOOL_A_RINGS_RX_MAX, "rx-max"},
	{ETHTOOL_A_RINGS_RX_MINI_MAX, "rx-mini-max"},
	{ETHTOOL_A_RINGS_RX_JUMBO_MAX, "rx-jumbo-max"},
	{ETHTOOL_A_RINGS_TX_MAX, "tx-max"},
	{ETHTOOL_A_RINGS_RX, "rx"},
	{ETHTOOL_A_RINGS_RX_MINI, "rx-mini"},
	{ETHTOOL_A_RINGS_RX_JUMBO, "rx-jumbo"},
	{ETHTOOL_A_RINGS_TX, "tx"},
	{10, "rx-buf-len"}, /* Linux 5.16 and later */
	{11, "tcp-data-split"},
	{12, "cqe-size"},
	{13, "tx-push"},
	{14, "rx-push"},
};

enum { HEADER = 1, RSS_GET = 38, RSS_HFUNC = 3, RSS_INDIR = 4 }; /* RSS_GET: Linux 6.3 */

/* GET about one device: 0 with one reply, or -errno. */
static int ask(struct sys *s, const char *dev, uint8_t cmd, struct genl_replies *replies)
{
	struct genl_request r;
	char words[200];
	size_t nest;
	int err;

	genl_request_init(&r, "ethtool", cmd, 0);
	nest = genl_nest_begin(&r, HEADER); /* the same in every message of the family */
	genl_put_str(&r, ETHTOOL_A_HEADER_DEV_NAME, dev);
	genl_nest_end(&r, nest);
	err = sys_genl(s, &r, replies, words, sizeof(words));
	genl_request_free(&r);
	return err ? err : replies->n ? 0 : -ENODATA;
}

/* The driver has no operation, the kernel no such message, the recording no answer: not told. */
static int not_told(int err)
{
	return err == -ENOMEM ? err : 0;
}

static int read_numbers(struct sys *s, const char *dev, uint8_t cmd, const struct name *names,
			size_t n, json_t **out)
{
	struct genl_replies replies;
	int err = ask(s, dev, cmd, &replies);

	*out = err ? NULL : json_object();
	for (size_t i = 0; *out && i < n; i++) {
		uint64_t value;

		if (!genl_find_uint(replies.reply[0].attrs, replies.reply[0].len,
				    names[i].attribute, &value))
			json_object_set_new(*out, names[i].name, json_integer((json_int_t)value));
	}
	if (!err && !*out)
		err = -ENOMEM;
	genl_replies_free(&replies);
	return not_told(err);
}

static struct machine_feature *feature(struct machine_nic *nic, const char *name)
{
	for (size_t i = 0; i < nic->n_features; i++)
		if (!strcmp(nic->features[i].name, name))
			return &nic->features[i];
	return NULL;
}

/* A bitset in its long form: a list of bits with names. Those of HW have the whole list. */
static int read_bits(struct machine_nic *nic, const struct genl_attr *set,
		     void (*take)(struct machine_feature *f, bool on), bool all)
{
	struct genl_attr bits, bit, value;
	size_t offset = 0;

	if (genl_find(set->data, set->len, ETHTOOL_A_BITSET_BITS, &bits))
		return 0;
	while (genl_next(bits.data, bits.len, &offset, &bit)) {
		struct machine_feature *f;
		char name[sizeof(f->name)];

		if (genl_find_str(bit.data, bit.len, ETHTOOL_A_BITSET_BIT_NAME, name, sizeof(name)))
			continue;
		f = feature(nic, name);
		if (!f && all) {
			struct machine_feature *grown =
				reallocarray(nic->features, nic->n_features + 1, sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			nic->features = grown;
			f = &grown[nic->n_features++];
			*f = (struct machine_feature){.fixed = true};
			strcpy(f->name, name);
		}
		if (f)
			take(f, !all || !genl_find(bit.data, bit.len, ETHTOOL_A_BITSET_BIT_VALUE,
						   &value));
	}
	return 0;
}

static void take_hw(struct machine_feature *f, bool on)
{
	f->fixed = !on;
}

static void take_wanted(struct machine_feature *f, bool on)
{
	f->wanted = on;
}

static void take_active(struct machine_feature *f, bool on)
{
	f->active = on;
}

static void take_fixed(struct machine_feature *f, bool on)
{
	f->fixed |= on;
}

static int read_features(struct sys *s, struct machine_nic *nic)
{
	static const struct {
		uint16_t attribute;
		void (*take)(struct machine_feature *f, bool on);
		bool all;
	} sets[] = {
		{ETHTOOL_A_FEATURES_HW, take_hw, true},
		{ETHTOOL_A_FEATURES_WANTED, take_wanted, false},
		{ETHTOOL_A_FEATURES_ACTIVE, take_active, false},
		{ETHTOOL_A_FEATURES_NOCHANGE, take_fixed, false},
	};
	struct genl_replies replies;
	int err = ask(s, nic->name, ETHTOOL_MSG_FEATURES_GET, &replies);

	for (size_t i = 0; !err && i < ARRAY_SIZE(sets); i++) {
		struct genl_attr set;

		if (!genl_find(replies.reply[0].attrs, replies.reply[0].len, sets[i].attribute,
			       &set))
			err = read_bits(nic, &set, sets[i].take, sets[i].all);
	}
	genl_replies_free(&replies);
	return not_told(err);
}

/* How many entries of the table name `queue`. */
static size_t share(const uint32_t *table, size_t n, uint32_t queue)
{
	size_t entries = 0;

	for (size_t i = 0; i < n; i++)
		entries += table[i] == queue;
	return entries;
}

/* How many queues the table names, and whether all have the same share of it, give or take one
 * entry. */
static json_t *rss_json(const uint32_t *table, size_t n, int64_t hash_functions)
{
	json_t *rss = json_pack("{s:I}", "table-size", (json_int_t)n);
	size_t queues = 0, least = n, most = 0;

	for (size_t i = 0; i < n; i++) {
		bool first = true;
		size_t entries;

		for (size_t k = 0; first && k < i; k++)
			first = table[k] != table[i];
		if (!first)
			continue;
		entries = share(table, n, table[i]);
		least = entries < least ? entries : least;
		most = entries > most ? entries : most;
		queues++;
	}
	if (rss && n) {
		json_object_set_new(rss, "queues", json_integer((json_int_t)queues));
		json_object_set_new(rss, "equal-spread", json_integer(most - least <= 1));
	}
	if (rss && hash_functions >= 0)
		json_object_set_new(rss, "hash-function", json_integer(hash_functions));
	return rss;
}

/* ETHTOOL_GRXFHINDIR (Linux 3.0): asked with size 0 it tells the size. */
static json_t *rss_by_ioctl(struct sys *s, const char *dev)
{
	struct ethtool_rxfh_indir head = {.cmd = ETHTOOL_GRXFHINDIR};
	_free_ struct ethtool_rxfh_indir *table = NULL;
	size_t bytes;

	if (sys_ethtool(s, dev, &head, sizeof(head)) || !head.size || head.size > 65536)
		return NULL;
	bytes = sizeof(head) + head.size * sizeof(uint32_t);
	table = calloc(1, bytes);
	if (!table)
		return NULL;
	table->cmd = ETHTOOL_GRXFHINDIR;
	table->size = head.size;
	return sys_ethtool(s, dev, table, bytes) || table->size > head.size
		       ? NULL
		       : rss_json(table->ring_index, table->size, -1);
}

static int read_rss(struct sys *s, struct machine_nic *nic)
{
	struct genl_replies replies;
	struct genl_attr table = {.len = 0};
	uint64_t functions;
	int err = ask(s, nic->name, RSS_GET, &replies);

	if (!err) {
		const struct genl_reply *r = &replies.reply[0];
		_free_ uint32_t *copy = NULL;

		if (genl_find(r->attrs, r->len, RSS_INDIR, &table))
			table.len = 0;
		copy = malloc(table.len ? table.len : 1);
		if (copy && table.len)
			memcpy(copy, table.data, table.len);
		if (copy && table.len)
			nic->rss = rss_json(copy, table.len / sizeof(*copy),
					    genl_find_uint(r->attrs, r->len, RSS_HFUNC, &functions)
						    ? -1
						    : (int64_t)functions);
		err = copy ? 0 : -ENOMEM;
	} else if (err != -ENOMEM) {
		nic->rss = rss_by_ioctl(s, nic->name);
	}
	genl_replies_free(&replies);
	return not_told(err);
}

static void copy_text(char *out, size_t size, const char *in, size_t in_size)
{
	snprintf(out, size, "%.*s", (int)(in_size < size ? in_size : size - 1), in);
}

static void read_driver(struct sys *s, struct machine_nic *nic)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};

	if (sys_ethtool(s, nic->name, &info, sizeof(info)))
		return;
	if (!nic->driver[0])
		copy_text(nic->driver, sizeof(nic->driver), info.driver, sizeof(info.driver));
	copy_text(nic->driver_version, sizeof(nic->driver_version), info.version,
		  sizeof(info.version));
	copy_text(nic->firmware, sizeof(nic->firmware), info.fw_version, sizeof(info.fw_version));
	copy_text(nic->bus_info, sizeof(nic->bus_info), info.bus_info, sizeof(info.bus_info));
}

int nic_read_ethtool(struct sys *s, struct machine_nic *nic)
{
	int err;

	read_driver(s, nic);
	err = read_features(s, nic);
	if (!err)
		err = read_numbers(s, nic->name, ETHTOOL_MSG_COALESCE_GET, coalescing_names,
				   ARRAY_SIZE(coalescing_names), &nic->coalescing);
	if (!err)
		err = read_numbers(s, nic->name, ETHTOOL_MSG_CHANNELS_GET, channel_names,
				   ARRAY_SIZE(channel_names), &nic->channels);
	if (!err)
		err = read_numbers(s, nic->name, ETHTOOL_MSG_RINGS_GET, ring_names,
				   ARRAY_SIZE(ring_names), &nic->rings);
	return err ? err : read_rss(s, nic);
}
