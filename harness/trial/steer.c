// SPDX-License-Identifier: Apache-2.0
#include "trial/steer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "peer/peer.h"
#include "trial/net_job.h"

static int add(struct knob_setting **settings, size_t *n, const char *knob, const char *dev,
	       const char *part, const char *value)
{
	struct knob_setting *grown = reallocarray(*settings, *n + 1, sizeof(*grown)), *s;

	if (!grown)
		return -ENOMEM;
	*settings = grown;
	s = &grown[(*n)++];
	*s = (struct knob_setting){.knob = knob_find(knob)};
	snprintf(s->instance, sizeof(s->instance), "%s%s", dev, part);
	snprintf(s->value, sizeof(s->value), "%s", value);
	return s->knob ? 0 : -ENOENT;
}

static bool has_rules(const struct machine_nic *nic)
{
	const struct machine_feature *rules = machine_nic_feature(nic, "rx-ntuple-filter");

	return rules && (!rules->fixed || rules->active);
}

static int steer_end(const struct machine_nic *nic, const char *protocol, int queue,
		     const char *port, struct knob_setting **settings, size_t *n, struct diag *d)
{
	const struct machine_feature *rules = machine_nic_feature(nic, "rx-ntuple-filter");
	char rule[80];
	int err;

	if (!has_rules(nic))
		return diag_set(d, -EOPNOTSUPP, "driver %s %s flow rules (%s)", nic->driver,
				rules ? "is fixed to no" : "has no", nic->instance);
	snprintf(rule, sizeof(rule), "%s4 %s=%d action=%d", protocol, port, NET_JOB_PORT, queue);
	err = add(settings, n, "net.ntuple", nic->instance, "", "on");
	if (!err)
		err = add(settings, n, "net.flow-rule", nic->instance, ":rule-0", rule);
	return err;
}

int steer_settings(const struct net_target *t, const char *protocol, int queue,
		   struct knob_setting **settings, size_t *n, struct diag *d)
{
	int err = t->n_nics == 2 ? 0 : diag_set(d, -ENODEV, "%s has no two ends", t->label);

	if (!err)
		err = steer_end(t->nic[PEER_CLIENT], protocol, queue, "src-port", settings, n, d);
	if (!err)
		err = steer_end(t->nic[PEER_SERVER], protocol, queue, "dst-port", settings, n, d);
	return err;
}

/* "0,1,2,3*32" has 128 entries; 0: that is no table. */
static unsigned long entries(const char *table)
{
	const char *times = strchr(table, '*');
	unsigned long n = *table ? 1 : 0;

	for (const char *at = table; *at && at != times; at++)
		n += *at == ',';
	return times ? n * strtoul(times + 1, NULL, 10) : n;
}

/* 1: the card has no such table, or one of a queue alone. */
static int steer_table(struct sys *s, const struct machine_nic *nic, int queue,
		       struct knob_setting **settings, size_t *n)
{
	char now[KNOB_VALUE_MAX], wanted[64];
	struct diag ignored;
	unsigned long size;

	if (knob_get(s, knob_find("net.rss-table"), nic->instance, now, &ignored))
		return 1;
	size = entries(now);
	if (size < 2)
		return 1;
	snprintf(wanted, sizeof(wanted), "%d*%lu", queue, size);
	return add(settings, n, "net.rss-table", nic->instance, "", wanted);
}

int steer_all(struct sys *s, const struct net_target *t, const char *protocol, int queue,
	      struct knob_setting **settings, size_t *n, struct diag *d)
{
	static const char *const port[] = {[PEER_CLIENT] = "src-port", [PEER_SERVER] = "dst-port"};
	int err = 0;

	for (size_t i = 0; !err && i < t->n_nics && i < ARRAY_SIZE(port); i++) {
		err = steer_table(s, t->nic[i], queue, settings, n);
		if (err <= 0)
			continue;
		err = has_rules(t->nic[i])
			      ? steer_end(t->nic[i], protocol, queue, port[i], settings, n, d)
			      : 0;
	}
	return err;
}

bool steer_can(struct sys *s, const struct net_target *t)
{
	for (size_t i = 0; i < t->n_nics; i++) {
		char now[KNOB_VALUE_MAX];
		struct diag ignored;
		size_t queues = 0;

		for (size_t k = 0; k < t->nic[i]->n_queues; k++)
			queues += t->nic[i]->queues[k].rx;
		if (queues != 1 && !has_rules(t->nic[i]) &&
		    (knob_get(s, knob_find("net.rss-table"), t->nic[i]->instance, now, &ignored) ||
		     entries(now) < 2))
			return false;
	}
	return t->n_nics == 2;
}

/* The driver's packets of the end's queues, all and by other queues than this. 1: it counts none.
 */
static int count_queues(const struct machine_nic *nic, const json_t *device, const char *direction,
			unsigned queue, double *all, double *elsewhere)
{
	bool rx = direction[0] == 'r';
	const json_t *one;
	size_t queues = 0, i, seen = 0;
	char mine[32];

	for (size_t k = 0; k < nic->n_queues; k++)
		queues += nic->queues[k].rx == rx;
	snprintf(mine, sizeof(mine), "%s-%u", direction, queue);
	json_array_foreach (json_object_get(device, "queues"), i, one) {
		const char *name = jsonio_string(one, "queue", "");
		double n = jsonio_number(one, "packets");

		if (strncmp(name, mine, 3) || !(n >= 0))
			continue;
		seen++;
		*all += n;
		*elsewhere += strcmp(name, mine) ? n : 0;
	}
	return !seen && queues > 1;
}

static void put_share(const struct net_target *t, const char *name, const char *direction,
		      unsigned queue, json_t *evidence)
{
	double all = 0, elsewhere = 0;
	bool untold = false;

	for (size_t i = 0; i < t->n_nics; i++)
		untold |= count_queues(t->nic[i],
				       json_object_get(jsonio_at(evidence, "detail.net_devices"),
						       t->nic[i]->instance),
				       direction, queue, &all, &elsewhere);
	if (untold)
		json_object_set_new(json_object_get(evidence, "absent"), name,
				    json_string("the driver does not count the packets of its "
						"queues"));
	else
		json_object_set_new(json_object_get(evidence, "counters"), name,
				    json_real(all > 0 ? elsewhere / all : 0));
}

void steer_evidence(const struct net_target *t, int queue, json_t *evidence)
{
	unsigned mine = queue < 0 ? 0 : (unsigned)queue;

	put_share(t, STEER_SENT_ELSEWHERE, "tx", mine, evidence);
	put_share(t, STEER_RECEIVED_ELSEWHERE, "rx", mine, evidence);
}
