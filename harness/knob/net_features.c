// SPDX-License-Identifier: Apache-2.0
/*
 * Offload features (ethtool netlink, Linux 5.7). The kernel keeps what was asked for and what is
 * active apart: one may be asked for and held back by another or by the driver. A setting counts
 * when it is active. Values: "on", "off", and for what differs from the wish "off-wanted-on",
 * "on-wanted-off". net.features is all that can be changed, as one value; whichever knob is
 * written, the whole is snapshotted and restored after it.
 */
#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "knob/net_words.h"
#include "sys/genl.h"

#define FEATURES_MAX 128
#define NTUPLE	     "rx-ntuple-filter"

struct feature {
	char name[40];
	bool fixed, wanted, active;
};

struct features {
	struct feature list[FEATURES_MAX];
	size_t n;
};

/* What people switch together, by the kernel's names (netdev_features_strings). */
static const struct group {
	const char *knob;
	const char *const *names;
} groups[] = {
	{"net.gro", (const char *const[]){"rx-gro", NULL}},
	{"net.hw-gro", (const char *const[]){"rx-gro-hw", NULL}},
	{"net.lro", (const char *const[]){"rx-lro", NULL}},
	{"net.rx-gro-list", (const char *const[]){"rx-gro-list", NULL}},
	{"net.rx-udp-gro-forwarding", (const char *const[]){"rx-udp-gro-forwarding", NULL}},
	{"net.gso", (const char *const[]){"tx-generic-segmentation", NULL}},
	{"net.tso",
	 (const char *const[]){"tx-tcp-segmentation", "tx-tcp-ecn-segmentation",
			       "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation",
			       "tx-tcp-accecn-segmentation" /* newer: 6.18 has it */, NULL}},
	{"net.uso", (const char *const[]){"tx-udp-segmentation", NULL}},
	{"net.scatter-gather", (const char *const[]){"tx-scatter-gather", NULL}},
	{"net.rx-checksum", (const char *const[]){"rx-checksum", NULL}},
	{"net.tx-checksum", (const char *const[]){"tx-checksum-ipv4", "tx-checksum-ip-generic",
						  "tx-checksum-ipv6", "tx-checksum-sctp", NULL}},
	{"net.rx-hashing", (const char *const[]){"rx-hashing", NULL}},
	{"net.ntuple", (const char *const[]){NTUPLE, NULL}},
	{"net.hw-tc-offload", (const char *const[]){"hw-tc-offload", NULL}},
};

static const struct group *group_of(const struct knob *k)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (!strcmp(groups[i].knob, k->name))
			return &groups[i];
	return NULL;
}

static struct feature *feature(struct features *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->list[i].name, name))
			return &f->list[i];
	return NULL;
}

enum which { HW, WANTED, ACTIVE, NOCHANGE };

/* One bit of a bit set with names: there when it is set, or with a flag that says whether. */
static void take_bit(struct features *f, const struct genl_attr *bit, enum which which,
		     bool has_mask)
{
	struct genl_attr flag;
	struct feature *one;
	char name[40];
	bool set = !has_mask || !genl_find(bit->data, bit->len, ETHTOOL_A_BITSET_BIT_VALUE, &flag);

	if (genl_find_str(bit->data, bit->len, ETHTOOL_A_BITSET_BIT_NAME, name, sizeof(name)))
		return;
	one = feature(f, name);
	if (!one && f->n < FEATURES_MAX) {
		one = &f->list[f->n++];
		*one = (struct feature){.fixed = true};
		snprintf(one->name, sizeof(one->name), "%s", name);
	}
	if (!one)
		return;
	if (which == HW && set)
		one->fixed = false;
	if (which == NOCHANGE && set)
		one->fixed = true;
	if (which == WANTED)
		one->wanted = set;
	if (which == ACTIVE)
		one->active = set;
}

static void take_set(struct features *f, const struct genl_reply *reply, uint16_t type,
		     enum which which)
{
	struct genl_attr set, bits, bit, nomask;
	size_t offset = 0;
	bool has_mask;

	if (genl_find(reply->attrs, reply->len, type, &set) ||
	    genl_find(set.data, set.len, ETHTOOL_A_BITSET_BITS, &bits))
		return;
	has_mask = genl_find(set.data, set.len, ETHTOOL_A_BITSET_NOMASK, &nomask) != 0;
	while (genl_next(bits.data, bits.len, &offset, &bit))
		if (bit.type == ETHTOOL_A_BITSET_BITS_BIT)
			take_bit(f, &bit, which, has_mask);
}

