// SPDX-License-Identifier: Apache-2.0
/*
 * Where the kernel thread of a threaded NAPI instance may run (Linux 5.12): as taskset would set
 * it, under the restore contract. Who the thread is says the netdev family (pid, since 6.8), before
 * that its name, "napi/DEV-ID". A thread ends with its threading (since 6.17) or with its instance,
 * and where it might run ends with it; before 6.17 it is parked and keeps that, so it is
 * journalled.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "knob/net_device.h"
#include "sys/genl.h"

enum { NAPI_PID = 4 }; /* Documentation/netlink/specs/netdev.yaml */

#define THREADS_MAX 1024

/* By index of their instances; 0: it has none. */
struct threads {
	size_t n;
	unsigned long id[THREADS_MAX];
	int pid[THREADS_MAX];
};

/* A number may be another process's where this one is in a PID namespace. */
static bool is_napi(struct sys *s, int pid, const char *prefix, unsigned long *id)
{
	char name[64];
	size_t len = strlen(prefix);

	if (sys_readf(s, name, sizeof(name), "/proc/%d/comm", pid) || strncmp(name, prefix, len))
		return false;
	if (id)
		*id = strtoul(name + len, NULL, 10);
	return true;
}

static void put_sorted(struct threads *t, unsigned long id, int pid)
{
	size_t at = t->n;

	if (t->n == THREADS_MAX)
		return;
	for (; at && t->id[at - 1] > id; at--) {
		t->id[at] = t->id[at - 1];
		t->pid[at] = t->pid[at - 1];
	}
	t->id[at] = id;
	t->pid[at] = pid;
	t->n++;
}

/* Where netlink tells nothing all instances of a device are threaded, or none. An interface of the
 * same name in another namespace cannot be told apart. */
static int search_names(struct sys *s, const struct net_place *p, struct threads *t)
{
	_free_ char **names = NULL;
	char prefix[32];
	int err = sys_list(s, "/proc", &names);

	snprintf(prefix, sizeof(prefix), "napi/%s-", p->dev);
	for (char **name = names; !err && *name; name++) {
		int pid = atoi(*name);
		unsigned long id;

		if (pid > 0 && is_napi(s, pid, prefix, &id))
			put_sorted(t, id, pid);
	}
	return err == -ENOENT ? 0 : err;
}

/* *told: by netlink, and so with the instances that have none. */
static int find_threads(struct sys *s, const struct net_place *p, struct threads *t, bool *told)
{
	struct genl_replies replies = {0};
	char words[256];
	int err = net_napis(p, &replies, words, sizeof(words));

	t->n = 0;
	*told = !err;
	for (size_t i = 0; !err && i < replies.n && i < THREADS_MAX; i++) {
		uint64_t pid;

		if (genl_find_uint(replies.reply[i].attrs, replies.reply[i].len, NAPI_PID, &pid))
			pid = 0;
		t->pid[t->n++] = (int)pid;
	}
	genl_replies_free(&replies);
	return err == -ENODEV || err == -ENOMEM ? err : *told ? 0 : search_names(s, p, t);
}

static int thread_of(struct sys *s, const struct knob *k, const char *instance, int *pid,
		     struct diag *d)
{
	_free_ struct threads *t = malloc(sizeof(*t));
	char label[KNOB_LABEL_MAX];
	struct net_place p;
	bool told;
	int err = t ? net_place(s, k, instance, NET_NAPI, &p, d) : -ENOMEM;

	if (err)
		return err;
	err = find_threads(s, &p, t, &told);
	if (err)
		return diag_errno(d, err, "%s", knob_label(k, instance, label));
	if (told && p.index >= t->n)
		return net_no_napi(k, instance, &p, t->n, d);
	*pid = p.index < t->n ? t->pid[p.index] : 0;
	return *pid && is_napi(s, *pid, "napi/", NULL)
		       ? 0
		       : diag_set(d, -ENOENT,
				  "%s: the instance has no thread (net.threaded makes one)",
				  knob_label(k, instance, label));
}

