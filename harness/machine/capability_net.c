// SPDX-License-Identifier: Apache-2.0
/*
 * What a network target can do. A subject may have both ends of a link; an answer is yes only when
 * it holds for each of them, and a no names the interface.
 */
#include "machine/capability_net.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "machine/nic.h"
#include "sys/genl.h"
#include "sys/netns.h"
#include "sys/sys.h"

typedef bool nic_question(const struct machine *m, const struct machine_nic *nic,
			  struct capability_answer *a);

/* The first interface that says no, or does not know, is the answer; else the last one's yes. */
static void ask_each(const struct machine *m, const struct machine_subject *subject,
		     nic_question *question, struct capability_answer *a)
{
	if (!subject->n_nics)
		capability_set(a, false, NULL, "no network interface was given");
	for (size_t i = 0; i < subject->n_nics; i++)
		if (!question(m, subject->nics[i], a))
			return;
}

static bool is_veth(const struct machine_nic *nic)
{
	return !strcmp(nic->driver, "veth");
}

/* What the kernel sums up as NETIF_F_ALL_TSO, which a veth asks about. tx-tcp-accecn-segmentation
 * (Linux 6.16) is not part of it. */
static const struct machine_feature *active_tso(const struct machine_nic *nic)
{
	static const char *const names[] = {"tx-tcp-segmentation", "tx-tcp6-segmentation",
					    "tx-tcp-ecn-segmentation",
					    "tx-tcp-mangleid-segmentation"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct machine_feature *f = machine_nic_feature(nic, names[i]);

		if (f && f->active)
			return f;
	}
	return NULL;
}

static bool has_napi(const struct machine *m, const struct machine_nic *nic,
		     struct capability_answer *a)
{
	const struct machine_feature *gro = machine_nic_feature(nic, "rx-gro");

	if (nic->n_napis) {
		capability_set(a, true, NULL, "%s has %zu NAPI instance%s", nic->instance,
			       nic->n_napis, nic->n_napis == 1 ? "" : "s");
		return true;
	}
	if (is_veth(nic) && gro && !gro->active) {
		capability_set(a, false, "ethtool -K DEV gro on, at both ends",
			       "%s is a veth with GRO off: it has no NAPI, packets come by the "
			       "backlog",
			       nic->instance);
		return false;
	}
	if (nic->napis_told && nic->up) {
		capability_set(a, false, "an interface whose driver has NAPI",
			       "%s (%s) has no NAPI instance", nic->instance,
			       *nic->kind ? nic->kind : nic->driver);
		return false;
	}
	if (nic->napis_told || !strcmp(nic->kind, "loopback")) {
		capability_set(a, false, nic->napis_told ? "ip link set DEV up" : NULL, "%s: %s",
			       nic->instance,
			       nic->napis_told ? nic->napis_why : "loopback has no NAPI");
		return false;
	}
	/* an older kernel: a device that interrupts for packets has NAPI in every driver of ours;
	 * SO_INCOMING_NAPI_ID of the socket is the proof, in each trial */
	if (nic->n_vectors || (is_veth(nic) && gro && gro->active)) {
		capability_set(a, true, NULL, "%s %s; %s", nic->instance,
			       nic->n_vectors ? "has interrupts" : "is a veth with GRO on",
			       nic->napis_why);
		return true;
	}
	snprintf(a->value, sizeof(a->value), "unknown");
	snprintf(a->reason, sizeof(a->reason), "%s: %s", nic->instance, nic->napis_why);
	a->remedy[0] = '\0';
	return false;
}

/* A veth passes TCP to the other end's NAPI only when it does no segmentation offload itself
 * (veth_skb_is_eligible_for_gro): so with both ends at hand, look at both. */
