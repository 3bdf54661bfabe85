// SPDX-License-Identifier: Apache-2.0
/*
 * Rules that steer a flow to a queue (ethtool -N: ETHTOOL_SRXCLSRLINS and its kin). A rule is named
 * by its location in the driver's table, "eth0:rule-5", so that it is the one that is taken away
 * again; "none" is no rule. What cannot be said in these words is left alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/suggest.h"
#include "knob/net_words.h"
#include "sys/genl.h"

#define NONE	  "none"
#define RULES_MAX 4096
#define FORM                                                                                    \
	"\"udp4 src-ip=A dst-ip=B src-port=N dst-port=N action=QUEUE\" (or tcp4, or \"ether "   \
	"src=MAC dst=MAC proto=N action=QUEUE\"; action=drop; every match may be left out) or " \
	"\"none\""

enum kind { IPV4, PORT, MAC, PROTO };

/* A match: where it lies in union ethtool_flow_union, which is the same for TCP and UDP. */
struct field {
	const char *name;
	enum kind kind;
	size_t offset, size;
};
#define L4(text, what, member)                                            \
	{                                                                 \
		text, what, offsetof(struct ethtool_tcpip4_spec, member), \
			sizeof(((struct ethtool_tcpip4_spec *)0)->member) \
	}
#define L2(text, what, member)                                                                    \
	{                                                                                         \
		text, what, offsetof(struct ethhdr, member), sizeof(((struct ethhdr *)0)->member) \
	}
static const struct field l4[] = {L4("src-ip", IPV4, ip4src),
				  L4("dst-ip", IPV4, ip4dst),
				  L4("src-port", PORT, psrc),
				  L4("dst-port", PORT, pdst),
				  {NULL, 0, 0, 0}};
static const struct field l2[] = {L2("src", MAC, h_source),
				  L2("dst", MAC, h_dest),
				  L2("proto", PROTO, h_proto),
				  {NULL, 0, 0, 0}};

static const struct type {
	const char *name;
	uint32_t flow_type;
	const struct field *field;
} types[] = {{"tcp4", TCP_V4_FLOW, l4}, {"udp4", UDP_V4_FLOW, l4}, {"ether", ETHER_FLOW, l2}};

static size_t print_field(const struct field *f, const uint8_t *raw, char *out, size_t size)
{
	uint16_t number;
	char text[INET_ADDRSTRLEN];

	switch (f->kind) {
	case IPV4:
		inet_ntop(AF_INET, raw, text, sizeof(text));
		return (size_t)snprintf(out, size, " %s=%s", f->name, text);
	case MAC:
		return (size_t)snprintf(out, size, " %s=%02x:%02x:%02x:%02x:%02x:%02x", f->name,
					raw[0], raw[1], raw[2], raw[3], raw[4], raw[5]);
	default:
		memcpy(&number, raw, sizeof(number));
		return (size_t)snprintf(out, size, " %s=%u", f->name, ntohs(number));
	}
}

/* -EOPNOTSUPP when the words do not say all of the rule. */
static int print_rule(const struct ethtool_rx_flow_spec *fs, char *value)
{
	const struct type *t = NULL;
	uint8_t said[sizeof(fs->m_u)] = {0};
	const uint8_t *h = (const uint8_t *)&fs->h_u, *m = (const uint8_t *)&fs->m_u;
	size_t used;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].flow_type == fs->flow_type)
			t = &types[i];
	if (!t) /* with FLOW_EXT or FLOW_RSS, too */
		return -EOPNOTSUPP;
	used = (size_t)snprintf(value, KNOB_VALUE_MAX, "%s", t->name);
	for (const struct field *f = t->field; f->name; f++) {
		static const uint8_t all[8] = {255, 255, 255, 255, 255, 255, 255, 255};

		if (memcmp(m + f->offset, all, f->size))
			continue;
		memset(said + f->offset, 255, f->size);
		used += print_field(f, h + f->offset, value + used, KNOB_VALUE_MAX - used);
	}
	if (memcmp(said, m, sizeof(said)))
		return -EOPNOTSUPP;
	if (fs->ring_cookie == RX_CLS_FLOW_DISC)
		snprintf(value + used, KNOB_VALUE_MAX - used, " action=drop");
	else
		snprintf(value + used, KNOB_VALUE_MAX - used, " action=%llu",
			 (unsigned long long)fs->ring_cookie);
	return 0;
}

