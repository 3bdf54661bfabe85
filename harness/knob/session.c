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
#include "knob/net_device.h"
#include "knob/order.h"
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
	bool keeping;
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

enum why_own { OWN_WANTED, OWN_DISTURBED, OWN_LATE };

static int own(struct knob_session *s, const struct knob *k, const char *instance, enum why_own why,
	       struct diag *d);

/* Not every queue has every attribute, and a device made anew need not have what it had. */
static bool is_absent(int err)
{
	return err == -ENOENT || err == -EOPNOTSUPP || err == -ENETDOWN;
}

/* Before anything is written, what a write to the knob may change. */
static int own_disturbed(struct knob_session *s, const struct knob *k, const char *instance,
			 const struct knob *other, struct diag *d)
{
	_free_ char **list = NULL;
	bool whole_device = net_is_scope(k) && !instance[net_device_len(instance)];
	int err = 0;

	if (!k->touches && !whole_device)
		return other->scope == k->scope ? own(s, other, instance, OWN_DISTURBED, d) : 0;
	err = k->touches ? knob_instances(s->sys, other, &list)
			 : knob_instances_on(s->sys, other, instance, &list);
	if (err)
		return diag_errno(d, err, "%s: which there are", other->name);
	for (size_t i = 0; !err && list[i]; i++) {
		err = k->touches ? k->touches(s->sys, instance, other, list[i]) : 1;
		if (err < 0)
			return diag_errno(d, err, "%s of %s", other->name, list[i]);
		err = err ? own(s, other, list[i], OWN_DISTURBED, d) : 0;
	}
	return err;
}

static int own_this(struct knob_session *s, const struct knob *k, const char *instance,
		    enum why_own why, struct diag *d)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	char device[NET_ID_MAX] = "";
	struct entry *e;
	int err = value ? knob_get(s->sys, k, instance, value, d) : -ENOMEM;

	if (!err && net_is_scope(k)) {
		err = net_identity(s->sys, instance, device);
		if (err)
			return diag_errno(d, err, "%s of %s: which device it is", k->name,
					  instance);
	}
	return err ? err
		   : journal_own(&s->journal, k, instance, value, device, why == OWN_LATE, &e);
}

static int own(struct knob_session *s, const struct knob *k, const char *instance, enum why_own why,
	       struct diag *d)
{
	int err = 0;

	if (!journal_find(&s->journal, k->name, instance))
		err = own_this(s, k, instance, why, d);
	if (why == OWN_DISTURBED && is_absent(err))
		return 0;
	if (!err && k->part_of)
		err = own(s, s->journal.find(k->part_of), instance, OWN_DISTURBED, d);
	for (const char *const *name = k->disturbs; !err && name && *name; name++) {
		const struct knob *other = s->journal.find(*name);

		if (other)
			err = own_disturbed(s, k, instance, other, d);
	}
	return err;
}

/* Read the knob and what it disturbs, and note it as ours. Entries by index: the array may move. */
static int read_back(struct knob_session *s, size_t index, bool disturbed, struct diag *d)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	struct entry *e = &s->journal.entry[index];
	int err = value ? knob_get(s->sys, e->knob, e->instance, value, d) : -ENOMEM;

	if (disturbed && is_absent(err))
		return 0;
	if (!err)
		err = journal_read(&s->journal, e, value);
	if (!err) {
		free(e->during);
		e->during = value;
		value = NULL;
	}
	for (size_t i = 0; !err && i < s->journal.n; i++)
		if (journal_disturbs(e, &s->journal.entry[i]))
			err = read_back(s, i, true, d);
	return err;
}

static int put_back_one(struct knob_session *s, const struct entry *e, struct diag *d)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	const char *want = e->intended ? e->intended : e->original;
	int err = value ? knob_get(s->sys, e->knob, e->instance, value, d) : -ENOMEM;

	if (!err && !e->knob->same(want, value))
		err = knob_set(s->sys, e->knob, e->instance, want, d);
	return is_absent(err) ? 0 : err;
}

/*
 * A device made anew has its driver's defaults: give it back what it had, or what we gave it. A
 * whole before its parts, which may differ from it by our doing; but not the whole that was meant
 * to change.
 */
static int put_back_disturbed(struct knob_session *s, const struct entry *written, struct diag *d)
{
	const char *whole = written->knob->part_of;
	char label[KNOB_LABEL_MAX];
	int err = 0;

	for (int parts = 0; parts < 2; parts++)
		for (size_t i = 0; !err && i < s->journal.n; i++) {
			const struct entry *e = &s->journal.entry[i];

			if (journal_disturbs(written, e) && (e->knob->part_of != NULL) == parts &&
			    !(whole && !strcmp(whole, e->name)))
				err = put_back_one(s, e, d);
		}
	return err ? diag_prefix(d, err, "after setting %s",
				 knob_label(written->knob, written->instance, label))
		   : 0;
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
	if (!err && (w->knob->flags & KNOB_REMAKES))
		err = put_back_disturbed(s, e, d);
	if (!err)
		err = read_back(s, (size_t)(e - s->journal.entry), false, d);
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
static int check(struct knob_session *s, const struct knob_setting *w, struct diag *d)
{
	char label[KNOB_LABEL_MAX];
	int err = knob_check_instance(w->knob, w->instance, d);

	if (!err)
		err = knob_check_value(w->knob, w->value, d);
	if (!err && (w->knob->flags & KNOB_READ_ONLY))
		err = diag_set(d, -EROFS, "%s can be read, not set",
			       knob_label(w->knob, w->instance, label));
	if (!err && w->knob->may_set)
		err = w->knob->may_set(s->sys, w->knob, w->instance, d);
	return err;
}

/*
 * irqbalance would move a vector back within seconds, so it stands still while any is ours. Owned
 * before all others, and so set going again when they are back. Who names one of its knobs decides
 * for himself. `frozen` without a knob: nothing to freeze.
 */
static int own_irqbalance(struct knob_session *s, const struct knob_setting *w, size_t n,
			  struct knob_setting *frozen, struct diag *d)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	const struct knob *running = s->journal.find("irqbalance.running");
	bool moves = false;
	int err;

	for (size_t i = 0; i < n; i++) {
		if (!strncmp(w[i].knob->name, "irqbalance.", strlen("irqbalance.")))
			return 0;
		moves = moves || !strcmp(w[i].knob->name, "irq.affinity");
	}
	if (!moves || !running)
		return 0;
	err = value ? knob_get(s->sys, running, "", value, d) : -ENOMEM;
	if (err == -ENOENT || (!err && !strcmp(value, "0")))
		return 0;
	if (!err)
		err = own(s, running, "", OWN_WANTED, d);
	frozen->knob = running;
	strcpy(frozen->value, "0");
	return err;
}

