// SPDX-License-Identifier: Apache-2.0
#include "trial/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "record/record.h"
#include "trial/run_json.h"
#include "trial/proof.h"

static int append_line(FILE *out, const json_t *record)
{
	_free_ char *line = jsonio_line(record);

	return line && fprintf(out, "%s\n", line) > 0 ? 0 : -ENOSPC;
}

static FILE *open_for(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0644);

	return fd < 0 ? NULL : fdopen(fd, flags & O_APPEND ? "a" : "w");
}

static bool is_measure(const json_t *trial)
{
	return !strcmp(jsonio_string(trial, "pass", "measure"), "measure");
}

static uint64_t block_of(const json_t *trial)
{
	return (uint64_t)json_integer_value(json_object_get(trial, "block"));
}

static uint64_t first_incomplete(const struct run_data *data, const struct plan *plan)
{
	for (uint64_t b = 0; b < plan->e->blocks; b++) {
		size_t have = 0;

		for (size_t i = 0; i < data->n_trials; i++)
			have += is_measure(data->trial[i]) && block_of(data->trial[i]) == b;
		if (have < plan->n_run)
			return b;
	}
	return plan->e->blocks;
}

/* Keep whole blocks, calibration and proofs; the rest, and the cpu_left pass, goes aside. */
static int set_aside(struct rundir *dir, const struct run_data *data, uint64_t first,
		     struct diag *d)
{
	_file_ FILE *keep = open_for(dir->dir, ".trials.jsonl.new", O_TRUNC);
	_file_ FILE *aside = open_for(dir->dir, "trials-superseded.jsonl", O_APPEND);
	int err = keep && aside ? 0 : -errno;

	for (size_t i = 0; !err && i < data->n_trials; i++) {
		const json_t *t = data->trial[i];
		const char *pass = jsonio_string(t, "pass", "measure");
		bool kept = !strcmp(pass, "calibration") || proof_is_pass(pass) ||
			    ((is_measure(t) || !strcmp(pass, "retry")) && block_of(t) < first);

		err = append_line(kept ? keep : aside, t);
	}
	if (!err && (fflush(keep) || fsync(fileno(keep)) || fflush(aside) || fsync(fileno(aside))))
		err = -errno;
	if (!err && renameat(dir->dir, ".trials.jsonl.new", dir->dir, "trials.jsonl"))
		err = -errno;
	/* of the end that was none: what it lists changes from now on */
	if (!err && unlinkat(dir->dir, "SHA256SUMS", 0) && errno != ENOENT)
		err = -errno;
	if (!err && fsync(dir->dir))
		err = -errno;
	if (err)
		return diag_errno(d, err, "%s/trials.jsonl", dir->path);
	close(dir->trials);
	dir->trials = openat(dir->dir, "trials.jsonl", O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	return dir->trials < 0 ? diag_errno(d, -errno, "%s/trials.jsonl", dir->path) : 0;
}

/* The canaries of the blocks that are kept. */
static void keep_canaries(json_t *run, uint64_t first)
{
	json_t *samples = jsonio_at(run, "canary.samples");

	for (size_t i = json_array_size(samples); i-- > 0;)
		if (block_of(json_array_get(samples, i)) >= first)
			json_array_remove(samples, i);
}

int resume_load(struct rundir *dir, const struct plan *plan, json_t **run, uint64_t *first_block,
		unsigned *attempt, struct diag *d)
{
	struct run_data *data = NULL;
	int err = record_load_run(dir->path, &data, d);

	if (!err && json_is_true(json_object_get(data->run, "complete")))
		err = diag_set(d, -EALREADY, "%s is complete; there is nothing to resume",
			       dir->path);
	if (!err)
		err = run_json_same_plan(data->run, plan, d);
	if (!err) {
		*first_block = first_incomplete(data, plan);
		err = set_aside(dir, data, *first_block, d);
	}
	if (!err) {
		json_t *count = json_object_get(data->run, "resumed");

		*attempt = (unsigned)json_integer_value(count) + 1;
		*run = json_deep_copy(data->run);
		keep_canaries(*run, *first_block);
		json_object_set_new(*run, "resumed", json_integer(*attempt));
		err = record_write_run(dir->dir, *run, d);
	}
	record_free_run(data);
	return err;
}
