// SPDX-License-Identifier: Apache-2.0
#include "knob/restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "knob/net_device.h"

int restore_boot_id(struct sys *s, char out[static BOOT_MAX], struct diag *d)
{
	int err = sys_readf(s, out, BOOT_MAX, "/proc/sys/kernel/random/boot_id");

	return err ? diag_errno(d, err, "/proc/sys/kernel/random/boot_id") : 0;
}

static void set_now(struct entry *e, const char *value)
{
	free(e->now);
	e->now = value ? strdup(value) : NULL;
}

static void fail(struct entry *e, enum entry_state state, const char *why)
{
	e->state = state;
	free(e->why);
	e->why = strdup(why);
}

/* A device that comes back from a namespace, or was renamed, is the same device. */
#define PATIENCE_NS 5000000000u

static const char *where(const struct entry *e)
{
	return e->at ? e->at : e->instance;
}

static int locate(struct sys *s, const struct journal *j, struct entry *e, struct diag *d)
{
	char now[KNOB_INSTANCE_MAX];
	int err;

	if (!net_is_scope(e->knob) || e->at)
		return 0;
	err = net_locate(s, e->instance, e->device ? e->device : "", j->patience_ns, now, d);
	if (!err) {
		e->at = strdup(now);
		err = e->at ? 0 : -ENOMEM;
	}
	return err;
}

/* The device at home to which something set in a namespace came back; false: it is elsewhere. */
static bool came_home(const struct entry *e, char dev[static KNOB_INSTANCE_MAX])
{
	if (!e->knob || !net_is_scope(e->knob) || !strchr(e->instance, '@') || !e->at ||
	    strchr(e->at, '@'))
		return false;
	snprintf(dev, KNOB_INSTANCE_MAX, "%.*s", (int)net_device_len(e->at), e->at);
	return true;
}

/* After -ENETDOWN: 0 when it is worth another try. */
static int raise_home(struct sys *s, struct journal *j, const struct entry *e, int err,
		      struct diag *d)
{
	char dev[KNOB_INSTANCE_MAX];

	return err == -ENETDOWN && j->raises && came_home(e, dev) ? net_raise(s, dev, &j->raised, d)
								  : err;
}

/* The card of this vector, where it came home; NULL: none did. */
static const char *home_of_vector(struct sys *s, struct journal *j, const struct entry *e,
				  char dev[static KNOB_INSTANCE_MAX])
{
	for (size_t i = 0; e->knob->scope == KNOB_IRQ && i < j->n; i++) {
		char card[64];
		struct diag ignored;
		size_t len;

		if (!j->entry[i].knob || locate(s, j, &j->entry[i], &ignored) ||
		    !came_home(&j->entry[i], dev) ||
		    sys_linkf_name(s, card, sizeof(card), "/sys/class/net/%s/device", dev))
			continue;
		len = strlen(card);
		if (!strncmp(e->instance, card, len) && e->instance[len] == ':')
			return dev;
	}
	return NULL;
}

/* After -ENOENT: the vectors of a card that is down have no names, and their affinity is not gone.
 * 0 when it is worth another try. */
static int raise_for_vector(struct sys *s, struct journal *j, const struct entry *e, struct diag *d)
{
	char dev[KNOB_INSTANCE_MAX];

	if (!home_of_vector(s, j, e, dev) || !net_is_down(s, dev))
		return -ENOENT;
	return j->raises ? net_raise(s, dev, &j->raised, d)
			 : diag_set(d, -ENETDOWN, "%s is down, and its vectors have no names", dev);
}

static int read_value(struct sys *s, struct journal *j, const struct entry *e, char *value,
		      struct diag *d)
{
	int err = knob_get(s, e->knob, where(e), value, d);

	if (err == -ENOENT) {
		err = raise_for_vector(s, j, e, d);
		return err ? err : knob_get(s, e->knob, where(e), value, d);
	}
	if (err == -ENETDOWN && !raise_home(s, j, e, err, d))
		err = knob_get(s, e->knob, where(e), value, d);
	return err;
}

