// SPDX-License-Identifier: Apache-2.0
/* Attribute streams in memory, and who may change what. Talking to the kernel is genl_live.c. */
#include "sys/genl.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/rtnetlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define REQUEST_MAX 65536

void genl_request_init(struct genl_request *r, const char *family, uint8_t cmd, unsigned flags)
{
	*r = (struct genl_request){.family = family, .cmd = cmd, .flags = flags};
}

void genl_request_free(struct genl_request *r)
{
	free(r->attrs);
	r->attrs = NULL;
	r->len = r->room = 0;
}

/* `size` zeroed bytes at the end, aligned; NULL and r->err when they do not fit. */
static char *extend(struct genl_request *r, size_t size)
{
	size_t want = r->len + NLA_ALIGN(size);
	char *at;

	if (!r->err && want > REQUEST_MAX)
		r->err = -EMSGSIZE;
	if (!r->err && want > r->room) {
		size_t room = r->room ? r->room : 256;
		char *grown;

		while (room < want)
			room *= 2;
		grown = realloc(r->attrs, room);
		if (!grown)
			r->err = -ENOMEM;
		else
			r->attrs = grown;
		if (grown)
			r->room = room;
	}
	if (r->err)
		return NULL;
	at = r->attrs + r->len;
	memset(at, 0, NLA_ALIGN(size));
	r->len = want;
	return at;
}

void genl_put_bin(struct genl_request *r, uint16_t type, const void *data, size_t len)
{
	struct nlattr head = {.nla_type = type};
	char *at;

	if (len > UINT16_MAX - NLA_HDRLEN) {
		r->err = r->err ? r->err : -EMSGSIZE;
		return;
	}
	at = extend(r, NLA_HDRLEN + len);
	if (!at)
		return;
	head.nla_len = (uint16_t)(NLA_HDRLEN + len);
	memcpy(at, &head, sizeof(head));
	if (len)
		memcpy(at + NLA_HDRLEN, data, len);
}

void genl_put_u8(struct genl_request *r, uint16_t type, uint8_t value)
{
	genl_put_bin(r, type, &value, sizeof(value));
}

void genl_put_u32(struct genl_request *r, uint16_t type, uint32_t value)
{
	genl_put_bin(r, type, &value, sizeof(value));
}

void genl_put_u64(struct genl_request *r, uint16_t type, uint64_t value)
{
	genl_put_bin(r, type, &value, sizeof(value));
}

void genl_put_str(struct genl_request *r, uint16_t type, const char *text)
{
	genl_put_bin(r, type, text, strlen(text) + 1);
}

void genl_put_flag(struct genl_request *r, uint16_t type)
{
	genl_put_bin(r, type, NULL, 0);
}

size_t genl_nest_begin(struct genl_request *r, uint16_t type)
{
	size_t nest = r->len;

	genl_put_bin(r, type | NLA_F_NESTED, NULL, 0);
	return nest;
}

void genl_nest_end(struct genl_request *r, size_t nest)
{
	struct nlattr head;

	if (r->err)
		return;
	if (r->len - nest > UINT16_MAX) {
		r->err = -EMSGSIZE;
		return;
	}
	memcpy(&head, r->attrs + nest, sizeof(head));
	head.nla_len = (uint16_t)(r->len - nest);
	memcpy(r->attrs + nest, &head, sizeof(head));
}

int genl_next(const char *attrs, size_t len, size_t *offset, struct genl_attr *a)
{
	struct nlattr head;

	if (*offset > len || len - *offset < NLA_HDRLEN)
		return 0;
	memcpy(&head, attrs + *offset, sizeof(head));
	if (head.nla_len < NLA_HDRLEN || head.nla_len > len - *offset)
		return 0;
	*a = (struct genl_attr){
		.type = head.nla_type & NLA_TYPE_MASK,
		.data = attrs + *offset + NLA_HDRLEN,
		.len = head.nla_len - (size_t)NLA_HDRLEN,
	};
	*offset += NLA_ALIGN(head.nla_len);
	return 1;
}

int genl_uint(const struct genl_attr *a, uint64_t *value)
{
	uint16_t u16;
	uint32_t u32;

	switch (a->len) {
	case 1:
		*value = (uint8_t)*a->data;
		return 0;
	case 2:
		memcpy(&u16, a->data, sizeof(u16));
		*value = u16;
		return 0;
	case 4:
		memcpy(&u32, a->data, sizeof(u32));
		*value = u32;
		return 0;
	case 8:
		memcpy(value, a->data, sizeof(*value));
		return 0;
	}
	return -EINVAL;
}

int genl_find(const char *attrs, size_t len, uint16_t type, struct genl_attr *a)
{
	size_t offset = 0;

	while (genl_next(attrs, len, &offset, a))
		if (a->type == type)
			return 0;
	return -ENOENT;
}

int genl_find_uint(const char *attrs, size_t len, uint16_t type, uint64_t *value)
{
	struct genl_attr a;
	int err = genl_find(attrs, len, type, &a);

	return err ? err : genl_uint(&a, value);
}

