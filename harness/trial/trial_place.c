// SPDX-License-Identifier: Apache-2.0
#include "trial/trial_place.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/nic.h"
#include "placement/role.h"
#include "sys/sys.h"

#include "base/cleanup.h"
#include "base/jsonio.h"

/* A thread that had less of the CPU time did no work of the load: main thread, helpers. */
#define IDLE_SHARE 0.05
/* Interrupts of other work on the device that a placement may have; a vector that was moved fires
 * at most once more where it was. */
#define INTERRUPTS_ELSEWHERE 0.05
#define PAGES_ELSEWHERE	     0.01

static void pin(int pid, const struct cpulist *cpus)
{
	unsigned most = cpus->n ? cpus->cpu[cpus->n - 1] : 0;
	size_t size = CPU_ALLOC_SIZE(most + 1);
	cpu_set_t *set = CPU_ALLOC(most + 1);

	if (!set)
		return;
	CPU_ZERO_S(size, set);
	for (size_t i = 0; i < cpus->n; i++)
		CPU_SET_S(cpus->cpu[i], size, set);
	sched_setaffinity(pid, size, set); /* best effort: the record says where it ran */
	CPU_FREE(set);
}

void trial_place_self(const struct placement *p)
{
	unsigned cpu = p->orchestrator_cpu;
	const struct cpulist one = {&cpu, 1};

	pin(0, p->unpinned ? &p->workers : &one);
}

const int *trial_place_memory(const struct placement *p, int end)
{
	return p->role && p->memory[end] >= 0 ? &p->memory[end] : NULL;
}

char *trial_place_cpus(const struct placement *p, const struct cpulist *cpus)
{
	return p->unpinned ? NULL : cpulist_text(cpus);
}

void trial_place_pin_napi(const struct plan *plan, const struct placement *p,
			  struct trial_place_napi *napi)
{
	napi->n = 0;
	if (plan->net &&
	    plan->net->had_threads) /* an administrator's: nobody would undo it for us */
		return;
	for (int end = 0; plan->net && end < PLACEMENT_ENDS; end++) {
		const struct machine_nic *nic =
			end < (int)plan->net->n_nics ? plan->net->nic[end] : NULL;
		unsigned cpu = p->napi_cpu[end] < 0 ? 0 : (unsigned)p->napi_cpu[end];
		const struct cpulist one = {&cpu, 1};

		for (size_t i = 0; p->role && p->napi_cpu[end] >= 0 && nic && i < nic->n_napis;
		     i++) {
			int pid = nic->napis[i].pid;

			if (pid <= 0 || napi->n == TRIAL_PLACE_THREADS ||
			    sched_getaffinity(pid, sizeof(cpu_set_t), &napi->before[napi->n]))
				continue;
			napi->pid[napi->n++] = pid;
			pin(pid, &one);
		}
	}
}

void trial_place_unpin_napi(struct trial_place_napi *napi)
{
	for (size_t i = 0; i < napi->n; i++)
		sched_setaffinity(napi->pid[i], sizeof(cpu_set_t), &napi->before[i]);
	napi->n = 0;
}

/* The vectors of queues, and where this placement has them interrupt. */
struct side {
	const struct machine_vector *vector[4096];
	size_t n;
	const struct cpulist *cpus;
};

static void add_vector(struct side *s, const struct machine_vector *v)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->vector[i] == v)
			return;
	if (s->n < ARRAY_SIZE(s->vector))
		s->vector[s->n++] = v;
}

static void fill_side(const struct plan *plan, const struct plan_cell *cell, int end,
		      struct side *s)
{
	*s = (struct side){.cpus = &cell->placement.interrupts[end]};
	if (cell->cell->load.kind == MODE_NET) {
		const struct machine_nic *nic =
			end < (int)plan->net->n_nics ? plan->net->nic[end] : NULL;

		for (size_t i = 0; nic && i < nic->n_queues; i++)
			if (nic->queues[i].vector >= 0)
				add_vector(s, &nic->vectors[nic->queues[i].vector]);
	} else if (!end) {
		const struct machine_disk *path[64];
		size_t n = machine_paths(plan->machine, plan->target->disk, path, 64);

		for (size_t k = 0; k < n && k < 64; k++)
			for (size_t i = 0; i < path[k]->n_hctx; i++)
				if (path[k]->hctx[i].vector >= 0)
					add_vector(s, &path[k]->vectors[path[k]->hctx[i].vector]);
	}
}

