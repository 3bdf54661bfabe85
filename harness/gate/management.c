// SPDX-License-Identifier: Apache-2.0
#include "gate/management.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "gate/route_dump.h"
#include "sys/sys.h"

#define SSH_PORT    22
#define ESTABLISHED 1 /* TCP_ESTABLISHED, as /proc/net/tcp writes it */
#define ROUTE_UP    1 /* RTF_UP */
#define ROUTE_DENY  0x200
#define MAIN_TABLE  254
#define STACK_MAX   16 /* interfaces that stand on one another */

/* IPv4 as ::ffff:a.b.c.d, so that there is one kind of address and one of prefix. */
struct address {
	uint8_t byte[16];
};

struct route {
	struct address to;
	unsigned prefix, table;
	char dev[16];
};

struct link {
	unsigned ifindex;
	char dev[16];
};

struct look {
	struct link *link;
	size_t n_links;
	struct route *route;
	size_t n_routes;
	unsigned long *inode; /* sockets of ssh servers */
	size_t n_inodes;
};

static void look_free(struct look *l)
{
	free(l->link);
	free(l->route);
	free(l->inode);
}

static struct address mapped(uint32_t network_order)
{
	struct address a = {.byte = {[10] = 0xff, [11] = 0xff}};

	memcpy(&a.byte[12], &network_order, 4);
	return a;
}

static bool parse_address(const char *text, struct address *a)
{
	uint32_t v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*a = mapped(v4);
		return true;
	}
	return inet_pton(AF_INET6, text, a->byte) == 1;
}

static bool matches(const struct route *r, const struct address *a)
{
	unsigned whole = r->prefix / 8, rest = r->prefix % 8;

	if (memcmp(r->to.byte, a->byte, whole))
		return false;
	return !rest || !((r->to.byte[whole] ^ a->byte[whole]) >> (8 - rest));
}

static int add_route(struct look *l, struct address to, unsigned prefix, unsigned table,
		     const char *dev)
{
	struct route *grown = reallocarray(l->route, l->n_routes + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	l->route = grown;
	grown[l->n_routes] = (struct route){.to = to, .prefix = prefix, .table = table};
	snprintf(grown[l->n_routes++].dev, sizeof(grown->dev), "%s", dev);
	return 0;
}

/* No such file, so a kernel without that protocol: NULL, which has no lines. */
static int read_table(struct sys *s, const char *path, char **text)
{
	size_t len;
	int err = sys_read_all(s, path, text, &len);

	return err == -ENOENT ? 0 : err;
}

typedef int visit_line(struct look *l, const char *line);

static int each_line(struct sys *s, const char *path, struct look *l, visit_line *visit)
{
	_free_ char *text = NULL;
	int err = read_table(s, path, &text);
	char *rest, *line;

	for (rest = text; !err && (line = strsep(&rest, "\n"));)
		err = visit(l, line);
	return err;
}

/* Iface Destination Gateway Flags RefCnt Use Metric Mask …: addresses in memory order as one hex
 * number */
static int line_of_route(struct look *l, const char *line)
{
	uint32_t to, mask;
	unsigned flags;
	char dev[16];

	if (sscanf(line, "%15s %" SCNx32 " %*x %x %*d %*d %*d %" SCNx32, dev, &to, &flags, &mask) !=
		    4 ||
	    !(flags & ROUTE_UP) || (flags & ROUTE_DENY))
		return 0;
	return add_route(l, mapped(to), 96 + (unsigned)__builtin_popcount(mask), MAIN_TABLE, dev);
}

/* destination length source length next-hop metric refcnt use flags device: bytes in hex */
static int line_of_ipv6_route(struct look *l, const char *line)
{
	struct address to;
	unsigned prefix, flags;
	char hex[33], dev[16];

	if (sscanf(line, "%32s %x %*s %*x %*s %*x %*x %*x %x %15s", hex, &prefix, &flags, dev) !=
		    4 ||
	    strlen(hex) != 32 || prefix > 128 || !(flags & ROUTE_UP) || (flags & ROUTE_DENY) ||
	    !strcmp(dev, "lo"))
		return 0;
	for (int i = 0; i < 16; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &to.byte[i]) != 1)
			return 0;
	return add_route(l, to, prefix, MAIN_TABLE, dev);
}

/* One next hop of any table. */
static int hop_of_route(void *arg, const struct route_hop *hop)
{
	struct look *l = arg;
	struct address to;

	memcpy(to.byte, hop->to, sizeof(to.byte));
	for (size_t i = 0; i < l->n_links; i++)
		if (l->link[i].ifindex == hop->ifindex)
			return add_route(l, to, hop->prefix, hop->table, l->link[i].dev);
	return 0; /* it went meanwhile */
}