static int apply_in_turn(struct knob_session *s, const struct knob_setting *w, struct diag *d)
{
	int err = 0;

	if (w->knob->flags & KNOB_HELD)
		return hold_one(s, w, d);
	if (!journal_find(&s->journal, w->knob->name, w->instance))
		err = own(s, w->knob, w->instance, OWN_LATE, d);
	return err ? err : apply_one(s, w, d);
}

/* At the end, not only after each: one may have changed another. */
static int verify_all(struct knob_session *s, const struct knob_setting *w, size_t n,
		      struct diag *d)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	char label[KNOB_LABEL_MAX];
	int err = value ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++) {
		if (w[i].knob->flags & KNOB_HELD)
			continue;
		err = knob_get(s->sys, w[i].knob, w[i].instance, value, d);
		if (!err && !w[i].knob->same(w[i].value, value))
			err = diag_set(
				d, -EIO, "%s: \"%s\" was set, but a later setting made it \"%s\"",
				knob_label(w[i].knob, w[i].instance, label), w[i].value, value);
	}
	return err;
}

static int apply_all(struct knob_session *s, const struct knob_setting *w, size_t n, struct diag *d)
{
	_free_ const struct knob_setting **order = calloc(n + 1, sizeof(*order));
	_free_ struct knob_setting *frozen = calloc(1, sizeof(*frozen));
	int err = order && frozen ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++)
		err = check(s, &w[i], d);
	if (!err)
		err = own_irqbalance(s, w, n, frozen, d);
	for (size_t i = 0; !err && i < n; i++) {
		if (w[i].knob->flags & KNOB_HELD)
			continue;
		err = own(s, w[i].knob, w[i].instance, OWN_WANTED, d);
		if (err == -ENOENT && order_is_made(s->journal.find, w, n, w[i].knob))
			err = 0;
	}
	if (!err)
		order_settings(s->journal.find, w, n, order);
	if (!err && frozen->knob)
		err = apply_one(s, frozen, d);
	for (size_t i = 0; !err && i < n; i++)
		err = apply_in_turn(s, order[i], d);
	return err || n < 2 ? err : verify_all(s, w, n, d);
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
	err = guardian_set_namespaces(&s->guardian, s->sys);
	if (err)
		return diag_errno(d, err, "guardian");
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
	if (!e->intended && !restore_differs(e))
		return;
	if (e->level == ENTRY_KEPT)
		return;
	if (!restore_differs(e) && e->state == ENTRY_OPEN)
		status = "restored";
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
		err = restore_journal(s->sys, &s->journal,
				      s->keeping ? RESTORE_ABOVE : RESTORE_COMPARE, NULL, d);
		for (size_t i = 0; i < s->journal.n; i++) {
			const struct entry *e = &s->journal.entry[i];

			log_entry(s, e);
			if (restore_differs(e))
				json_array_append_new(
					s->residue,
					entry_json(e, e->why ? e->why : "not restored"));
		}
	}
	if (!err && s->keeping)
		journal_drop_over(&s->journal);
	else if (!err)
		journal_clear(&s->journal);
	s->stuck = err != 0;
	s->write_ns += clock_ns() - start;
	return err ? -EUCLEAN : 0;
}

void session_keep(struct knob_session *s, bool keep)
{
	s->keeping = keep;
	for (size_t i = 0; i < s->journal.n; i++) {
		struct entry *e = &s->journal.entry[i];

		e->level = !keep ? ENTRY_ABOVE : e->intended ? ENTRY_KEPT : ENTRY_BELOW;
		if (keep && e->ours) {
			free(e->now);
			e->now = strdup(e->ours);
		}
	}
}

int session_copy_to(struct knob_session *s, int fd, struct diag *d)
{
	struct store *st = s->journal.store;
	_free_ char *text = NULL;
	size_t len;
	int err = st->ops->load(st, JOURNAL_FILE, &text, &len);

	s->journal.copy_fd = fd;
	if (err == -ENOENT)
		return 0;
	if (!err && write(fd, text, len) != (ssize_t)len)
		err = -EIO;
	return err ? diag_errno(d, err, "the journal's copy") : 0;
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
	session_keep(s, false);
	err = session_restore(s, d);
	session_free(s);
	return err;
}