void capability_net_napi(const struct machine *m, const struct machine_subject *subject,
			 struct capability_answer *a)
{
	ask_each(m, subject, has_napi, a);
	if (strcmp(a->value, "1") || subject->n_nics < 2)
		return;
	for (size_t i = 0; i < subject->n_nics; i++) {
		const struct machine_nic *nic = subject->nics[i];
		const struct machine_feature *tso = is_veth(nic) ? active_tso(nic) : NULL;

		if (!tso)
			continue;
		capability_set(a, false, "ethtool -K DEV tso off, at both ends",
			       "%s of %s is on: a veth passes by the other end's NAPI what a "
			       "sender with segmentation offload sends",
			       tso->name, nic->instance);
		return;
	}
}

static bool has_interrupts(const struct machine *m, const struct machine_nic *nic,
			   struct capability_answer *a)
{
	capability_set(a, nic->n_vectors, "a hardware or virtio interface",
		       nic->n_vectors ? "%s has interrupts of its own"
				      : "%s has no interrupts of its own",
		       nic->instance);
	return nic->n_vectors;
}

void capability_net_interrupts(const struct machine *m, const struct machine_subject *subject,
			       struct capability_answer *a)
{
	ask_each(m, subject, has_interrupts, a);
}

static bool has_coalescing(const struct machine_nic *nic, const char *name,
			   struct capability_answer *a)
{
	json_int_t value;

	if (!nic->coalescing || json_unpack(nic->coalescing, "{s:I}", name, &value)) {
		capability_set(a, false, "a driver that has it", "driver %s has no %s (%s)",
			       *nic->driver ? nic->driver : nic->kind, name, nic->instance);
		return false;
	}
	capability_set(a, true, NULL, "%s of %s is %lld", name, nic->instance, (long long)value);
	return true;
}

static bool has_rx_usecs(const struct machine *m, const struct machine_nic *nic,
			 struct capability_answer *a)
{
	return has_coalescing(nic, "rx-usecs", a);
}

static bool has_adaptive(const struct machine *m, const struct machine_nic *nic,
			 struct capability_answer *a)
{
	return has_coalescing(nic, "use-adaptive-rx", a);
}

void capability_net_coalescing(const struct machine *m, const struct machine_subject *subject,
			       struct capability_answer *a)
{
	ask_each(m, subject, has_rx_usecs, a);
}

void capability_net_adaptive(const struct machine *m, const struct machine_subject *subject,
			     struct capability_answer *a)
{
	ask_each(m, subject, has_adaptive, a);
}

static bool has_file(const struct machine *m, const struct machine_nic *nic, const char *file,
		     const char *since, struct capability_answer *a)
{
	struct sys *inside;
	char dev[16], path[64];

	if (sys_netns_split(m->sys, nic->instance, dev, sizeof(dev), &inside)) {
		capability_set(a, false, NULL, "the namespace of %s is gone", nic->instance);
		return false;
	}
	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", dev, file);
	if (!sys_exists(inside, path)) {
		capability_set(a, false, since, "%s is not there", path);
		return false;
	}
	return true;
}

static bool has_defer(const struct machine *m, const struct machine_nic *nic,
		      struct capability_answer *a)
{
	if (!has_file(m, nic, "napi_defer_hard_irqs", "Linux 5.8 or later", a))
		return false;
	return has_napi(m, nic, a);
}

void capability_net_defer(const struct machine *m, const struct machine_subject *subject,
			  struct capability_answer *a)
{
	ask_each(m, subject, has_defer, a);
}

static bool each_napi_tells(const struct machine *m, const struct machine_nic *nic,
			    const char *what, size_t offset, struct capability_answer *a)
{
	if (!has_napi(m, nic, a))
		return false;
	for (size_t i = 0; i < nic->n_napis; i++)
		if (*(const int64_t *)((const char *)&nic->napis[i] + offset) < 0) {
			capability_set(a, false, "Linux 6.13 or later",
				       "the kernel tells no %s of %s#%zu", what, nic->instance, i);
			return false;
		}
	if (!nic->n_napis) {
		capability_set(a, false, "Linux 6.13 or later", "%s: %s", nic->instance,
			       nic->napis_why);
		return false;
	}
	capability_set(a, true, NULL, "each NAPI instance of %s has its %s", nic->instance, what);
	return true;
}

