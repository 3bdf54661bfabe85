// SPDX-License-Identifier: Apache-2.0
/*
 * Tracepoints, counted by the kernel (perf_event_open(2) with a filter: nothing is recorded, no
 * ring is read, no BPF). It costs: a system call goes from 124 to 233 ns. So this is read in proof
 * trials only, which are never timed. Their numbers come from tracefs, which need not be mounted
 * (sys/detached.h).
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/namesakes.h"
#include "evidence/net.h"
#include "evidence/source.h"
#include "sys/detached.h"
#include "sys/sys.h"

#define TEXT(x)	 #x
#define VALUE(x) TEXT(x)
#define NET_RX	 3    /* NET_RX_SOFTIRQ, the same since Linux 2.6.24 */
#define DEFER	 8192 /* IORING_SETUP_DEFER_TASKRUN, Linux 6.1 */

enum { WORK_POLLS, EMPTY_POLLS, NET_RX_ENTRIES, SWITCHES, ENTRIES, RINGS, DEFER_RINGS, POINTS };

static const struct point {
	const char *counter, *event, *filter; /* NULL: no filter */
	bool of_interfaces;		      /* of the target only: field dev_name */
	bool of_tasks;			      /* of the workload's tasks only, else of all CPUs */
} points[POINTS] = {
	[WORK_POLLS] = {"napi_work_polls", "napi/napi_poll", "work > 0", .of_interfaces = true},
	[EMPTY_POLLS] = {"napi_empty_polls", "napi/napi_poll", "work == 0", .of_interfaces = true},
	[NET_RX_ENTRIES] = {"net_rx_softirq_entries", "irq/softirq_entry", "vec == " VALUE(NET_RX)},
	[SWITCHES] = {"sched_switches", "sched/sched_switch", NULL},
	[ENTRIES] = {"kernel_entries", "raw_syscalls/sys_enter", NULL, .of_tasks = true},
	[RINGS] = {"io_uring_rings", "io_uring/io_uring_create", NULL},
	[DEFER_RINGS] = {"io_uring_defer_taskrun_rings", "io_uring/io_uring_create",
			 "flags & " VALUE(DEFER)},
};

struct tracepoints_sample {
	size_t n, size;
	struct event {
		int point, fd;
		uint64_t count;
	} * event;
	struct diag why[POINTS]; /* why a counter has no events */
	bool owns;		 /* the descriptors */
	struct namesakes others; /* read outside of the counted stretch */
};

static void tracepoints_free(void *sample)
{
	struct tracepoints_sample *s = sample;

	for (size_t i = 0; s->owns && i < s->n; i++)
		close(s->event[i].fd);
	free(s->event);
	namesakes_free(&s->others);
	free(s);
}

static int open_failed(int err, const char *event, struct diag *d)
{
	if (err == -EACCES || err == -EPERM)
		return diag_set(d, -ENODATA,
				"counting tracepoints needs root (CAP_PERFMON), or "
				"kernel.perf_event_paranoid -1");
	if (err == -EMFILE)
		return diag_set(d, -ENODATA,
				"tracepoint %s: too many open files: every CPU needs one for every "
				"tracepoint; raise ulimit -n",
				event);
	return diag_errno(d, err, "tracepoint %s", event);
}

/* One counter on one CPU or one task; it counts from now on. */
static int add_event(struct tracepoints_sample *s, int point, int64_t id, const char *filter,
		     int pid, int cpu, struct diag *d)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = (uint64_t)id,
		.inherit = pid > 0, /* threads that it starts */
	};
	int fd;

	if (s->n == s->size) {
		size_t size = s->size ? 2 * s->size : 32;
		struct event *grown = reallocarray(s->event, size, sizeof(*grown));

		if (!grown)
			return diag_errno(d, -ENOMEM, "tracepoints");
		s->event = grown;
		s->size = size;
	}
	fd = (int)syscall(SYS_perf_event_open, &attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0) {
		int err = -errno;

		return pid > 0 && err == -ESRCH ? 0 : open_failed(err, points[point].event, d);
	}
	if (*filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter)) {
		int err = -errno;

		close(fd);
		return diag_errno(d, err, "tracepoint %s: filter %s", points[point].event, filter);
	}
	s->event[s->n++] = (struct event){.point = point, .fd = fd};
	return 0;
}

