// SPDX-License-Identifier: Apache-2.0
/*
 * Poll queues of an NVMe controller. The driver makes as many as its module parameter says when it
 * binds (nvme_setup_io_queues(), Linux 5.0), at most its queues less one; a reset of the controller
 * keeps what is there. So the knob writes the parameter, unbinds and binds one controller, and puts
 * the parameter, which is everybody's, back. It is journalled as disturbed by this knob, like all
 * that a device made anew loses: death between two of these writes leaves it to the restore.
 *
 * A controller without driver has the value "unbound". What was set by hand and is no knob
 * (max_sectors_kb …) gets the driver's value, as after a reboot.
 */
#include "knob/poll_queues.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "gate/gate.h"
#include "knob/family.h"

#define DEVICES	  "/sys/bus/pci/devices/"
#define DRIVER	  "/sys/bus/pci/drivers/nvme/"
#define PARAMETER "/sys/module/nvme/parameters/poll_queues"
#define UNBOUND	  "unbound"

#define NAMESPACES_MAX 64
#define NAP_NS	       50000000
#define BACK_NAPS      200 /* 10 s: until the namespaces are there again */
#define SCAN_NAPS      20  /* 1 s: a live controller lists its namespaces in milliseconds */

struct controller {
	bool bound;
	char name[32], state[32];
	char path[NAMESPACES_MAX][32]; /* "nvme0n1", with multipath "nvme0c1n1" */
	char head[NAMESPACES_MAX][32]; /* what is opened and mounted */
	size_t n;
};

/* A namespace of the controller's directory, and the head that stands for it. */
static bool parse_namespace(const char *name, char head[static 32])
{
	unsigned subsystem, controller, namespace;
	int end = 0;

	if (sscanf(name, "nvme%un%u%n", &subsystem, &namespace, &end) == 2 && !name[end]) {
		snprintf(head, 32, "%.31s", name);
		return true;
	}
	if (sscanf(name, "nvme%uc%un%u%n", &subsystem, &controller, &namespace, &end) != 3 ||
	    name[end])
		return false;
	snprintf(head, 32, "nvme%un%u", subsystem, namespace);
	return true;
}

/* -ENOENT: no such device; -EOPNOTSUPP: another driver's. An unbound one is found. */
static int find(struct sys *s, const char *pci, struct controller *c, struct diag *d)
{
	_free_ char **names = NULL, **entries = NULL;
	char path[256], driver[64];
	int err;

	*c = (struct controller){0};
	snprintf(path, sizeof(path), DEVICES "%s/class", pci);
	err = sys_readf(s, driver, sizeof(driver), "%s", path);
	if (err)
		return diag_set(d, err, "nvme.poll_queues: no PCI device \"%s\"", pci);
	err = sys_linkf_name(s, driver, sizeof(driver), DEVICES "%s/driver", pci);
	if (err == -ENOENT)
		return 0;
	if (err)
		return diag_errno(d, err, DEVICES "%s/driver", pci);
	if (strcmp(driver, "nvme"))
		return diag_set(d, -EOPNOTSUPP, "nvme.poll_queues: %s belongs to driver %s", pci,
				driver);
	c->bound = true;
	snprintf(path, sizeof(path), DEVICES "%s/nvme", pci);
	err = sys_list(s, path, &names);
	if (err == -ENOENT || (!err && !names[0])) /* the probe is at its beginning */
		return 0;
	if (err)
		return diag_errno(d, err, "%s", path);
	snprintf(c->name, sizeof(c->name), "%.31s", names[0]);
	err = sys_readf(s, c->state, sizeof(c->state), "%s/%s/state", path, c->name);
	if (err)
		return diag_errno(d, err, "%s/%s/state", path, c->name);
	snprintf(path, sizeof(path), DEVICES "%s/nvme/%s", pci, c->name);
	err = sys_list(s, path, &entries);
	if (err)
		return diag_errno(d, err, "%s", path);
	for (size_t i = 0; entries[i] && c->n < NAMESPACES_MAX; i++)
		if (parse_namespace(entries[i], c->head[c->n]))
			snprintf(c->path[c->n++], 32, "%.31s", entries[i]);
	return 0;
}

static void nap(struct sys *s)
{
	const struct timespec t = {.tv_nsec = NAP_NS};

	if (s->live)
		nanosleep(&t, NULL);
}

/* Its hardware queues are there, and with them the device node. */
static bool is_ready(struct sys *s, const char *pci, const struct controller *c, size_t i)
{
	_free_ char **queues = NULL;
	char path[256];

	snprintf(path, sizeof(path), DEVICES "%s/nvme/%s/%s/mq", pci, c->name, c->path[i]);
	if (sys_list(s, path, &queues) || !queues[0])
		return false;
	snprintf(path, sizeof(path), "/dev/%s", c->head[i]);
	return !s->live || sys_exists(s, path);
}

