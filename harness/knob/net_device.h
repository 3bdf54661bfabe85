/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the net_*.c families share: where an instance lives, and how it is found again.
 *
 * Instances: a device "eth0", or "eth0@server" in the namespace with that label; one of its queues
 * "eth0@server:rx-0"; one of its NAPI instances "eth0@server#0", by index in order of their ids,
 * because the ids change with every reset; a flow rule "eth0:rule-5" by its location.
 */
#pragma once
#include <stdbool.h>
#include "knob/family.h"

struct genl_replies;

enum net_part { NET_DEVICE, NET_RX, NET_TX, NET_QUEUE, NET_NAPI, NET_RULE };

struct net_place {
	struct sys *inside; /* the machine, or the namespace's part of it */
	char dev[16];
	char name[64];	/* "eth0@server" */
	bool rx;	/* of a queue */
	unsigned index; /* of the queue or the NAPI instance; location of the rule */
};

/* Take an instance apart. -EINVAL: not such a part; -ENODEV: the label is not known, so the
 * namespace is gone, and with it what was set there. */
int net_place(struct sys *s, const struct knob *k, const char *instance, enum net_part part,
	      struct net_place *p, struct diag *d);
/* Length of the device with its label at the beginning of an instance. */
size_t net_device_len(const char *instance);
bool net_same_device(const char *a, const char *b);
bool net_is_scope(const struct knob *k);

/* The kernel said no to a setting: its own words, and -EOPNOTSUPP where it is the value or the
 * operation that it does not take. */
int net_refused(const struct knob *k, const char *instance, const char *value, int err,
		const char *words, struct diag *d);
/* A question was not answered. -ENODATA (a recording without it) becomes -EOPNOTSUPP. */
int net_unanswered(const struct knob *k, const char *instance, int err, const char *words,
		   struct diag *d);

/*
 * What a write would take away and nobody could put back as it was: the flow rules of the driver;
 * its hash tables beside the first one (ethtool -X DEV context ...; known from Linux 6.12 on, else
 * by the rules that use them). -EBUSY names how many there are. A driver that tells of none has
 * none.
 */
int net_keep_rules(const struct knob *k, const char *instance, const struct net_place *p,
		   struct diag *d);
int net_keep_contexts(const struct knob *k, const char *instance, const struct net_place *p,
		      struct diag *d);

/* For struct knob: may_set (management interfaces are refused), candidates and on_device. */
int net_may_set(struct sys *s, const struct knob *k, const char *instance, struct diag *d);
int net_candidates(struct sys *s, const struct knob *k, char ***instances);
int net_on_device(struct sys *s, const struct knob *k, const char *dev, char ***instances);

/* Every device here and in the known namespaces. */
int net_devices(struct sys *s, char ***devices);

/*
 * What a device is known by when its name or its namespace is another: "pci/0000:01:00.0/0" (bus,
 * address, port) where it has a bus; a virtual one in a namespace of ours by its random MAC,
 * "mac/…"; "" for other virtual ones, whose name has to do.
 */
#define NET_ID_MAX 96
int net_identity(struct sys *s, const char *instance, char id[static NET_ID_MAX]);
/*
 * Where the part of the device `id` that the journal calls `instance` is now. A device that lived
 * in a namespace comes back to the machine when that dies, which takes a moment: waits for it until
 * `deadline_ns` of clock_ns(). 0; -ENODEV: gone, with the reason; -EBUSY: there, but in a namespace
 * that somebody holds.
 */
int net_locate(struct sys *s, const char *instance, const char *id, uint64_t deadline_ns,
	       char now[static KNOB_INSTANCE_MAX], struct diag *d);
/* All NAPI instances of the device in order of their ids (netdev family, Linux 6.8), none of one
 * that is down. The caller frees them; words of the kernel's refusal. */
int net_napis(const struct net_place *p, struct genl_replies *replies, char *words, size_t size);
/* Why there are only n of them: -ENETDOWN or -ENOENT. */
int net_no_napi(const struct knob *k, const char *instance, const struct net_place *p, size_t n,
		struct diag *d);
/* The PCI address above the device, -ENOENT when there is none. */
int net_pci(struct sys *s, const char *instance, char *pci, size_t size);
