// SPDX-License-Identifier: Apache-2.0
#include "trial/steer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/diag.h"
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

static int steer_end(const struct machine_nic *nic, const char *protocol, int queue,
		     const char *port, struct knob_setting **settings, size_t *n, struct diag *d)
{
	const struct machine_feature *rules = machine_nic_feature(nic, "rx-ntuple-filter");
	char rule[80];
	int err;

	if (!rules || (rules->fixed && !rules->active))
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
