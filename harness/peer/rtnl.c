// SPDX-License-Identifier: Apache-2.0
#include "peer/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "sys/netns.h"

#define REQUEST_SIZE 1024
/* A dump's answer may be larger than a page; libmnl's advice for it. */
#define ANSWER_SIZE 32768

struct request {
	_Alignas(struct nlmsghdr) char buf[REQUEST_SIZE];
	struct nlmsghdr *header;
};

/* `type` with a zeroed family header of `size` bytes, which is returned. */
static void *request_init(struct request *r, uint16_t type, uint16_t flags, size_t size)
{
	r->header = mnl_nlmsg_put_header(r->buf);
	r->header->nlmsg_type = type;
	r->header->nlmsg_flags = NLM_F_REQUEST | flags;
	return mnl_nlmsg_put_extra_header(r->header, size);
}

/* The kernel's sentence behind an error (NETLINK_EXT_ACK, Linux 4.12). */
static void read_words(const struct nlmsghdr *h, const struct nlmsgerr *e, char *words, size_t size)
{
	size_t offset = sizeof(*e);
	const struct nlattr *a;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		offset += MNL_ALIGN(e->msg.nlmsg_len - sizeof(e->msg));
	mnl_attr_for_each(a, h, offset) if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG) snprintf(
		words, size, "%.*s", (int)mnl_attr_get_payload_len(a), mnl_attr_get_str(a));
}

/* One message of an answer: 1 go on, 0 the end, -errno. */
static int take(const struct nlmsghdr *h, mnl_cb_t each, void *arg, char *words, size_t size)
{
	if (h->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		if (mnl_nlmsg_get_payload_len(h) < sizeof(*e))
			return -EPROTO;
		read_words(h, e, words, size);
		return e->error;
	}
	if (h->nlmsg_type == NLMSG_DONE)
		return 0;
	if (each)
		each(h, arg);
	return 1;
}

/* Send it, hand each answer to `each`, wait for the acknowledgement or the end of the dump. */
static int talk(struct mnl_socket *nl, struct request *r, mnl_cb_t each, void *arg, char *words,
		size_t size)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_SIZE];
	static unsigned last;
	unsigned seq = ++last;
	int more = 1;

	*words = '\0';
	r->header->nlmsg_seq = seq;
	if (mnl_socket_sendto(nl, r->header, r->header->nlmsg_len) < 0)
		return -errno;
	while (more == 1) {
		ssize_t got = mnl_socket_recvfrom(nl, answer, sizeof(answer));
		int left = (int)got;

		if (got < 0)
			return -errno;
		for (const struct nlmsghdr *h = (void *)answer; more == 1 && mnl_nlmsg_ok(h, left);
		     h = mnl_nlmsg_next(h, &left))
			if (h->nlmsg_seq == seq)
				more = take(h, each, arg, words, size);
	}
	return more;
}

static int talk_or_say(struct mnl_socket *nl, struct request *r, const char *what, struct diag *d)
{
	char words[256];
	int err = talk(nl, r, NULL, NULL, words, sizeof(words));

	if (err && *words)
		return diag_set(d, err, "%s: %s (%s)", what, strerror(-err), words);
	return err ? diag_errno(d, err, "%s", what) : 0;
}

static int open_socket(void *arg)
{
	struct mnl_socket **nl = arg;
	int on = 1, err;

	*nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!*nl)
		return -errno;
	/* the last one lets the kernel filter dumps by interface; older kernels do without all */
	mnl_socket_setsockopt(*nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(*nl, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(*nl, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (mnl_socket_bind(*nl, 0, MNL_SOCKET_AUTOPID) >= 0)
		return 0;
	err = -errno;
	mnl_socket_close(*nl);
	*nl = NULL;
	return err;
}

int rtnl_open(int netns_fd, struct mnl_socket **nl, struct diag *d)
{
	int err = netns_fd < 0 ? open_socket(nl) : netns_call(netns_fd, open_socket, nl);

	return err ? diag_errno(d, err, "rtnetlink socket") : 0;
}

static int link_info(const struct nlattr *a, void *arg)
{
	struct rtnl_link *link = arg;

	if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
		snprintf(link->kind, sizeof(link->kind), "%s", mnl_attr_get_str(a));
	return MNL_CB_OK;
}

static int link_xdp(const struct nlattr *a, void *arg)
{
	struct rtnl_link *link = arg;

	if (mnl_attr_get_type(a) == IFLA_XDP_ATTACHED)
		link->xdp = mnl_attr_get_u8(a) != XDP_ATTACHED_NONE;
	return MNL_CB_OK;
}

static int link_attr(const struct nlattr *a, void *arg)
{
	struct rtnl_link *link = arg;

	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		snprintf(link->name, sizeof(link->name), "%s", mnl_attr_get_str(a));
		break;
	case IFLA_MASTER:
		link->master = mnl_attr_get_u32(a);
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) == sizeof(link->mac))
			memcpy(link->mac, mnl_attr_get_payload(a), sizeof(link->mac));
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(a, link_info, link);
		break;
	case IFLA_XDP:
		mnl_attr_parse_nested(a, link_xdp, link);
		break;
	}
	return MNL_CB_OK;
}

