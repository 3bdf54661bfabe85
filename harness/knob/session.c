// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "knob/family.h"
#include "knob/guardian.h"
#include "knob/restore.h"
#include "knob/transaction.h"

struct held {
	const struct knob *knob;
	int handle;
	char before[32], wanted[32], during[32];
};

struct knob_session {
	struct sys *sys; /* borrowed */
	struct state_dir dir;
	bool has_dir, wants_guardian;
	struct guardian guardian;
	struct journal journal;
	char boot[BOOT_MAX];
	struct held held[8];
	size_t n_held;
	json_t *log, *residue, *recovered;
	bool stuck; /* the last restore was incomplete */
	unsigned long long write_ns;
};

static void session_free(struct knob_session *s)
{
	if (s->has_dir) {
		guardian_stop(&s->guardian);
		state_unlock(&s->dir);
		state_close(&s->dir);
	}
	journal_clear(&s->journal);
	json_decref(s->log);
	json_decref(s->residue);
	json_decref(s->recovered);
	free(s);
}

static int open_store(struct knob_session *s, const struct session_options *o, struct diag *d)
{
	int err;

	if (o->store) {
		s->journal.store = o->store;
		return 0;
	}
	err = state_open(o->state_dir, true, &s->dir, d);
	if (err)
		return err;
	s->has_dir = true;
	s->journal.store = &s->dir.store;
	s->wants_guardian = o->guardian && s->sys->live;
	return state_lock(&s->dir, o->what ? o->what : "iomodes", d);
}

int session_open(struct sys *sys, const struct session_options *o, struct knob_session **session,
		 struct diag *d)
{
	struct knob_session *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->sys = sys;
	s->guardian.socket = -1;
	s->journal = (struct journal){.find = o->find ? o->find : knob_find,
				      .copy_fd = -1,
				      .boot = s->boot,
				      .step = o->step,
				      .step_arg = o->step_arg};
	s->log = json_array();
	s->residue = json_array();
	s->recovered = json_array();
	err = s->log && s->residue && s->recovered ? open_store(s, o, d) : -ENOMEM;
	if (!err)
		err = restore_boot_id(sys, s->boot, d);
	if (!err)
		err = journal_load(&s->journal, d);
	if (!err && s->journal.exists) {
		err = restore_journal(sys, &s->journal, RESTORE_COMPARE, s->recovered, d);
		if (err)
			err = diag_prefix(d, err, "an earlier run left the machine changed");
		else
			journal_clear(&s->journal);
	}
	if (!err && s->wants_guardian)
		err = guardian_start(&s->guardian, &s->dir, d);
	if (err) {
		session_free(s);
		return err;
	}
	s->journal.copy_fd = o->copy_fd;
	*session = s;
	return 0;
}

/* Own a knob and, before anything is written, what a write to it may change. */
static int own(struct knob_session *s, const struct knob *k, const char *instance, bool disturbed,
	       struct diag *d)
{
	_free_ char *value = NULL;
	struct entry *e = journal_find(&s->journal, k->name, instance);
	int err = 0;

	if (!e) {
		value = malloc(KNOB_VALUE_MAX);
		err = value ? knob_get(s->sys, k, instance, value, d) : -ENOMEM;
		/* not every queue has every attribute */
		if (disturbed && (err == -ENOENT || err == -EOPNOTSUPP))
			return 0;
		if (!err)
			err = journal_own(&s->journal, k, instance, value, &e);
	}
	if (err || !k->disturbs)
		return err;
	for (const char *const *name = k->disturbs; !err && *name; name++) {
		const struct knob *other = s->journal.find(*name);

		if (other && other->scope == k->scope)
			err = own(s, other, instance, true, d);
	}
	return err;
}

/* Read the knob and what it disturbs, and note it as ours. */
static int read_back(struct knob_session *s, const struct knob *k, const char *instance,
		     struct diag *d)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	struct entry *e = journal_find(&s->journal, k->name, instance);
	int err = value && e ? knob_get(s->sys, k, instance, value, d) : -ENOMEM;

	if (!err)
		err = journal_read(&s->journal, e, value);
	if (!err) {
		free(e->during);
		e->during = value;
		value = NULL;
	}
	if (err || !k->disturbs)
		return err;
	for (const char *const *name = k->disturbs; !err && *name; name++) {
		const struct knob *other = s->journal.find(*name);

		if (other && journal_find(&s->journal, *name, instance))
			err = read_back(s, other, instance, d);
	}
	return err;
}

