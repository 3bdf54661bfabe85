// SPDX-License-Identifier: Apache-2.0
#include "record/record.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/jsonio.h"
#include "record/view.h"

#define SEAL	 ",\"sha256\":\""
#define SEAL_LEN (sizeof(SEAL) - 1 + DIGEST_TEXT - 1 + 1) /* with the closing quote */

static int canonical_digest(const json_t *trial, char out[static DIGEST_TEXT], struct diag *d)
{
	_json_ json_t *copy = json_copy((json_t *)trial);
	_free_ char *text = NULL;

	json_object_del(copy, "sha256");
	text = jsonio_line(copy);
	if (!text)
		return diag_set(d, -ENOMEM, "out of memory");
	return digest_bytes(text, strlen(text), out, d);
}

int record_seal(json_t *trial, struct diag *d)
{
	char digest[DIGEST_TEXT];
	int err = canonical_digest(trial, digest, d);

	return err ? err : json_object_set_new(trial, "sha256", json_string(digest));
}

int record_append_trial(int fd, json_t *trial, struct diag *d)
{
	int err = record_validate_trial(trial, d);

	if (!err)
		err = record_seal(trial, d);
	return err ? err : jsonio_append(fd, trial, d);
}

int record_write_run(int dirfd, const json_t *run, struct diag *d)
{
	int err = record_validate_run(run, d);

	return err ? err : jsonio_write(dirfd, "run.json", run, d);
}

/* A line that we wrote is canonical already: cut its seal out of the text instead of printing the
 * whole record again. */
static bool sealed_text(const char *line, size_t len)
{
	char digest[DIGEST_TEXT], *text;
	const char *at = line, *last = NULL;
	bool same;

	while ((at = memmem(at, len - (size_t)(at - line), SEAL, sizeof(SEAL) - 1))) {
		last = at; /* its members sort before the top level's "sha256"; ours is the last */
		at++;
	}
	if (!last || (size_t)(last - line) + SEAL_LEN > len)
		return false;
	text = malloc(len);
	if (!text)
		return false;
	memcpy(text, line, (size_t)(last - line));
	memcpy(text + (last - line), last + SEAL_LEN, len - (size_t)(last - line) - SEAL_LEN);
	same = !digest_bytes(text, len - SEAL_LEN, digest, NULL) &&
	       !memcmp(digest, last + sizeof(SEAL) - 1, DIGEST_TEXT - 1);
	free(text);
	return same;
}

static bool seal_holds(const char *line, size_t len, const json_t *trial)
{
	const json_t *seal = json_object_get(trial, "sha256");
	char digest[DIGEST_TEXT];

	if (!seal)
		return true; /* optional: records made by other tools carry none */
	if (!json_is_string(seal))
		return false;
	if (sealed_text(line, len))
		return true;
	return !canonical_digest(trial, digest, NULL) && !strcmp(digest, json_string_value(seal));
}

__attribute__((format(printf, 4, 5))) static int leave_out(struct run_data *data, size_t line,
							   const char *trial, const char *fmt, ...)
{
	struct record_note *grown = reallocarray(data->note, data->n_notes + 1, sizeof(*grown));
	struct record_note *note;
	va_list ap;

	if (!grown)
		return -ENOMEM;
	data->note = grown;
	note = &grown[data->n_notes++];
	note->line = line;
	snprintf(note->trial, sizeof(note->trial), "%s", trial);
	va_start(ap, fmt);
	vsnprintf(note->text, sizeof(note->text), fmt, ap);
	va_end(ap);
	return 0;
}

struct reader {
	struct run_data *data;
	json_t *seen;	  /* trial id -> true */
	json_t *modes;	  /* cell id -> its mode */
	json_t *measured; /* "block cell" -> true, of the trials that are one of a block */
	record_visitor visit;
	record_view_visitor visit_view;
	void *context;
};

/* Counts each id once. */
static bool is_double(struct reader *r, const char *id)
{
	if (json_object_get(r->seen, id))
		return true;
	json_object_set_new(r->seen, id, json_true());
	return false;
}

/* Where a record says that it belongs. */
struct place {
	char run[128], cell[400], mode[200], pass[24];
	double block;
};

