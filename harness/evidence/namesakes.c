// SPDX-License-Identifier: Apache-2.0
#include "evidence/namesakes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/net.h"
#include "sys/sys.h"

#define NETNS_NAME sizeof(((struct namesake *)0)->netns)

struct search {
	struct sys *sys;
	const struct net_end *ends;
	size_t n_ends;
	char (*looked)[NETNS_NAME]; /* namespaces: the target's, then those that were read */
	size_t n_looked;
	struct namesakes *found;
};

void namesakes_free(struct namesakes *found)
{
	free(found->item);
	*found = (struct namesakes){0};
}

static bool is_looked_at(const struct search *s, const char *netns)
{
	for (size_t i = 0; i < s->n_looked; i++)
		if (!strcmp(s->looked[i], netns))
			return true;
	return false;
}

static int look_once(struct search *s, const char *netns)
{
	char(*grown)[NETNS_NAME] = reallocarray(s->looked, s->n_looked + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->looked = grown;
	snprintf(grown[s->n_looked++], NETNS_NAME, "%s", netns);
	return 0;
}

static int add(struct search *s, const char *netns, int pid, const char *dev, uint64_t packets)
{
	struct namesakes *f = s->found;
	struct namesake *grown = reallocarray(f->item, f->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	f->item = grown;
	grown[f->n] = (struct namesake){.pid = pid, .packets = packets};
	snprintf(grown[f->n].netns, sizeof(grown->netns), "%s", netns);
	snprintf(grown[f->n++].dev, sizeof(grown->dev), "%.15s", dev);
	return 0;
}

/* "  eth0: rx-bytes rx-packets (6 more) tx-bytes tx-packets ..." */
static int read_line(struct search *s, const char *netns, int pid, const char *line)
{
	uint64_t rx, tx;
	char dev[16];

	if (sscanf(line, " %15[^: ]: %*u %" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64, dev,
		   &rx, &tx) != 3 ||
	    !strcmp(dev, "lo"))
		return 0;
	for (size_t i = 0; i < s->n_ends; i++)
		if (!strcmp(s->ends[i].dev, dev))
			return add(s, netns, pid, dev, rx + tx);
	return 0;
}

/* A process that is gone, or that we may not look at, shows nothing. */
static int look_at(struct search *s, int pid)
{
	_free_ char *text = NULL;
	char path[64], netns[NETNS_NAME] = "";
	char *rest, *line;
	size_t len;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (sys_readlink(s->sys, path, netns, sizeof(netns)) || is_looked_at(s, netns))
		return 0;
	err = look_once(s, netns);
	snprintf(path, sizeof(path), "/proc/%d/net/dev", pid);
	if (err || sys_read_all(s->sys, path, &text, &len))
		return err;
	rest = text;
	while (!err && (line = strsep(&rest, "\n")))
		err = read_line(s, netns, pid, line);
	return err;
}

static int search(struct search *s)
{
	_free_ char **names = NULL;
	char netns[NETNS_NAME] = "";
	int err = 0;

	for (size_t i = 0; !err && i < s->n_ends; i++) {
		err = sys_readlink(s->ends[i].inside, "/proc/thread-self/ns/net", netns,
				   sizeof(netns));
		if (!err)
			err = look_once(s, netns);
	}
	if (!err)
		err = sys_list(s->sys, "/proc", &names);
	for (char **p = names; !err && *p; p++)
		if (atoi(*p) > 0)
			err = look_at(s, atoi(*p));
	return err;
}

int namesakes_read(const struct evidence_scope *scope, struct namesakes *found, struct diag *d)
{
	_free_ struct net_end *ends = NULL;
	struct search s = {.sys = scope->sys, .found = found};
	int err;

	*found = (struct namesakes){0};
	err = net_ends(scope, &ends, &s.n_ends, d);
	if (err)
		return err;
	s.ends = ends;
	err = search(&s);
	free(s.looked);
	return err ? diag_errno(d, err, "interfaces of other namespaces") : 0;
}

const struct namesake *namesakes_moved(const struct namesakes *before,
				       const struct namesakes *after)
{
	for (size_t i = 0; i < after->n; i++) {
		const struct namesake *now = &after->item[i];
		uint64_t packets = 0; /* one that came meanwhile has moved all that it counts */

		for (size_t k = 0; k < before->n; k++)
			if (!strcmp(before->item[k].netns, now->netns) &&
			    !strcmp(before->item[k].dev, now->dev))
				packets = before->item[k].packets;
		if (now->packets != packets)
			return now;
	}
	return NULL;
}
