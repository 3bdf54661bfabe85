// SPDX-License-Identifier: Apache-2.0
/* Can a mode run on this machine and target, and which settings does it come to? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "machine/nic.h"
#include "mode/mode.h"

#define PATHS_MAX 16

static int append(struct knob_setting **settings, size_t *n, const struct knob *k,
		  const char *instance, const char *value)
{
	struct knob_setting *grown = reallocarray(*settings, *n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*settings = grown;
	grown[*n] = (struct knob_setting){.knob = k};
	snprintf(grown[*n].instance, sizeof(grown[*n].instance), "%s", instance);
	snprintf(grown[*n].value, sizeof(grown[*n].value), "%s", value);
	(*n)++;
	return 0;
}

/* Host-wide kinds: every instance this machine has (all CPUs' governors). */
static int append_all(const struct machine *machine, const struct knob *k, const char *value,
		      struct knob_setting **settings, size_t *n, struct diag *d)
{
	_free_ char **instances = NULL;
	int err = knob_instances(machine->sys, k, &instances);

	if (!err && !instances[0])
		err = -ENOENT;
	if (err)
		return diag_errno(d, err, "%s: not on this machine", k->name);
	for (size_t i = 0; !err && instances[i]; i++)
		err = append(settings, n, k, instances[i], value);
	return err;
}

static int append_for_disk(const struct machine *machine, const struct machine_disk *disk,
			   const struct knob *k, const char *value, struct knob_setting **settings,
			   size_t *n, struct diag *d)
{
	const struct machine_disk *paths[PATHS_MAX];
	size_t n_paths = disk ? machine_paths(machine, disk, paths, PATHS_MAX) : 0;
	int err = 0;

	if (!n_paths)
		return diag_set(d, -ENOENT, "%s: belongs to a block device, and there is no target",
				k->name);
	for (size_t i = 0; !err && i < n_paths; i++) {
		if (k->scope == KNOB_BLOCK) {
			err = append(settings, n, k, paths[i]->name, value);
		} else if (k->scope == KNOB_NVME) {
			if (strncmp(paths[i]->controller, "nvme", 4))
				return diag_set(d, -EOPNOTSUPP, "%s: %s is not an NVMe device",
						k->name, paths[i]->name);
			err = append(settings, n, k, paths[i]->controller, value);
		} else {
			for (size_t j = 0; !err && j < paths[i]->n_vectors; j++)
				if (paths[i]->vectors[j].managed != VECTOR_MANAGED)
					err = append(settings, n, k, paths[i]->vectors[j].instance,
						     value);
		}
	}
	return err;
}

const struct knob *mode_knob(const char *name, const char **end)
{
	size_t len = strcspn(name, "@");
	char bare[64];

	*end = name + len;
	if (len >= sizeof(bare) ||
	    (**end && strcmp(*end, "@client") != 0 && strcmp(*end, "@server") != 0))
		return NULL;
	snprintf(bare, sizeof(bare), "%.*s", (int)len, name);
	return knob_find(bare);
}

bool mode_knob_of(const struct knob *k, enum mode_target target)
{
	switch (k->scope) {
	case KNOB_BLOCK:
	case KNOB_NVME:
		return target == MODE_BLOCK;
	case KNOB_NETDEV:
	case KNOB_NAPI:
		return target == MODE_NET;
	default:
		return true;
	}
}

static bool at_end(const struct machine_nic *nic, const char *end)
{
	const char *at = strchr(nic->instance, '@');

	return !*end || (at && !strcmp(at, end));
}

static int append_for_nic(const struct machine *machine, const struct machine_nic *nic,
			  const struct knob *k, const char *value, struct knob_setting **settings,
			  size_t *n, struct diag *d)
{
	_free_ char **instances = NULL;
	int err = 0;

	if (k->on_device)
		err = k->on_device(machine->sys, k, nic->instance, &instances);
	if (err)
		return diag_errno(d, err, "%s of %s", k->name, nic->instance);
	for (size_t i = 0; !err && instances && instances[i]; i++)
		err = append(settings, n, k, instances[i], value);
	for (size_t i = 0; !err && k->scope == KNOB_IRQ && i < nic->n_vectors; i++)
		if (nic->vectors[i].managed != VECTOR_MANAGED)
			err = append(settings, n, k, nic->vectors[i].instance, value);
	return err;
}

static int append_for_nics(const struct machine *machine, const struct machine_subject *subject,
			   const struct knob *k, const char *end, const char *value,
			   struct knob_setting **settings, size_t *n, struct diag *d)
{
	int err = 0;