static int parse_field(const struct field *f, const char *text, uint8_t *h)
{
	uint64_t number;
	uint16_t network;

	switch (f->kind) {
	case IPV4:
		return inet_pton(AF_INET, text, h) == 1 ? 0 : -EINVAL;
	case MAC:
		return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &h[0], &h[1], &h[2],
			      &h[3], &h[4], &h[5]) == 6 &&
				       strlen(text) == 17
			       ? 0
			       : -EINVAL;
	default:
		if (num_parse_u64(text, &number, NULL) || number > UINT16_MAX)
			return -EINVAL;
		network = htons((uint16_t)number);
		memcpy(h, &network, sizeof(network));
		return 0;
	}
}

static int parse_word(const struct type *t, const char *name, const char *text,
		      struct ethtool_rx_flow_spec *fs)
{
	uint64_t queue;

	if (!strcmp(name, "action")) {
		if (!strcmp(text, "drop"))
			fs->ring_cookie = RX_CLS_FLOW_DISC;
		else if (!num_parse_u64(text, &queue, NULL) && queue <= UINT16_MAX)
			fs->ring_cookie = queue;
		else
			return -EINVAL;
		return 0;
	}
	for (const struct field *f = t->field; f->name; f++)
		if (!strcmp(f->name, name)) {
			memset((uint8_t *)&fs->m_u + f->offset, 255, f->size);
			return parse_field(f, text, (uint8_t *)&fs->h_u + f->offset);
		}
	return -EINVAL;
}

static int parse_rule(const struct knob *k, const char *value, struct ethtool_rx_flow_spec *fs,
		      struct diag *d)
{
	_free_ char *copy = strdup(value);
	const struct type *t = NULL;
	char *rest = copy, *word = strsep(&rest, " ");
	bool acts = false;
	int err = copy ? 0 : -ENOMEM;

	*fs = (struct ethtool_rx_flow_spec){0};
	for (size_t i = 0; word && i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, word))
			t = &types[i];
	if (!err && !t)
		err = -EINVAL;
	while (!err && (word = strsep(&rest, " "))) {
		char *equal = strchr(word, '=');

		if (!*word)
			continue;
		if (equal)
			*equal++ = '\0';
		acts |= !strcmp(word, "action");
		err = equal ? parse_word(t, word, equal, fs) : -EINVAL;
	}
	if (!err && !acts)
		err = -EINVAL;
	if (err == -EINVAL)
		return diag_set(d, err, "%s: \"%.80s\": %s is expected", k->name, value, FORM);
	if (t)
		fs->flow_type = t->flow_type;
	return err;
}

/* How many there are; -EOPNOTSUPP: the driver knows no rules. */
static int count(const struct net_place *p, uint32_t *n)
{
	struct ethtool_rxnfc c = {.cmd = ETHTOOL_GRXCLSRLCNT};
	int err = sys_ethtool(p->inside, p->dev, &c, sizeof(c));

	*n = c.rule_cnt;
	return err;
}

int net_keep_rules(const struct knob *k, const char *instance, const struct net_place *p,
		   struct diag *d)
{
	char label[KNOB_LABEL_MAX];
	uint32_t n = 0;

	if (count(p, &n) || !n)
		return 0;
	return diag_set(d, -EBUSY,
			"%s: the driver holds %u flow rule%s, which would be deleted with it",
			knob_label(k, instance, label), n, n == 1 ? "" : "s");
}

static int get(struct sys *s, const struct knob *k, const char *instance, char *value,
	       struct diag *d)
{
	struct ethtool_rxnfc c = {.cmd = ETHTOOL_GRXCLSRULE};
	struct net_place p;
	uint32_t n;
	int err = net_place(s, k, instance, NET_RULE, &p, d);

