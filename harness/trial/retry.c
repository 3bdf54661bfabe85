// SPDX-License-Identifier: Apache-2.0
#include "trial/retry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonio.h"

#define TRIES_MAX 2

/* Why a trial gave nothing, in its own words. */
static void read_state(struct retry_entry *e, const json_t *record)
{
	const char *status = jsonio_string(record, "status", "failed");
	const json_t *one;
	size_t i;

	e->reason[0] = '\0';
	if (!strcmp(status, "valid") ||
	    !strcmp(jsonio_string(record, "verdict.mode", ""), "unsupported")) {
		e->state = RETRY_GOOD; /* unsupported is an answer, too */
		return;
	}
	e->state = strcmp(status, "failed") ? RETRY_INVALID : RETRY_FAILED;
	if (e->state == RETRY_FAILED)
		snprintf(e->reason, sizeof(e->reason), "%.190s",
			 jsonio_string(record, "error", "the trial failed"));
	json_array_foreach (json_object_get(record, "checks"), i, one)
		if (!*e->reason && !strcmp(jsonio_string(one, "result", ""), "fail"))
			snprintf(e->reason, sizeof(e->reason), "%.40s: %.140s",
				 jsonio_string(one, "id", "?"), jsonio_string(one, "sentence", ""));
}

static const char *short_id(const char *id)
{
	const char *slash = strrchr(id, '/');

	return slash ? slash + 1 : id;
}

static int add(struct retry_list *l, const json_t *record, size_t cell)
{
	struct retry_entry *e;

	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;

		e = reallocarray(l->entry, room, sizeof(*e));
		if (!e)
			return -ENOMEM;
		l->entry = e;
		l->room = room;
	}
	e = &l->entry[l->n++];
	*e = (struct retry_entry){
		.cell = cell,
		.block = (uint64_t)json_integer_value(json_object_get(record, "block")),
		.order = (uint64_t)json_integer_value(json_object_get(record, "order")),
	};
	snprintf(e->id, sizeof(e->id), "%s", short_id(jsonio_string(record, "trial", "?")));
	read_state(e, record);
	return 0;
}

int retry_note(struct retry_list *l, const json_t *record, size_t cell)
{
	const char *pass = jsonio_string(record, "pass", "measure");
	const char *of = short_id(jsonio_string(record, "retry_of", ""));

	if (!strcmp(pass, "measure"))
		return add(l, record, cell);
	if (strcmp(pass, "retry"))
		return 0;
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->entry[i].id, of)) {
			l->entry[i].tries++;
			l->made++;
			read_state(&l->entry[i], record);
		}
	return 0;
}

void retry_spoil_block(struct retry_list *l, uint64_t block, const char *reason)
{
	for (size_t i = 0; i < l->n; i++) {
		struct retry_entry *e = &l->entry[i];

		if (e->block != block || e->state != RETRY_GOOD || e->tries)
			continue;
		e->state = RETRY_INVALID;
		snprintf(e->reason, sizeof(e->reason), "host_suspect: %.180s", reason);
	}
}

/* Nothing of the cell was ever good; `failed`: nor did any trial of it give numbers. */
static bool never_good(const struct retry_list *l, size_t cell, bool failed, unsigned *tries)
{
	*tries = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (l->entry[i].cell != cell)
			continue;
		if (l->entry[i].state == RETRY_GOOD ||
		    (failed && l->entry[i].state != RETRY_FAILED))
			return false;
		*tries += l->entry[i].tries;
	}
	return true;
}

static bool is_hopeless(const struct retry_list *l, const struct retry_entry *e)
{
	unsigned tries;

	return e->tries >= TRIES_MAX || never_good(l, e->cell, true, &tries) ||
	       (never_good(l, e->cell, false, &tries) && tries);
}

struct retry_entry *retry_next(struct retry_list *l)
{
	struct retry_entry *next = NULL;

	l->budget = (size_t)((double)l->n * RETRY_SHARE);
	for (size_t i = 0; l->made < l->budget && i < l->n; i++) {
		struct retry_entry *e = &l->entry[i];

		/* all once before any of them twice */
		if (e->state != RETRY_GOOD && !is_hopeless(l, e) &&
		    (!next || e->tries < next->tries))
			next = e;
	}
	return next;
}

size_t retry_waiting(const struct retry_list *l)
{
	size_t n = 0, left = l->budget > l->made ? l->budget - l->made : 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->entry[i].state != RETRY_GOOD && !is_hopeless(l, &l->entry[i]);
	return n < left ? n : left;
}

json_t *retry_json(const struct retry_list *l)
{
	json_t *given_up = json_array();

	for (size_t i = 0; i < l->n; i++)
		if (l->entry[i].state != RETRY_GOOD)
			json_array_append_new(given_up,
					      json_pack("{s:s, s:s}", "trial", l->entry[i].id,
							"reason", l->entry[i].reason));
	return json_pack("{s:I, s:I, s:o}", "budget", (json_int_t)l->budget, "made",
			 (json_int_t)l->made, "given_up", given_up);
}

void retry_free(struct retry_list *l)
{
	free(l->entry);
	*l = (struct retry_list){0};
}
