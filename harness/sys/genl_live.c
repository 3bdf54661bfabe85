// SPDX-License-Identifier: Apache-2.0
/*
 * Generic netlink with libmnl. A request is answered by its replies and then by NLMSG_ERROR (0 is
 * the acknowledgement), a dump by its replies and NLMSG_DONE; both may carry an extended ack
 * (Linux 4.12; with policy 5.8).
 */
#include "sys/genl_live.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"

enum { HEADER_MAX = 16 };
enum { BUFFER = 256 << 10, DUMP_TRIES = 5, TIMEOUT_S = 10 };

/* What a conversation needs; `words` is filled when it fails. */
struct exchange {
	struct mnl_socket *socket;
	char *request; /* nlmsghdr, genlmsghdr, attributes */
	char *answer;
	struct genl_replies *replies;
	char *words;
	size_t words_size;
	size_t skip;	  /* of a reply: its header */
	bool interrupted; /* a dump that others changed under way */
};

static void cleanup_socket(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}
#define _socket_ __attribute__((cleanup(cleanup_socket)))

/* Type of the attribute at `offset` of our request, as the extended ack names it. */
static int attribute_at(const struct exchange *x, uint64_t offset)
{
	struct nlmsghdr head;
	struct nlattr attr;

	memcpy(&head, x->request, sizeof(head));
	if (offset < sizeof(head) || offset + sizeof(attr) > head.nlmsg_len)
		return -1;
	memcpy(&attr, x->request + offset, sizeof(attr));
	return attr.nla_type & NLA_TYPE_MASK;
}

static void say(const struct exchange *x, const char *separator, const char *text)
{
	size_t used = strnlen(x->words, x->words_size);

	if (x->words_size && used < x->words_size)
		snprintf(x->words + used, x->words_size - used, "%s%s", used ? separator : "",
			 text);
}

/* What the kernel's policy allows in the attribute that it did not like. */
static void say_policy(const struct exchange *x, const struct genl_attr *policy)
{
	uint64_t min, max;
	char text[80];

	if (!genl_find_uint(policy->data, policy->len, NL_POLICY_TYPE_ATTR_MAX_VALUE_U, &max) &&
	    !genl_find_uint(policy->data, policy->len, NL_POLICY_TYPE_ATTR_MIN_VALUE_U, &min)) {
		snprintf(text, sizeof(text), "%llu to %llu allowed", (unsigned long long)min,
			 (unsigned long long)max);
		say(x, ", ", text);
	}
}

static void read_words(const struct exchange *x, const char *attrs, size_t len)
{
	struct genl_attr policy;
	uint64_t value;
	char text[256];

	if (!genl_find_str(attrs, len, NLMSGERR_ATTR_MSG, text, sizeof(text)))
		say(x, ", ", text);
	if (!genl_find_uint(attrs, len, NLMSGERR_ATTR_OFFS, &value) &&
	    attribute_at(x, value) >= 0) {
		snprintf(text, sizeof(text), "attribute %d", attribute_at(x, value));
		say(x, ", ", text);
	}
	if (!genl_find(attrs, len, NLMSGERR_ATTR_POLICY, &policy))
		say_policy(x, &policy);
	if (!genl_find_uint(attrs, len, NLMSGERR_ATTR_MISS_TYPE, &value)) {
		snprintf(text, sizeof(text), "attribute %llu is missing",
			 (unsigned long long)value);
		say(x, ", ", text);
	}
}

/* NLMSG_ERROR: an error number, the header of our request (or all of it), attributes. */
static int take_error(const struct exchange *x, const struct nlmsghdr *h)
{
	const char *body = (const char *)mnl_nlmsg_get_payload(h);
	size_t len = mnl_nlmsg_get_payload_len(h), skip = sizeof(struct nlmsgerr);
	struct nlmsgerr e;

	if (len < sizeof(e))
		return -EBADMSG;
	memcpy(&e, body, sizeof(e));
	if (!(h->nlmsg_flags & NLM_F_CAPPED) && e.error)
		skip += NLMSG_ALIGN(e.msg.nlmsg_len) - NLMSG_HDRLEN;
	if ((h->nlmsg_flags & NLM_F_ACK_TLVS) && skip <= len)
		read_words(x, body + skip, len - skip);
	return e.error;
}

/* NLMSG_DONE: an error number, attributes. */
static int take_done(const struct exchange *x, const struct nlmsghdr *h)
{
	const char *body = (const char *)mnl_nlmsg_get_payload(h);
	size_t len = mnl_nlmsg_get_payload_len(h);
	int err;

	if (len < sizeof(err))
		return 0;
	memcpy(&err, body, sizeof(err));
	if (err < 0 && (h->nlmsg_flags & NLM_F_ACK_TLVS))
		read_words(x, body + sizeof(err), len - sizeof(err));
	return err < 0 ? err : 0;
}

/* One message. 1: more is to come; else the end: 0 or -errno. */
static int take(struct exchange *x, const struct nlmsghdr *h)
{
	const char *body = (const char *)mnl_nlmsg_get_payload(h);
	size_t len = mnl_nlmsg_get_payload_len(h);
	int err;

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		x->interrupted = true;
	switch (h->nlmsg_type) {
	case NLMSG_NOOP:
		return 1;
	case NLMSG_ERROR:
		return take_error(x, h);
	case NLMSG_DONE:
		return take_done(x, h);
	case NLMSG_OVERRUN:
		return -EIO;
	}
	if (len < x->skip)
		return -EBADMSG;
	err = genl_replies_add(x->replies, body + x->skip, len - x->skip);
	return err ? err : 1;
}