static int on_cpus(const struct evidence_scope *scope, struct tracepoints_sample *s, int point,
		   int64_t id, const char *filter, struct diag *d)
{
	struct cpulist cpus = {0};
	char text[4096];
	int err = sys_readf(scope->sys, text, sizeof(text), "/sys/devices/system/cpu/online");

	if (err)
		return diag_errno(d, err, "/sys/devices/system/cpu/online");
	err = cpulist_parse(text, &cpus, d);
	for (size_t i = 0; !err && i < cpus.n; i++)
		err = add_event(s, point, id, filter, -1, (int)cpus.cpu[i], d);
	cpulist_free(&cpus);
	return err;
}

static int on_tasks(const struct evidence_scope *scope, struct tracepoints_sample *s, int point,
		    int64_t id, struct diag *d)
{
	const pid_t pids[] = {scope->pid, scope->server_pid};

	if (scope->pid <= 0)
		return diag_set(d, -ENODATA, "no workload to look at");
	for (size_t i = 0; i < ARRAY_SIZE(pids) && pids[i] > 0; i++) {
		_free_ char **tids = NULL;
		char path[64];
		int err;

		snprintf(path, sizeof(path), "/proc/%d/task", pids[i]);
		err = sys_list(scope->sys, path, &tids);
		for (char **p = tids; !err && *p; p++)
			err = add_event(s, point, id, "", atoi(*p), -1, d);
		if (err)
			return err;
	}
	return 0;
}

/* `(dev_name == "eth0") && work > 0`: of every namespace, which namesakes_moved() is for */
static int interfaces_filter(const struct evidence_scope *scope, const char *and, char *text,
			     size_t size, struct diag *d)
{
	_free_ struct net_end *ends = NULL;
	size_t n = 0, used = 0;
	int err = net_ends(scope, &ends, &n, d);

	for (size_t i = 0; !err && i < n && used < size; i++) {
		if (strchr(ends[i].dev, '"'))
			return diag_set(d, -EINVAL, "%s: no filter can name it", ends[i].dev);
		used += (size_t)snprintf(text + used, size - used, "%sdev_name == \"%s\"",
					 used ? " || " : "(", ends[i].dev);
	}
	if (!err && used < size)
		used += (size_t)snprintf(text + used, size - used, ") && %s", and);
	return err ? err : used < size ? 0 : diag_set(d, -E2BIG, "too many interfaces");
}

static int open_point(const struct evidence_scope *scope, struct tracepoints_sample *s, int point,
		      struct diag *d)
{
	const struct point *p = &points[point];
	char filter[1024] = "";
	int64_t id;
	int err = 0;

	if (p->of_interfaces)
		err = interfaces_filter(scope, p->filter, filter, sizeof(filter), d);
	else if (p->filter)
		snprintf(filter, sizeof(filter), "%s", p->filter);
	if (err)
		return err;
	err = sys_readf_i64(scope->sys, &id, TRACEFS_PREFIX "events/%s/id", p->event);
	if (err == -ENOENT)
		return diag_set(d, -ENODATA, "this kernel has no tracepoint %s", p->event);
	if (err == -ENODEV)
		return diag_set(d, -ENODATA, "this kernel has no tracepoints (tracefs)");
	if (err)
		return diag_errno(d, err, "tracepoint %s", p->event);
	return p->of_tasks ? on_tasks(scope, s, point, id, d)
			   : on_cpus(scope, s, point, id, filter, d);
}