static int apply_one(struct knob_session *s, const struct knob_setting *w, struct diag *d)
{
	struct entry *e = journal_find(&s->journal, w->knob->name, w->instance);
	char label[KNOB_LABEL_MAX];
	int err = e ? journal_write(&s->journal, e, w->value) : -ENOMEM;

	if (!err)
		err = journal_sync(&s->journal, d);
	if (err)
		return err;
	err = knob_set(s->sys, w->knob, w->instance, w->value, d);
	if (s->journal.step)
		s->journal.step(s->journal.step_arg, "write");
	if (!err)
		err = read_back(s, w->knob, w->instance, d);
	if (!err)
		err = journal_sync(&s->journal, d);
	if (!err && !w->knob->same(w->value, e->during))
		return diag_set(d, -EIO, "%s: \"%s\" was written, but the kernel has \"%s\"",
				knob_label(w->knob, w->instance, label), w->value, e->during);
	return err;
}

static int hold_one(struct knob_session *s, const struct knob_setting *w, struct diag *d)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	struct held *h = &s->held[s->n_held];
	int err = value ? 0 : -ENOMEM;

	if (s->n_held == ARRAY_SIZE(s->held))
		return diag_set(d, -E2BIG, "%s: too many held settings", w->knob->name);
	*h = (struct held){.knob = w->knob};
	snprintf(h->wanted, sizeof(h->wanted), "%.31s", w->value);
	if (!err)
		err = knob_get(s->sys, w->knob, w->instance, value, d);
	if (!err) {
		snprintf(h->before, sizeof(h->before), "%.31s", value);
		err = w->knob->hold(s->sys, w->knob, w->instance, w->value, &h->handle, d);
	}
	if (err)
		return err;
	s->n_held++;
	err = knob_get(s->sys, w->knob, w->instance, value, d);
	if (!err)
		snprintf(h->during, sizeof(h->during), "%.31s", value);
	return err;
}

/* Refuse what can be refused before anything is touched. */
static int check(const struct knob_setting *w, struct diag *d)
{
	char label[KNOB_LABEL_MAX];
	int err = knob_check_instance(w->knob, w->instance, d);

	if (!err)
		err = knob_check_value(w->knob, w->value, d);
	if (!err && (w->knob->flags & KNOB_READ_ONLY))
		err = diag_set(d, -EROFS, "%s can be read, not set",
			       knob_label(w->knob, w->instance, label));
	return err;
}

/*
 * irqbalance would move a vector back within seconds: while it runs, a vector is banned before its
 * affinity is set. Where its socket does not answer, the daemon is frozen instead.
 */
static int tell_irqbalance(struct knob_session *s, const struct knob_setting *w, struct diag *d)
{
	_free_ struct knob_setting *ban = calloc(1, sizeof(*ban));
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	struct diag quiet;
	int err;

	if (!ban || !value)
		return -ENOMEM;
	ban->knob = s->journal.find("irqbalance.banned");
	if (!ban->knob || strcmp(w->knob->name, "irq.affinity"))
		return 0;
	snprintf(ban->instance, sizeof(ban->instance), "%s", w->instance);
	strcpy(ban->value, "1");
	err = knob_get(s->sys, ban->knob, ban->instance, value, &quiet);
	if (err == -ENOENT || (!err && !strcmp(value, "1")))
		return 0;
	if (!err)
		err = own(s, ban->knob, ban->instance, false, &quiet);
	if (!err)
		err = apply_one(s, ban, &quiet);
	if (!err)
		return 0;
	ban->knob = s->journal.find("irqbalance.running");
	ban->instance[0] = '\0';
	strcpy(ban->value, "0");
	err = ban->knob ? own(s, ban->knob, "", false, d) : -ENOENT;
	return err ? err : apply_one(s, ban, d);
}

static int apply_all(struct knob_session *s, const struct knob_setting *w, size_t n, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = check(&w[i], d);
	for (size_t i = 0; !err && i < n; i++)
		if (!(w[i].knob->flags & KNOB_HELD))
			err = own(s, w[i].knob, w[i].instance, false, d);
	for (size_t i = 0; !err && i < n; i++) {
		err = tell_irqbalance(s, &w[i], d);
		if (!err)
			err = w[i].knob->flags & KNOB_HELD ? hold_one(s, &w[i], d)
							   : apply_one(s, &w[i], d);
	}
	return err;
}