static const json_t *vector_counts(const json_t *evidence, unsigned irq)
{
	const json_t *list = jsonio_at(evidence, "detail.interrupts.vectors"), *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_integer_value(json_object_get(one, "irq")) == (json_int_t)irq)
			return one;
	return NULL;
}

struct interrupts {
	double all, elsewhere;
	unsigned vectors_elsewhere;
	json_t *effective; /* of vectors that fired: {"eth0-rx-0": "2"} */
};

static void count_vector(const struct plan *plan, const struct side *s,
			 const struct machine_vector *v, const json_t *evidence,
			 struct interrupts *sum)
{
	const json_t *counts = vector_counts(evidence, v->irq), *n;
	struct cpulist now = {0};
	char text[4096];
	double fired = 0;
	const char *cpu;

	json_object_foreach (json_object_get(counts, "cpu"), cpu, n) {
		double count = (double)json_integer_value(n);

		fired += count;
		if (!cpulist_has(s->cpus, (unsigned)atoi(cpu)))
			sum->elsewhere += count;
	}
	sum->all += fired;
	if (fired <= 0 || sys_readf(plan->machine->sys, text, sizeof(text),
				    "/proc/irq/%u/effective_affinity_list", v->irq))
		return;
	json_object_set_new(sum->effective, v->name, json_string(text));
	if (!cpulist_parse(text, &now, NULL) && now.n && !cpulist_has(s->cpus, now.cpu[0]))
		sum->vectors_elsewhere++;
	cpulist_free(&now);
}

static void put(json_t *evidence, const char *name, double value)
{
	json_object_set_new(json_object_get(evidence, "counters"), name, json_real(value));
}

static void put_absent(json_t *evidence, const char *name, const char *why)
{
	json_object_set_new(json_object_get(evidence, "absent"), name, json_string(why));
}

static void judge_interrupts(const struct plan *plan, const struct plan_cell *cell, json_t *record,
			     json_t *evidence)
{
	struct interrupts sum = {.effective = json_object()};
	struct side *s = malloc(sizeof(*s));

	for (int end = 0; s && end < PLACEMENT_ENDS; end++) {
		fill_side(plan, cell, end, s);
		for (size_t i = 0; i < s->n; i++)
			count_vector(plan, s, s->vector[i], evidence, &sum);
	}
	free(s);
	json_object_set_new(json_object_get(record, "placement"), "effective", sum.effective);
	if (!jsonio_at(evidence, "detail.interrupts.vectors")) {
		put_absent(evidence, "placement_interrupts_elsewhere_share",
			   "the interrupts of single vectors were not counted");
		return;
	}
	/* polled: none at all is none elsewhere */
	put(evidence, "placement_interrupts_elsewhere_share",
	    sum.all > 0 ? sum.elsewhere / sum.all : 0);
	put(evidence, "placement_vectors_elsewhere", sum.vectors_elsewhere);
}

static const struct cpulist *place_of(const struct placement *p, const json_t *task,
				      struct cpulist *sq)
{
	if (!strncmp(jsonio_string(task, "name", ""), "iou-sqp-", 8) && p->has_sq)
		return sq;
	return !strcmp(jsonio_string(task, "end", ""), "server") ? &p->server : &p->workers;
}

/* Where this NAPI thread was pinned; NULL: it was not (the driver names no id for its instance). */
static const int *napi_place(const struct plan *plan, const struct placement *p,
			     const json_t *thread)
{
	json_int_t pid = json_integer_value(json_object_get(thread, "pid"));

	for (int end = 0; plan->net && end < PLACEMENT_ENDS; end++) {
		const struct machine_nic *nic =
			end < (int)plan->net->n_nics ? plan->net->nic[end] : NULL;

		for (size_t i = 0; p->napi_cpu[end] >= 0 && nic && i < nic->n_napis; i++)
			if (nic->napis[i].pid == pid)
				return &p->napi_cpu[end];
	}
	return NULL;
}

/* NAPI threads that were to be on a CPU: their CPU time, and that of those elsewhere. */
static void judge_napi_threads(const struct plan *plan, const struct placement *p,
			       const json_t *evidence, double *all, double *elsewhere)
{
	const json_t *threads = jsonio_at(evidence, "detail.napi_threads"), *one;
	size_t i;

	json_array_foreach (threads, i, one) {
		const int *at = napi_place(plan, p, one);
		double ns = jsonio_number(one, "cpu_ns");

		if (!at || !(ns > 0))
			continue;
		*all += ns;
		if (json_integer_value(json_object_get(one, "cpu")) != *at)
			*elsewhere += ns;
	}
}

