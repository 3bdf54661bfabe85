// SPDX-License-Identifier: Apache-2.0
/*
 * irqbalance would move our vectors back. It is not killed but frozen (SIGSTOP) while vectors are
 * ours, and then set going again: its unit, options and lists stay what they were. It can also be
 * told to leave single vectors alone, over its socket (/run/irqbalance/irqbalancePID.sock since
 * 1.6; "setup" answers "SLEEP n IRQ n LOAD … BANNED mask", "settings ban irqs …" replaces the whole
 * list). That is for who asks for it by name, and not done by itself: at its next round after such
 * a change the daemon places every vector of the machine anew, and until 1.9.4 it sleeps for an
 * interval (10 s) in the middle of that, in which it answers nobody. Whoever does not wait for the
 * answer and closes the socket has killed it (SIGPIPE).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "knob/irq.h"

#define RUN_DIR	    "/run/irqbalance"
#define BANNED_MAX  1024
#define REPLY_SIZE  65536
#define REQUEST_MAX 240 /* newer daemons read 255 bytes of the list and cut the rest off */

/* -ENOENT means that it does not run, and nothing else: what was set has gone with it then. */
static int find_process(struct sys *s, const struct knob *k, int *pid, struct diag *d)
{
	_free_ char **list = NULL;
	char comm[64];
	int err = sys_list(s, "/proc", &list);

	for (size_t i = 0; !err && list[i]; i++) {
		if (*list[i] < '1' || *list[i] > '9')
			continue;
		err = sys_readf(s, comm, sizeof(comm), "/proc/%s/comm", list[i]);
		if (!err && !strcmp(comm, "irqbalance")) {
			*pid = atoi(list[i]);
			return 0;
		}
		if (err == -ENOENT || err == -ESRCH) /* another one has ended */
			err = 0;
	}
	if (err && err != -ENOENT)
		return diag_errno(d, err, "%s: looking for irqbalance", k->name);
	return diag_set(d, -ENOENT, "%s: irqbalance is not running", k->name);
}

static int is_stopped(struct sys *s, const struct knob *k, int pid, bool *stopped, struct diag *d)
{
	char stat[512];
	const char *state;
	int err = sys_readf(s, stat, sizeof(stat), "/proc/%d/stat", pid);

	if (err == -ENOENT || err == -ESRCH)
		return diag_set(d, -ENOENT, "%s: irqbalance has ended", k->name);
	state = err ? NULL : strrchr(stat, ')');
	if (!state || !state[1])
		return diag_errno(d, err ? err : -EIO, "%s: /proc/%d/stat", k->name, pid);
	*stopped = state[2] == 'T';
	return 0;
}

static int request(struct sys *s, const struct knob *k, const char *text, char *reply,
		   struct diag *d)
{
	char path[96];
	bool stopped;
	int pid, err = find_process(s, k, &pid, d);

	if (err)
		return err;
	err = is_stopped(s, k, pid, &stopped, d);
	if (err)
		return err;
	if (stopped)
		return diag_set(d, -ENOTCONN, "%s: irqbalance is stopped and answers nobody",
				k->name);
	snprintf(path, sizeof(path), RUN_DIR "/irqbalance%d.sock", pid);
	err = s->ops->request(s, path, text, reply, REPLY_SIZE);
	return err ? diag_errno(d, err == -ENOENT ? -ENOTCONN : err, "%s: %s", k->name, path) : 0;
}

/* The interrupts banned now, as the daemon lists them. */
static int read_list(struct sys *s, const struct knob *k, unsigned *irqs, size_t *n, struct diag *d)
{
	_free_ char *reply = malloc(REPLY_SIZE);
	int err = reply ? request(s, k, "setup", reply, d) : -ENOMEM;

	if (err)
		return err;
	if (!strstr(reply, "SLEEP") || !strstr(reply, "BANNED"))
		return diag_set(d, -EPROTO, "%s: irqbalance does not answer \"setup\" (\"%.40s\")",
				k->name, reply);
	*n = 0;
	for (const char *at = reply; (at = strstr(at, "IRQ ")); at += 4) {
		if (*n == BANNED_MAX)
			return -E2BIG;
		irqs[(*n)++] = (unsigned)strtoul(at + 4, NULL, 10);
	}
	return 0;
}

