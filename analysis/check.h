/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical consistency of a trial. Every check lives once, in the table of check.c: it looks at a
 * trial record and nothing else, so the same code runs as the record is made and again on any
 * record, years later, elsewhere. To add one: a row there, and its rule in check_flow.c (rate,
 * latency, counts, time), check_device.c (what the kernel counted) or check_host.c (the host).
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct diag;

enum check_result { CHECK_PASS, CHECK_FAIL, CHECK_NOT_APPLICABLE };

/* What one check says of one trial; `numbers` is what it compared. */
struct check_outcome {
	enum check_result result;
	json_t *numbers;    /* object, owned by who runs the check */
	char sentence[256]; /* what was compared with what, or why the check does not apply */
};

struct check {
	const char *id;
	const char *reason;	   /* one sentence: why a trial that fails it is not to be used */
	const char *const *spoils; /* metrics, a trailing '*' for the rest of a name; "*" = all */
	void (*run)(const json_t *trial, struct check_outcome *out);
};

const struct check *check_all(size_t *n);
const char *check_result_name(enum check_result result);

/* All checks: the record's "checks" member, [{"id","result","spoils","numbers","sentence"}]. New
 * reference. Failed trials (no numbers) give an empty array. */
json_t *check_trial(const json_t *trial);
/* The status that these checks leave a measured trial with: "invalid" when one that failed spoils
 * everything, else "valid". */
const char *check_status(const json_t *checks);
/* Does a failed check of the record spoil this metric? Returns its id, or NULL. Borrowed. */
const char *check_spoiled(const json_t *checks, const char *metric);

/* Names of what the host did beyond its limits (check_host.c), also where that is no more than a
 * label; appended to `labels`. */
void check_labels(const json_t *trial, json_t *labels);

/* Every check and the verdict again, from what the record holds; appends to `differences` one
 * {"trial", "what", "recorded", "again"} for each that differs from the record. */
int check_again(const json_t *trial, json_t *differences, struct diag *d);
/* A whole run directory: {"run", "trials", "left_out": [{"line","trial","reason"}], "failing":
 * [{"trial","cell","check","sentence"}], "differences": […], "rotated"?: raw outputs that a
 * removed.log accounts for}. New reference. -errno as record_read_run(). */
int check_run(const char *dir, json_t **report, struct diag *d);