int genl_find_str(const char *attrs, size_t len, uint16_t type, char *text, size_t size)
{
	struct genl_attr a;
	int err = genl_find(attrs, len, type, &a);
	size_t n;

	if (err)
		return err;
	n = strnlen(a.data, a.len);
	if (n >= size)
		return -ENAMETOOLONG;
	memcpy(text, a.data, n);
	text[n] = '\0';
	return 0;
}

int genl_replies_add(struct genl_replies *replies, const char *attrs, size_t len)
{
	struct genl_reply *grown =
		reallocarray(replies->reply, replies->n + 1, sizeof(*replies->reply));
	char *copy = malloc(len ? len : 1);

	if (grown)
		replies->reply = grown;
	if (!grown || !copy) {
		free(copy);
		return -ENOMEM;
	}
	if (len)
		memcpy(copy, attrs, len);
	replies->reply[replies->n++] = (struct genl_reply){.attrs = copy, .len = len};
	return 0;
}

void genl_replies_free(struct genl_replies *replies)
{
	for (size_t i = 0; i < replies->n; i++)
		free(replies->reply[i].attrs);
	free(replies->reply);
	*replies = (struct genl_replies){0};
}

/* Linux 6.8, Documentation/netlink/specs/netdev.yaml; younger than the headers we build with. */
enum { NETDEV_DEV_GET = 1, NETDEV_QUEUE_GET = 10, NETDEV_NAPI_GET = 11, NETDEV_QSTATS_GET = 12 };

bool genl_only_asks(const struct genl_request *r)
{
	static const uint8_t ethtool[] = {
		ETHTOOL_MSG_STRSET_GET,	   ETHTOOL_MSG_LINKINFO_GET,
		ETHTOOL_MSG_LINKMODES_GET, ETHTOOL_MSG_LINKSTATE_GET,
		ETHTOOL_MSG_FEATURES_GET,  ETHTOOL_MSG_PRIVFLAGS_GET,
		ETHTOOL_MSG_RINGS_GET,	   ETHTOOL_MSG_CHANNELS_GET,
		ETHTOOL_MSG_COALESCE_GET,  ETHTOOL_MSG_PAUSE_GET,
		ETHTOOL_MSG_EEE_GET,	   ETHTOOL_MSG_TSINFO_GET,
		ETHTOOL_MSG_FEC_GET,	   ETHTOOL_MSG_STATS_GET,
		ETHTOOL_MSG_MODULE_GET,	   38 /* ETHTOOL_MSG_RSS_GET, Linux 6.3 */,
	};
	static const uint8_t netdev[] = {NETDEV_DEV_GET, NETDEV_QUEUE_GET, NETDEV_NAPI_GET,
					 NETDEV_QSTATS_GET};

	if (!strcmp(r->family, "nlctrl"))
		return r->cmd == CTRL_CMD_GETFAMILY || r->cmd == CTRL_CMD_GETPOLICY;
	if (!strcmp(r->family, GENL_ROUTE))
		return r->cmd == RTM_GETROUTE;
	if (!strcmp(r->family, "ethtool"))
		return memchr(ethtool, r->cmd, sizeof(ethtool));
	return !strcmp(r->family, "netdev") && memchr(netdev, r->cmd, sizeof(netdev));
}

bool ethtool_only_asks(const void *cmd, size_t size)
{
	static const uint32_t reads[] = {
		ETHTOOL_GDRVINFO,   ETHTOOL_GCOALESCE,	 ETHTOOL_GRINGPARAM, ETHTOOL_GSTRINGS,
		ETHTOOL_GSTATS,	    ETHTOOL_GRXFH,	 ETHTOOL_GRXRINGS,   ETHTOOL_GRXCLSRLCNT,
		ETHTOOL_GRXCLSRULE, ETHTOOL_GRXCLSRLALL, ETHTOOL_GRXFHINDIR, ETHTOOL_GSSET_INFO,
		ETHTOOL_GFEATURES,  ETHTOOL_GCHANNELS,	 ETHTOOL_GRSSH,	     ETHTOOL_GLINK,
	};
	uint32_t word[2] = {0}; /* ETHTOOL_PERQUEUE: the command for each queue comes second */

	memcpy(word, cmd, size < sizeof(word) ? size : sizeof(word));
	if (word[0] == ETHTOOL_PERQUEUE)
		return word[1] == ETHTOOL_GCOALESCE;
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		if (reads[i] == word[0])
			return true;
	return false;
}

int sys_genl(struct sys *s, const struct genl_request *r, struct genl_replies *replies, char *words,
	     size_t words_size)
{
	*replies = (struct genl_replies){0};
	if (words_size)
		*words = '\0';
	return r->err ? r->err : s->ops->genl(s, r, replies, words, words_size);
}

int sys_ethtool(struct sys *s, const char *dev, void *cmd, size_t size)
{
	return size < sizeof(uint32_t) ? -EINVAL : s->ops->ethtool(s, dev, cmd, size);
}