static int read_all(struct tracepoints_sample *s, struct diag *d)
{
	for (size_t i = 0; i < s->n; i++)
		if (read(s->event[i].fd, &s->event[i].count, sizeof(s->event[i].count)) !=
		    sizeof(s->event[i].count))
			return diag_set(d, -EIO, "tracepoint %s cannot be read",
					points[s->event[i].point].event);
	return 0;
}

/* A target without interfaces has none; its polls are absent for that reason. */
static int read_namesakes(const struct evidence_scope *scope, struct tracepoints_sample *s,
			  struct diag *d)
{
	return scope->n_net_devs ? namesakes_read(scope, &s->others, d) : 0;
}

static int tracepoints_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	struct tracepoints_sample *s;
	int err;

	if (!scope->proof)
		return diag_set(d, -ENODATA,
				"counted in the proof trial only: counting costs time");
	if (!scope->sys->live)
		return diag_set(d, -ENODATA, "a recorded machine has no tracepoints");
	s = calloc(1, sizeof(*s));
	if (!s)
		return diag_errno(d, -ENOMEM, "tracepoints");
	s->owns = true;
	err = read_namesakes(scope, s, d);
	for (int i = 0; !err && i < POINTS; i++) {
		size_t first = s->n;

		if (!open_point(scope, s, i, &s->why[i]))
			continue;
		while (s->n > first) /* a part of the CPUs is no count */
			close(s->event[--s->n].fd);
	}
	if (!err)
		err = read_all(s, d);
	if (err)
		tracepoints_free(s);
	else
		*sample = s;
	return err;
}

/* The descriptors stay with the first sample. */
static int tracepoints_resample(const struct evidence_scope *scope, void *b, void **after,
				struct diag *d)
{
	const struct tracepoints_sample *before = b;
	struct tracepoints_sample *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return diag_errno(d, -ENOMEM, "tracepoints");
	s->event = calloc(before->n ? before->n : 1, sizeof(*s->event));
	if (!s->event) {
		free(s);
		return diag_errno(d, -ENOMEM, "tracepoints");
	}
	memcpy(s->event, before->event, before->n * sizeof(*s->event));
	s->n = s->size = before->n;
	err = read_all(s, d);
	if (!err)
		err = read_namesakes(scope, s, d);
	if (err)
		tracepoints_free(s);
	else
		*after = s;
	return err;
}

static void absent_beside(json_t *result, const char *counter, const struct namesake *other)
{
	evidence_absent(result, counter,
			"another interface is called %s, in a namespace of process %d, and moved "
			"packets meanwhile: its polls cannot be told from the target's",
			other->dev, other->pid);
}

static int tracepoints_difference(const struct evidence_scope *scope, const void *b, const void *a,
				  json_t *result, struct diag *d)
{
	const struct tracepoints_sample *before = b, *after = a;
	const struct namesake *other = namesakes_moved(&before->others, &after->others);
	uint64_t sum[POINTS] = {0};

	for (size_t i = 0; i < after->n; i++)
		sum[after->event[i].point] +=
			evidence_delta(before->event[i].count, after->event[i].count);
	for (int i = 0; i < POINTS; i++) {
		if (*before->why[i].text)
			evidence_absent(result, points[i].counter, "%s", before->why[i].text);
		else if (points[i].of_interfaces && other)
			absent_beside(result, points[i].counter, other);
		else
			evidence_put(result, points[i].counter, sum[i]);
	}
	if (*before->why[WORK_POLLS].text)
		evidence_absent(result, "napi_polls", "%s", before->why[WORK_POLLS].text);
	else if (other)
		absent_beside(result, "napi_polls", other);
	else
		evidence_put(result, "napi_polls", sum[WORK_POLLS] + sum[EMPTY_POLLS]);
	return 0;
}

const struct evidence_source evidence_tracepoints = {
	.name = "tracepoints",
	.doc = "tracepoints, counted in proof trials only",
	.sample = tracepoints_sample,
	.resample = tracepoints_resample,
	.difference = tracepoints_difference,
	.free = tracepoints_free,
};