static int read_features(const struct knob *k, const char *instance, const struct net_place *p,
			 struct features *f, struct diag *d)
{
	struct genl_request r;
	struct genl_replies replies = {0};
	char words[256] = "";
	int err;

	f->n = 0;
	net_ethtool_request(&r, ETHTOOL_MSG_FEATURES_GET, p->dev);
	err = sys_genl(p->inside, &r, &replies, words, sizeof(words));
	if (!err && !replies.n)
		err = -EPROTO;
	if (!err) {
		take_set(f, &replies.reply[0], ETHTOOL_A_FEATURES_HW, HW);
		take_set(f, &replies.reply[0], ETHTOOL_A_FEATURES_NOCHANGE, NOCHANGE);
		take_set(f, &replies.reply[0], ETHTOOL_A_FEATURES_WANTED, WANTED);
		take_set(f, &replies.reply[0], ETHTOOL_A_FEATURES_ACTIVE, ACTIVE);
	}
	genl_request_free(&r);
	genl_replies_free(&replies);
	return err ? net_unanswered(k, instance, err, words, d) : 0;
}

/* A feature that cannot be changed is as it is, whatever was wished. */
static const char *state_of(const struct feature *f)
{
	if (f->fixed || f->wanted == f->active)
		return f->active ? "on" : "off";
	return f->wanted ? "off-wanted-on" : "on-wanted-off";
}

static int parse_state(const struct knob *k, const char *text, bool *wanted, struct diag *d)
{
	static const struct {
		const char *text;
		bool wanted;
	} states[] = {{"on", true},   {"1", true},  {"off-wanted-on", true},
		      {"off", false}, {"0", false}, {"on-wanted-off", false}};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (!strcmp(states[i].text, text)) {
			*wanted = states[i].wanted;
			return 0;
		}
	return diag_set(d, -EINVAL, "%s: \"%.40s\": \"on\" or \"off\" is expected", k->name, text);
}

/* Ask for those of `want` that are asked for otherwise now. */
static int write_features(const struct knob *k, const char *instance, const char *value,
			  const struct net_place *p, struct features *now,
			  const struct features *want, struct diag *d)
{
	struct genl_request r;
	struct genl_replies replies = {0};
	char words[256] = "";
	size_t set, bits, bit;
	bool any = false;
	int err = 0;

	net_ethtool_request(&r, ETHTOOL_MSG_FEATURES_SET, p->dev);
	set = genl_nest_begin(&r, ETHTOOL_A_FEATURES_WANTED);
	bits = genl_nest_begin(&r, ETHTOOL_A_BITSET_BITS);
	for (size_t i = 0; i < want->n; i++) {
		const struct feature *w = &want->list[i], *is = feature(now, w->name);

		if (is->wanted == w->wanted && is->active == is->wanted)
			continue;
		any = true;
		bit = genl_nest_begin(&r, ETHTOOL_A_BITSET_BITS_BIT);
		genl_put_str(&r, ETHTOOL_A_BITSET_BIT_NAME, w->name);
		if (w->wanted)
			genl_put_flag(&r, ETHTOOL_A_BITSET_BIT_VALUE);
		genl_nest_end(&r, bit);
	}
	genl_nest_end(&r, bits);
	genl_nest_end(&r, set);
	if (any)
		err = sys_genl(p->inside, &r, &replies, words, sizeof(words));
	genl_request_free(&r);
	genl_replies_free(&replies);
	return err ? net_refused(k, instance, value, err, words, d) : 0;
}

/* Active, not merely asked for; what was not active before although asked for need not be. */
static int verify(const struct knob *k, const char *instance, const struct net_place *p,
		  const struct features *want, struct diag *d)
{
	_free_ struct features *now = malloc(sizeof(*now));
	char label[KNOB_LABEL_MAX];
	int err = now ? read_features(k, instance, p, now, d) : -ENOMEM;

	for (size_t i = 0; !err && i < want->n; i++) {
		const struct feature *w = &want->list[i], *is = feature(now, w->name);

		if (!is || is->active != w->active)
			return diag_set(d, -EOPNOTSUPP,
					"%s: the kernel took \"%s %s\", but it is %s: another "
					"feature or the driver holds it",
					knob_label(k, instance, label), w->name,
					w->active ? "on" : "off", is ? state_of(is) : "not there");
	}
	return err;
}

