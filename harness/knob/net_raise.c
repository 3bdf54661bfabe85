// SPDX-License-Identifier: Apache-2.0
#include "knob/net_raise.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "gate/management.h"
#include "sys/sys.h"

#define CLASS "/sys/class/net/"

static int read_flags(struct sys *s, const char *dev, unsigned *flags)
{
	char text[32];
	int err = sys_readf(s, text, sizeof(text), CLASS "%s/flags", dev);

	return err ? err : (sscanf(text, "%x", flags) == 1 ? 0 : -EINVAL);
}

bool net_is_down(struct sys *s, const char *dev)
{
	unsigned flags;

	return !read_flags(s, dev, &flags) && !(flags & IFF_UP);
}

static int write_flags(struct sys *s, const char *dev, unsigned flags)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), CLASS "%.15s/flags", dev);
	snprintf(text, sizeof(text), "0x%x", flags);
	return sys_write(s, path, text);
}

static int write_alias(struct sys *s, const char *dev, const char *alias)
{
	char path[64];

	snprintf(path, sizeof(path), CLASS "%.15s/ifalias", dev);
	return sys_write(s, path, alias);
}

static bool is_noted(const struct net_raised *r, const char *dev)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->dev[i], dev))
			return true;
	return false;
}

static void note(struct net_raised *r, const char *dev)
{
	if (r->n < NET_RAISED_MAX && !is_noted(r, dev))
		snprintf(r->dev[r->n++], sizeof(r->dev[0]), "%.15s", dev);
}

void net_raise_found(struct sys *s, const char *dev, struct net_raised *r)
{
	char alias[64];

	if (!sys_readf(s, alias, sizeof(alias), CLASS "%s/ifalias", dev) &&
	    !strcmp(alias, NET_RAISED_ALIAS))
		note(r, dev);
}

/* What came back from a namespace has neither: somebody took it since. */
static int is_taken(struct sys *s, const char *dev, struct diag *d)
{
	_free_ char **list = NULL;
	char path[64], alias[64];

	if (!sys_readf(s, alias, sizeof(alias), CLASS "%s/ifalias", dev) && *alias &&
	    strcmp(alias, NET_RAISED_ALIAS))
		return diag_set(d, -EBUSY, "%s is down and called \"%s\": it is somebody's", dev,
				alias);
	snprintf(path, sizeof(path), CLASS "%.15s", dev);
	if (!sys_list(s, path, &list))
		for (size_t i = 0; list[i]; i++)
			if (!strcmp(list[i], "master") || !strncmp(list[i], "upper_", 6))
				return diag_set(d, -EBUSY,
						"%s is down and belongs to another interface", dev);
	return net_may_configure(s, dev, d);
}

int net_raise(struct sys *s, const char *dev, struct net_raised *r, struct diag *d)
{
	unsigned flags;
	int err = read_flags(s, dev, &flags);

	if (err)
		return diag_errno(d, err, "%s: whether it is up", dev);
	if (flags & IFF_UP)
		return 0;
	if (r->n == NET_RAISED_MAX)
		return diag_set(d, -E2BIG, "%s: too many interfaces to set up", dev);
	err = is_taken(s, dev, d);
	if (err)
		return err;
	err = write_alias(s, dev, NET_RAISED_ALIAS);
	note(r, dev);
	if (!err)
		err = write_flags(s, dev, flags | IFF_UP);
	return err ? diag_errno(d, err, "setting %s up", dev) : 0;
}

int net_lower(struct sys *s, struct net_raised *r, struct diag *d)
{
	int first = 0;

	for (size_t i = 0; i < r->n; i++) {
		unsigned flags;
		int err = read_flags(s, r->dev[i], &flags);

		if (!err && (flags & IFF_UP))
			err = write_flags(s, r->dev[i], flags & ~(unsigned)IFF_UP);
		if (!err)
			err = write_alias(s, r->dev[i], "\n");
		if (err && !first)
			first = diag_errno(d, err,
					   "%s was down and had to be up to be restored; setting "
					   "it down again",
					   r->dev[i]);
	}
	r->n = 0;
	return first;
}
