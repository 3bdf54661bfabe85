// SPDX-License-Identifier: Apache-2.0
#include "knob/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "knob/net_device.h"

static int set_text(char **at, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

static void entry_free(struct entry *e)
{
	free(e->name);
	free(e->instance);
	free(e->original);
	free(e->intended);
	free(e->ours);
	free(e->during);
	free(e->now);
	free(e->why);
	free(e->device);
	free(e->at);
}

void journal_clear(struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		entry_free(&j->entry[i]);
	free(j->entry);
	free(j->pending);
	j->entry = NULL;
	j->pending = NULL;
	j->n = j->pending_len = j->bytes = j->damaged = 0;
	j->serial = 0;
	j->torn = j->exists = false;
}

struct entry *journal_find(struct journal *j, const char *name, const char *instance)
{
	for (size_t i = 0; i < j->n; i++)
		if (!strcmp(j->entry[i].name, name) && !strcmp(j->entry[i].instance, instance))
			return &j->entry[i];
	return NULL;
}

size_t journal_left(const struct journal *j)
{
	size_t left = 0;

	for (size_t i = 0; i < j->n; i++)
		left += j->entry[i].state != ENTRY_BACK;
	return left;
}

static int new_entry(struct journal *j, const char *name, const char *instance,
		     const char *original, const char *boot, struct entry **out)
{
	struct entry *grown = reallocarray(j->entry, j->n + 1, sizeof(*grown)), *e;

	if (!grown)
		return -ENOMEM;
	j->entry = grown;
	e = &grown[j->n];
	*e = (struct entry){.knob = j->find(name)};
	snprintf(e->boot, sizeof(e->boot), "%s", boot);
	if (set_text(&e->name, name) || set_text(&e->instance, instance) ||
	    set_text(&e->original, original)) {
		entry_free(e);
		return -ENOMEM;
	}
	j->n++;
	*out = e;
	return 0;
}

/* Which instances a device made anew had is known only while it is there: all may be. */
bool journal_disturbs(const struct entry *a, const struct entry *b)
{
	const char *b_whole = b->knob ? b->knob->part_of : NULL;

	if (a == b || !a->knob)
		return false;
	if (a->knob->part_of && !strcmp(a->knob->part_of, b->name) &&
	    !strcmp(a->instance, b->instance))
		return true;
	/* what changes the whole changes its parts */
	if (!knob_disturbs(a->knob, b->name) && !(b_whole && knob_disturbs(a->knob, b_whole)))
		return false;
	if (a->knob->touches || !strcmp(a->instance, b->instance))
		return true;
	/* a whole device's, not one queue's, changes what belongs to the device */
	return b->knob && net_is_scope(a->knob) && !a->instance[net_device_len(a->instance)] &&
	       (!net_is_scope(b->knob) || net_same_device(a->instance, b->instance));
}

void journal_drop_over(struct journal *j)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->n; i++) {
		struct entry *e = &j->entry[i];

		if (e->state == ENTRY_BACK) {
			entry_free(e);
			continue;
		}
		if (e->level == ENTRY_BELOW) {
			free(e->intended);
			e->intended = NULL;
		}
		j->entry[kept++] = *e;
	}
	j->n = kept;
}

/* Values are not known for certain from here on: this knob's, and those it disturbs, and theirs. */
static void forget_ours(struct journal *j, struct entry *e)
{
	free(e->ours);
	e->ours = NULL;
	e->touched = true;
	for (size_t i = 0; i < j->n; i++) {
		struct entry *other = &j->entry[i];

		if ((other->ours || !other->touched) && journal_disturbs(e, other))
			forget_ours(j, other);
	}
}

/* What may be acted on; anything else stays listed and untouched. */
static int judge(struct entry *e)
{
	struct diag d;

	if (!e->knob)
		return set_text(&e->why, "this iomodes knows no such knob") ?: -EINVAL;
	if (e->knob->flags & (KNOB_READ_ONLY | KNOB_HELD))
		return set_text(&e->why, "this knob is never journalled") ?: -EINVAL;
	if (knob_check_instance(e->knob, e->instance, &d) ||
	    knob_check_value(e->knob, e->original, &d))
		return set_text(&e->why, d.text) ?: -EINVAL;
	return 0;
}