static int link_message(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
	struct rtnl_link *link = arg;

	link->ifindex = (unsigned)i->ifi_index;
	link->up = i->ifi_flags & IFF_UP;
	link->running = i->ifi_flags & IFF_RUNNING;
	return mnl_attr_parse(h, sizeof(*i), link_attr, link);
}

int rtnl_link(struct mnl_socket *nl, const char *name, struct rtnl_link *link, struct diag *d)
{
	struct request r;
	char words[256];
	int err;

	memset(link, 0, sizeof(*link));
	if (strlen(name) >= IFNAMSIZ)
		return diag_set(d, -ENODEV, "interface %s: no such name", name);
	request_init(&r, RTM_GETLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(r.header, IFLA_IFNAME, name);
	err = talk(nl, &r, link_message, link, words, sizeof(words));
	return err ? diag_errno(d, err, "interface %s", name) : 0;
}

static void put_queues(struct nlmsghdr *h, unsigned queues)
{
	mnl_attr_put_u32(h, IFLA_NUM_TX_QUEUES, queues);
	mnl_attr_put_u32(h, IFLA_NUM_RX_QUEUES, queues);
}

int rtnl_veth(struct mnl_socket *nl, const char *name, int netns_fd, const char *peer_name,
	      unsigned queues, struct diag *d)
{
	struct nlattr *info, *data, *peer;
	struct request r;

	request_init(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
		     sizeof(struct ifinfomsg));
	mnl_attr_put_strz(r.header, IFLA_IFNAME, name);
	put_queues(r.header, queues);
	info = mnl_attr_nest_start(r.header, IFLA_LINKINFO);
	mnl_attr_put_strz(r.header, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(r.header, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(r.header, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(r.header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(r.header, IFLA_IFNAME, peer_name);
	mnl_attr_put_u32(r.header, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	put_queues(r.header, queues);
	mnl_attr_nest_end(r.header, peer);
	mnl_attr_nest_end(r.header, data);
	mnl_attr_nest_end(r.header, info);
	return talk_or_say(nl, &r, "veth pair", d);
}

int rtnl_delete(struct mnl_socket *nl, unsigned ifindex, struct diag *d)
{
	struct request r;
	struct ifinfomsg *i = request_init(&r, RTM_DELLINK, NLM_F_ACK, sizeof(*i));

	i->ifi_index = (int)ifindex;
	return talk_or_say(nl, &r, "removing the interface", d);
}

int rtnl_set_up(struct mnl_socket *nl, unsigned ifindex, bool up, struct diag *d)
{
	struct request r;
	struct ifinfomsg *i = request_init(&r, RTM_NEWLINK, NLM_F_ACK, sizeof(*i));

	i->ifi_index = (int)ifindex;
	i->ifi_flags = up ? IFF_UP : 0;
	i->ifi_change = IFF_UP;
	return talk_or_say(nl, &r, up ? "setting it up" : "setting it down", d);
}

int rtnl_move(struct mnl_socket *nl, unsigned ifindex, int netns_fd, const char *name,
	      struct diag *d)
{
	struct request r;
	struct ifinfomsg *i = request_init(&r, RTM_NEWLINK, NLM_F_ACK, sizeof(*i));

	i->ifi_index = (int)ifindex;
	mnl_attr_put_u32(r.header, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	mnl_attr_put_strz(r.header, IFLA_IFNAME, name);
	return talk_or_say(nl, &r, "moving it to another namespace", d);
}

int rtnl_add_address(struct mnl_socket *nl, unsigned ifindex, struct in_addr address,
		     unsigned prefix, struct diag *d)
{
	struct request r;
	struct ifaddrmsg *a =
		request_init(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, sizeof(*a));

	a->ifa_family = AF_INET;
	a->ifa_prefixlen = (uint8_t)prefix;
	a->ifa_scope = RT_SCOPE_UNIVERSE;
	a->ifa_index = ifindex;
	mnl_attr_put(r.header, IFA_LOCAL, sizeof(address), &address);
	mnl_attr_put(r.header, IFA_ADDRESS, sizeof(address), &address);
	return talk_or_say(nl, &r, "adding its address", d);
}

int rtnl_add_neighbour(struct mnl_socket *nl, unsigned ifindex, struct in_addr address,
		       const uint8_t mac[static 6], struct diag *d)
{
	struct request r;
	struct ndmsg *n = request_init(&r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK,
				       sizeof(*n));

	n->ndm_family = AF_INET;
	n->ndm_ifindex = (int)ifindex;
	n->ndm_state = NUD_PERMANENT;
	mnl_attr_put(r.header, NDA_DST, sizeof(address), &address);
	mnl_attr_put(r.header, NDA_LLADDR, 6, mac);
	return talk_or_say(nl, &r, "adding the other end as neighbour", d);
}

struct count {
	unsigned ifindex;
	size_t n;
	char *text;
	size_t size;
};

static void note_address(struct count *c, int family, const void *address, size_t len,
			 unsigned prefix)
{
	char text[INET6_ADDRSTRLEN] = "default";

	if (address && len >= (family == AF_INET ? 4 : 16))
		inet_ntop(family, address, text, sizeof(text));
	snprintf(c->text, c->size, "%s/%u", text, prefix);
	c->n++;
}

static int count_address(const struct nlmsghdr *h, void *arg)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	struct count *c = arg;
	const struct nlattr *a;

	if (m->ifa_index != c->ifindex)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*m)) if (mnl_attr_get_type(a) == IFA_ADDRESS)
		note_address(c, m->ifa_family, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a),
			     m->ifa_prefixlen);
	return MNL_CB_OK;
}

/* Does one of the next hops of a multipath route leave by the interface? */
static bool leaves_by(const struct nlattr *multipath, unsigned ifindex)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath);

	while (left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left) {
		size_t step = RTNH_ALIGN(hop->rtnh_len);

		if (hop->rtnh_ifindex == (int)ifindex)
			return true;
		if (step > left)
			break;
		left -= step;
		hop = (const void *)((const char *)hop + step);
	}
	return false;
}

static int count_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct count *c = arg;
	const struct nlattr *a, *to = NULL;
	bool ours = false;

	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == RTA_OIF)
			ours |= mnl_attr_get_u32(a) == c->ifindex;
		else if (mnl_attr_get_type(a) == RTA_MULTIPATH)
			ours |= leaves_by(a, c->ifindex);
		else if (mnl_attr_get_type(a) == RTA_DST)
			to = a;
	}
	if (ours)
		note_address(c, m->rtm_family, to ? mnl_attr_get_payload(to) : NULL,
			     to ? mnl_attr_get_payload_len(to) : 0, m->rtm_dst_len);
	return MNL_CB_OK;
}