/* Does it belong into this run? What one reader leaves out, all leave out. `why` says why not. */
static bool is_misplaced(struct reader *r, const struct place *p, char *why, size_t size)
{
	const json_t *run = r->data->run, *mode = json_object_get(r->modes, p->cell);
	size_t blocks = json_array_size(json_object_get(run, "order"));
	bool measure = !strcmp(p->pass, "measure");
	char key[440];

	if (strcmp(p->run, jsonio_string(run, "run", "")))
		snprintf(why, size, "of another run, %.80s", p->run);
	else if (!mode)
		snprintf(why, size, "its cell \"%.120s\" is not in run.json", p->cell);
	else if (strcmp(p->mode, json_string_value(mode)))
		snprintf(why, size, "its mode \"%.80s\" is not that of its cell", p->mode);
	else if ((measure || !strcmp(p->pass, "retry")) && blocks && p->block >= (double)blocks)
		snprintf(why, size, "its block %.0f is not in the order of run.json", p->block);
	else
		*why = '\0';
	if (*why || !measure)
		return *why;
	snprintf(key, sizeof(key), "%.0f %s", p->block, p->cell);
	if (json_object_get(r->measured, key))
		snprintf(why, size, "its cell was measured in block %.0f before: counted once",
			 p->block);
	json_object_set_new(r->measured, key, json_true());
	return *why;
}

static void place_of_view(const struct view *v, struct place *p)
{
	view_word(v, "run", p->run, sizeof(p->run), "");
	view_word(v, "cell", p->cell, sizeof(p->cell), "");
	view_word(v, "mode", p->mode, sizeof(p->mode), "");
	view_word(v, "pass", p->pass, sizeof(p->pass), "measure");
	p->block = view_number(v, "block");
}

static void place_of(const json_t *trial, struct place *p)
{
	snprintf(p->run, sizeof(p->run), "%s", jsonio_string(trial, "run", ""));
	snprintf(p->cell, sizeof(p->cell), "%s", jsonio_string(trial, "cell", ""));
	snprintf(p->mode, sizeof(p->mode), "%s", jsonio_string(trial, "mode", ""));
	snprintf(p->pass, sizeof(p->pass), "%s", jsonio_string(trial, "pass", "measure"));
	p->block = jsonio_number(trial, "block");
}

/* All metrics are numbers, and the block is one that there can be; else the record is read whole,
 * which says what is wrong. */
static bool is_plausible(const struct view *v)
{
	double block = view_number(v, "block");
	struct view metrics;

	if (!(block >= 0) || block > 1e9 || block != floor(block) ||
	    !view_make(view_get(v, "metrics"), &metrics))
		return false;
	for (size_t i = 0; i < metrics.n; i++)
		if (!(fabs(span_number(metrics.value[i])) < 1e18))
			return false;
	return true;
}

/* A record of this schema whose seal holds and which names what every record names. */
static bool sealed_view(const char *line, size_t len, struct view *v)
{
	if (!view_make((struct span){line, len}, v) || view_number(v, "schema") != RECORD_SCHEMA)
		return false;
	for (const char *const *name = record_required_trial(); *name; name++)
		if (!view_get(v, *name).at)
			return false;
	return is_plausible(v) && sealed_text(line, len);
}

static int see_view(struct reader *r, size_t number, const struct view *v, struct diag *d)
{
	char id[64], why[256];
	struct place p;

	view_word(v, "trial", id, sizeof(id), "?");
	if (is_double(r, id))
		return leave_out(r->data, number, id, "the id was there before: counted once");
	place_of_view(v, &p);
	if (is_misplaced(r, &p, why, sizeof(why)))
		return leave_out(r->data, number, id, "%s", why);
	r->data->n_trials++;
	return r->visit_view(r->context, v, d);
}

static int read_line(struct reader *r, size_t number, const char *line, size_t len, struct diag *d)
{
	bool torn = !len || line[len - 1] != '\n';
	_json_ json_t *trial = NULL;
	json_error_t error;
	struct diag why = {""};
	struct place place;
	struct view view;
	char misplaced[256];
	const char *id;
	int err;

	if (!torn)
		len--;
	if (!len)
		return 0;
	if (r->visit_view && !torn && sealed_view(line, len, &view))
		return see_view(r, number, &view, d);
	trial = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!trial && torn)
		return leave_out(r->data, number, "",
				 "the last line is cut short: the run ended while it was written");
	if (!trial)
		return leave_out(r->data, number, "", "not JSON: %.160s", error.text);
	id = jsonio_string(trial, "trial", "");
	err = record_validate_trial(trial, &why);
	if (err == -EPROTONOSUPPORT)
		return diag_set(d, err, "trials.jsonl:%zu: %s", number, why.text);
	if (err)
		return leave_out(r->data, number, id, "malformed: %.200s", why.text);
	if (!seal_holds(line, len, trial))
		return leave_out(r->data, number, id, "edited: its text does not match its sha256");
	if (r->visit_view && view_make((struct span){line, len}, &view))
		return see_view(r, number, &view, d);
	if (is_double(r, id))
		return leave_out(r->data, number, id, "the id was there before: counted once");
	place_of(trial, &place);
	if (is_misplaced(r, &place, misplaced, sizeof(misplaced)))
		return leave_out(r->data, number, id, "%s", misplaced);
	r->data->n_trials++;
	return r->visit ? r->visit(r->context, trial, d) : 0;
}