	if (!subject->n_nics)
		return diag_set(d, -ENOENT,
				"%s: belongs to a network interface, and there is no target",
				k->name);
	for (size_t i = 0; !err && i < subject->n_nics; i++) {
		const struct machine_nic *nic = subject->nics[i];

		if (!at_end(nic, end))
			continue;
		if (k->scope == KNOB_NAPI && !nic->n_napis)
			return diag_set(d, -EOPNOTSUPP,
					"%s: %s has no NAPI instance (a veth has one while its GRO "
					"is on)",
					k->name, nic->instance);
		err = append_for_nic(machine, nic, k, value, settings, n, d);
	}
	return err;
}

int mode_settings(const struct mode_pairs *pairs, const struct machine *machine,
		  const struct machine_subject *subject, struct knob_setting **settings, size_t *n,
		  struct diag *d)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const struct mode_pair *p = &pairs->item[i];
		const char *end;
		const struct knob *k = mode_knob(p->name, &end);
		int err;

		if (!k)
			return diag_set(d, -EINVAL, "unknown knob \"%s\"", p->name);
		if (k->scope == KNOB_NETDEV || k->scope == KNOB_NAPI ||
		    (k->scope == KNOB_IRQ && subject->n_nics))
			err = append_for_nics(machine, subject, k, end, p->value, settings, n, d);
		else if (k->scope == KNOB_BLOCK || k->scope == KNOB_NVME || k->scope == KNOB_IRQ)
			err = append_for_disk(machine, subject->disk, k, p->value, settings, n, d);
		else
			err = append_all(machine, k, p->value, settings, n, d);
		if (err)
			return err;
	}
	return 0;
}

int mode_own_settings(const struct mode *m, const struct machine *machine,
		      const struct machine_subject *subject, struct knob_setting **settings,
		      size_t *n, struct diag *d)
{
	int err = mode_settings(&m->set, machine, subject, settings, n, d);
	size_t kept = *n;

	if (!err)
		err = mode_settings(&m->set_if_there, machine, subject, settings, n, d);
	for (size_t i = kept; !err && i < *n; i++) {
		const struct knob_setting *s = &(*settings)[i];
		char now[KNOB_VALUE_MAX];
		struct diag ignored;
		int missing = knob_get(machine->sys, s->knob, s->instance, now, &ignored);

		if (missing != -EOPNOTSUPP && missing != -ENOENT)
			(*settings)[kept++] = *s;
	}
	if (!err)
		*n = kept;
	return err;
}

static bool is_set(const struct knob_setting *settings, size_t n, const struct knob *k,
		   const char *instance)
{
	for (size_t i = 0; i < n; i++)
		if (settings[i].knob == k && !strcmp(settings[i].instance, instance))
			return true;
	return false;
}

int mode_no_steering(const struct machine_subject *subject, struct knob_setting **settings,
		     size_t *n, struct diag *d)
{
	const struct knob *cpus = knob_find("net.rps-cpus"), *flows = knob_find("net.rps-flow-cnt");
	int err = 0;

	for (size_t i = 0; i < subject->n_nics; i++) {
		const struct machine_nic *nic = subject->nics[i];

		for (size_t j = 0; !err && !nic->management && j < nic->n_queues; j++) {
			const struct machine_nic_queue *q = &nic->queues[j];
			char instance[KNOB_INSTANCE_MAX];

			if (!q->rx)
				continue;
			snprintf(instance, sizeof(instance), "%s:rx-%u", nic->instance, q->index);
			if (q->rps_cpus.n && !is_set(*settings, *n, cpus, instance))
				err = append(settings, n, cpus, instance, "0");
			if (!err && q->rps_flow_cnt && !is_set(*settings, *n, flows, instance))
				err = append(settings, n, flows, instance, "0");
		}
	}
	return err ? diag_errno(d, err, "packet steering in software") : 0;
}

int mode_no_suspension(const struct machine_subject *subject, struct knob_setting **settings,
		       size_t *n, struct diag *d)
{
	const struct knob *timeout = knob_find("napi.irq-suspend-timeout");
	int err = 0;

	for (size_t i = 0; i < subject->n_nics; i++) {
		const struct machine_nic *nic = subject->nics[i];

		for (size_t j = 0; !err && !nic->management && j < nic->n_napis; j++) {
			const struct machine_napi *napi = &nic->napis[j];
			char instance[KNOB_INSTANCE_MAX];

			snprintf(instance, sizeof(instance), "%s#%u", nic->instance, napi->index);
			if (napi->irq_suspend_timeout_ns > 0 &&
			    !is_set(*settings, *n, timeout, instance))
				err = append(settings, n, timeout, instance, "0");
		}
	}
	return err ? diag_errno(d, err, "suspended interrupts") : 0;
}

