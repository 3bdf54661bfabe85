// SPDX-License-Identifier: Apache-2.0
/*
 * Block queue attributes, /sys/block/DEV/queue/ (Documentation/ABI/stable/sysfs-block). An NVMe
 * namespace under multipath is known by its paths ("nvme0c0n1"): the head "nvme0n1" has no queue of
 * its own, and on 6.1 a write to its files succeeds and does nothing.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "knob/family.h"

#define IOSCHED "/sys/block/%s/queue/iosched"

/* "nvme0c1n2" belongs to the head "nvme0n2". */
static bool is_path_of(const char *name, const char *head)
{
	unsigned subsystem, controller, namespace, head_subsystem, head_namespace;
	int end = 0;

	if (sscanf(head, "nvme%un%u%n", &head_subsystem, &head_namespace, &end) != 2 || head[end])
		return false;
	end = 0;
	return sscanf(name, "nvme%uc%un%u%n", &subsystem, &controller, &namespace, &end) == 3 &&
	       !name[end] && subsystem == head_subsystem && namespace == head_namespace;
}

static int refuse_head(struct sys *s, const struct knob *k, const char *instance, struct diag *d)
{
	_free_ char **list = NULL;

	if (strncmp(instance, "nvme", 4) || sys_list(s, "/sys/block", &list))
		return 0;
	for (size_t i = 0; list[i]; i++)
		if (is_path_of(list[i], instance))
			return diag_set(d, -EOPNOTSUPP,
					"%s: %s is an NVMe multipath head without a queue of its "
					"own; its path here is %s",
					k->name, instance, list[i]);
	return 0;
}

static int get(struct sys *s, const struct knob *k, const char *instance, char *value,
	       struct diag *d)
{
	int err = refuse_head(s, k, instance, d);

	return err ? err : knob_get_path(s, k, instance, value, d);
}

static int get_chosen(struct sys *s, const struct knob *k, const char *instance, char *value,
		      struct diag *d)
{
	int err = refuse_head(s, k, instance, d);

	return err ? err : knob_get_bracket(s, k, instance, value, d);
}

static int set(struct sys *s, const struct knob *k, const char *instance, const char *value,
	       struct diag *d)
{
	int err = refuse_head(s, k, instance, d);

	return err ? err : knob_set_path(s, k, instance, value, d);
}

/*
 * The tunables of the scheduler in force, "front_merges=1 read_expire=500 …", as one value: they
 * live and die with the scheduler, so somebody's tuned mq-deadline would come back untuned from a
 * switch to none and back. "" when there is no scheduler.
 */
static int get_iosched(struct sys *s, const struct knob *k, const char *instance, char *value,
		       struct diag *d)
{
	char dir[256], label[KNOB_LABEL_MAX];
	_free_ char **list = NULL;
	size_t used = 0;
	mode_t mode;
	int err = refuse_head(s, k, instance, d);

	if (err)
		return err;
	snprintf(dir, sizeof(dir), "/sys/block/%s/queue/scheduler", instance);
	err = sys_mode(s, dir, &mode);
	if (err == -ENOENT)
		return diag_set(d, err, "%s: not on this machine", knob_label(k, instance, label));
	if (err)
		return diag_errno(d, err, "%s", knob_label(k, instance, label));
	snprintf(dir, sizeof(dir), IOSCHED, instance);
	*value = '\0';
	err = sys_list(s, dir, &list);
	if (err == -ENOENT)
		return 0;
	for (size_t i = 0; !err && list[i]; i++) {
		char one[128];

		err = sys_readf(s, one, sizeof(one), "%s/%s", dir, list[i]);
		if (!err && used + strlen(list[i]) + strlen(one) + 3 > KNOB_VALUE_MAX)
			err = -EFBIG;
		if (!err)
			used += (size_t)snprintf(value + used, KNOB_VALUE_MAX - used, "%s%s=%s",
						 used ? " " : "", list[i], one);
	}
	return err ? diag_errno(d, err, "%s", knob_label(k, instance, label)) : 0;
}

static int set_iosched(struct sys *s, const struct knob *k, const char *instance, const char *value,
		       struct diag *d)
{
	char label[KNOB_LABEL_MAX], path[512], now[128], *rest, *word;
	_free_ char *copy = strdup(value);
	int err = copy ? refuse_head(s, k, instance, d) : -ENOMEM;

	for (rest = copy; !err && (word = strsep(&rest, " "));) {
		char *equal = strchr(word, '=');

		if (!*word)
			continue;
		if (!equal || equal == word ||
		    strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_") != (size_t)(equal - word))
			return diag_set(d, -EINVAL, "%s: \"%.40s\": NAME=VALUE is expected",
					knob_label(k, instance, label), word);
		*equal++ = '\0';
		snprintf(path, sizeof(path), IOSCHED "/%s", instance, word);
		err = sys_readf(s, now, sizeof(now), "%s", path);
		if (!err && strcmp(now, equal))
			err = sys_write(s, path, equal);
		if (err)
			return diag_errno(d, err, "%s: %s=%s", knob_label(k, instance, label), word,
					  equal);
	}
	return err;
}

#define QUEUE "/sys/block/%s/queue/"
#define ROW(attribute) \
	.name = "block." #attribute, .scope = KNOB_BLOCK, .path = QUEUE #attribute, .set = set

static const struct knob rows[] = {
	{ROW(scheduler), .get = get_chosen,
	 .doc = "I/O scheduler; a switch freezes the queue (up to tens of ms) and resets "
		"nr_requests, the scheduler's tunables and, with bfq, writeback throttling",
	 .disturbs = (const char *const[]){"block.nr_requests", "block.iosched",
					   "block.wbt_lat_usec", NULL}},
	{ROW(nomerges), .get = get,
	 .doc = "0: all merge attempts, 1: only the cheap ones, 2: none"},
	{ROW(rq_affinity), .get = get,
	 .doc = "0: complete where the interrupt fires, 1: in the submitter's cache group, 2: on "
		"the "
		"submitting CPU"},
	{ROW(iostats), .get = get,
	 .doc = "block statistics; with 0 the device's diskstats stand still and counters built on "
		"them prove nothing"},
	{ROW(nr_requests), .get = get,
	 .doc = "requests the queue may hold; reset by a scheduler switch, and above the device's "
		"tags refused without scheduler",
	 .disturbs = (const char *const[]){"block.iosched", NULL}},
	{ROW(read_ahead_kb), .get = get, .unit = "KiB",
	 .doc = "read-ahead of buffered reads; direct I/O does not see it"},
	{ROW(wbt_lat_usec), .get = get, .unit = "us", .flags = KNOB_VALUE_ONLY,
	 .doc = "writeback throttling target, 0: off; once written the kernel keeps it as set by "
		"hand: the value comes back, the automatic choice does not"},
	{ROW(io_poll), .get = get, .flags = KNOB_READ_ONLY,
	 .doc = "1: the device has poll queues that can be used; writes do nothing since 5.16"},
	{.name = "block.iosched",
	 .scope = KNOB_BLOCK,
	 .get = get_iosched,
	 .set = set_iosched,
	 .same = knob_same_words,
	 .doc = "tunables of the scheduler in force as NAME=VALUE words; lost at a scheduler "
		"switch, "
		"so snapshotted with it"},
};

const struct knob_family knob_family_block = {rows, ARRAY_SIZE(rows)};