static int replay_line(struct journal *j, const json_t *r)
{
	const char *op = jsonio_string(r, "op", NULL), *name = jsonio_string(r, "knob", NULL),
		   *instance = jsonio_string(r, "instance", NULL),
		   *original = jsonio_string(r, "original", NULL),
		   *value = jsonio_string(r, "value", NULL),
		   *intended = jsonio_string(r, "intended", NULL);
	struct entry *e;
	int err;

	if (!op || !name || !instance)
		return -EINVAL;
	j->serial = json_integer_value(json_object_get(r, "n")) + 1;
	e = journal_find(j, name, instance);
	if (!strcmp(op, "own") || !strcmp(op, "write")) {
		if (!original || (*op == 'w' && !intended))
			return -EINVAL;
		if (!e) {
			err = new_entry(j, name, instance, original, jsonio_string(r, "boot", ""),
					&e);
			if (err)
				return err;
			err = judge(e);
			if (err == -ENOMEM)
				return err;
			if (err)
				e->state = ENTRY_BAD;
		} else if (e->state == ENTRY_BACK) { /* owned anew */
			e->state = ENTRY_OPEN;
			e->touched = false;
			err = set_text(&e->original, original);
			if (err)
				return err;
		}
		if (*op == 'o') {
			e->late = json_is_true(json_object_get(r, "late"));
			return set_text(&e->device, jsonio_string(r, "device", ""));
		}
		forget_ours(j, e);
		return set_text(&e->intended, intended);
	}
	if (!e)
		return -EINVAL;
	if (!strcmp(op, "read"))
		return value ? set_text(&e->ours, value) : -EINVAL;
	if (!strcmp(op, "undo"))
		forget_ours(j, e);
	else if (!strcmp(op, "back"))
		e->state = ENTRY_BACK;
	else
		return -EINVAL;
	return 0;
}

int journal_load(struct journal *j, struct diag *d)
{
	_free_ char *text = NULL;
	size_t len, bad = 0; /* lines up to here that make no sense */
	int err;

	journal_clear(j);
	err = j->store->ops->load(j->store, JOURNAL_FILE, &text, &len);
	if (err == -ENOENT)
		return 0;
	if (err)
		return diag_errno(d, err, "journal");
	j->exists = true;
	j->bytes = len;
	for (char *line = text; line < text + len;) {
		char *end = memchr(line, '\n', (size_t)(text + len - line));
		_json_ json_t *r = NULL;

		r = json_loadb(line, (size_t)((end ? end : text + len) - line),
			       JSON_REJECT_DUPLICATES, NULL);
		/* torn: what it announces never happened, so with nothing after it, or our own
		 * word for it, it is forgiven */
		if (!end || !json_is_object(r)) {
			bad++;
		} else if (!strcmp(jsonio_string(r, "op", ""), "torn")) {
			bad = 0;
		} else {
			j->damaged += bad;
			bad = 0;
			err = replay_line(j, r);
			if (err == -ENOMEM)
				return err;
			j->damaged += err != 0;
		}
		line = end ? end + 1 : text + len;
	}
	j->torn = bad || (len && text[len - 1] != '\n');
	return 0;
}

static int gather(struct journal *j, json_t *record)
{
	_json_ json_t *owned = record;
	_free_ char *line = NULL;
	size_t len;
	char *grown;

	if (!record || json_object_set_new(record, "n", json_integer(j->serial)))
		return -ENOMEM;
	line = jsonio_line(record);
	if (!line)
		return -ENOMEM;
	len = strlen(line);
	grown = realloc(j->pending, j->pending_len + len + 2);
	if (!grown)
		return -ENOMEM;
	j->pending = grown;
	memcpy(grown + j->pending_len, line, len);
	grown[j->pending_len + len] = '\n';
	grown[j->pending_len + len + 1] = '\0';
	j->pending_len += len + 1;
	j->serial++;
	return 0;
}