/* Until `wanted` namespaces are there; the controller may still be on its way. */
static int wait_ready(struct sys *s, const char *pci, size_t wanted, unsigned naps,
		      struct controller *c, struct diag *d)
{
	for (unsigned i = 0;; i++) {
		size_t ready = 0;
		int err = find(s, pci, c, d);

		if (err || !c->bound)
			return err;
		for (size_t k = 0; k < c->n; k++)
			ready += is_ready(s, pci, c, k);
		if (!strcmp(c->state, "live") && ready >= wanted)
			return 0;
		if (i == naps || !strncmp(c->state, "dele", 4) || !strcmp(c->state, "dead"))
			return diag_set(
				d, -ETIMEDOUT,
				"nvme.poll_queues: controller %s is \"%s\" with %zu of at least "
				"%zu namespaces",
				pci, *c->state ? c->state : "not there", ready, wanted);
		nap(s);
	}
}

/* The type of each hardware queue (debugfs, Linux 5.0), else by arithmetic: the driver makes a
 * queue for each vector but the first, which is the admin queue's, and the rest can only poll. */
static int count(struct sys *s, const char *pci, const struct controller *c, unsigned *polls,
		 struct diag *d)
{
	_free_ char **queues = NULL, **vectors = NULL;
	char path[256], type[32];
	size_t n = 0, n_vectors = 0;
	int err;

	*polls = 0;
	snprintf(path, sizeof(path), DEVICES "%s/nvme/%s/%s/mq", pci, c->name, c->path[0]);
	err = sys_list(s, path, &queues);
	for (; !err && queues[n]; n++) {
		err = sys_readf(s, type, sizeof(type), "/sys/kernel/debug/block/%s/hctx%s/type",
				c->path[0], queues[n]);
		*polls += !err && !strcmp(type, "poll");
	}
	if (!err)
		return 0;
	/* no debugfs, or a kernel locked down: anything else is an error, not a reason to guess */
	if (!queues || (err != -ENOENT && err != -EPERM && err != -EACCES && err != -ENODEV))
		return diag_errno(d, err, "%s: types of its queues", path);
	while (queues[n])
		n++;
	snprintf(path, sizeof(path), DEVICES "%s/msi_irqs", pci);
	err = sys_list(s, path, &vectors);
	if (err)
		return diag_errno(d, err, "%s", path);
	while (vectors[n_vectors])
		n_vectors++;
	n_vectors = n_vectors > 1 ? n_vectors - 1 : 1;
	*polls = n > n_vectors ? (unsigned)(n - n_vectors) : 0;
	return 0;
}

static int get(struct sys *s, const struct knob *k, const char *instance, char *value,
	       struct diag *d)
{
	struct controller c;
	unsigned polls;
	int err = find(s, instance, &c, d);

	if (!err && c.bound && !c.n && strcmp(c.state, "dead"))
		err = wait_ready(s, instance, 1, strcmp(c.state, "live") ? BACK_NAPS : SCAN_NAPS,
				 &c, d);
	if (err == -ETIMEDOUT)
		return diag_prefix(d, -EOPNOTSUPP, "no namespace shows its queues");
	if (err)
		return err;
	if (!c.bound) {
		strcpy(value, UNBOUND);
		return 0;
	}
	if (!c.n)
		return diag_set(d, -EOPNOTSUPP,
				"nvme.poll_queues: controller %s of %s is \"%s\" and has no "
				"namespace that shows its queues",
				c.name, instance, c.state);
	err = count(s, instance, &c, &polls, d);
	if (!err)
		snprintf(value, KNOB_VALUE_MAX, "%u", polls);
	return err;
}

/* Between this look and the unbind somebody may still come: the kernel has no lock for it. */
static int check_free(struct sys *s, const char *pci, const struct controller *c, struct diag *d)
{
	char name[2 * NAMESPACES_MAX + 1][40];
	const char *list[2 * NAMESPACES_MAX + 1];
	size_t n = 0;
	int err;

	for (size_t i = 0; i < c->n; i++)
		snprintf(name[n++], sizeof(name[0]), "%s", c->head[i]);
	for (size_t i = 0; i < c->n; i++) /* "ng0n1" */
		snprintf(name[n++], sizeof(name[0]), "ng%s", c->head[i] + strlen("nvme"));
	if (*c->name)
		snprintf(name[n++], sizeof(name[0]), "%s", c->name);
	for (size_t i = 0; i < n; i++)
		list[i] = name[i];
	err = gate_idle(s, list, n, c->n, d);
	return err ? diag_prefix(d, err, "nvme.poll_queues of %s: it is not rebound", pci) : 0;
}

int poll_queues_free(struct sys *s, const char *pci, struct diag *d)
{
	struct controller c;
	int err = find(s, pci, &c, d);

	return err ? err : check_free(s, pci, &c, d);
}

static int say(struct sys *s, const char *what, const char *path, const char *value, struct diag *d)
{
	int err = sys_write(s, path, value);

	if (err == -EACCES || err == -EPERM)
		return diag_errno(d, err, "nvme.poll_queues: setting it needs root; %s", path);
	return err ? diag_errno(d, err, "nvme.poll_queues: %s %s (%s)", what, value, path) : 0;
}

