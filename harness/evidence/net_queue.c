// SPDX-License-Identifier: Apache-2.0
#include "evidence/net_queue.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/net.h"
#include "sys/genl.h"
#include "sys/sys.h"

/* Documentation/netlink/specs/netdev.yaml; Debian 12 has no <linux/netdev.h>. */
enum { NETDEV_QSTATS_GET = 12 };
enum {
	QSTATS_IFINDEX = 1,
	QSTATS_QUEUE_TYPE = 2, /* 0 rx, 1 tx */
	QSTATS_QUEUE_ID = 3,
	QSTATS_SCOPE = 4,
	QSTATS_RX_PACKETS = 8,
	QSTATS_TX_PACKETS = 10,
};
enum { QSTATS_SCOPE_QUEUE = 1 };

struct queue_counts {
	size_t n;
	struct queue {
		bool rx;
		unsigned id;
		uint64_t packets;
	} queue[];
};

void queue_counts_free(struct queue_counts *counts)
{
	free(counts);
}

static struct queue_counts *counts_new(size_t n)
{
	struct queue_counts *c = calloc(1, sizeof(*c) + n * sizeof(c->queue[0]));

	return c;
}

static struct queue_counts *from_replies(const struct genl_replies *replies)
{
	struct queue_counts *c = counts_new(replies->n);

	for (size_t i = 0; c && i < replies->n; i++) {
		const struct genl_reply *r = &replies->reply[i];
		struct queue *q = &c->queue[c->n];
		uint64_t type, id;

		if (genl_find_uint(r->attrs, r->len, QSTATS_QUEUE_TYPE, &type) ||
		    genl_find_uint(r->attrs, r->len, QSTATS_QUEUE_ID, &id) ||
		    genl_find_uint(r->attrs, r->len, type ? QSTATS_TX_PACKETS : QSTATS_RX_PACKETS,
				   &q->packets))
			continue;
		q->rx = !type;
		q->id = (unsigned)id;
		c->n++;
	}
	return c;
}

static struct queue_counts *from_qstats(const struct net_end *e)
{
	struct genl_replies replies = {0};
	struct queue_counts *c = NULL;
	struct genl_request r;
	int64_t ifindex;
	char words[256];

	if (sys_readf_i64(e->inside, &ifindex, "/sys/class/net/%s/ifindex", e->dev))
		return NULL;
	genl_request_init(&r, "netdev", NETDEV_QSTATS_GET, GENL_DUMP);
	genl_put_u32(&r, QSTATS_IFINDEX, (uint32_t)ifindex);
	genl_put_u32(&r, QSTATS_SCOPE, QSTATS_SCOPE_QUEUE);
	if (!sys_genl(e->inside, &r, &replies, words, sizeof(words)))
		c = from_replies(&replies);
	genl_replies_free(&replies);
	genl_request_free(&r);
	if (c && !c->n) { /* the driver answers, but not for queues */
		free(c);
		c = NULL;
	}
	return c;
}

static unsigned count_statistics(const struct net_end *e)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t n;
	} request = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1u << ETH_SS_STATS}};

	if (sys_ethtool(e->inside, e->dev, &request, sizeof(request)) || !request.info.sset_mask)
		return 0;
	return request.n;
}

static void pick(struct queue_counts *c, const struct ethtool_gstrings *names,
		 const struct ethtool_stats *values, unsigned n, bool ring)
{
	for (unsigned i = 0; i < n; i++) {
		struct queue *q = &c->queue[c->n];
		char name[ETH_GSTRING_LEN + 1];

		snprintf(name, sizeof(name), "%.*s", ETH_GSTRING_LEN,
			 (const char *)names->data + (size_t)i * ETH_GSTRING_LEN);
		q->rx = true;
		if (ring ? queue_ring_parse(name, &q->id)
			 : queue_statistic_parse(name, &q->rx, &q->id))
			continue;
		q->packets = values->data[i];
		c->n++;
	}
}

static struct queue_counts *from_statistics(const struct net_end *e)
{
	unsigned n = count_statistics(e);
	size_t names_size = sizeof(struct ethtool_gstrings) + (size_t)n * ETH_GSTRING_LEN;
	size_t values_size = sizeof(struct ethtool_stats) + (size_t)n * sizeof(uint64_t);
	_free_ struct ethtool_gstrings *names = calloc(1, names_size);
	_free_ struct ethtool_stats *values = calloc(1, values_size);
	struct queue_counts *c = n ? counts_new(n) : NULL;

	if (!names || !values || !c) {
		free(c);
		return NULL;
	}
	*names = (struct ethtool_gstrings){
		.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS, .len = n};
	*values = (struct ethtool_stats){.cmd = ETHTOOL_GSTATS, .n_stats = n};
	if (!sys_ethtool(e->inside, e->dev, names, names_size) &&
	    !sys_ethtool(e->inside, e->dev, values, values_size)) {
		pick(c, names, values, n, false);
		if (!c->n)
			pick(c, names, values, n, true);
	}
	if (c->n)
		return c;
	free(c);
	return NULL;
}

void queue_counts_read(const struct net_end *e, struct queue_counts **counts, struct diag *why)
{
	*counts = from_qstats(e);
	if (!*counts)
		*counts = from_statistics(e);
	if (!*counts)
		diag_set(why, -ENODATA,
			 "the driver of %s tells packets of a queue neither by netdev netlink nor "
			 "by ethtool -S",
			 e->instance);
}

static uint64_t packets_before(const struct queue_counts *before, const struct queue *q)
{
	for (size_t i = 0; i < before->n; i++)
		if (before->queue[i].rx == q->rx && before->queue[i].id == q->id &&
		    before->queue[i].packets <= q->packets)
			return before->queue[i].packets;
	return 0;
}

json_t *queue_counts_json(const struct queue_counts *before, const struct queue_counts *after)
{
	json_t *list = json_array();

	for (size_t i = 0; i < after->n; i++) {
		const struct queue *q = &after->queue[i];
		char name[32];

		snprintf(name, sizeof(name), "%s-%u", q->rx ? "rx" : "tx", q->id);
		json_array_append_new(
			list, json_pack("{s:s, s:I}", "queue", name, "packets",
					(json_int_t)(q->packets - packets_before(before, q))));
	}
	return list;
}
