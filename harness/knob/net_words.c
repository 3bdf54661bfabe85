// SPDX-License-Identifier: Apache-2.0
#include "knob/net_words.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/ethtool_netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/suggest.h"
#include "sys/genl.h"

enum { HEADER = 1 }; /* ETHTOOL_A_*_HEADER, the same in every message */

void net_ethtool_request(struct genl_request *r, uint8_t cmd, const char *dev)
{
	size_t nest;

	genl_request_init(r, "ethtool", cmd, 0);
	nest = genl_nest_begin(r, HEADER);
	genl_put_str(r, ETHTOOL_A_HEADER_DEV_NAME, dev);
	genl_nest_end(r, nest);
}

int net_words_read(const struct net_words *w, const struct knob *k, const char *instance,
		   const struct net_place *p, struct net_values *v, struct diag *d)
{
	struct genl_request r;
	struct genl_replies replies = {0};
	char words[256] = "";
	int err;

	*v = (struct net_values){0};
	net_ethtool_request(&r, w->get, p->dev);
	err = sys_genl(p->inside, &r, &replies, words, sizeof(words));
	for (size_t i = 0; !err && replies.n && i < w->n; i++)
		v->there[i] = !genl_find_uint(replies.reply[0].attrs, replies.reply[0].len,
					      w->word[i].attr, &v->value[i]);
	if (!err && !replies.n)
		err = -EPROTO;
	genl_request_free(&r);
	genl_replies_free(&replies);
	if (err == -EOPNOTSUPP && !*words)
		snprintf(words, sizeof(words), "the driver has no %s", w->what);
	return err ? net_unanswered(k, instance, err, words, d) : 0;
}

static void print(const struct net_words *w, const struct net_values *v, char *text)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < w->n; i++)
		if (v->there[i])
			used += (size_t)snprintf(text + used, KNOB_VALUE_MAX - used,
						 "%s%s=%" PRIu64, used ? " " : "", w->word[i].name,
						 v->value[i]);
}

int net_words_get(const struct net_words *w, struct sys *s, const struct knob *k,
		  const char *instance, char *value, struct diag *d)
{
	struct net_place p;
	struct net_values v;
	int err = net_place(s, k, instance, NET_DEVICE, &p, d);

	if (!err)
		err = net_words_read(w, k, instance, &p, &v, d);
	if (!err)
		print(w, &v, value);
	return err;
}

int net_words_write(const struct net_words *w, const struct knob *k, const char *instance,
		    const struct net_place *p, const struct net_values *now,
		    const struct net_values *want, struct diag *d)
{
	struct net_values written = {0};
	struct genl_request r;
	struct genl_replies replies = {0};
	_free_ char *text = malloc(KNOB_VALUE_MAX);
	char words[256] = "";
	bool any = false;
	int err = 0;

	if (!text)
		return -ENOMEM;
	net_ethtool_request(&r, w->set, p->dev);
	for (size_t i = 0; i < w->n; i++) {
		if (!want->there[i] || (now->there[i] && now->value[i] == want->value[i]))
			continue;
		any = written.there[i] = true;
		written.value[i] = want->value[i];
		if (w->word[i].is_flag)
			genl_put_u8(&r, w->word[i].attr, (uint8_t)want->value[i]);
		else
			genl_put_u32(&r, w->word[i].attr, (uint32_t)want->value[i]);
	}
	if (any)
		err = sys_genl(p->inside, &r, &replies, words, sizeof(words));
	genl_request_free(&r);
	genl_replies_free(&replies);
	print(w, &written, text);
	return err ? net_refused(k, instance, text, err, words, d) : 0;
}

static int find(const struct net_words *w, const struct knob *k, const char *name, size_t *index,
		struct diag *d)
{
	const char *all[NET_WORDS_MAX];
	char hint[160];

	for (*index = 0; *index < w->n; ++*index) {
		all[*index] = w->word[*index].name;
		if (!strcmp(name, all[*index]))
			return 0;
	}
	return diag_set(d, -EINVAL, "%s: unknown %s \"%.40s\"%s", k->name, w->what, name,
			suggest_text(name, all, w->n, hint, sizeof(hint)));
}

int net_words_parse(const struct net_words *w, const struct knob *k, const char *text,
		    struct net_values *v, struct diag *d)
{
	_free_ char *copy = strdup(text);
	char *rest = copy, *word;
	bool any = false;

	*v = (struct net_values){0};
	if (!copy)
		return -ENOMEM;
	while ((word = strsep(&rest, " "))) {
		char *equal = strchr(word, '=');
		uint64_t value;
		size_t i;
		int err;

		if (!*word)
			continue;
		if (!equal)
			return diag_set(d, -EINVAL, "%s: \"%.40s\": NAME=NUMBER is expected",
					k->name, word);
		*equal++ = '\0';
		err = find(w, k, word, &i, d);
		if (err)
			return err;
		if (num_parse_u64(equal, &value, NULL) || value > UINT32_MAX ||
		    (w->word[i].is_flag && value > UINT8_MAX))
			return diag_set(d, -EINVAL, "%s: %s=\"%.40s\": a number%s is expected",
					k->name, word, equal,
					w->word[i].is_flag ? " (0 or 1)" : "");
		any = v->there[i] = true;
		v->value[i] = value;
	}
	return any ? 0 : diag_set(d, -EINVAL, "%s: NAME=NUMBER is expected", k->name);
}

int net_words_verify(const struct net_words *w, const struct knob *k, const char *instance,
		     const struct net_place *p, const struct net_values *want, struct diag *d)
{
	char label[KNOB_LABEL_MAX];
	struct net_values now;
	int err = net_words_read(w, k, instance, p, &now, d);

	for (size_t i = 0; !err && i < w->n; i++)
		if (want->there[i] && (!now.there[i] || now.value[i] != want->value[i]))
			return diag_set(d, -EOPNOTSUPP,
					"%s: the driver took %s=%" PRIu64 " and has %" PRIu64
					": it does not do that value",
					knob_label(k, instance, label), w->word[i].name,
					want->value[i], now.there[i] ? now.value[i] : 0);
	return err;
}