int journal_own(struct journal *j, const struct knob *k, const char *instance, const char *original,
		const char *device, bool late, struct entry **e)
{
	json_t *record;
	int err = new_entry(j, k->name, instance, original, j->boot, e);

	if (!err)
		err = set_text(&(*e)->device, device);
	if (err)
		return err;
	(*e)->late = late;
	record = json_pack("{s:s, s:s, s:s, s:s, s:s}", "op", "own", "knob", k->name, "instance",
			   instance, "original", original, "boot", j->boot);
	if (record && ((*device && json_object_set_new(record, "device", json_string(device))) ||
		       (late && json_object_set_new(record, "late", json_true())))) {
		json_decref(record);
		return -ENOMEM;
	}
	return gather(j, record);
}

int journal_write(struct journal *j, struct entry *e, const char *intended)
{
	int err = set_text(&e->intended, intended);

	if (err)
		return err;
	forget_ours(j, e);
	return gather(j, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "op", "write", "knob", e->name,
				   "instance", e->instance, "original", e->original, "intended",
				   intended, "boot", e->boot));
}

int journal_read(struct journal *j, struct entry *e, const char *value)
{
	int err = set_text(&e->ours, value);

	return err ? err
		   : gather(j, json_pack("{s:s, s:s, s:s, s:s}", "op", "read", "knob", e->name,
					 "instance", e->instance, "value", value));
}

int journal_undo(struct journal *j, struct entry *e)
{
	forget_ours(j, e);
	return gather(j, json_pack("{s:s, s:s, s:s}", "op", "undo", "knob", e->name, "instance",
				   e->instance));
}

int journal_back(struct journal *j, struct entry *e)
{
	e->state = ENTRY_BACK;
	return gather(j, json_pack("{s:s, s:s, s:s}", "op", "back", "knob", e->name, "instance",
				   e->instance));
}

static int copy_lines(struct journal *j)
{
	size_t done = 0;

	while (j->copy_fd >= 0 && done < j->pending_len) {
		ssize_t n = write(j->copy_fd, j->pending + done, j->pending_len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

int journal_sync(struct journal *j, struct diag *d)
{
	static const char torn[] = "\n{\"op\":\"torn\"}\n";
	struct store *st = j->store;
	int err = 0;

	if (!j->pending_len)
		return 0;
	if (j->torn) {
		err = st->ops->append(st, JOURNAL_FILE, torn, strlen(torn));
		if (!err) {
			j->torn = false;
			j->bytes += strlen(torn);
		}
	}
	if (!err)
		err = st->ops->append(st, JOURNAL_FILE, j->pending, j->pending_len);
	if (err) {
		j->exists = true; /* perhaps: removing one that is not there does no harm */
		if (st->ops->cut(st, JOURNAL_FILE, j->bytes))
			j->torn = true;
		diag_errno(d, err, "the journal cannot be written");
	} else {
		j->exists = true;
		j->bytes += j->pending_len;
		if (copy_lines(j)) /* the copy is for readers only; a full disk shows elsewhere */
			j->copy_fd = -1;
	}
	j->pending_len = 0;
	if (!err && j->step)
		j->step(j->step_arg, "journal");
	return err;
}

int journal_remove(struct journal *j, struct diag *d)
{
	int err = j->exists ? j->store->ops->remove(j->store, JOURNAL_FILE) : 0;

	if (err)
		return diag_errno(d, err,
				  "everything is restored, but the journal cannot be removed");
	j->exists = false;
	if (j->step)
		j->step(j->step_arg, "removed");
	return 0;
}

json_t *entry_json(const struct entry *e, const char *why)
{
	return json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s}", "knob", e->name, "instance",
			 e->instance, "original", e->original, "ours",
			 e->ours ? e->ours : e->intended, "now", e->now, "why", why);
}
