// SPDX-License-Identifier: Apache-2.0
/*
 * irqbalance would move our vectors back. It is not killed: our vectors are banned over its socket
 * (/run/irqbalance/irqbalancePID.sock since 1.6; "setup" answers "SLEEP n IRQ n LOAD … BANNED
 * mask", "settings ban irqs …" replaces the whole list). Where the socket does not do it, the
 * process is frozen (SIGSTOP) and later set going again: its unit, options and lists stay what they
 * were.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "knob/irq.h"

#define RUN_DIR	    "/run/irqbalance"
#define BANNED_MAX  1024
#define REPLY_SIZE  65536
#define REQUEST_MAX 240 /* newer daemons read 255 bytes of the list and cut the rest off */

static int find_process(struct sys *s, int *pid)
{
	_free_ char **list = NULL;
	char comm[64];
	int err = sys_list(s, "/proc", &list);

	for (size_t i = 0; !err && list[i]; i++)
		if (*list[i] >= '1' && *list[i] <= '9' &&
		    !sys_readf(s, comm, sizeof(comm), "/proc/%s/comm", list[i]) &&
		    !strcmp(comm, "irqbalance")) {
			*pid = atoi(list[i]);
			return 0;
		}
	return err ? err : -ENOENT;
}

static int no_daemon(const struct knob *k, struct diag *d)
{
	return diag_set(d, -ENOENT, "%s: irqbalance is not running", k->name);
}

static int request(struct sys *s, const struct knob *k, const char *text, char *reply,
		   struct diag *d)
{
	char path[96];
	int pid, err = find_process(s, &pid);

	if (err)
		return no_daemon(k, d);
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
	char stat[512];
	const char *state;
	int pid, err = find_process(s, &pid);

	if (err)
		return no_daemon(k, d);
	err = sys_readf(s, stat, sizeof(stat), "/proc/%d/stat", pid);
	state = err ? NULL : strrchr(stat, ')');
	if (!state || !state[1])
		return diag_errno(d, err ? err : -EIO, "%s: /proc/%d/stat", k->name, pid);
	strcpy(value, state[2] == 'T' ? "0" : "1");
	return 0;
}

static int set_running(struct sys *s, const struct knob *k, const char *instance, const char *value,
		       struct diag *d)
{
	int pid, err = find_process(s, &pid);

	if (err)
		return no_daemon(k, d);
	if (strcmp(value, "0") && strcmp(value, "1"))
		return diag_set(d, -EINVAL, "%s: \"%.40s\": 0 or 1 is expected", k->name, value);
	err = s->ops->signal ? s->ops->signal(s, pid, *value == '0' ? SIGSTOP : SIGCONT)
			     : -EOPNOTSUPP;
	return err ? diag_errno(d, err, "%s: process %d", k->name, pid) : 0;
}

static const struct knob rows[] = {
	{.name = "irqbalance.banned",
	 .scope = KNOB_IRQ,
	 .get = get_banned,
	 .set = set_banned,
	 .candidates = irq_candidates,
	 .doc = "1: irqbalance leaves this vector alone; set by itself with irq.affinity while the "
		"daemon runs"},
	{.name = "irqbalance.running",
	 .scope = KNOB_HOST,
	 .get = get_running,
	 .set = set_running,
	 .doc = "0: the daemon is frozen (SIGSTOP); used only where its socket refuses a ban"},
};

const struct knob_family knob_family_irqbalance = {rows, ARRAY_SIZE(rows)};
