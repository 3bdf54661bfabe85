// SPDX-License-Identifier: Apache-2.0
#include "trial/trial_place.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/nic.h"
#include "placement/role.h"
#include "trial/plan_place.h"
#include "trial/steer.h"
#include "trial/trial_threads.h"
#include "sys/sys.h"

#include "base/cleanup.h"
#include "base/jsonio.h"

/* Interrupts of other work on the device that a placement may have; a vector that was moved fires
 * at most once more where it was. */
#define INTERRUPTS_ELSEWHERE 0.05
#define PAGES_ELSEWHERE	     0.01
/* ARP and the like go where they want */
#define PACKETS_ELSEWHERE 0.05

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

/* The vectors of queues of one end. */
struct side {
	const struct machine_vector *vector[4096];
	size_t n;
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
	s->n = 0;
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
	struct cpulist on; /* CPUs that were interrupted */
	json_t *effective; /* of vectors that fired: {"eth0-rx-0": "2"} */
};

/* Where this vector is to interrupt: a moved one where it was moved to, one that a thread was
 * placed by where it was then, the others where the threads' own do. The caller frees `out`. */
static void wanted_cpus(const struct placement *p, int end, const struct machine_vector *v,
			struct cpulist *out)
{
	const struct cpulist *at = &p->interrupts[end];

	*out = (struct cpulist){0};
	for (size_t i = 0; i < p->n_moves; i++)
		if (!strcmp(p->moves[i].vector, v->instance)) {
			cpulist_parse(p->moves[i].cpus, out, NULL);
			return;
		}
	for (size_t i = 0; i < p->n_met; i++)
		if (!strcmp(p->met[i], v->name))
			at = &v->effective;
	for (size_t i = 0; i < at->n; i++)
		cpulist_add(out, at->cpu[i]);
}

static void count_vector(const struct plan *plan, const struct cpulist *wanted,
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
		if (count > 0)
			cpulist_add(&sum->on, (unsigned)atoi(cpu));
		if (!cpulist_has(wanted, (unsigned)atoi(cpu)))
			sum->elsewhere += count;
	}
	sum->all += fired;
	if (fired <= 0 || sys_readf(plan->machine->sys, text, sizeof(text),
				    "/proc/irq/%u/effective_affinity_list", v->irq))
		return;
	json_object_set_new(sum->effective, v->name, json_string(text));
	if (!cpulist_parse(text, &now, NULL) && now.n && !cpulist_has(wanted, now.cpu[0]))
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

/* What keeps the counts from being a proof; NULL: nothing does. */
static const char *no_proof(const struct plan_cell *cell, int end, double fired,
			    const struct interrupts *sum)
{
	const struct placement *p = &cell->placement;

	if (fired <= 0 && p->interrupts[end].n && plan_place_interrupts(cell->cell) > 0)
		return end ? "no interrupt of the server's queues was counted"
			   : "no interrupt of the target's queues was counted";
	if (p->server.n && p->role->shape == PLACEMENT_SPREAD && p->interrupts[end].n &&
	    sum->on.n < 2)
		return "too few CPUs were interrupted: few flows use few queues";
	return NULL;
}

static void judge_interrupts(const struct plan *plan, const struct plan_cell *cell, json_t *record,
			     json_t *evidence)
{
	static const char share[] = "placement_interrupts_elsewhere_share";
	struct interrupts sum = {.effective = json_object()};
	struct side *s = malloc(sizeof(*s));
	const char *why = s ? NULL : "out of memory";

	for (int end = 0; s && end < PLACEMENT_ENDS; end++) {
		double before = sum.all;

		fill_side(plan, cell, end, s);
		for (size_t i = 0; i < s->n; i++) {
			struct cpulist wanted;

			wanted_cpus(&cell->placement, end, s->vector[i], &wanted);
			count_vector(plan, &wanted, s->vector[i], evidence, &sum);
			cpulist_free(&wanted);
		}
		why = why ?: no_proof(cell, end, sum.all - before, &sum);
		cpulist_free(&sum.on);
	}
	free(s);
	json_object_set_new(json_object_get(record, "placement"), "effective", sum.effective);
	if (!jsonio_at(evidence, "detail.interrupts.vectors"))
		why = "the interrupts of single vectors were not counted";
	if (cell->placement.unpinned || !cell->placement.interrupts_known)
		return; /* nothing was promised: only where they were */
	if (why) {
		put_absent(evidence, share, why);
		put_absent(evidence, "placement_vectors_elsewhere", why);
		return;
	}
	/* polled: none at all is none elsewhere */
	put(evidence, share, sum.all > 0 ? sum.elsewhere / sum.all : 0);
	put(evidence, "placement_vectors_elsewhere", sum.vectors_elsewhere);
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
	static const char *const where[][2] = {
		{"workload_report.memory", "steady.memory"},
		{"workload_report.server.memory", "steady.server_memory"}};
	double all = 0, elsewhere = 0;
	const char *why = NULL;

	for (int end = 0; end < PLACEMENT_ENDS; end++) {
		double before = all;

		if (p->memory[end] < 0 || (end == PLACEMENT_SERVER && !p->server.n))
			continue;
		add_pages(jsonio_at(record, where[end][0]), p->memory[end], &all, &elsewhere);
		if (!(all > before))
			add_pages(jsonio_at(evidence, where[end][1]), p->memory[end], &all,
				  &elsewhere);
		if (!(all > before) && !why)
			why = end ? "where the server's pages are was not told"
				  : "where the workload's pages are was not told";
	}
	if (why)
		put_absent(evidence, "placement_pages_elsewhere_share", why);
	else
		put(evidence, "placement_pages_elsewhere_share", elsewhere / all);
}

static bool binds_memory(const struct placement *p)
{
	return p->memory[0] >= 0 || p->memory[1] >= 0;
}

void trial_place_evidence(const struct plan *plan, const struct plan_cell *cell,
			  const struct trial_napi *napi, json_t *record, json_t *evidence)
{
	const struct placement *p = &cell->placement;
	uint64_t jobs = cell->cell->load.numjobs;

	if (!p->role)
		return;
	judge_interrupts(plan, cell, record, evidence);
	if (p->unpinned)
		return;
	trial_threads_evidence(p, jobs ? (unsigned)jobs : 1, record, evidence);
	if (trial_napi_asked(p))
		trial_napi_evidence(p, napi, record, evidence);
	if (p->role->steer && p->server.n)
		steer_evidence(plan->net, plan_place_queue(cell), evidence);
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
	if (trial_napi_asked(p))
		expect[n++] = bound("placement_napi_threads_elsewhere_share", 0);
	if (p->interrupts_known && (p->interrupts[0].n || p->interrupts[1].n)) {
		expect[n++] = bound("placement_interrupts_elsewhere_share", INTERRUPTS_ELSEWHERE);
		expect[n] = bound("placement_vectors_elsewhere", 0);
		expect[n++].otherwise = NAN;
	}
	if (p->role->steer && p->server.n)
		expect[n++] = bound(STEER_SENT_ELSEWHERE, PACKETS_ELSEWHERE);
	if (p->role->steer == PLACEMENT_FULL && p->server.n)
		expect[n++] = bound(STEER_RECEIVED_ELSEWHERE, PACKETS_ELSEWHERE);
	if (binds_memory(p))
		expect[n++] = bound("placement_pages_elsewhere_share", PAGES_ELSEWHERE);
	return n;
}
