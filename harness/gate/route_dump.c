// SPDX-License-Identifier: Apache-2.0
#include "gate/route_dump.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "sys/genl.h"

#define MAPPED_PREFIX 96

static int destination(const struct rtmsg *m, const struct genl_reply *r, struct route_hop *hop)
{
	const char *attrs = r->attrs + sizeof(*m);
	size_t len = r->len - sizeof(*m), size = m->rtm_family == AF_INET ? 4 : 16;
	struct genl_attr a;
	uint64_t table;

	*hop = (struct route_hop){.prefix = m->rtm_dst_len, .table = m->rtm_table};
	if (m->rtm_dst_len > 8 * size)
		return -EBADMSG;
	if (size == 4) {
		hop->prefix += MAPPED_PREFIX;
		hop->to[10] = hop->to[11] = 0xff;
	}
	if (!genl_find(attrs, len, RTA_DST, &a)) {
		if (a.len != size)
			return -EBADMSG;
		memcpy(hop->to + 16 - size, a.data, size);
	} else if (m->rtm_dst_len) {
		return -EBADMSG;
	}
	if (!genl_find_uint(attrs, len, RTA_TABLE, &table)) /* beyond 255 */
		hop->table = (unsigned)table;
	return 0;
}

/* The next hops of a route with several, one after the other. */
static int each_of_several(const struct genl_attr *list, struct route_hop *hop, visit_hop *visit,
			   void *arg)
{
	size_t at = 0;
	int result = 0;

	while (!result && at < list->len) {
		struct rtnexthop next;

		if (list->len - at < sizeof(next))
			return -EBADMSG;
		memcpy(&next, list->data + at, sizeof(next));
		if (next.rtnh_len < sizeof(next) || next.rtnh_len > list->len - at)
			return -EBADMSG;
		hop->ifindex = (unsigned)next.rtnh_ifindex;
		result = visit(arg, hop);
		at += RTNH_ALIGN(next.rtnh_len);
	}
	return result;
}

static int take(const struct genl_reply *r, visit_hop *visit, void *arg)
{
	struct genl_attr list;
	struct route_hop hop;
	struct rtmsg m;
	uint64_t oif;
	int err;

	if (r->len < sizeof(m))
		return -EBADMSG;
	memcpy(&m, r->attrs, sizeof(m));
	if ((m.rtm_family != AF_INET && m.rtm_family != AF_INET6) ||
	    (m.rtm_type != RTN_UNICAST && m.rtm_type != RTN_LOCAL))
		return 0;
	err = destination(&m, r, &hop);
	if (err)
		return err;
	if (!genl_find_uint(r->attrs + sizeof(m), r->len - sizeof(m), RTA_OIF, &oif)) {
		hop.ifindex = (unsigned)oif;
		err = visit(arg, &hop);
	}
	if (!err && !genl_find(r->attrs + sizeof(m), r->len - sizeof(m), RTA_MULTIPATH, &list))
		err = each_of_several(&list, &hop, visit, arg);
	return err;
}

int route_dump(struct sys *s, visit_hop *visit, void *arg)
{
	struct genl_replies replies = {0};
	struct genl_request r;
	char words[128];
	int err;

	genl_request_init(&r, GENL_ROUTE, RTM_GETROUTE, GENL_DUMP);
	err = sys_genl(s, &r, &replies, words, sizeof(words));
	genl_request_free(&r);
	for (size_t i = 0; !err && i < replies.n; i++)
		err = take(&replies.reply[i], visit, arg);
	genl_replies_free(&replies);
	return err == -ENODATA || err == -ENOENT ? 0 : err;
}
