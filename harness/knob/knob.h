/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A knob is one piece of machine state that can be read, set and read back. A row is data: most are
 * a path template and nothing else; generic code snapshots, journals, applies, verifies, restores
 * (transaction.h). Adding a knob: one row in the file of its family; a new family: one file and one
 * line in registry.c.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct diag;
struct sys;

#define KNOB_VALUE_MAX                                                            \
	4096 /* every value is text, as the kernel writes it, white space trimmed \
	      */
#define KNOB_INSTANCE_MAX 128

/* What one instance of the knob belongs to; the instance is named so that it survives renumbering.
 */
enum knob_scope {
	KNOB_HOST,   /* instance "" */
	KNOB_CPU,    /* "3" */
	KNOB_IRQ,    /* "<pci address or driver>:<vector name>", e.g. "0000:00:04.0:virtio3-rx" */
	KNOB_BLOCK,  /* block device name below /sys/block, never a multipath head: "nvme0c0n1" */
	KNOB_NVME,   /* controller: "nvme0", or its PCI address where the row says so */
	KNOB_NETDEV, /* "eth0", in a namespace of ours "eth0@server"; of a queue "eth0:rx-0", of a
			flow rule "eth0:rule-5" */
	KNOB_NAPI,   /* "eth0#0": index in order of the ids, which change with every reset */
};

enum knob_flag {
	KNOB_VALUE_ONLY =
		1 << 0, /* the value comes back, a hidden side effect does not (wbt: "manual") */
	KNOB_HELD = 1 << 1, /* the kernel undoes it when our descriptor closes; not journalled */
	KNOB_PERSISTENT = 1 << 2, /* survives a reboot: restored from an older boot's journal too */
	KNOB_READ_ONLY = 1 << 3,  /* readable for `requires`, never set */
	KNOB_WHOLE_RUN = 1 << 4,  /* a condition of a whole run: in no mode and no `set:` */
	/* A write makes part of the device anew, with its driver's defaults: what it disturbs is
	 * put back at once, and what was not there before may be afterwards. */
	KNOB_REMAKES = 1 << 5,
};

struct knob {
	const char *name; /* "block.scheduler" */
	enum knob_scope scope;
	unsigned flags;
	const char *unit;  /* "" when none */
	const char *since; /* first kernel version, "" when older than 4.18 */
	const char *doc;   /* one sentence; names its trap where it has one */
	const char *path; /* template with one %s for the instance, or NULL when get/set are code */
	/* Never NULL after registration: rows with a path get the generic functions. */
	int (*get)(struct sys *s, const struct knob *k, const char *instance, char *value,
		   struct diag *d);
	int (*set)(struct sys *s, const struct knob *k, const char *instance, const char *value,
		   struct diag *d);
	/* Is what was read back what was wanted? Rounding drivers get one of their own. */
	bool (*same)(const char *want, const char *got);
	/* KNOB_HELD only: put `value` in force until *handle (>= 0) is given to
	 * sys->ops->release. */
	int (*hold)(struct sys *s, const struct knob *k, const char *instance, const char *value,
		    int *handle, struct diag *d);
	/* Which instances there may be; NULL: whatever the scope has on this machine. */
	int (*candidates)(struct sys *s, const struct knob *k, char ***instances);
	/* Names of the knobs that a write to this one may change; snapshotted with it, restored
	 * after it. */
	const char *const *disturbs;
	/* A knob that is one of several in another, of the same instance, whose value is all of
	 * them: snapshotted with it and restored after it, too. */
	const char *part_of;
	/* Does a write change `other` of `instance_of_other` too? 1, 0 or -errno. NULL: it changes
	 * what has its own instance, and of a network device, what is of that device. */
	int (*touches)(struct sys *s, const char *instance, const struct knob *other,
		       const char *instance_of_other);
	/* May it be set now? -EBUSY with the reason: the interface of the management connection.
	 * NULL: yes. A restore does not ask. */
	int (*may_set)(struct sys *s, const struct knob *k, const char *instance, struct diag *d);
	/* Network scopes: what there may be of the knob on one device ("eth0@server"). */
	int (*on_device)(struct sys *s, const struct knob *k, const char *dev, char ***instances);
};

/* Every knob, sorted by name. */
const struct knob *const *knob_all(size_t *n);
const struct knob *knob_find(const char *name);

/* Read one instance. Errors: -ENOENT (no such knob on this device; the reason is in the diag),
 * -EACCES/-EPERM (needs root), others from the kernel. `value` has KNOB_VALUE_MAX bytes. */
int knob_get(struct sys *s, const struct knob *k, const char *instance, char *value,
	     struct diag *d);

/* Write one instance: the raw write, without journal; only the transaction layer and tests call it.
 * -EINVAL/-EOPNOTSUPP/-EPERM… with the kernel's reason in the diag; KNOB_READ_ONLY gives -EROFS. */
int knob_set(struct sys *s, const struct knob *k, const char *instance, const char *value,
	     struct diag *d);

/* May this text name an instance of the knob's scope? It can become part of a path, so "/" and ".."
 * never pass. -EINVAL. */
int knob_check_instance(const struct knob *k, const char *instance, struct diag *d);
/* One line of printable text, not longer than KNOB_VALUE_MAX. -EINVAL. */
int knob_check_value(const struct knob *k, const char *value, struct diag *d);

/* "block", "cpu" … as people read it. */
const char *knob_scope_name(enum knob_scope scope);

/* Every instance of a knob on this machine (NULL-terminated, one allocation, free() by the caller).
 */
int knob_instances(struct sys *s, const struct knob *k, char ***instances);

/* What there may be of a knob on a network device: its queues, NAPI instances, interrupt vectors;
 * not all need be readable. */
int knob_instances_on(struct sys *s, const struct knob *k, const char *dev, char ***instances);

/* Is `name` among what a write to `a` disturbs? */
bool knob_disturbs(const struct knob *a, const char *name);

/* One wanted setting: the unit of everything that is applied. */
struct knob_setting {
	const struct knob *knob;
	char instance[KNOB_INSTANCE_MAX];
	char value[KNOB_VALUE_MAX];
};

/* "KNOB[:INSTANCE]=VALUE" as people write it. Without instance: "" for the host, `block` (may be
 * NULL) for block knobs, its controller for NVMe ones. -EINVAL names the nearest right word. */
int knob_parse_setting(const char *text, const char *block, struct knob_setting *setting,
		       struct diag *d);
/* "KNOB[:INSTANCE]"; *instance points into `text`, "" when absent. */
int knob_parse_name(const char *text, const struct knob **knob, const char **instance,
		    struct diag *d);