/* As sched_getaffinity(2) has it: only CPUs that are online, as no others can be given back. */
static int online_text(struct sys *s, const char *list, char *value, struct diag *d)
{
	struct cpulist may = {0}, online = {0}, both = {0};
	_free_ char *text = NULL;
	char file[1024];
	int err = cpulist_parse(list, &may, d);

	if (!err && !sys_readf(s, file, sizeof(file), "/sys/devices/system/cpu/online"))
		err = cpulist_parse(file, &online, d);
	for (size_t i = 0; !err && i < may.n; i++)
		if (!online.n || cpulist_has(&online, may.cpu[i]))
			err = cpulist_add(&both, may.cpu[i]);
	if (!err)
		text = cpulist_text(&both);
	if (text)
		snprintf(value, KNOB_VALUE_MAX, "%s", text);
	cpulist_free(&may);
	cpulist_free(&online);
	cpulist_free(&both);
	return err ? err : text ? 0 : -ENOMEM;
}

static int get(struct sys *s, const struct knob *k, const char *instance, char *value,
	       struct diag *d)
{
	static const char key[] = "\nCpus_allowed_list:";
	char path[64], text[8192], label[KNOB_LABEL_MAX], *list;
	int pid, err = thread_of(s, k, instance, &pid, d);

	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	err = sys_read(s, path, text, sizeof(text));
	if (err)
		return diag_errno(d, err, "%s: %s", knob_label(k, instance, label), path);
	list = strstr(text, key);
	if (!list)
		return diag_set(d, -EOPNOTSUPP, "%s: %s does not say where it may run",
				knob_label(k, instance, label), path);
	list += strlen(key);
	list += strspn(list, " \t");
	list[strcspn(list, " \t\n")] = '\0';
	return online_text(s, list, value, d);
}

static int set(struct sys *s, const struct knob *k, const char *instance, const char *value,
	       struct diag *d)
{
	struct cpulist cpus;
	int pid, err = cpulist_parse(value, &cpus, d);

	if (err)
		return err;
	err = thread_of(s, k, instance, &pid, d);
	if (!err) {
		err = s->ops->affinity(s, pid, &cpus);
		err = err ? net_refused(k, instance, value, err, "", d) : 0;
	}
	cpulist_free(&cpus);
	return err;
}

/* "2,3" is "2-3" */
static bool same(const char *want, const char *got)
{
	struct cpulist cpus;
	_free_ char *text = NULL;

	if (cpulist_parse(want, &cpus, NULL))
		return false;
	text = cpulist_text(&cpus);
	cpulist_free(&cpus);
	return text && !strcmp(text, got);
}

static int on_device(struct sys *s, const struct knob *k, const char *dev, char ***instances)
{
	_free_ struct threads *t = malloc(sizeof(*t));
	struct names names = {0};
	struct net_place p;
	bool told;
	int err = t ? net_place(s, k, dev, NET_DEVICE, &p, NULL) : -ENOMEM;

	if (!err)
		err = find_threads(s, &p, t, &told);
	for (size_t i = 0; !err && i < t->n; i++) {
		char name[KNOB_INSTANCE_MAX];

		snprintf(name, sizeof(name), "%.100s#%zu", dev, i);
		if (t->pid[i] && is_napi(s, t->pid[i], "napi/", NULL))
			names_add(&names, name);
	}
	if (err && !names.err)
		names.err = err;
	return names_finish(&names, instances);
}

static const struct knob rows[] = {
	{.name = "napi.thread-cpus",
	 .scope = KNOB_NAPI,
	 .since = "5.12",
	 .get = get,
	 .set = set,
	 .same = same,
	 .may_set = net_may_set,
	 .candidates = net_candidates,
	 .on_device = on_device,
	 .doc = "CPUs on which the instance's kernel thread may run; only where it has one "
		"(net.threaded, napi.threaded)"},
};

const struct knob_family knob_family_net_napi_thread = {rows, ARRAY_SIZE(rows)};