static void judge_threads(const struct plan *plan, const struct placement *p, json_t *evidence)
{
	unsigned sq_cpu = p->sq_cpu;
	struct cpulist sq = {&sq_cpu, 1};
	const json_t *tasks = jsonio_at(evidence, "detail.tasks.tasks"), *one;
	double all = 0, elsewhere = 0;
	size_t i;

	if (!json_array_size(tasks)) /* a foreign program: looked at in the middle */
		tasks = jsonio_at(evidence, "steady.detail.tasks.tasks");
	json_array_foreach (tasks, i, one) {
		double ns = jsonio_number(one, "cpu_ns");

		all += isfinite(ns) ? ns : 0;
	}
	json_array_foreach (tasks, i, one) {
		const struct cpulist *at = place_of(p, one, &sq);
		double ns = jsonio_number(one, "cpu_ns");
		bool moved = json_integer_value(json_object_get(one, "migrations")) > 0;
		json_int_t cpu = json_integer_value(json_object_get(one, "cpu"));

		if (!isfinite(ns) || ns < all * IDLE_SHARE)
			continue;
		if (moved || !cpulist_has(at, (unsigned)cpu))
			elsewhere += ns;
	}
	if (all > 0)
		judge_napi_threads(plan, p, evidence, &all, &elsewhere);
	if (all > 0)
		put(evidence, "placement_threads_elsewhere_share", elsewhere / all);
	else
		put_absent(evidence, "placement_threads_elsewhere_share",
			   "the workload's tasks were not seen, or had no CPU time");
}

/* {"pages": n, "nodes": {"0": n}} as the loops report it. */
static void add_pages(const json_t *report, int node, double *all, double *elsewhere)
{
	const json_t *n;
	const char *id;

	json_object_foreach (json_object_get(report, "nodes"), id, n) {
		*all += (double)json_integer_value(n);
		*elsewhere += atoi(id) == node ? 0 : (double)json_integer_value(n);
	}
}

static void judge_pages(const struct placement *p, const json_t *record, json_t *evidence)
{
	static const char *const where[] = {"workload_report.memory",
					    "workload_report.server.memory"};
	double all = 0, elsewhere = 0;

	for (int end = 0; end < PLACEMENT_ENDS; end++)
		add_pages(jsonio_at(record, where[end]), p->memory[end], &all, &elsewhere);
	if (!(all > 0))
		add_pages(jsonio_at(evidence, "steady.memory"), p->memory[0], &all, &elsewhere);
	if (all > 0)
		put(evidence, "placement_pages_elsewhere_share", elsewhere / all);
	else
		put_absent(evidence, "placement_pages_elsewhere_share",
			   "where the workload's pages are was not told");
}

static bool binds_memory(const struct placement *p)
{
	return p->memory[0] >= 0 || p->memory[1] >= 0;
}

void trial_place_evidence(const struct plan *plan, const struct plan_cell *cell, json_t *record,
			  json_t *evidence)
{
	const struct placement *p = &cell->placement;

	if (!p->role || p->unpinned)
		return;
	if (p->interrupts_known)
		judge_interrupts(plan, cell, record, evidence);
	judge_threads(plan, p, evidence);
	if (binds_memory(p))
		judge_pages(p, record, evidence);
}

static struct expectation bound(const char *counter, double at_most)
{
	struct expectation e = {
		.per = PER_NONE, .at_most = at_most, .at_least = NAN, .otherwise = 1};

	snprintf(e.evidence, sizeof(e.evidence), "%s", counter);
	return e;
}

size_t trial_place_expect(const struct placement *p,
			  struct expectation expect[TRIAL_PLACE_EXPECTATIONS])
{
	size_t n = 0;

	if (!p->role || p->unpinned)
		return 0;
	expect[n++] = bound("placement_threads_elsewhere_share", 0);
	if (p->interrupts_known && (p->interrupts[0].n || p->interrupts[1].n)) {
		expect[n++] = bound("placement_interrupts_elsewhere_share", INTERRUPTS_ELSEWHERE);
		expect[n] = bound("placement_vectors_elsewhere", 0);
		expect[n++].otherwise = NAN;
	}
	if (binds_memory(p))
		expect[n++] = bound("placement_pages_elsewhere_share", PAGES_ELSEWHERE);
	return n;
}