static int rebind(struct sys *s, const char *pci, const struct controller *before, struct diag *d)
{
	struct controller c;
	int err = before->bound ? say(s, "unbinding", DRIVER "unbind", pci, d) : 0;

	if (!err)
		err = say(s, "binding", DRIVER "bind", pci, d);
	if (!err)
		err = wait_ready(s, pci, before->n ? before->n : 1, BACK_NAPS, &c, d);
	if (!err && !c.bound)
		err = diag_set(d, -ENODEV, "nvme.poll_queues: %s did not bind again", pci);
	return err;
}

static int set(struct sys *s, const struct knob *k, const char *instance, const char *value,
	       struct diag *d)
{
	char old[32];
	struct controller c;
	struct diag put = {""};
	uint64_t n = 0;
	bool unbind = !strcmp(value, UNBOUND);
	int err, undone;

	if (!unbind && (num_parse_u64(value, &n, NULL) || n > 65535))
		return diag_set(d, -EINVAL, "%s: \"%.40s\": a number of queues is expected",
				k->name, value);
	err = find(s, instance, &c, d);
	if (!err)
		err = check_free(s, instance, &c, d);
	if (err)
		return err;
	if (unbind)
		return c.bound ? say(s, "unbinding", DRIVER "unbind", instance, d) : 0;
	err = sys_readf(s, old, sizeof(old), PARAMETER);
	if (err)
		return diag_errno(d, err, PARAMETER);
	err = say(s, "setting", PARAMETER, value, d);
	if (!err)
		err = rebind(s, instance, &c, d);
	undone = say(s, "putting back", PARAMETER, old, &put);
	return err ? err : undone ? diag_set(d, undone, "%s", put.text) : 0;
}

/* A driver with too few queues makes fewer. */
static bool same(const char *want, const char *got)
{
	uint64_t wanted, there;

	if (num_parse_u64(want, &wanted, NULL) || num_parse_u64(got, &there, NULL))
		return !strcmp(want, got);
	return there <= wanted;
}

static int candidates(struct sys *s, const struct knob *k, char ***instances)
{
	_free_ char **list = NULL;
	struct names names = {0};
	int err = sys_list(s, DRIVER, &list);

	for (size_t i = 0; !err && list[i]; i++)
		if (strchr(list[i], ':')) /* "0000:01:00.0" among bind, module, uevent … */
			names_add(&names, list[i]);
	if (err && err != -ENOENT)
		names.err = err;
	return names_finish(&names, instances);
}

static int touches(struct sys *s, const char *instance, const struct knob *other,
		   const char *of_other)
{
	size_t len = strlen(instance);
	struct controller c;
	int err;

	if (other->scope == KNOB_HOST)
		return 1;
	/* the admin queue's vector is the one that the kernel does not place itself */
	if (other->scope == KNOB_IRQ)
		return !strncmp(of_other, instance, len) && of_other[len] == ':' &&
		       strstr(of_other, "q0");
	err = find(s, instance, &c, NULL);
	if (err || !*c.name)
		return err;
	if (other->scope == KNOB_NVME) {
		len = strlen(c.name);
		return !strncmp(of_other, c.name, len) && (!of_other[len] || of_other[len] == ':');
	}
	for (size_t i = 0; other->scope == KNOB_BLOCK && i < c.n; i++)
		if (!strcmp(of_other, c.path[i]) || !strcmp(of_other, c.head[i]))
			return 1;
	return 0;
}

static const struct knob rows[] = {
	{.name = "nvme.poll_queues",
	 .scope = KNOB_NVME,
	 .flags = KNOB_WHOLE_RUN | KNOB_REMAKES,
	 .since = "5.0",
	 .get = get,
	 .set = set,
	 .same = same,
	 .candidates = candidates,
	 .touches = touches,
	 .disturbs = (const char *const[]){"nvme.poll_queues_parameter", "block.scheduler",
					   "block.nomerges", "block.rq_affinity", "block.iostats",
					   "block.nr_requests", "block.read_ahead_kb",
					   "block.wbt_lat_usec", "block.iosched",
					   "nvme.interrupt-coalescing", "nvme.vector-coalescing",
					   "irq.affinity", NULL},
	 .doc = "poll queues of the controller at a PCI address (\"0000:01:00.0\"); setting it "
		"unbinds and binds the driver, so only when nothing on it is in use; the "
		"controller's own limit may give fewer"},
	{.name = "nvme.poll_queues_parameter",
	 .scope = KNOB_HOST,
	 .flags = KNOB_WHOLE_RUN,
	 .since = "5.0",
	 .path = PARAMETER,
	 .doc = "what nvme.poll_queues sets for the moment of binding and puts back; alone it "
		"changes controllers bound later"},
};

const struct knob_family knob_family_poll_queues = {rows, ARRAY_SIZE(rows)};
