// SPDX-License-Identifier: Apache-2.0
#include "trial/trial_threads.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonio.h"

#define COUNTER "placement_threads_elsewhere_share"
/* A thread that had less than this of what an average one of its group has did no work of the load:
 * fio's main process, helpers of the kernel. */
#define IDLE_SHARE 0.05
/* Of a foreign program's first process beside those that it started: fio's reads their progress, on
 * the orchestrator's CPU. */
#define STARTER_SHARE 0.5

enum { CLIENTS, SERVERS, SQ_THREADS, GROUPS };

struct group {
	const char *what;
	const struct cpulist *cpus;
	size_t expected; /* threads; 0: the placement has none of them */
	size_t seen;
	double ns;
};

struct look {
	struct group group[GROUPS];
	bool own_cpu; /* of each worker */
	struct cpulist used;
	double all, elsewhere;
	const char *missing; /* what the kernel does not tell of a thread that worked */
	json_t *by_cpu;
};

static struct group *group_of(struct look *l, const json_t *task)
{
	if (!strncmp(jsonio_string(task, "name", ""), "iou-sqp-", 8) &&
	    l->group[SQ_THREADS].expected)
		return &l->group[SQ_THREADS];
	return &l->group[!strcmp(jsonio_string(task, "end", ""), "server") ? SERVERS : CLIENTS];
}

/* The main thread of a program with others starts them and waits. */
static bool is_main(const json_t *tasks, const json_t *task)
{
	json_int_t pid = json_integer_value(json_object_get(task, "pid"));
	size_t n = 0, i;
	const json_t *one;

	json_array_foreach (tasks, i, one)
		n += json_integer_value(json_object_get(one, "pid")) == pid &&
		     strncmp(jsonio_string(one, "name", ""), "iou-", 4) != 0;
	return n > 1 && json_integer_value(json_object_get(task, "tid")) == pid;
}

/* The oldest of several processes of one end. */
static bool is_starter(const json_t *tasks, const json_t *task)
{
	json_int_t pid = json_integer_value(json_object_get(task, "pid"));
	bool first = true, others = false;
	const json_t *one;
	size_t i;

	json_array_foreach (tasks, i, one) {
		json_int_t other = json_integer_value(json_object_get(one, "pid"));

		if (strcmp(jsonio_string(one, "end", ""), jsonio_string(task, "end", "")) != 0)
			continue;
		first &= pid <= other;
		others |= pid != other;
	}
	return first && others;
}

static void note_cpu(struct look *l, json_int_t cpu, double ns)
{
	char name[32];

	snprintf(name, sizeof(name), "%lld", (long long)cpu);
	json_object_set_new(l->by_cpu, name,
			    json_integer(json_integer_value(json_object_get(l->by_cpu, name)) +
					 (json_int_t)ns));
}

static void judge(struct look *l, const struct group *g, const json_t *tasks, const json_t *task,
		  double ns)
{
	const json_t *cpu = json_object_get(task, "cpu"),
		     *moves = json_object_get(task, "migrations");
	bool main = is_main(tasks, task), right;
	json_int_t at = json_integer_value(cpu);

	if (!json_is_integer(cpu) || !json_is_integer(moves)) {
		l->missing = json_is_integer(cpu) ? "how often a thread migrated is not told "
						    "(no se.nr_migrations in /proc/PID/sched)"
						  : "on which CPU a thread is was not told";
		return;
	}
	right = cpulist_has(g->cpus, (unsigned)at);
	if (!main) {
		right &= !json_integer_value(moves);
		if (g == &l->group[CLIENTS] && l->own_cpu &&
		    strncmp(jsonio_string(task, "name", ""), "iou-", 4) != 0) {
			right &= !cpulist_has(&l->used, (unsigned)at);
			cpulist_add(&l->used, (unsigned)at); /* short of memory: not told apart */
		}
	}
	l->elsewhere += right ? 0 : ns;
	note_cpu(l, at, ns);
}

static void look_at(struct look *l, const json_t *tasks)
{
	const json_t *task;
	size_t i;

	json_array_foreach (tasks, i, task) {
		struct group *g = group_of(l, task);
		double ns = jsonio_number(task, "cpu_ns");

		g->seen++;
		g->ns += isfinite(ns) ? ns : 0;
		l->all += isfinite(ns) ? ns : 0;
	}
	json_array_foreach (tasks, i, task) {
		const struct group *g = group_of(l, task);
		double ns = jsonio_number(task, "cpu_ns");
		double even = g->ns / (double)(g->expected ? g->expected : 1);
		double least = is_starter(tasks, task) ? STARTER_SHARE : IDLE_SHARE;

		if (isfinite(ns) && ns > 0 && ns >= even * least)
			judge(l, g, tasks, task, ns);
	}
}

static const char *unseen(struct look *l)
{
	for (size_t i = 0; i < GROUPS; i++)
		if (l->group[i].expected && (!l->group[i].seen || !(l->group[i].ns > 0)))
			return l->group[i].what;
	return l->missing;
}

void trial_threads_evidence(const struct placement *p, unsigned jobs, json_t *record,
			    json_t *evidence)
{
	unsigned sq_cpu = p->sq_cpu;
	const struct cpulist sq = {&sq_cpu, 1};
	struct look l = {
		.group = {[CLIENTS] = {"the workload's tasks were not seen, or had no CPU time",
				       &p->workers, p->workers.n},
			  [SERVERS] = {"the server's tasks were not seen, or had no CPU time",
				       &p->server, p->server.n},
			  [SQ_THREADS] = {"the SQ thread was not seen, or had no CPU time", &sq,
					  p->has_sq}},
		.own_cpu = p->workers.n > 1 && jobs <= p->workers.n,
		.by_cpu = json_object(),
	};
	/* a foreign program is looked at in the middle: its whole life has its server's tasks only
	 */
	const json_t *tasks = jsonio_at(evidence, "steady.detail.tasks.tasks");
	const char *why;

	if (!json_array_size(tasks))
		tasks = jsonio_at(evidence, "detail.tasks.tasks");
	look_at(&l, tasks);
	why = unseen(&l);
	if (why)
		json_object_set_new(json_object_get(evidence, "absent"), COUNTER, json_string(why));
	else
		json_object_set_new(json_object_get(evidence, "counters"), COUNTER,
				    json_real(l.elsewhere / l.all));
	json_object_set_new(json_object_get(record, "placement"), "cpu_ns", l.by_cpu);
	cpulist_free(&l.used);
}
