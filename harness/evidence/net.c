// SPDX-License-Identifier: Apache-2.0
#include "evidence/net.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/source.h"
#include "sys/netns.h"
#include "sys/sys.h"

static const char *const side_names[] = {[NET_CLIENT] = "client", [NET_SERVER] = "server"};

static enum net_side side_of(const char *instance)
{
	const char *label = strchr(instance, '@');

	if (label && !strcmp(label, "@client"))
		return NET_CLIENT;
	return label && !strcmp(label, "@server") ? NET_SERVER : NET_OTHER;
}

static bool is_known(const struct net_end *ends, size_t n, const char *instance)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(ends[i].instance, instance) ||
		    (!strcmp(ends[i].dev, "lo") && !strncmp(instance, "lo@", 3)))
			return true;
	return false;
}

int net_ends(const struct evidence_scope *scope, struct net_end **ends, size_t *n, struct diag *d)
{
	_free_ struct net_end *all = calloc(scope->n_net_devs + 1, sizeof(*all));
	size_t used = 0;

	if (!all)
		return diag_errno(d, -ENOMEM, "interfaces");
	if (!scope->n_net_devs)
		return diag_set(d, -ENODATA, "the target has no network interface");
	for (size_t i = 0; i < scope->n_net_devs; i++) {
		struct net_end *e = &all[used];
		int err;

		if (is_known(all, used, scope->net_devs[i]))
			continue;
		e->instance = scope->net_devs[i];
		e->side = side_of(e->instance);
		err = sys_netns_split(scope->sys, e->instance, e->dev, sizeof(e->dev), &e->inside);
		if (err)
			return diag_errno(d, err, "interface %s", e->instance);
		used++;
	}
	*ends = all;
	all = NULL;
	*n = used;
	return 0;
}

void net_put(json_t *result, const char *name, const struct net_end *ends, size_t n,
	     const uint64_t *value, bool by_side)
{
	uint64_t sum[NET_SIDES] = {0}, all = 0;
	size_t of[NET_SIDES] = {0};

	for (size_t i = 0; i < n; i++) {
		all += value[i];
		sum[ends[i].side] += value[i];
		of[ends[i].side]++;
	}
	evidence_put(result, name, all);
	for (enum net_side s = NET_CLIENT; by_side && s <= NET_SERVER; s++) {
		char counter[80];

		snprintf(counter, sizeof(counter), "%s_%s", side_names[s], name);
		if (of[s])
			evidence_put(result, counter, sum[s]);
		else
			evidence_absent(result, counter, "the target has no interface of the %s",
					side_names[s]);
	}
}

void net_absent(json_t *result, const char *name, bool by_side, const char *fmt, ...)
{
	char reason[256], counter[80];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	evidence_absent(result, name, "%s", reason);
	for (enum net_side s = NET_CLIENT; by_side && s <= NET_SERVER; s++) {
		snprintf(counter, sizeof(counter), "%s_%s", side_names[s], name);
		evidence_absent(result, counter, "%s", reason);
	}
}