static int write_value(struct sys *s, struct journal *j, const struct entry *e, struct diag *d)
{
	int err = knob_set(s, e->knob, where(e), e->original, d);

	if (err == -ENETDOWN && !raise_home(s, j, e, err, d))
		err = knob_set(s, e->knob, where(e), e->original, d);
	return err;
}

/* Its device went, and its state with it: not to be confused with a file that cannot be read just
 * now. */
static bool is_gone(struct sys *s, const struct entry *e)
{
	_free_ char **list = NULL;

	if (knob_instances(s, e->knob, &list))
		return false;
	for (size_t i = 0; list[i]; i++)
		if (!strcmp(list[i], where(e)))
			return false;
	return true;
}

static bool is_original(const struct entry *e)
{
	return e->now && !strcmp(e->now, e->original);
}

/* Will it be made anew when something else is restored first (its controller bound again)? */
static bool is_awaited(const struct journal *j, const struct entry *e)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->entry[i].state != ENTRY_BACK && !is_original(&j->entry[i]) &&
		    j->entry[i].knob && (j->entry[i].knob->flags & KNOB_REMAKES) &&
		    journal_disturbs(&j->entry[i], e))
			return true;
	return false;
}

static int look(struct sys *s, struct journal *j, struct entry *e)
{
	_free_ char *value = malloc(KNOB_VALUE_MAX);
	char dev[KNOB_INSTANCE_MAX];
	struct diag d = {""};
	int err = value ? locate(s, j, e, &d) : -ENOMEM;

	if (err == -ENODEV) {
		set_now(e, NULL);
		fail(e, ENTRY_BACK, d.text);
		return 0;
	}
	if (!err && j->raises && came_home(e, dev))
		net_raise_found(s, dev, &j->raised);
	if (!err)
		err = read_value(s, j, e, value, &d);
	set_now(e, err ? NULL : value);
	if (!err && !e->now)
		err = -ENOMEM;
	if (err == -ENOENT && is_awaited(j, e))
		return err;
	if ((err == -ENOENT && is_gone(s, e)) || (err == -ENODEV && net_is_scope(e->knob))) {
		fail(e, ENTRY_BACK,
		     "gone: the device or this part of it is no longer there, nor is what was set");
		return 0;
	}
	if (err)
		fail(e, ENTRY_FAILED, *d.text ? d.text : strerror(-err));
	return err;
}

/* "Ours" is the value read back; until that is known, any value but the original. */
static bool is_ours(const struct entry *e)
{
	return !e->ours || (e->now && !strcmp(e->now, e->ours));
}

static bool is_moot(const struct journal *j, const struct entry *e)
{
	return *e->boot && strcmp(e->boot, j->boot) && e->knob &&
	       !(e->knob->flags & KNOB_PERSISTENT);
}

/* Where irqbalance runs, vectors are its own again as soon as ours are back: what is neither as it
 * was nor as we set it, it has placed. (It stands still while ours are set.) */
static bool is_dealt_out(struct sys *s, struct journal *j, const struct entry *e)
{
	const struct knob *running =
		e->knob->scope == KNOB_IRQ ? j->find("irqbalance.running") : NULL;
	_free_ char *value = running ? malloc(KNOB_VALUE_MAX) : NULL;
	struct diag ignored;

	return value && !knob_get(s, running, "", value, &ignored) && !strcmp(value, "1");
}

/* Read and classify; entries that stay OPEN are to be written. */
static void compare(struct sys *s, struct journal *j, struct entry *e, enum restore_mode mode)
{
	if (e->state == ENTRY_BACK || e->state == ENTRY_BAD)
		return;
	if (!e->touched) { /* whatever it is now, we did not do it */
		e->state = ENTRY_BACK;
		return;
	}
	if (is_moot(j, e)) {
		fail(e, ENTRY_BACK, "moot: an earlier boot set it, and the reboot undid it");
		return;
	}
	e->state = ENTRY_OPEN;
	free(e->at); /* it may have moved since */
	e->at = NULL;
	if (look(s, j, e) || e->state == ENTRY_BACK)
		return;
	if (is_original(e) || is_ours(e) || mode == RESTORE_OVERWRITE)
		return;
	if (is_dealt_out(s, j, e))
		fail(e, ENTRY_BACK, "irqbalance runs, and has placed it anew since");
	else
		fail(e, ENTRY_CONFLICT,
		     "conflict: neither the original nor ours; somebody else set it, so it stays");
}