static int count_qdisc(const struct nlmsghdr *h, void *arg)
{
	const struct tcmsg *m = mnl_nlmsg_get_payload(h);
	struct count *c = arg;
	const struct nlattr *a;

	if (m->tcm_ifindex != (int)c->ifindex || !m->tcm_handle)
		return MNL_CB_OK;
	c->n++;
	mnl_attr_for_each(a, h, sizeof(*m)) if (mnl_attr_get_type(a) == TCA_KIND)
		snprintf(c->text, c->size, "%s", mnl_attr_get_str(a));
	return MNL_CB_OK;
}

/* The dump's own header: strict checking wants the fields that filter, and no others. */
static mnl_cb_t dump_request(struct request *r, enum rtnl_thing thing, uint8_t family,
			     unsigned ifindex)
{
	struct ifaddrmsg *address;
	struct rtmsg *route;
	struct tcmsg *qdisc;

	switch (thing) {
	case RTNL_ADDRESS:
		address = request_init(r, RTM_GETADDR, NLM_F_DUMP, sizeof(*address));
		address->ifa_family = family;
		address->ifa_index = ifindex;
		return count_address;
	case RTNL_ROUTE:
		route = request_init(r, RTM_GETROUTE, NLM_F_DUMP, sizeof(*route));
		route->rtm_family = family;
		mnl_attr_put_u32(r->header, RTA_OIF, ifindex);
		return count_route;
	default:
		qdisc = request_init(r, RTM_GETQDISC, NLM_F_DUMP, sizeof(*qdisc));
		qdisc->tcm_ifindex = (int)ifindex;
		return count_qdisc;
	}
}

int rtnl_count(struct mnl_socket *nl, enum rtnl_thing thing, unsigned ifindex, size_t *n,
	       char *text, size_t size, struct diag *d)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct count c = {.ifindex = ifindex, .text = text, .size = size};
	char words[256];

	for (size_t i = 0; i < (thing == RTNL_QDISC ? 1 : 2); i++) {
		struct request r;
		mnl_cb_t each = dump_request(&r, thing, families[i], ifindex);
		int err = talk(nl, &r, each, &c, words, sizeof(words));

		/* a kernel without IPv6, or without traffic control, has none of it */
		if (err && err != -EOPNOTSUPP && err != -EAFNOSUPPORT)
			return diag_errno(d, err, "reading the interface's configuration");
	}
	*n = c.n;
	return 0;
}