static int want_one(const struct knob *k, const char *instance, struct features *now,
		    const char *name, const char *state, struct features *want, struct diag *d)
{
	struct feature *is = feature(now, name), *w = &want->list[want->n];
	char label[KNOB_LABEL_MAX];
	bool wanted = false;
	int err = parse_state(k, state, &wanted, d);

	if (err)
		return err;
	if (is->fixed && is->active != wanted)
		return diag_set(d, -EOPNOTSUPP, "%s: the driver has %s fixed to \"%s\"",
				knob_label(k, instance, label), name, state_of(is));
	if (is->fixed)
		return 0;
	*w = *is;
	w->wanted = wanted;
	w->active = strstr(state, "-wanted-") ? !wanted : wanted;
	want->n++;
	return 0;
}

/* "rx-gro=on tx-tcp-segmentation=off" */
static int want_words(const struct knob *k, const char *instance, struct features *now,
		      const char *value, struct features *want, struct diag *d)
{
	_free_ char *copy = strdup(value);
	char *rest = copy, *word;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (word = strsep(&rest, " "))) {
		char *equal = strchr(word, '=');
		const char *all[FEATURES_MAX];
		char hint[160];

		if (!*word)
			continue;
		if (!equal)
			return diag_set(d, -EINVAL, "%s: \"%.40s\": FEATURE=on or =off is expected",
					k->name, word);
		*equal++ = '\0';
		for (size_t i = 0; i < now->n; i++)
			all[i] = now->list[i].name;
		if (!feature(now, word))
			return diag_set(d, -EINVAL, "%s: unknown feature \"%.40s\"%s", k->name,
					word, suggest_text(word, all, now->n, hint, sizeof(hint)));
		err = want->n < FEATURES_MAX ? want_one(k, instance, now, word, equal, want, d)
					     : -E2BIG;
	}
	return err;
}

/* A group: every feature of it that can be changed, or all alike when none can. */
static int want_group(const struct knob *k, const char *instance, struct features *now,
		      const char *value, struct features *want, struct diag *d)
{
	const struct group *g = group_of(k);
	size_t fixed = 0;
	int err = 0;

	if (strchr(value, '='))
		return want_words(k, instance, now, value, want, d);
	for (const char *const *name = g->names; !err && *name; name++) {
		struct feature *f = feature(now, *name);

		if (f && f->fixed)
			fixed++;
		else if (f)
			err = want_one(k, instance, now, *name, value, want, d);
	}
	for (const char *const *name = g->names; !err && !want->n && *name; name++)
		if (feature(now, *name))
			err = want_one(k, instance, now, *name, value, want, d);
	return err;
}

/* Drivers delete their flow rules with the switch, and those are not restored with it. */
static int keep_rules(const struct knob *k, const char *instance, const struct net_place *p,
		      struct features *now, struct features *want, struct diag *d)
{
	const struct feature *is = feature(now, NTUPLE), *w = feature(want, NTUPLE);

	return is && is->active && w && !w->active ? net_keep_rules(k, instance, p, d) : 0;
}

static int set(struct sys *s, const struct knob *k, const char *instance, const char *value,
	       struct diag *d)
{
	_free_ struct features *now = malloc(sizeof(*now)), *want = calloc(1, sizeof(*want));
	struct net_place p;
	int err = now && want ? net_place(s, k, instance, NET_DEVICE, &p, d) : -ENOMEM;

	if (!err)
		err = read_features(k, instance, &p, now, d);
	if (!err)
		err = group_of(k) ? want_group(k, instance, now, value, want, d)
				  : want_words(k, instance, now, value, want, d);
	if (!err)
		err = keep_rules(k, instance, &p, now, want, d);
	if (!err)
		err = write_features(k, instance, value, &p, now, want, d);
	return err ? err : verify(k, instance, &p, want, d);
}

static int print(const struct features *f, char *value, bool fixed,
		 bool (*take)(const void *, const char *), const void *arg)
{
	size_t used = 0;

	*value = '\0';
	for (size_t i = 0; i < f->n; i++) {
		const struct feature *one = &f->list[i];

		if (one->fixed != fixed || !take(arg, one->name))
			continue;
		if (used + strlen(one->name) + 20 > KNOB_VALUE_MAX)
			return -EFBIG;
		used += (size_t)snprintf(value + used, KNOB_VALUE_MAX - used, "%s%s=%s",
					 used ? " " : "", one->name, state_of(one));
	}
	return 0;
}

static bool take_all(const void *arg, const char *name)
{
	return true;
}

static bool take_group(const void *arg, const char *name)
{
	const struct group *g = arg;

	for (const char *const *n = g->names; *n; n++)
		if (!strcmp(*n, name))
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct feature *)a)->name, ((const struct feature *)b)->name);
}

