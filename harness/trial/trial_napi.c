// SPDX-License-Identifier: Apache-2.0
#include "trial/trial_napi.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "evidence/evidence.h"
#include "knob/transaction.h"
#include "sys/sys.h"

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

/* Settings for each thread of one end; they come after those that are there. */
static int add_settings(struct sys *sys, const char *dev, int cpu, struct knob_setting **list,
			size_t *n)
{
	const struct knob *knob = knob_find("napi.thread-cpus");
	_free_ char **instances = NULL;
	int err = knob_instances_on(sys, knob, dev, &instances);

	for (size_t i = 0; !err && instances[i]; i++) {
		struct knob_setting *grown = reallocarray(*list, *n + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		*list = grown;
		grown += (*n)++;
		*grown = (struct knob_setting){.knob = knob};
		snprintf(grown->instance, sizeof(grown->instance), "%s", instances[i]);
		snprintf(grown->value, sizeof(grown->value), "%d", cpu);
	}
	return err;
}

/* Who they are, for the evidence. */
static void note_threads(struct sys *sys, const char *dev, int cpu, struct trial_napi *napi)
{
	int pids[TRIAL_NAPI_THREADS], n;
	struct diag ignored;

	n = evidence_napi_threads_of(sys, dev, pids, TRIAL_NAPI_THREADS, &ignored);
	for (int i = 0; i < n && napi->n < TRIAL_NAPI_THREADS; i++)
		napi->thread[napi->n++] = (struct trial_napi_thread){.pid = pids[i], .cpu = cpu};
}

int trial_napi_pin(struct knob_session *session, struct sys *sys, const struct net_target *net,
		   const struct placement *p, struct trial_napi *napi, struct diag *d)
{
	_free_ struct knob_setting *list = NULL;
	size_t n = 0;
	int err = 0;

	napi->n = 0;
	if (!trial_napi_asked(p) || !session)
		return 0;
	for (size_t end = 0; !err && end < net->n_nics && end < PLACEMENT_ENDS; end++)
		if (p->napi_cpu[end] >= 0)
			err = add_settings(sys, net->instance[end], p->napi_cpu[end], &list, &n);
	if (err)
		return diag_errno(d, err, "NAPI threads of %s", net->label);
	err = session_apply(session, list, n, d);
	for (size_t end = 0; !err && end < net->n_nics && end < PLACEMENT_ENDS; end++)
		if (p->napi_cpu[end] >= 0)
			note_threads(sys, net->instance[end], p->napi_cpu[end], napi);
	return err;
}

void trial_napi_look(struct sys *sys, struct trial_napi *napi)
{
	for (size_t i = 0; i < napi->n; i++) {
		char path[64], text[8192], only[64];

		snprintf(path, sizeof(path), "/proc/%d/status", napi->thread[i].pid);
		snprintf(only, sizeof(only), "\nCpus_allowed_list:\t%d\n", napi->thread[i].cpu);
		napi->thread[i].stayed =
			!sys_read(sys, path, text, sizeof(text)) && strstr(text, only);
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
