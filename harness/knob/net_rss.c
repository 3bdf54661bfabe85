// SPDX-License-Identifier: Apache-2.0
/*
 * Receive side scaling: which queue each entry of the indirection table names
 * (ETHTOOL_GRXFHINDIR). The text is the queues in order, "0,1,2,3", with "*32" behind it when they
 * repeat so often. A table that was set by hand is kept, and refuses channels fewer than it names;
 * one that was not is spread anew. The kernel does not tell which it is, so one that is the
 * kernel's own default is put back as such; another driver's own choice comes back as if set by
 * hand.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "knob/net_words.h"
#include "sys/genl.h"

#define TABLE_MAX 4096

/* Younger than the headers we build with: the dump shows every table, Linux 6.12. */
enum { RSS_GET = 38, RSS_CONTEXT = 2 };

struct table {
	struct {
		uint32_t cmd, size;
	} head; /* struct ethtool_rxfh_indir */
	uint32_t queue[TABLE_MAX];
};

static int read_table(const struct knob *k, const char *instance, const struct net_place *p,
		      struct table *t, struct diag *d)
{
	uint32_t size;
	int err;

	t->head.cmd = ETHTOOL_GRXFHINDIR;
	t->head.size = 0; /* only asks how large it is */
	err = sys_ethtool(p->inside, p->dev, t, sizeof(*t));
	size = t->head.size;
	if (!err && !size)
		err = -EOPNOTSUPP;
	if (!err && size > TABLE_MAX)
		err = -EFBIG;
	if (!err) {
		t->head.cmd = ETHTOOL_GRXFHINDIR;
		err = sys_ethtool(p->inside, p->dev, t, sizeof(*t));
	}
	if (!err && t->head.size != size)
		err = -EAGAIN;
	return err ? net_unanswered(k, instance, err, "indirection table", d) : 0;
}

/* The shortest beginning that the table repeats. */
static uint32_t period(const struct table *t)
{
	for (uint32_t n = 1; n < t->head.size; n++) {
		bool repeats = t->head.size % n == 0;

		for (uint32_t i = n; repeats && i < t->head.size; i++)
			repeats = t->queue[i] == t->queue[i % n];
		if (repeats)
			return n;
	}
	return t->head.size;
}

static int get(struct sys *s, const struct knob *k, const char *instance, char *value,
	       struct diag *d)
{
	_free_ struct table *t = calloc(1, sizeof(*t));
	struct net_place p;
	uint32_t n;
	size_t used = 0;
	int err = t ? net_place(s, k, instance, NET_DEVICE, &p, d) : -ENOMEM;

	if (!err)
		err = read_table(k, instance, &p, t, d);
	if (err)
		return err;
	n = period(t);
	for (uint32_t i = 0; i < n; i++) {
		if (used + 32 > KNOB_VALUE_MAX)
			return diag_set(d, -EOPNOTSUPP,
					"%s of %s: a table of %u entries without a pattern is too "
					"long to be kept",
					k->name, instance, t->head.size);
		used += (size_t)snprintf(value + used, KNOB_VALUE_MAX - used, "%s%u", i ? "," : "",
					 t->queue[i]);
	}
	if (n < t->head.size)
		snprintf(value + used, KNOB_VALUE_MAX - used, "*%u", t->head.size / n);
	return 0;
}

static int bad(const struct knob *k, const char *value, uint32_t size, struct diag *d)
{
	return diag_set(d, -EINVAL,
			"%s: \"%.40s\": queues in order as \"0,1,2,3*32\" are expected, %u in all",
			k->name, value, size);
}

/* Entries into t->queue; the table has `size`. */
static int parse(const struct knob *k, const char *value, uint32_t size, struct table *t,
		 struct diag *d)
{
	const char *at = value;
	uint32_t n = 0;
	char *end;

	for (;; at = end + 1) {
		unsigned long queue = strtoul(at, &end, 10);

		if (end == at || *at == '-' || queue > UINT16_MAX || n == size)
			return bad(k, value, size, d);
		t->queue[n++] = (uint32_t)queue;
		if (*end != ',')
			break;
	}
	if (*end == '*') {
		unsigned long times = strtoul(end + 1, &end, 10);

		if (*end || !times || times > TABLE_MAX || times * n != size)
			return bad(k, value, size, d);
		for (uint32_t i = n; i < size; i++)
			t->queue[i] = t->queue[i % n];
		n = size;
	}
	return *end || n != size ? bad(k, value, size, d) : 0;
}

/* ethtool_rxfh_indir_default(): entry i names queue i modulo their number. */
static bool is_default(const struct net_place *p, const struct table *t)
{
	struct ethtool_rxnfc rings = {.cmd = ETHTOOL_GRXRINGS};

	if (sys_ethtool(p->inside, p->dev, &rings, sizeof(rings)) || !rings.data)
		return false;
	for (uint32_t i = 0; i < t->head.size; i++)
		if (t->queue[i] != i % rings.data)
			return false;
	return true;
}

static int set(struct sys *s, const struct knob *k, const char *instance, const char *value,
	       struct diag *d)
{
	_free_ struct table *t = calloc(1, sizeof(*t));
	struct net_place p;
	uint32_t size;
	int err = t ? net_place(s, k, instance, NET_DEVICE, &p, d) : -ENOMEM;

	if (!err)
		err = read_table(k, instance, &p, t, d);
	if (err)
		return err;
	size = t->head.size;
	err = parse(k, value, size, t, d);
	if (err)
		return err;
	t->head.size = is_default(&p, t) ? 0 : size; /* 0: the driver's own choice again */
	t->head.cmd = ETHTOOL_SRXFHINDIR;
	err = sys_ethtool(p.inside, p.dev, t, sizeof(*t));
	return err ? net_refused(k, instance, value, err, "", d) : 0;
}

int net_keep_contexts(const struct knob *k, const char *instance, const struct net_place *p,
		      struct diag *d)
{
	struct genl_request r;
	struct genl_replies replies = {0};
	char label[KNOB_LABEL_MAX], words[256] = "";
	unsigned n = 0;
	int err;

	net_ethtool_request(&r, RSS_GET, p->dev);
	r.flags |= GENL_DUMP;
	err = sys_genl(p->inside, &r, &replies, words, sizeof(words));
	for (size_t i = 0; !err && i < replies.n; i++) {
		uint64_t context = 0; /* the first one has no number */

		n += !genl_find_uint(replies.reply[i].attrs, replies.reply[i].len, RSS_CONTEXT,
				     &context) &&
		     context;
	}
	genl_request_free(&r);
	genl_replies_free(&replies);
	if (!n)
		return 0;
	return diag_set(
		d, -EBUSY,
		"%s: the driver holds %u hash table%s beside the first (ethtool -X context), "
		"which would not come back",
		knob_label(k, instance, label), n, n == 1 ? "" : "s");
}

static const struct knob rows[] = {
	{.name = "net.rss-table",
	 .scope = KNOB_NETDEV,
	 .flags = KNOB_VALUE_ONLY,
	 .get = get,
	 .set = set,
	 .may_set = net_may_set,
	 .candidates = net_candidates,
	 .on_device = net_on_device,
	 .doc = "receive queue of each entry of the hash table, \"0,1,2,3*32\"; that it was set by "
		"hand or not does not come back: until 'ethtool -X DEV default' the kernel may "
		"refuse fewer channels"},
};

const struct knob_family knob_family_net_rss = {rows, ARRAY_SIZE(rows)};
