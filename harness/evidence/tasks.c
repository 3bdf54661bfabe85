// SPDX-License-Identifier: Apache-2.0
/*
 * Every task of the workload, of its other end, and of the processes they started: context switches
 * (status), CPU time (schedstat), migrations (sched, CONFIG_SCHED_DEBUG), last CPU (stat). An SQ
 * thread is a task of the process (Linux 5.12) named iou-sqp-PID. The kernel brings the CPU time of
 * a running task up to date at its tick, so that a sample can be one tick old.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "evidence/source.h"
#include "sys/sys.h"

struct task {
	int pid, tid;
	char name[32];
	uint64_t start; /* ticks since boot: with the tid, who it is */
	unsigned cpu;
	uint64_t voluntary, involuntary, cpu_ns, migrations;
	uint64_t wait_ns; /* runnable, but another task had the CPU (run_delay) */
	bool has_cpu_ns, has_migrations, is_sq;
	bool is_server; /* of the workload's other end */
};

struct tasks_sample {
	size_t n, size;
	struct task *task;
};

static void tasks_free(void *sample)
{
	struct tasks_sample *s = sample;

	free(s->task);
	free(s);
}

static void read_name(const char *status, char *name, size_t size)
{
	if (!strncmp(status, "Name:\t", 6))
		snprintf(name, size, "%.*s", (int)strcspn(status + 6, "\n"), status + 6);
}

/* -ENOENT, -ESRCH: it is gone. */
static int read_task(struct sys *sys, int pid, int tid, struct task *t)
{
	char text[8192], path[64];
	uint64_t run_wait[2];
	int n = snprintf(path, sizeof(path), "/proc/%d/task/%d/", pid, tid), err;

	*t = (struct task){.pid = pid, .tid = tid};
	strcpy(path + n, "status");
	err = sys_read(sys, path, text, sizeof(text));
	if (err)
		return err;
	read_name(text, t->name, sizeof(t->name));
	t->is_sq = !strncmp(t->name, "iou-sqp-", 8);
	if (text_field(text, "voluntary_ctxt_switches", &t->voluntary) ||
	    text_field(text, "nonvoluntary_ctxt_switches", &t->involuntary))
		return -ENODATA;
	strcpy(path + n, "stat");
	err = sys_read(sys, path, text, sizeof(text));
	if (!err)
		err = text_task_stat(text, &t->start, &t->cpu);
	if (err)
		return err;
	strcpy(path + n, "sched");
	t->has_migrations = !sys_read(sys, path, text, sizeof(text)) &&
			    !text_field(text, "se.nr_migrations", &t->migrations);
	strcpy(path + n, "schedstat"); /* last: nearest to the window's end */
	if (!sys_read(sys, path, text, sizeof(text)) && text_numbers(text, run_wait, 2) == 2) {
		t->cpu_ns = run_wait[0];
		t->wait_ns = run_wait[1];
		t->has_cpu_ns = true;
	}
	return 0;
}

static int add_task(struct sys *sys, int pid, int tid, struct tasks_sample *s)
{
	int err;

	if (s->n == s->size) {
		size_t size = s->size ? 2 * s->size : 32;
		struct task *grown = reallocarray(s->task, size, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->task = grown;
		s->size = size;
	}
	err = read_task(sys, pid, tid, &s->task[s->n]);
	s->n += !err;
	return err == -ENOENT || err == -ESRCH ? 0 : err;
}

/* The tasks of `pid`, and of the processes that they started (CONFIG_PROC_CHILDREN). */
static int add_process(struct sys *sys, int pid, int depth, struct tasks_sample *s)
{
	_free_ char **tids = NULL;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	err = sys_list(sys, path, &tids);
	for (char **p = tids; !err && *p; p++)
		err = add_task(sys, pid, atoi(*p), s);
	for (char **p = tids; !err && *p && depth < 8; p++) {
		char text[4096], *next = text;
		long child;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, atoi(*p));
		if (sys_read(sys, path, text, sizeof(text)))
			continue;
		while (!err && (child = strtol(next, &next, 10)) > 0) {
			err = add_process(sys, (int)child, depth + 1, s);
			if (err == -ENOENT || err == -ESRCH)
				err = 0;
		}
	}
	return err;
}

/* All tasks of one end; there must be some. */
static int add_end(struct sys *sys, int pid, bool is_server, struct tasks_sample *s, struct diag *d)
{
	size_t first = s->n;
	int err = add_process(sys, pid, 0, s);

	if (!err && s->n == first)
		err = -ESRCH;
	for (size_t i = first; i < s->n; i++)
		s->task[i].is_server = is_server;
	return err ? diag_errno(d, err, "tasks of the %s (process %d)",
				is_server ? "server" : "workload", pid)
		   : 0;
}

static int tasks_sample(const struct evidence_scope *scope, void **sample, struct diag *d)
{
	struct tasks_sample *s;
	int err;

	if (scope->pid <= 0)
		return diag_set(d, -ENODATA, "no workload to look at");
	s = calloc(1, sizeof(*s));
	if (!s)
		return diag_errno(d, -ENOMEM, "tasks");
	err = add_end(scope->sys, scope->pid, false, s, d);
	if (!err && scope->server_pid > 0)
		err = add_end(scope->sys, scope->server_pid, true, s, d);
	if (err) {
		tasks_free(s);
		return err;
	}
	*sample = s;
	return 0;
}

static const struct task *find_task(const struct tasks_sample *s, const struct task *t)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->task[i].tid == t->tid && s->task[i].start == t->start)
			return &s->task[i];
	}
	return NULL;
}