/* The last entry not yet done that no other one still to be done disturbs. */
static struct entry *next(struct journal *j, const bool *done)
{
	for (size_t i = j->n; i-- > 0;) {
		bool ready = !done[i];

		for (size_t k = 0; ready && k < j->n; k++)
			ready = done[k] || k == i || !journal_disturbs(&j->entry[k], &j->entry[i]);
		if (ready)
			return &j->entry[i];
	}
	for (size_t i = j->n; i-- > 0;) /* a cycle in the tables: any order is as good */
		if (!done[i])
			return &j->entry[i];
	return NULL;
}

/* Have we stopped irqbalance, and not set it going again yet? */
static bool is_frozen(const struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->entry[i].touched && j->entry[i].state != ENTRY_BACK &&
		    !strcmp(j->entry[i].name, "irqbalance.running"))
			return true;
	return false;
}

static void put_back(struct sys *s, struct journal *j, struct entry *e)
{
	struct diag d = {""};
	int err;

	if (look(s, j, e) || e->state == ENTRY_BACK)
		return;
	if (!is_original(e)) {
		err = write_value(s, j, e, &d);
		if (j->step)
			j->step(j->step_arg, "write");
		if (err) {
			fail(e, ENTRY_FAILED, d.text);
			return;
		}
	}
	/* once irqbalance goes on, it may place the vector anew at once: seen now, or never */
	if (e->knob->scope == KNOB_IRQ && is_frozen(j) && !look(s, j, e) && is_original(e))
		e->state = ENTRY_BACK;
}

/* Conflicts and failures read anew at the end, too: a later write may have changed or mended it. */
static void verify(struct sys *s, struct journal *j, struct entry *e)
{
	enum entry_state was = e->state;
	_free_ char *why = e->why ? strdup(e->why) : NULL;

	if (was == ENTRY_BACK || was == ENTRY_BAD || look(s, j, e) || e->state == ENTRY_BACK)
		return;
	if (is_original(e))
		e->state = ENTRY_BACK;
	else if (was == ENTRY_OPEN)
		fail(e, ENTRY_FAILED, "the kernel took the original back, but shows another value");
	else
		fail(e, was, why ? why : "not restored");
}

/* What an unrestored knob disturbs is not over either: restoring that one later changes it again.
 */
static void keep_disturbed(struct journal *j, const bool *was_over)
{
	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0; i < j->n; i++) {
			struct entry *e = &j->entry[i];

			if (was_over[i] || e->state != ENTRY_BACK || !is_original(e))
				continue;
			for (size_t k = 0; k < j->n; k++)
				if (j->entry[k].state != ENTRY_BACK &&
				    journal_disturbs(&j->entry[k], e)) {
					e->state = ENTRY_OPEN;
					again = true;
				}
		}
	}
}

bool restore_differs(const struct entry *e)
{
	return e->level != ENTRY_KEPT && e->state != ENTRY_BACK &&
	       !(e->state == ENTRY_OPEN && is_original(e));
}

static void report_entry(json_t *report, const struct entry *e, const bool was_over)
{
	const char *why = e->why ? e->why : "restored";

	if (report && !was_over && (e->touched || e->state == ENTRY_BAD))
		json_array_append_new(report, entry_json(e, why));
}

/* Say in the file what is over and what is ours in the rest, so that a later look judges right. */
static void settle(struct journal *j, const bool *was_over, enum restore_mode mode)
{
	for (size_t i = 0; i < j->n; i++) {
		struct entry *e = &j->entry[i];

		if (was_over[i])
			continue;
		if (mode == RESTORE_ACCEPT || e->state == ENTRY_BACK)
			journal_back(j, e);
		else if (e->now && !e->ours && (e->state == ENTRY_FAILED || mode == RESTORE_ABOVE))
			journal_read(j, e, e->now);
	}
	/* best effort: the machine matters more, and without it only precision is lost */
	journal_sync(j, NULL);
}