static int read_trials(const char *dir, struct reader *r, struct diag *d)
{
	_free_ char *path = NULL, *line = NULL;
	_file_ FILE *in = NULL;
	size_t size = 0, number = 0;
	ssize_t len;
	int err;

	if (asprintf(&path, "%s/trials.jsonl", dir) < 0)
		return -ENOMEM;
	in = fopen(path, "re");
	if (!in && errno == ENOENT)
		return 0; /* a run that ended before its first trial */
	if (!in)
		return diag_errno(d, -errno, "%s", path);
	while ((len = getline(&line, &size, in)) > 0) {
		err = read_line(r, ++number, line, (size_t)len, d);
		if (err)
			return err;
	}
	return ferror(in) ? diag_errno(d, -EIO, "%s", path) : 0;
}

static int read_run(const char *dir, struct reader *r, struct run_data **out, struct diag *d)
{
	_free_ char *path = NULL;
	const json_t *cell;
	size_t i;
	int err;

	*out = NULL;
	if (asprintf(&path, "%s/run.json", dir) < 0)
		return -ENOMEM;
	r->data = calloc(1, sizeof(*r->data));
	r->seen = json_object();
	r->modes = json_object();
	r->measured = json_object();
	if (!r->data || !r->seen || !r->modes || !r->measured) {
		err = -ENOMEM;
		goto out;
	}
	err = jsonio_read(path, &r->data->run, d);
	if (!err)
		err = record_validate_run(r->data->run, d);
	if (err)
		goto out;
	json_array_foreach (json_object_get(r->data->run, "cells"), i, cell)
		json_object_set(r->modes, jsonio_string(cell, "id", ""),
				json_object_get(cell, "mode"));
	err = read_trials(dir, r, d);
out:
	json_decref(r->seen);
	json_decref(r->modes);
	json_decref(r->measured);
	if (err) {
		record_free_run(r->data);
		return err;
	}
	*out = r->data;
	return 0;
}

int record_read_run(const char *dir, record_visitor visit, void *context, struct run_data **out,
		    struct diag *d)
{
	struct reader r = {.visit = visit, .context = context};

	return read_run(dir, &r, out, d);
}

int record_view_run(const char *dir, record_view_visitor visit, void *context,
		    struct run_data **out, struct diag *d)
{
	struct reader r = {.visit_view = visit, .context = context};

	return read_run(dir, &r, out, d);
}

struct keep {
	json_t **trial;
	size_t n, room;
};

static int keep_trial(void *context, json_t *trial, struct diag *d)
{
	struct keep *k = context;

	if (k->n == k->room) {
		size_t room = k->room ? 2 * k->room : 64;
		json_t **grown = reallocarray(k->trial, room, sizeof(json_t *));

		if (!grown)
			return diag_set(d, -ENOMEM, "out of memory");
		k->trial = grown;
		k->room = room;
	}
	k->trial[k->n++] = json_incref(trial);
	return 0;
}

int record_load_run(const char *dir, struct run_data **out, struct diag *d)
{
	struct keep k = {0};
	int err = record_read_run(dir, keep_trial, &k, out, d);

	if (err) {
		for (size_t i = 0; i < k.n; i++)
			json_decref(k.trial[i]);
		free(k.trial);
		return err;
	}
	(*out)->trial = k.trial;
	return 0;
}

void record_free_run(struct run_data *data)
{
	if (!data)
		return;
	if (data->trial)
		for (size_t i = 0; i < data->n_trials; i++)
			json_decref(data->trial[i]);
	free(data->trial);
	free(data->note);
	json_decref(data->run);
	free(data);
}
