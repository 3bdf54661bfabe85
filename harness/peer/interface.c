// SPDX-License-Identifier: Apache-2.0
#include "peer/interface.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/suggest.h"
#include "gate/management.h"
#include "sys/sys.h"

static int no_such(struct sys *s, const char *name, struct diag *d)
{
	_free_ char **names = NULL;
	char hint[128] = "";
	size_t n = 0;

	if (!sys_list(s, "/sys/class/net", &names)) {
		while (names[n])
			n++;
		suggest_text(name, (const char *const *)names, n, hint, sizeof(hint));
	}
	return diag_set(d, -ENODEV, "there is no interface %s%s", name, hint);
}

/* A VLAN, a macvlan, … on top of it would lose what it stands on. */
static int check_uppers(struct sys *s, const char *name, struct diag *d)
{
	_free_ char **names = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/net/%.15s", name);
	if (sys_list(s, path, &names))
		return 0;
	for (char **p = names; *p; p++)
		if (!strncmp(*p, "upper_", 6))
			return diag_set(d, -EBUSY, "%s carries the interface %s", name, *p + 6);
	return 0;
}

/* A move gives the interface the default settings: only one that has them comes back as it was. */
static int check_settings(struct sys *s, const char *name, const char *version, struct diag *d)
{
	_free_ char **names = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%.15s", version, name);
	if (sys_list(s, path, &names))
		return 0; /* no such protocol here, or IPv6 off for it */
	for (char **p = names; *p; p++) {
		char value[128], normal[128];

		if (!strcmp(*p, "mtu")) /* the interface's own */
			continue;
		if (sys_readf(s, value, sizeof(value), "%s/%s", path, *p) ||
		    sys_readf(s, normal, sizeof(normal), "/proc/sys/net/%s/conf/default/%s",
			      version, *p))
			continue; /* stable_secret cannot be read before it is set */
		if (strcmp(value, normal))
			return diag_set(d, -EBUSY,
					"%s is configured: net.%s.conf.%s.%s is %s where the "
					"default is %s, and a move would lose that",
					name, version, name, *p, value, normal);
	}
	return 0;
}

static int check_things(struct mnl_socket *nl, const struct rtnl_link *link, struct diag *d)
{
	static const struct {
		enum rtnl_thing thing;
		const char *name;
	} things[] = {
		{RTNL_ADDRESS, "address"},
		{RTNL_ROUTE, "route"},
		{RTNL_QDISC, "queueing discipline"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(things); i++) {
		char text[80] = "";
		size_t n = 0;
		int err = rtnl_count(nl, things[i].thing, link->ifindex, &n, text, sizeof(text), d);

		if (err)
			return diag_prefix(d, err, "%s", link->name);
		if (n)
			return diag_set(d, -EBUSY, "%s is configured: it has the %s %s", link->name,
					things[i].name, text);
	}
	return 0;
}

int interface_check(struct sys *s, struct mnl_socket *nl, const char *name, struct rtnl_link *link,
		    struct diag *d)
{
	int err = rtnl_link(nl, name, link, d);

	if (err == -ENODEV)
		return no_such(s, name, d);
	if (!err)
		err = net_may_configure(s, name, d);
	if (err)
		return err;
	if (*link->kind || !strcmp(name, "lo"))
		return diag_set(d, -EINVAL,
				"%s is virtual (%s): the kernel deletes such an interface with its "
				"namespace; only the interface of a device can be moved",
				name, *link->kind ? link->kind : "loopback");
	if (link->up)
		return diag_set(d, -EBUSY,
				"%s is up: somebody may use it. If nobody does: ip link "
				"set %s down",
				name, name);
	if (link->master)
		return diag_set(d, -EBUSY, "%s belongs to another interface (bridge, bond)", name);
	if (link->xdp)
		return diag_set(d, -EBUSY, "%s carries an XDP program", name);
	err = check_uppers(s, name, d);
	if (!err)
		err = check_things(nl, link, d);
	if (!err)
		err = check_settings(s, name, "ipv4", d);
	if (!err)
		err = check_settings(s, name, "ipv6", d);
	return err;
}

int interface_move(struct mnl_socket *nl, const struct rtnl_link *link, int netns_fd,
		   struct moved_interface *m, struct diag *d)
{
	int err;

	m->was = *link;
	err = rtnl_move(nl, link->ifindex, netns_fd, link->name, d);
	m->moved = !err;
	return err ? diag_prefix(d, err, "%s", link->name) : 0;
}

/* What came back, against what went. */
static int compare(const struct rtnl_link *was, const struct rtnl_link *is, struct diag *d)
{
	if (is->up)
		return diag_set(d, -EUCLEAN, "%s is back, but up", was->name);
	if (memcmp(was->mac, is->mac, sizeof(was->mac)))
		return diag_set(d, -EUCLEAN, "%s is back with another MAC address", was->name);
	return 0;
}

int interface_put_back(struct mnl_socket *inside, struct mnl_socket *home, int home_fd,
		       struct moved_interface *m, struct diag *d)
{
	struct rtnl_link link;
	int err;

	if (!m->moved)
		return 0;
	err = rtnl_link(inside, m->was.name, &link, d);
	if (!err)
		err = rtnl_set_up(inside, link.ifindex, false, d);
	if (!err)
		err = rtnl_move(inside, link.ifindex, home_fd, m->was.name, d);
	if (err == -EEXIST) /* whoever took the name keeps it */
		return diag_set(d, -EUCLEAN,
				"%s: somebody took its name meanwhile; the kernel gives the "
				"interface back as devN when the namespace goes",
				m->was.name);
	if (!err)
		m->moved = false;
	if (!err)
		err = rtnl_link(home, m->was.name, &link, d);
	if (err)
		return diag_prefix(d, -EUCLEAN, "%s did not come back from its namespace",
				   m->was.name);
	return compare(&m->was, &link, d);
}