/* One word where all of the group agree. Fixed ones count only where there are no others. */
static int print_group(const struct knob *k, const char *instance, struct features *f, char *value,
		       struct diag *d)
{
	const struct group *g = group_of(k);
	const char *common = NULL;
	char label[KNOB_LABEL_MAX];
	bool alike = true, any = false, all_fixed = false;

	for (int fixed = 0; fixed < 2 && !any; fixed++)
		for (const char *const *name = g->names; *name; name++) {
			struct feature *one = feature(f, *name);

			if (!one || one->fixed != (fixed != 0))
				continue;
			any = true;
			all_fixed = fixed;
			alike = alike && (!common || !strcmp(common, state_of(one)));
			common = state_of(one);
		}
	if (!any)
		return diag_set(d, -EOPNOTSUPP, "%s: this kernel has no feature \"%s\"",
				knob_label(k, instance, label), g->names[0]);
	if (!alike)
		return print(f, value, all_fixed, take_group, g);
	snprintf(value, KNOB_VALUE_MAX, "%s", common);
	return 0;
}

static int get(struct sys *s, const struct knob *k, const char *instance, char *value,
	       struct diag *d)
{
	_free_ struct features *f = malloc(sizeof(*f));
	struct net_place p;
	int err = f ? net_place(s, k, instance, NET_DEVICE, &p, d) : -ENOMEM;

	if (!err)
		err = read_features(k, instance, &p, f, d);
	if (err)
		return err;
	qsort(f->list, f->n, sizeof(*f->list), compare);
	if (group_of(k))
		return print_group(k, instance, f, value, d);
	err = print(f, value, false, take_all, NULL);
	return err ? diag_errno(d, err, "net.features of %s", instance) : 0;
}

static bool same(const char *want, const char *got)
{
	if (!strcmp(want, "1"))
		want = "on";
	if (!strcmp(want, "0"))
		want = "off";
	return knob_same_words(want, got);
}

#define ROW(text)                                                                          \
	.name = text, .scope = KNOB_NETDEV, .flags = KNOB_REMAKES, .get = get, .set = set, \
	.same = same, .may_set = net_may_set, .candidates = net_candidates,                \
	.on_device = net_on_device, .disturbs = napi_knobs
#define VIEW(text) ROW(text), .part_of = "net.features"

static const char *const napi_knobs[] = {"napi.defer-hard-irqs", "napi.gro-flush-timeout",
					 "napi.irq-suspend-timeout", "napi.threaded", NULL};

static const struct knob rows[] = {
	{ROW("net.features"),
	 .doc = "every feature that can be changed, as FEATURE=on|off words by the kernel's names; "
		"a list to set may be partial"},
	{VIEW("net.gro"),
	 .doc = "generic receive offload; on veth it makes the NAPI instances, and a toggle "
		"resets what they were set to"},
	{VIEW("net.hw-gro"), .doc = "receive offload done by the device, in GRO's way"},
	{VIEW("net.lro"), .doc = "large receive offload"},
	{VIEW("net.rx-gro-list"), .since = "5.6", .doc = "GRO by chaining packets"},
	{VIEW("net.rx-udp-gro-forwarding"), .since = "5.12",
	 .doc = "GRO of UDP without a socket that asks for it; with it veth takes sockets' UDP "
		"packets through NAPI whatever the sender's TSO"},
	{VIEW("net.gso"), .doc = "generic segmentation offload"},
	{VIEW("net.tso"),
	 .doc = "TCP segmentation offload, all kinds; veth's packets pass NAPI only when the "
		"sender has none"},
	{VIEW("net.uso"), .since = "4.18", .doc = "UDP segmentation offload"},
	{VIEW("net.scatter-gather"), .doc = "scatter-gather transmit; TSO and GSO need it"},
	{VIEW("net.rx-checksum"), .doc = "checksums of received packets; GRO and LRO need it"},
	{VIEW("net.tx-checksum"), .doc = "checksums of sent packets; TSO needs it"},
	{VIEW("net.rx-hashing"), .doc = "the device's flow hash"},
	{VIEW("net.ntuple"),
	 .doc = "flow rules (net.flow-rule); refused to be switched off while there are any, as "
		"drivers delete them with it"},
	{VIEW("net.hw-tc-offload"), .doc = "traffic control rules in the device"},
};

const struct knob_family knob_family_net_features = {rows, ARRAY_SIZE(rows)};
