/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group of numbers that one ethtool netlink message carries (coalescing, channels, rings), as one
 * value "rx-usecs=3 tx-usecs=50 …": what the driver does not have is not in it, and a list to set
 * may be partial.
 */
#pragma once
#include "knob/net_device.h"

#define NET_WORDS_MAX 40

struct net_word {
	const char *name;
	uint16_t attr;
	bool is_flag; /* u8, else u32 */
};

struct net_words {
	const struct net_word *word;
	size_t n;
	uint8_t get, set; /* ETHTOOL_MSG_* */
	const char *what; /* "coalescing parameter" */
};

struct net_values {
	bool there[NET_WORDS_MAX];
	uint64_t value[NET_WORDS_MAX];
};

/* A request of the family "ethtool" about a device; every one begins with its header. */
struct genl_request;
void net_ethtool_request(struct genl_request *r, uint8_t cmd, const char *dev);

int net_words_read(const struct net_words *w, const struct knob *k, const char *instance,
		   const struct net_place *p, struct net_values *v, struct diag *d);
/* Write those of `want` that differ from `now`, in one message; nothing when none does. */
int net_words_write(const struct net_words *w, const struct knob *k, const char *instance,
		    const struct net_place *p, const struct net_values *now,
		    const struct net_values *want, struct diag *d);
/* "a=1 b=2"; -EINVAL names the nearest right word. */
int net_words_parse(const struct net_words *w, const struct knob *k, const char *text,
		    struct net_values *v, struct diag *d);
/* The `get` of a knob that is the whole group. */
int net_words_get(const struct net_words *w, struct sys *s, const struct knob *k,
		  const char *instance, char *value, struct diag *d);
/* Read again: -EOPNOTSUPP with both values where the driver made another of it. */
int net_words_verify(const struct net_words *w, const struct knob *k, const char *instance,
		     const struct net_place *p, const struct net_values *want, struct diag *d);