static int first_left(const struct journal *j, struct diag *d)
{
	const struct entry *first = NULL;
	char label[KNOB_LABEL_MAX];
	size_t left = 0;

	for (size_t i = j->n; i-- > 0;)
		if (restore_differs(&j->entry[i])) {
			first = &j->entry[i];
			left++;
		}
	if (!first)
		return diag_set(d, -EUCLEAN,
				"%zu lines of the journal cannot be read: what they said cannot be "
				"restored",
				j->damaged);
	snprintf(label, sizeof(label), *first->instance ? "%s of %s" : "%s", first->name,
		 first->instance);
	return diag_set(d, -EUCLEAN,
			"%zu of %zu knobs not restored; first: %s was \"%s\", is \"%s\" (%s)", left,
			j->n, label, first->original, first->now ? first->now : "unreadable",
			first->why ? first->why : "not restored");
}

/* Below session_keep(), and nobody has written it since. */
static bool stays(const struct entry *e)
{
	return e->level == ENTRY_KEPT ||
	       (e->level == ENTRY_BELOW && e->ours && !strcmp(e->ours, e->original));
}

static bool any_differs(const struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (restore_differs(&j->entry[i]))
			return true;
	return false;
}

int restore_journal(struct sys *s, struct journal *j, enum restore_mode mode, json_t *report,
		    struct diag *d)
{
	_free_ bool *done = calloc(j->n + 1, sizeof(*done)), *was_over = calloc(j->n + 1, 1);
	bool writes = false;
	struct diag why = {""};
	struct entry *e;
	int lowered;

	if (!done || !was_over)
		return -ENOMEM;
	j->patience_ns = clock_ns() + PATIENCE_NS;
	j->raises = true;
	for (size_t i = 0; i < j->n; i++) {
		was_over[i] = j->entry[i].state == ENTRY_BACK ||
			      (mode == RESTORE_ABOVE && stays(&j->entry[i]));
		if (!was_over[i])
			compare(s, j, &j->entry[i], mode);
		done[i] = was_over[i] || j->entry[i].state != ENTRY_OPEN;
	}
	/* all are judged before the first undo, which makes others' values unknown */
	for (size_t i = 0; i < j->n; i++)
		if (!done[i] && !is_original(&j->entry[i]) && !journal_undo(j, &j->entry[i]))
			writes = true;
	if (writes) /* best effort again: a full disk must not keep us from restoring */
		journal_sync(j, NULL);
	/* what would be out of reach once the write that made it is undone */
	for (size_t i = j->n; i-- > 0;)
		if (!done[i] && j->entry[i].late)
			put_back(s, j, &j->entry[i]);
	while ((e = next(j, done))) {
		put_back(s, j, e);
		done[e - j->entry] = true;
	}
	for (size_t i = 0; i < j->n; i++)
		if (!was_over[i])
			verify(s, j, &j->entry[i]);
	lowered = net_lower(s, &j->raised, &why);
	keep_disturbed(j, was_over);
	for (size_t i = 0; i < j->n; i++)
		report_entry(report, &j->entry[i], was_over[i]);
	if (mode == RESTORE_ABOVE) {
		settle(j, was_over, mode);
		return any_differs(j) ? first_left(j, d) : 0;
	}
	if (mode != RESTORE_ACCEPT && (journal_left(j) || j->damaged)) {
		settle(j, was_over, mode);
		return first_left(j, d);
	}
	if (lowered && mode != RESTORE_ACCEPT) /* the journal stays, so that the next one tries */
		return diag_set(d, -EUCLEAN, "%s", why.text);
	return journal_remove(j, d);
}

int restore_inspect(struct sys *s, struct journal *j, json_t *left)
{
	j->patience_ns = 0;
	j->raises = false;
	for (size_t i = 0; i < j->n; i++) {
		struct entry *e = &j->entry[i];

		if (e->state == ENTRY_BACK)
			continue;
		compare(s, j, e, RESTORE_COMPARE);
		if (!restore_differs(e))
			continue;
		if (json_array_append_new(left, entry_json(e, e->why ? e->why : "set by iomodes")))
			return -ENOMEM;
	}
	return 0;
}