static int restart_guardian(struct knob_session *s, struct diag *d)
{
	if (!s->wants_guardian || guardian_alive(&s->guardian))
		return 0;
	guardian_stop(&s->guardian);
	return guardian_start(&s->guardian, &s->dir, d);
}

int session_apply(struct knob_session *s, const struct knob_setting *settings, size_t n,
		  struct diag *d)
{
	uint64_t start = clock_ns();
	struct diag why = {""}, rest;
	int err;

	if (s->stuck && session_restore(s, &rest))
		return diag_set(d, -EUCLEAN, "nothing more is changed: %s", rest.text);
	err = restart_guardian(s, d);
	if (err)
		return err;
	err = apply_all(s, settings, n, &why);
	s->write_ns += clock_ns() - start;
	if (!err)
		return 0;
	if (!*why.text)
		diag_errno(&why, err, "applying");
	if (session_restore(s, &rest))
		return diag_set(d, -EUCLEAN, "%s; and then: %s", why.text, rest.text);
	return diag_set(d, err, "%s", why.text);
}

static void log_entry(struct knob_session *s, const struct entry *e)
{
	static const char *const states[] = {
		[ENTRY_OPEN] = "open",	   [ENTRY_BACK] = "restored", [ENTRY_CONFLICT] = "conflict",
		[ENTRY_FAILED] = "failed", [ENTRY_BAD] = "failed",
	};
	const char *status = e->state == ENTRY_BACK && e->why ? "gone" : states[e->state];

	/* one that was only watched is news only when it did not come back */
	if (!e->intended && e->state == ENTRY_BACK)
		return;
	json_array_append_new(s->log,
			      json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s, s:s?}", "knob",
					e->name, "instance", e->instance, "before", e->original,
					"wanted", e->intended, "during", e->during, "after", e->now,
					"status", status, "why", e->why));
}

/* The kernel undoes it by itself; nothing to compare. */
static void release_held(struct knob_session *s)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);

	while (s->n_held) {
		struct held *h = &s->held[--s->n_held];

		s->sys->ops->release(s->sys, h->handle);
		if (!value || knob_get(s->sys, h->knob, "", value, NULL))
			strcpy(value ? value : h->during, "");
		json_array_append_new(s->log,
				      json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "knob",
						h->knob->name, "instance", "", "before", h->before,
						"wanted", h->wanted, "during", h->during, "after",
						value ? value : "", "status", "released"));
	}
}

int session_restore(struct knob_session *s, struct diag *d)
{
	uint64_t start = clock_ns();
	int err = 0;

	release_held(s);
	free(s->journal.pending); /* of an apply that failed before it was durable */
	s->journal.pending = NULL;
	s->journal.pending_len = 0;
	if (s->journal.n || s->journal.exists) {
		json_array_clear(s->residue);
		err = restore_journal(s->sys, &s->journal, RESTORE_COMPARE, NULL, d);
		for (size_t i = 0; i < s->journal.n; i++) {
			const struct entry *e = &s->journal.entry[i];

			log_entry(s, e);
			if (restore_differs(e))
				json_array_append_new(
					s->residue,
					entry_json(e, e->why ? e->why : "not restored"));
		}
	}
	if (!err)
		journal_clear(&s->journal);
	s->stuck = err != 0;
	s->write_ns += clock_ns() - start;
	return err ? -EUCLEAN : 0;
}

json_t *session_residue(const struct knob_session *s)
{
	return json_deep_copy(s->residue);
}

json_t *session_recovered(const struct knob_session *s)
{
	return s->recovered;
}

int session_guardian_pid(const struct knob_session *s)
{
	return s->guardian.pid;
}

json_t *session_take_log(struct knob_session *s)
{
	json_t *log = s->log;

	s->log = json_array();
	return log;
}

unsigned long long session_take_write_ns(struct knob_session *s)
{
	unsigned long long ns = s->write_ns;

	s->write_ns = 0;
	return ns;
}

int session_set_workload(struct knob_session *s, const char *cgroup, int pid)
{
	if (!s->wants_guardian)
		return 0;
	return guardian_set_workload(&s->guardian, cgroup, pid);
}

int session_close(struct knob_session *s, struct diag *d)
{
	int err;

	if (!s)
		return 0;
	err = session_restore(s, d);
	session_free(s);
	return err;
}
