// SPDX-License-Identifier: Apache-2.0
#include "trial/trial_napi.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/jsonio.h"
#include "evidence/evidence.h"

/* One that is woken for the first time since it was pinned goes to its CPU then; who leaves it
 * comes back by a second move, or ends elsewhere. */
#define MOVES_TO_ITS_CPU 1

static int end_of(const struct placement *p, const char *interface)
{
	const char *label = strchr(interface, '@');
	bool server = label && !strcmp(label, "@server");

	return p->napi_cpu[server ? PLACEMENT_SERVER : PLACEMENT_CLIENT];
}

bool trial_napi_asked(const struct placement *p)
{
	return p->role &&
	       (p->napi_cpu[PLACEMENT_CLIENT] >= 0 || p->napi_cpu[PLACEMENT_SERVER] >= 0);
}

static void pin(struct trial_napi *napi, int pid, int cpu)
{
	struct trial_napi_thread *t = &napi->thread[napi->n];
	cpu_set_t one;

	*t = (struct trial_napi_thread){.pid = pid, .cpu = cpu};
	CPU_ZERO(&one);
	CPU_SET((unsigned)cpu, &one);
	if (!sched_getaffinity(pid, sizeof(t->before), &t->before) &&
	    !sched_setaffinity(pid, sizeof(one), &one))
		napi->n++;
}

void trial_napi_pin(struct sys *sys, const struct net_target *net, const struct placement *p,
		    struct trial_napi *napi)
{
	int pids[TRIAL_NAPI_THREADS];
	struct diag ignored;

	napi->n = 0;
	/* an administrator's: if we die, nobody puts them back */
	if (!trial_napi_asked(p) || net->had_threads)
		return;
	for (size_t end = 0; end < net->n_nics && end < PLACEMENT_ENDS; end++) {
		int n = p->napi_cpu[end] < 0
				? 0
				: evidence_napi_threads_of(sys, net->instance[end], pids,
							   TRIAL_NAPI_THREADS, &ignored);

		for (int i = 0; i < n && napi->n < TRIAL_NAPI_THREADS; i++)
			pin(napi, pids[i], p->napi_cpu[end]);
	}
}

void trial_napi_unpin(struct trial_napi *napi)
{
	for (size_t i = 0; i < napi->n; i++) {
		struct trial_napi_thread *t = &napi->thread[i];
		cpu_set_t now;

		t->stayed = !sched_getaffinity(t->pid, sizeof(now), &now) && CPU_COUNT(&now) == 1 &&
			    CPU_ISSET((unsigned)t->cpu, &now);
		sched_setaffinity(t->pid, sizeof(t->before), &t->before);
	}
}

static bool stayed(const struct trial_napi *napi, int pid)
{
	for (size_t i = 0; i < napi->n; i++)
		if (napi->thread[i].pid == pid)
			return napi->thread[i].stayed;
	return false; /* made since, or refused to be pinned */
}

void trial_napi_evidence(const struct placement *p, const struct trial_napi *napi, json_t *record,
			 json_t *evidence)
{
	static const char name[] = "placement_napi_threads_elsewhere_share";
	json_t *list = json_array(), *one;
	double all = 0, elsewhere = 0;
	size_t i;

	json_array_foreach (jsonio_at(evidence, "detail.napi_threads"), i, one) {
		int pid = (int)json_integer_value(json_object_get(one, "pid"));
		int cpu = (int)json_integer_value(json_object_get(one, "cpu"));
		int wanted = end_of(p, jsonio_string(one, "interface", ""));
		json_int_t moves = json_integer_value(json_object_get(one, "migrations"));
		double ns = jsonio_number(one, "cpu_ns");
		bool kept = stayed(napi, pid);

		if (!(ns > 0) || wanted < 0)
			continue;
		all += ns;
		if (!kept || cpu != wanted || moves > MOVES_TO_ITS_CPU)
			elsewhere += ns;
		json_array_append_new(list, json_pack("{s:i, s:s, s:i, s:i, s:b, s:I}", "pid", pid,
						      "name", jsonio_string(one, "name", ""),
						      "wanted_cpu", wanted, "cpu", cpu, "pinned",
						      kept, "migrations", moves));
	}
	json_object_set_new(json_object_get(record, "placement"), "napi_threads", list);
	if (all > 0)
		json_object_set_new(json_object_get(evidence, "counters"), name,
				    json_real(elsewhere / all));
	else
		json_object_set_new(json_object_get(evidence, "absent"), name,
				    json_string("no NAPI thread of the target had CPU time"));
}