static void unavailable(struct mode_availability *a, const char *reason, const char *remedy)
{
	a->available = false;
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
	snprintf(a->remedy, sizeof(a->remedy), "%s", remedy);
}

/* A requirement that names a knob is read; all instances must have the value. */
static bool check_knob(const struct mode_pair *p, const struct machine *machine,
		       const struct machine_subject *subject, struct mode_availability *a)
{
	struct mode_pairs one = {.item = (struct mode_pair *)p, .n = 1};
	_free_ struct knob_setting *settings = NULL;
	char value[KNOB_VALUE_MAX], reason[400];
	struct diag d = {""};
	size_t n = 0;
	int err = mode_settings(&one, machine, subject, &settings, &n, &d);

	for (size_t i = 0; !err && i < n; i++) {
		err = knob_get(machine->sys, settings[i].knob, settings[i].instance, value, &d);
		if (err || settings[i].knob->same(p->value, value))
			continue;
		snprintf(reason, sizeof(reason), "%s of %s is %.64s, not %s", p->name,
			 *settings[i].instance ? settings[i].instance : "this machine", value,
			 p->value);
		unavailable(a, reason, "");
		return false;
	}
	if (err)
		unavailable(a, d.text, "");
	return !err;
}

static bool check_capability(const struct mode_pair *p, const struct machine *machine,
			     const struct machine_subject *subject, struct mode_availability *a)
{
	const struct capability *c = capability_find(p->name);
	struct capability_answer answer = {0};

	c->probe(machine, subject, &answer);
	if (!strcmp(answer.value, p->value))
		return true;
	unavailable(a, answer.reason, answer.remedy);
	a->unknown = !strcmp(answer.value, "unknown");
	return false;
}

/* Settings must exist on the target; without root, only what is already so can be "set". */
static bool check_settings(const struct mode *m, const struct machine *machine,
			   const struct machine_subject *subject, unsigned euid,
			   struct mode_availability *a)
{
	_free_ struct knob_setting *settings = NULL;
	struct diag d = {""};
	size_t n = 0;
	int err = mode_own_settings(m, machine, subject, &settings, &n, &d);

	for (size_t i = 0; !err && i < n; i++) {
		char value[KNOB_VALUE_MAX], reason[400];

		err = knob_get(machine->sys, settings[i].knob, settings[i].instance, value, &d);
		if (err || !euid || settings[i].knob->same(settings[i].value, value))
			continue;
		snprintf(reason, sizeof(reason), "needs root: %s=%.64s (now %.64s)",
			 settings[i].knob->name, settings[i].value, value);
		unavailable(a, reason, "run as root");
		a->needs_root = true;
		return false;
	}
	if (err)
		unavailable(a, d.text, "");
	return !err;
}

/* Settings of the interface itself, or of its interrupts, would be refused when they are made. */
static bool check_management(const struct mode *m, const struct machine_subject *subject,
			     struct mode_availability *a)
{
	for (size_t i = 0; i < m->set.n; i++) {
		const char *end;
		const struct knob *k = mode_knob(m->set.item[i].name, &end);

		for (size_t n = 0; k && n < subject->n_nics; n++) {
			const struct machine_nic *nic = subject->nics[n];
			char reason[400];

			if (!nic->management || (k->scope != KNOB_NETDEV && k->scope != KNOB_NAPI &&
						 k->scope != KNOB_IRQ))
				continue;
			snprintf(reason, sizeof(reason), "%s %s, and is not reconfigured",
				 nic->instance, nic->management_why);
			unavailable(a, reason, "another interface, or a veth pair");
			return false;
		}
	}
	return true;
}

void mode_check(const struct mode *m, const struct machine *machine,
		const struct machine_subject *subject, unsigned euid, struct mode_availability *a)
{
	*a = (struct mode_availability){.available = true};
	for (size_t i = 0; i < m->requires.n; i++) {
		const struct mode_pair *p = &m->requires.item[i];
		bool ok = capability_find(p->name) ? check_capability(p, machine, subject, a)
						   : check_knob(p, machine, subject, a);

		if (!ok)
			return;
	}
	if (check_management(m, subject, a))
		check_settings(m, machine, subject, euid, a);
}