static int read_links(struct sys *s, struct look *l)
{
	_free_ char **list = NULL;
	int err = sys_list(s, "/sys/class/net", &list);
	size_t n = 0;

	if (err)
		return err;
	while (list[n])
		n++;
	l->link = calloc(n + 1, sizeof(*l->link));
	if (!l->link)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct link *one = &l->link[l->n_links];
		int64_t ifindex;

		err = sys_readf_i64(s, &ifindex, "/sys/class/net/%s/ifindex", list[i]);
		if (err == -ENOENT || err == -ENOTDIR) /* bonding_masters is no interface */
			continue;
		if (err)
			return err;
		one->ifindex = (unsigned)ifindex;
		snprintf(one->dev, sizeof(one->dev), "%.15s", list[i]);
		l->n_links++;
	}
	return 0;
}

static int add_sockets(struct sys *s, struct look *l, const char *pid)
{
	_free_ char **fds = NULL;
	char path[128], link[128];

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	if (sys_list(s, path, &fds))
		return 0; /* gone, or not ours to read: port 22 and $SSH_CONNECTION remain */
	for (size_t i = 0; fds[i]; i++) {
		unsigned long inode, *grown;

		snprintf(path, sizeof(path), "/proc/%s/fd/%.20s", pid, fds[i]);
		if (sys_readlink(s, path, link, sizeof(link)) ||
		    sscanf(link, "socket:[%lu]", &inode) != 1)
			continue;
		grown = reallocarray(l->inode, l->n_inodes + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->inode = grown;
		grown[l->n_inodes++] = inode;
	}
	return 0;
}

/* "sshd", since OpenSSH 9.8 "sshd-session", and the small one. */
static int find_servers(struct sys *s, struct look *l)
{
	_free_ char **pids = NULL;
	int err = sys_list(s, "/proc", &pids);

	for (size_t i = 0; !err && pids[i]; i++) {
		char comm[64];

		if (!isdigit((unsigned char)pids[i][0]) ||
		    sys_readf(s, comm, sizeof(comm), "/proc/%s/comm", pids[i]))
			continue;
		if (!strncmp(comm, "sshd", 4) || !strncmp(comm, "dropbear", 8))
			err = add_sockets(s, l, pids[i]);
	}
	return err;
}

/* 8 hex digits an IPv4 address, 32 an IPv6 one, in words of memory order. */
static bool parse_socket(const char *hex, struct address *a)
{
	size_t words = strlen(hex) / 8;
	uint32_t word[4];

	if (words != 1 && words != 4)
		return false;
	for (size_t i = 0; i < words; i++)
		if (sscanf(hex + 8 * i, "%8" SCNx32, &word[i]) != 1)
			return false;
	if (words == 1)
		*a = mapped(word[0]);
	else
		memcpy(a->byte, word, sizeof(word));
	return true;
}

static bool is_server_socket(const struct look *l, unsigned long inode)
{
	for (size_t i = 0; i < l->n_inodes; i++)
		if (l->inode[i] == inode)
			return true;
	return false;
}

/* Is there no longer prefix for the address in the same table? */
static bool is_longest(const struct look *l, const struct route *r, const struct address *a)
{
	for (size_t i = 0; i < l->n_routes; i++)
		if (l->route[i].table == r->table && l->route[i].prefix > r->prefix &&
		    matches(&l->route[i], a))
			return false;
	return true;
}

/* May traffic to the address leave by `dev`? All routes of the longest prefix of each table count:
 * which table is asked, rules say that are not looked at. */
static bool leads_to(const struct look *l, const struct address *a, const char *dev)
{
	for (size_t i = 0; i < l->n_routes; i++)
		if (!strcmp(l->route[i].dev, dev) && matches(&l->route[i], a) &&
		    is_longest(l, &l->route[i], a))
			return true;
	return false;
}

static bool has_session(const struct look *l, const char *text, const char *dev)
{
	struct address local, peer;
	char local_hex[33], peer_hex[33];
	unsigned port, state;
	unsigned long inode;

	/* sl local:port remote:port st tx:rx tr:when retrnsmt uid timeout inode */
	if (sscanf(text,
		   " %*u: %32[0-9A-Fa-f]:%x %32[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu",
		   local_hex, &port, peer_hex, &state, &inode) != 5 ||
	    state != ESTABLISHED || (port != SSH_PORT && !is_server_socket(l, inode)) ||
	    !parse_socket(local_hex, &local) || !parse_socket(peer_hex, &peer))
		return false;
	return leads_to(l, &peer, dev) || leads_to(l, &local, dev);
}

static int check_sessions(struct sys *s, const struct look *l, const char *path, const char *dev,
			  bool *found)
{
	_free_ char *text = NULL;
	int err = read_table(s, path, &text);
	char *rest, *line;

	for (rest = text; !err && !*found && (line = strsep(&rest, "\n"));)
		*found = has_session(l, line, dev);
	return err;
}

/* "client port server port" */
static bool named_by_environment(const struct look *l, const char *dev)
{
	const char *text = getenv("SSH_CONNECTION");
	struct address client, server;
	char client_text[64], server_text[64];

	if (!text || sscanf(text, "%63s %*u %63s", client_text, server_text) != 2)
		return false;
	return (parse_address(client_text, &client) && leads_to(l, &client, dev)) ||
	       (parse_address(server_text, &server) && leads_to(l, &server, dev));
}

static bool is_default(const struct route *r)
{
	static const struct address none;
	static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};

	return (r->prefix == 0 && !memcmp(&r->to, &none, sizeof(none))) ||
	       (r->prefix == 96 && !memcmp(r->to.byte, v4, sizeof(v4)) &&
		!memcmp(r->to.byte + 12, none.byte, 4));
}