struct totals {
	uint64_t voluntary, involuntary, migrations, cpu_ns, sq_cpu_ns, sq_wait_ns, sq_switches;
	uint64_t server_switches, server_cpu_ns; /* part of the above */
	bool no_cpu_ns, no_migrations, sq, server;
};

/* A task that is not in `before` started in the window: it counts from 0. */
static json_t *task_difference(const struct task *x, const struct task *y, struct totals *sum)
{
	static const struct task nothing;
	json_t *out;
	uint64_t voluntary, involuntary, cpu_ns, migrations;

	x = x ? x : &nothing;
	voluntary = evidence_delta(x->voluntary, y->voluntary);
	involuntary = evidence_delta(x->involuntary, y->involuntary);
	cpu_ns = evidence_delta(x->cpu_ns, y->cpu_ns);
	migrations = evidence_delta(x->migrations, y->migrations);
	if (y->is_sq) {
		sum->sq = true;
		sum->sq_cpu_ns += cpu_ns;
		sum->sq_wait_ns += evidence_delta(x->wait_ns, y->wait_ns);
		sum->sq_switches += voluntary + involuntary;
	} else {
		sum->cpu_ns += cpu_ns;
		sum->voluntary += voluntary;
		sum->involuntary += involuntary;
	}
	if (y->is_server) {
		sum->server = true;
		sum->server_switches += voluntary + involuntary;
		sum->server_cpu_ns += cpu_ns;
	}
	sum->migrations += migrations;
	sum->no_cpu_ns |= !y->has_cpu_ns;
	sum->no_migrations |= !y->has_migrations;
	out = json_pack("{s:i, s:i, s:s, s:i, s:I, s:I}", "pid", y->pid, "tid", y->tid, "name",
			y->name, "cpu", (int)y->cpu, "voluntary_context_switches",
			(json_int_t)voluntary, "involuntary_context_switches",
			(json_int_t)involuntary);
	if (y->is_server)
		json_object_set_new(out, "end", json_string("server"));
	if (y->has_cpu_ns)
		json_object_set_new(out, "cpu_ns", json_integer((json_int_t)cpu_ns));
	if (y->has_migrations)
		json_object_set_new(out, "migrations", json_integer((json_int_t)migrations));
	return out;
}

static void put_totals(const struct totals *t, json_t *result)
{
	static const char no_sq[] = "the workload has no SQ thread (iou-sqp-*)";

	evidence_put(result, "context_switches", t->voluntary + t->involuntary);
	evidence_put(result, "voluntary_context_switches", t->voluntary);
	evidence_put(result, "involuntary_context_switches", t->involuntary);
	if (t->no_migrations)
		evidence_absent(result, "migrations", "no se.nr_migrations in /proc/PID/sched");
	else
		evidence_put(result, "migrations", t->migrations);
	if (t->no_cpu_ns)
		evidence_absent(result, "task_cpu_ns", "no /proc/PID/task/TID/schedstat");
	else
		evidence_put(result, "task_cpu_ns", t->cpu_ns);
	if (t->sq)
		evidence_put(result, "sq_thread_context_switches", t->sq_switches);
	else
		evidence_absent(result, "sq_thread_context_switches", no_sq);
	if (!t->sq || t->no_cpu_ns) {
		const char *why = t->sq ? "no /proc/PID/task/TID/schedstat" : no_sq;

		evidence_absent(result, "sq_thread_cpu_ns", "%s", why);
		evidence_absent(result, "sq_thread_wait_ns", "%s", why);
	} else {
		evidence_put(result, "sq_thread_cpu_ns", t->sq_cpu_ns);
		evidence_put(result, "sq_thread_wait_ns", t->sq_wait_ns);
	}
}

static void put_server(const struct totals *t, json_t *result)
{
	const char *why = t->server ? "no /proc/PID/task/TID/schedstat"
				    : "the workload has no other end on this machine";

	if (t->server)
		evidence_put(result, "server_context_switches", t->server_switches);
	else
		evidence_absent(result, "server_context_switches", "%s", why);
	if (t->server && !t->no_cpu_ns)
		evidence_put(result, "server_task_cpu_ns", t->server_cpu_ns);
	else
		evidence_absent(result, "server_task_cpu_ns", "%s", why);
}

static int tasks_difference(const struct evidence_scope *scope, const void *b, const void *a,
			    json_t *result, struct diag *d)
{
	const struct tasks_sample *before = b, *after = a;
	json_t *tasks = json_array(), *vanished = json_array();
	struct totals sum = {0};

	for (size_t i = 0; i < after->n; i++) {
		const struct task *t = &after->task[i];

		json_array_append_new(tasks, task_difference(find_task(before, t), t, &sum));
	}
	for (size_t i = 0; i < before->n; i++) {
		const struct task *t = &before->task[i];

		if (!find_task(after, t))
			json_array_append_new(vanished, json_pack("{s:i, s:i, s:s}", "pid", t->pid,
								  "tid", t->tid, "name", t->name));
	}
	put_totals(&sum, result);
	put_server(&sum, result);
	evidence_detail(result, "tasks",
			json_pack("{s:o, s:o}", "tasks", tasks, "vanished", vanished));
	return 0;
}

const struct evidence_source evidence_tasks = {
	.name = "tasks",
	.doc = "context switches, CPU time and migrations of the workload's tasks",
	.sample = tasks_sample,
	.difference = tasks_difference,
	.free = tasks_free,
};