static size_t find(const unsigned *irqs, size_t n, unsigned irq)
{
	size_t i = 0;

	while (i < n && irqs[i] != irq)
		i++;
	return i;
}

static int get_banned(struct sys *s, const struct knob *k, const char *instance, char *value,
		      struct diag *d)
{
	unsigned irqs[BANNED_MAX], irq;
	size_t n;
	int err = irq_resolve(s, instance, &irq, d);

	if (!err)
		err = read_list(s, k, irqs, &n, d);
	if (!err)
		strcpy(value, find(irqs, n, irq) < n ? "1" : "0");
	return err;
}

static int set_banned(struct sys *s, const struct knob *k, const char *instance, const char *value,
		      struct diag *d)
{
	_free_ char *reply = malloc(REPLY_SIZE);
	unsigned irqs[BANNED_MAX + 1], irq;
	char text[32 + REQUEST_MAX] = "settings ban irqs";
	size_t n, at, used = strlen(text);
	int err = reply ? irq_resolve(s, instance, &irq, d) : -ENOMEM;

	if (!err && strcmp(value, "0") && strcmp(value, "1"))
		err = diag_set(d, -EINVAL, "%s: \"%.40s\": 0 or 1 is expected", k->name, value);
	if (!err)
		err = read_list(s, k, irqs, &n, d);
	if (err)
		return err;
	at = find(irqs, n, irq);
	if (*value == '1' && at == n)
		irqs[n++] = irq;
	else if (*value == '0' && at < n)
		memmove(&irqs[at], &irqs[at + 1], (--n - at) * sizeof(*irqs));
	for (size_t i = 0; i < n; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %u", irqs[i]);
		if (used > REQUEST_MAX)
			return diag_set(d, -E2BIG, "%s: irqbalance takes no list of %zu vectors",
					k->name, n);
	}
	if (!n)
		strcat(text, " NONE");
	return request(s, k, text, reply, d);
}

static int get_running(struct sys *s, const struct knob *k, const char *instance, char *value,
		       struct diag *d)
{
	bool stopped;
	int pid, err = find_process(s, k, &pid, d);

	if (err)
		return err;
	err = is_stopped(s, k, pid, &stopped, d);
	if (!err)
		strcpy(value, stopped ? "0" : "1");
	return err;
}

static int set_running(struct sys *s, const struct knob *k, const char *instance, const char *value,
		       struct diag *d)
{
	bool stopped = *value != '0';
	int pid, err = find_process(s, k, &pid, d);

	if (err)
		return err;
	if (strcmp(value, "0") && strcmp(value, "1"))
		return diag_set(d, -EINVAL, "%s: \"%.40s\": 0 or 1 is expected", k->name, value);
	err = s->ops->signal ? s->ops->signal(s, pid, *value == '0' ? SIGSTOP : SIGCONT)
			     : -EOPNOTSUPP;
	if (err)
		return diag_errno(d, err, "%s: process %d", k->name, pid);
	/* it follows when it next runs; in the middle of a write it finishes that first */
	for (unsigned tries = 0; !err && stopped != (*value == '0') && tries < 200; tries++) {
		nanosleep(&(struct timespec){.tv_nsec = tries ? 10000000 : 0}, NULL);
		err = is_stopped(s, k, pid, &stopped, d);
	}
	return err;
}

static const struct knob rows[] = {
	{.name = "irqbalance.banned",
	 .scope = KNOB_IRQ,
	 .get = get_banned,
	 .set = set_banned,
	 .candidates = irq_candidates,
	 .doc = "1: irqbalance leaves this vector alone; with irq.affinity, it is not frozen then"},
	{.name = "irqbalance.running",
	 .scope = KNOB_HOST,
	 .get = get_running,
	 .set = set_running,
	 .doc = "0: the daemon is frozen (SIGSTOP); set by itself with irq.affinity"},
};

const struct knob_family knob_family_irqbalance = {rows, ARRAY_SIZE(rows)};