	if (err)
		return err;
	err = count(&p, &n);
	if (err)
		return net_unanswered(k, instance, err, "flow rules", d);
	c.fs.location = p.index;
	err = sys_ethtool(p.inside, p.dev, &c, sizeof(c));
	if (err == -EINVAL || err == -ENOENT) { /* drivers differ in how they say "no rule there" */
		strcpy(value, NONE);
		return 0;
	}
	if (err)
		return net_unanswered(k, instance, err, "flow rule", d);
	err = print_rule(&c.fs, value);
	return err ? diag_set(d, err, "%s of %s: it is a rule that cannot be said as %s", k->name,
			      instance, FORM)
		   : 0;
}

static int set(struct sys *s, const struct knob *k, const char *instance, const char *value,
	       struct diag *d)
{
	struct ethtool_rxnfc c = {0};
	_free_ char *now = malloc(KNOB_VALUE_MAX);
	struct net_place p;
	int err = now ? net_place(s, k, instance, NET_RULE, &p, d) : -ENOMEM;

	if (!err && strcmp(value, NONE))
		err = parse_rule(k, value, &c.fs, d);
	if (!err) /* one that cannot be put back is not overwritten either */
		err = get(s, k, instance, now, d);
	if (err || !strcmp(now, value))
		return err;
	if (!strcmp(value, NONE) || strcmp(now, NONE)) {
		struct ethtool_rxnfc gone = {.cmd = ETHTOOL_SRXCLSRLDEL,
					     .fs = {.location = p.index}};

		err = sys_ethtool(p.inside, p.dev, &gone, sizeof(gone));
	}
	if (!err && strcmp(value, NONE)) {
		c.cmd = ETHTOOL_SRXCLSRLINS;
		c.fs.location = p.index;
		err = sys_ethtool(p.inside, p.dev, &c, sizeof(c));
	}
	return err ? net_refused(k, instance, value, err, "", d) : 0;
}

/* The words may come in any order. */
static bool same(const char *want, const char *got)
{
	return knob_same_words(want, got) && knob_same_words(got, want);
}

/* The rules there are. */
static int on_device(struct sys *s, const struct knob *k, const char *dev, char ***instances)
{
	struct names names = {0};
	struct net_place p;
	uint32_t n = 0;
	int err = net_place(s, k, dev, NET_DEVICE, &p, NULL);

	if (!err && !count(&p, &n) && n && n <= RULES_MAX) {
		size_t size = sizeof(struct ethtool_rxnfc) + n * sizeof(uint32_t);
		_free_ struct ethtool_rxnfc *all = calloc(1, size);

		if (!all)
			names.err = -ENOMEM;
		if (all) {
			all->cmd = ETHTOOL_GRXCLSRLALL;
			all->rule_cnt = n;
			if (sys_ethtool(p.inside, p.dev, all, size) || all->rule_cnt > n)
				all->rule_cnt = 0;
			for (uint32_t i = 0; i < all->rule_cnt; i++) {
				char name[KNOB_INSTANCE_MAX];

				snprintf(name, sizeof(name), "%s:rule-%u", dev, all->rule_locs[i]);
				names_add(&names, name);
			}
		}
	}
	if (err && !names.err)
		names.err = err;
	return names_finish(&names, instances);
}

static const struct knob rows[] = {
	{.name = "net.flow-rule",
	 .scope = KNOB_NETDEV,
	 .get = get,
	 .set = set,
	 .same = same,
	 .may_set = net_may_set,
	 .candidates = net_candidates,
	 .on_device = on_device,
	 .doc = "the rule at a location of the driver's table (\"eth0:rule-0\"), or none: "
		"\"udp4 dst-port=5000 action=1\" sends a flow to queue 1; needs net.ntuple"},
};

const struct knob_family knob_family_net_rule = {rows, ARRAY_SIZE(rows)};