static bool has_per_napi(const struct machine *m, const struct machine_nic *nic,
			 struct capability_answer *a)
{
	return each_napi_tells(m, nic, "defer-hard-irqs",
			       offsetof(struct machine_napi, defer_hard_irqs), a);
}

static bool has_suspend(const struct machine *m, const struct machine_nic *nic,
			struct capability_answer *a)
{
	return each_napi_tells(m, nic, "irq-suspend-timeout",
			       offsetof(struct machine_napi, irq_suspend_timeout_ns), a);
}

void capability_net_per_napi_defer(const struct machine *m, const struct machine_subject *subject,
				   struct capability_answer *a)
{
	ask_each(m, subject, has_per_napi, a);
}

void capability_net_irq_suspend(const struct machine *m, const struct machine_subject *subject,
				struct capability_answer *a)
{
	ask_each(m, subject, has_suspend, a);
}

static bool has_threaded(const struct machine *m, const struct machine_nic *nic,
			 struct capability_answer *a)
{
	return has_file(m, nic, "threaded", "Linux 5.12 or later", a) && has_napi(m, nic, a);
}

void capability_net_threaded(const struct machine *m, const struct machine_subject *subject,
			     struct capability_answer *a)
{
	ask_each(m, subject, has_threaded, a);
}

/*
 * The largest value that the kernel takes for NAPI_SET's attribute "threaded", from its own policy
 * (CTRL_CMD_GETPOLICY, Linux 5.7 for whole families, 5.10 for one operation): 1 in 6.17 and 6.18,
 * 2 (busy-poll) in 6.19. So nothing has to be switched to find out. -ENOENT: no such attribute.
 */
static int threaded_max(struct sys *s, uint64_t *max)
{
	enum { NETDEV_NAPI_SET = 14, NETDEV_A_NAPI_THREADED = 8 };
	struct genl_replies replies;
	struct genl_request r;
	char words[8];
	int err;

	genl_request_init(&r, "nlctrl", CTRL_CMD_GETPOLICY, GENL_DUMP);
	genl_put_str(&r, CTRL_ATTR_FAMILY_NAME, "netdev");
	genl_put_u32(&r, CTRL_ATTR_OP, NETDEV_NAPI_SET);
	err = sys_genl(s, &r, &replies, words, sizeof(words));
	genl_request_free(&r);
	if (!err)
		err = -ENOENT;
	for (size_t i = 0; err == -ENOENT && i < replies.n; i++) {
		struct genl_attr policies, policy, attribute;
		size_t offset = 0;

		/* policy index -> attribute -> its limits; NAPI_SET has one policy */
		if (genl_find(replies.reply[i].attrs, replies.reply[i].len, CTRL_ATTR_POLICY,
			      &policies))
			continue;
		while (err && genl_next(policies.data, policies.len, &offset, &policy))
			if (!genl_find(policy.data, policy.len, NETDEV_A_NAPI_THREADED, &attribute))
				err = genl_find_uint(attribute.data, attribute.len,
						     NL_POLICY_TYPE_ATTR_MAX_VALUE_U, max);
	}
	genl_replies_free(&replies);
	return err;
}

void capability_net_threaded_busy_poll(const struct machine *m,
				       const struct machine_subject *subject,
				       struct capability_answer *a)
{
	enum { BUSY_POLL = 2 };
	uint64_t max;
	int err;

	ask_each(m, subject, has_threaded, a);
	if (strcmp(a->value, "1"))
		return;
	err = threaded_max(m->sys, &max);
	if (err == -ENODATA) {
		snprintf(a->value, sizeof(a->value), "unknown");
		snprintf(a->reason, sizeof(a->reason),
			 "this recording does not hold the kernel's "
			 "policy of NAPI_SET");
	} else if (err) {
		capability_set(a, false, "Linux 6.19 or later",
			       "the kernel has no \"threaded\" of a NAPI instance");
	} else {
		capability_set(a, max >= BUSY_POLL, "Linux 6.19 or later",
			       "the kernel takes 0 to %llu for \"threaded\" of a NAPI instance%s",
			       (unsigned long long)max, max >= BUSY_POLL ? "" : ", busy-poll is 2");
	}
}