static int converse(struct exchange *x, unsigned sequence)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)x->request;
	unsigned port = mnl_socket_get_portid(x->socket);

	x->interrupted = false;
	if (mnl_socket_sendto(x->socket, h, h->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t got = mnl_socket_recvfrom(x->socket, x->answer, BUFFER);
		int left = (int)got, status = 1;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		for (h = (const struct nlmsghdr *)x->answer; status == 1 && mnl_nlmsg_ok(h, left);
		     h = mnl_nlmsg_next(h, &left))
			if (mnl_nlmsg_portid_ok(h, port) && mnl_nlmsg_seq_ok(h, sequence))
				status = take(x, h);
		if (status != 1)
			return status;
	}
}

static int open_socket(int protocol, struct mnl_socket **s)
{
	struct timeval timeout = {.tv_sec = TIMEOUT_S};
	int on = 1;

	*s = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	if (!*s || mnl_socket_bind(*s, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* either may be refused by an old kernel: then there are no words */
	mnl_socket_setsockopt(*s, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(*s, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(mnl_socket_get_fd(*s), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return 0;
}

/* The header of our request behind nlmsghdr; its size. */
static size_t put_header(struct nlmsghdr *h, const struct genl_request *r, bool route)
{
	struct genlmsghdr *g;

	if (route) { /* of any address family */
		mnl_nlmsg_put_extra_header(h, sizeof(struct rtmsg));
		return sizeof(struct rtmsg);
	}
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	*g = (struct genlmsghdr){.cmd = r->cmd, .version = 1};
	return GENL_HDRLEN;
}

/* Send `r` to the family numbered `id`. A dump that was disturbed is made again. */
static int ask(uint16_t id, const struct genl_request *r, struct genl_replies *replies, char *words,
	       size_t words_size)
{
	_socket_ struct mnl_socket *channel = NULL;
	_free_ char *request = calloc(1, NLMSG_HDRLEN + HEADER_MAX + r->len);
	_free_ char *answer = malloc(BUFFER);
	struct exchange x = {.request = request,
			     .answer = answer,
			     .replies = replies,
			     .words = words,
			     .words_size = words_size};
	struct nlmsghdr *h = (struct nlmsghdr *)request;
	bool route = !strcmp(r->family, GENL_ROUTE);
	int err = request && answer ? open_socket(route ? NETLINK_ROUTE : NETLINK_GENERIC, &channel)
				    : -ENOMEM;
	size_t header;

	if (err)
		return err;
	x.socket = channel;
	mnl_nlmsg_put_header(request);
	header = put_header(h, r, route);
	x.skip = route ? 0 : GENL_HDRLEN;
	if (r->len)
		memcpy(request + NLMSG_HDRLEN + header, r->attrs, r->len);
	h->nlmsg_len += (uint32_t)r->len;
	h->nlmsg_type = id;
	h->nlmsg_flags = NLM_F_REQUEST | (r->flags & GENL_DUMP ? NLM_F_DUMP : NLM_F_ACK);
	for (unsigned i = 1; i <= DUMP_TRIES; i++) {
		h->nlmsg_seq = i;
		err = converse(&x, i);
		if (err || !x.interrupted)
			return err;
		genl_replies_free(replies);
	}
	return -EBUSY;
}

static int resolve(struct genl_families *families, const char *name, uint16_t *id)
{
	struct genl_request r;
	struct genl_replies replies = {0};
	uint64_t number = 0;
	char words[8];
	int err;

	if (!strcmp(name, GENL_ROUTE)) { /* no family, but a message type */
		*id = RTM_GETROUTE;
		return 0;
	}
	if (!strcmp(name, "nlctrl")) { /* the one with a fixed number */
		*id = GENL_ID_CTRL;
		return 0;
	}
	for (size_t i = 0; i < families->n; i++)
		if (!strcmp(families->family[i].name, name)) {
			*id = families->family[i].id;
			return 0;
		}
	genl_request_init(&r, "nlctrl", CTRL_CMD_GETFAMILY, 0);
	genl_put_str(&r, CTRL_ATTR_FAMILY_NAME, name);
	err = r.err ? r.err : ask(GENL_ID_CTRL, &r, &replies, words, sizeof(words));
	if (!err)
		err = replies.n ? genl_find_uint(replies.reply[0].attrs, replies.reply[0].len,
						 CTRL_ATTR_FAMILY_ID, &number)
				: -ENOENT;
	genl_request_free(&r);
	genl_replies_free(&replies);
	if (err)
		return err;
	*id = (uint16_t)number;
	if (families->n < ARRAY_SIZE(families->family) &&
	    strlen(name) < sizeof(families->family[0].name)) {
		strcpy(families->family[families->n].name, name);
		families->family[families->n++].id = *id;
	}
	return 0;
}

int genl_live(struct genl_families *families, const struct genl_request *r,
	      struct genl_replies *replies, char *words, size_t words_size)
{
	uint16_t id;
	int err = resolve(families, r->family, &id);

	if (!err)
		return ask(id, r, replies, words, words_size);
	if (err == -ENOENT && words_size)
		snprintf(words, words_size, "this kernel has no generic netlink family \"%s\"",
			 r->family);
	return err;
}

int ethtool_live(const char *dev, void *cmd)
{
	_fd_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* any socket will do */
	struct ifreq request = {.ifr_data = cmd};

	if (fd < 0)
		return -errno;
	if (strlen(dev) >= sizeof(request.ifr_name))
		return -ENODEV;
	strcpy(request.ifr_name, dev);
	return ioctl(fd, SIOCETHTOOL, &request) ? -errno : 0;
}
