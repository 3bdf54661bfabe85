// SPDX-License-Identifier: Apache-2.0
#include "trial/net_target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "gate/management.h"
#include "sys/sys.h"

static const char *const side_names[] = {[PEER_CLIENT] = "client", [PEER_SERVER] = "server"};

bool net_target_named(struct sys *s, const char *text)
{
	char type[16];

	if (!strcmp(text, "veth") || !strcmp(text, "lo"))
		return true;
	return !strchr(text, '/') && strlen(text) < 16 &&
	       !sys_readf(s, type, sizeof(type), "/sys/class/net/%s/type", text);
}

int net_target_look(struct sys *s, struct net_target *t, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; i < t->n_nics; i++)
		machine_nic_free(t->nic[i]);
	t->n_nics = 0;
	for (size_t i = 0; !err && i < 2; i++) {
		err = machine_nic_discover(s, t->instance[i], &t->nic[i], d);
		t->n_nics += !err;
	}
	return err;
}

static int open_peer(struct sys *s, const struct peer_options *o, struct net_target *t,
		     struct diag *d)
{
	int err = peer_open(s, o, &t->peer, d);

	for (int i = 0; !err && i < 2; i++)
		snprintf(t->instance[i], sizeof(t->instance[i]), "%s",
			 peer_end(t->peer, (enum peer_side)i)->instance);
	return err;
}

/* A veth pair or lo belongs to nobody: that there is none here is an answer, not an error. */
static int open_private(struct sys *s, const struct peer_options *o, struct net_target *t)
{
	struct diag why = {""};
	int err = open_peer(s, o, t, &why);

	if (!err)
		err = net_target_look(s, t, &why);
	if (!err)
		return 0;
	if (err == -ENOMEM)
		return err;
	t->needs_root = err == -EPERM || err == -EACCES;
	if (t->needs_root) {
		snprintf(t->refusal, sizeof(t->refusal), "needs root (CAP_NET_ADMIN)");
		snprintf(t->remedy, sizeof(t->remedy), "run as root");
	} else {
		snprintf(t->refusal, sizeof(t->refusal), "no %s: %.200s", t->label, why.text);
	}
	return 0;
}

static int open_interfaces(struct sys *s, const char *text, const char *other, bool move,
			   struct net_target *t, struct diag *d)
{
	const char *names[2] = {text, other};
	struct peer_options o = {.client_if = text, .server_if = other};
	int err = 0;

	if (!other)
		return diag_set(d, -EINVAL,
				"network target %s: which interface is it cabled to? Name it by "
				"--peer IFNAME, or net_peer: in the experiment",
				text);
	for (int i = 0; !err && i < 2; i++) {
		if (!net_target_named(s, names[i]))
			return diag_set(d, -ENODEV, "network target %s: no such interface",
					names[i]);
		err = net_may_configure(s, names[i], d);
		snprintf(t->instance[i], sizeof(t->instance[i]), "%s", names[i]);
	}
	snprintf(t->label, sizeof(t->label), "%.60s to %.60s", text, other);
	if (!err && move)
		err = open_peer(s, &o, t, d);
	if (!err)
		err = net_target_look(s, t, d);
	for (size_t i = 0; !err && !move && i < t->n_nics; i++)
		if (!t->nic[i]->up)
			snprintf(t->tentative, sizeof(t->tentative),
				 "%s is down: what network modes require is looked at when the run "
				 "has brought it up",
				 t->nic[i]->name);
	return err;
}

int net_target_open(struct sys *s, const char *text, const char *other, bool move, unsigned queues,
		    struct net_target *t, struct diag *d)
{
	struct peer_options o = {.loopback = !strcmp(text, "lo"), .queues = queues};

	*t = (struct net_target){0};
	if (strcmp(text, "veth") && !o.loopback)
		return open_interfaces(s, text, other, move, t, d);
	if (other)
		return diag_set(d, -EINVAL,
				"network target %s has no other interface; \"%s\" is "
				"too much",
				text, other);
	snprintf(t->label, sizeof(t->label), "%s", o.loopback ? "lo" : "veth pair");
	return open_private(s, &o, t);
}

static int end_queue(const struct machine_nic *nic, int queue, unsigned *napi_id, struct diag *d)
{
	const struct machine_nic_queue *found = NULL;
	size_t n_rx = 0;

	for (size_t i = 0; i < nic->n_queues; i++) {
		const struct machine_nic_queue *q = &nic->queues[i];

		n_rx += q->rx;
		if (q->rx && q->index == (unsigned)queue)
			found = q;
	}
	if (!found)
		return diag_set(d, -ENOENT, "%s has %zu receive queue%s, no queue %d",
				nic->instance, n_rx, n_rx == 1 ? "" : "s", queue);
	if (found->napi < 0 && n_rx != nic->n_napis)
		return diag_set(d, -EOPNOTSUPP,
				"which NAPI instance serves queue %d of %s is not told%s%s", queue,
				nic->instance, *nic->napis_why ? ": " : "", nic->napis_why);
	*napi_id = nic->napis[found->napi < 0 ? queue : found->napi].id;
	return 0;
}

int net_target_queue(const struct net_target *t, int queue, unsigned napi_id[2], struct diag *d)
{
	int err = t->n_nics == 2 ? 0 : diag_set(d, -ENODEV, "%s has no two ends", t->label);

	for (size_t i = 0; !err && i < 2; i++)
		err = end_queue(t->nic[i], queue, &napi_id[i], d);
	return err;
}

int net_target_close(struct net_target *t, struct diag *d)
{
	int err;

	for (size_t i = 0; i < t->n_nics; i++)
		machine_nic_free(t->nic[i]);
	t->n_nics = 0;
	err = peer_close(t->peer, d);
	t->peer = NULL;
	return err;
}

struct machine_subject net_target_subject(const struct net_target *t)
{
	return (struct machine_subject){
		.nics = (const struct machine_nic *const *)t->nic,
		.n_nics = t->n_nics,
	};
}

bool net_target_has_interrupts(const struct net_target *t)
{
	for (size_t i = 0; i < t->n_nics; i++)
		if (t->nic[i]->n_vectors)
			return true;
	return false;
}

int net_target_node(const struct net_target *t)
{
	if (t->n_nics < 2 || t->nic[0]->node != t->nic[1]->node)
		return -1;
	return t->nic[0]->node;
}

json_t *net_target_json(const struct net_target *t)
{
	json_t *j;

	if (!t || !*t->label)
		return json_null();
	j = json_pack("{s:s, s:o}", "label", t->label, "peer",
		      t->peer ? peer_json(t->peer) : json_null());
	for (size_t i = 0; j && i < t->n_nics; i++)
		json_object_set_new(j, side_names[i], machine_nic_json(t->nic[i]));
	return j;
}