static int refuse(const char *dev, const char *asked, const char *what, struct diag *d)
{
	if (!strcmp(dev, asked))
		return diag_set(d, -EBUSY, "%s is not reconfigured: it carries %s", asked, what);
	return diag_set(d, -EBUSY, "%s is not reconfigured: it lies below %s, which carries %s",
			asked, dev, what);
}

static int check_one(struct sys *s, const struct look *l, const char *dev, const char *asked,
		     struct diag *d)
{
	bool session = named_by_environment(l, dev);
	int err = 0;

	for (size_t i = 0; i < l->n_routes; i++)
		if (is_default(&l->route[i]) && !strcmp(l->route[i].dev, dev))
			return refuse(dev, asked, "the default route", d);
	if (!session)
		err = check_sessions(s, l, "/proc/net/tcp", dev, &session);
	if (!err && !session)
		err = check_sessions(s, l, "/proc/net/tcp6", dev, &session);
	if (err)
		return diag_errno(d, err, "%s: open connections", asked);
	return session ? refuse(dev, asked, "an ssh session", d) : 0;
}

/* The interface and all that stand on it: /sys/class/net/DEV/upper_* (Linux 3.9). */
static int stack(struct sys *s, char dev[STACK_MAX][16], size_t *n)
{
	for (size_t at = 0; at < *n; at++) {
		_free_ char **list = NULL;
		char path[64];
		int err;

		snprintf(path, sizeof(path), "/sys/class/net/%s", dev[at]);
		err = sys_list(s, path, &list);
		if (err)
			return err;
		for (size_t i = 0; list[i]; i++) {
			bool known = strncmp(list[i], "upper_", 6) != 0;

			for (size_t k = 0; !known && k < *n; k++)
				known = !strcmp(dev[k], list[i] + 6);
			if (known)
				continue;
			if (*n == STACK_MAX)
				return -E2BIG;
			snprintf(dev[(*n)++], 16, "%.15s", list[i] + 6);
		}
	}
	return 0;
}

int net_may_configure(struct sys *s, const char *dev, struct diag *d)
{
	__attribute__((cleanup(look_free))) struct look l = {0};
	char all[STACK_MAX][16];
	size_t n = 1;
	int err;

	if (strlen(dev) >= sizeof(all[0]))
		return diag_set(d, -ENODEV, "no network interface is called \"%.40s\"", dev);
	strcpy(all[0], dev);
	err = stack(s, all, &n);
	if (err == -ENOENT)
		return diag_set(d, -ENODEV, "no network interface is called \"%s\"", dev);
	if (!err)
		err = each_line(s, "/proc/net/route", &l, line_of_route);
	if (!err)
		err = each_line(s, "/proc/net/ipv6_route", &l, line_of_ipv6_route);
	/* beside them: other tables, and the other hops of a route with several */
	if (!err)
		err = read_links(s, &l);
	if (!err)
		err = route_dump(s, hop_of_route, &l);
	if (!err)
		err = find_servers(s, &l);
	if (err)
		return diag_errno(d, err, "%s: what it carries cannot be read", dev);
	for (size_t i = 0; !err && i < n; i++)
		err = check_one(s, &l, all[i], dev, d);
	return err;
}
