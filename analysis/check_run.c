// SPDX-License-Identifier: Apache-2.0
/* A record judged again: nothing but the record is looked at. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/check.h"
#include "analysis/precision.h"
#include "analysis/sums.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/jsonio.h"
#include "record/hist.h"
#include "record/record.h"
#include "record/verdict.h"

static void differs(json_t *differences, const json_t *trial, const char *what,
		    const char *recorded, const char *again)
{
	if (strcmp(recorded, again))
		json_array_append_new(differences,
				      json_pack("{s:s, s:s, s:s, s:s}", "trial",
						jsonio_string(trial, "trial", "?"), "what", what,
						"recorded", recorded, "again", again));
}

static void compare_checks(const json_t *trial, const json_t *again, json_t *differences)
{
	const json_t *recorded = json_object_get(trial, "checks"), *one;
	_json_ json_t *by_id = json_object();
	char what[96];
	size_t i;

	json_array_foreach (recorded, i, one)
		json_object_set(by_id, jsonio_string(one, "id", "?"), (json_t *)one);
	json_array_foreach (again, i, one) {
		const char *id = jsonio_string(one, "id", "?");
		const char *now = jsonio_string(one, "result", "?");
		const char *then = jsonio_string(json_object_get(by_id, id), "result", "not made");
		bool looked = strcmp(then, "not made") && strcmp(then, "not_applicable");

		snprintf(what, sizeof(what), "check %s", id);
		/* one that is younger than the record, or has learnt to look where it did not then,
		 * is only news when it fails */
		if (looked || !strcmp(now, "fail"))
			differs(differences, trial, what, then, now);
	}
}

/* A ratio that is recorded must be the quotient of the counts it is made of. */
static void compare_metrics(const json_t *trial, json_t *differences)
{
	double seconds = jsonio_number(trial, "timing.measured_ns") / 1e9, mean;
	struct {
		const char *name;
		double recorded, again, tolerance;
	} rows[5];
	char left[40], right[40], what[64];

	mean = jsonio_number(trial, "latency.sum_ns") / jsonio_number(trial, "latency.count");
	rows[0] = (typeof(rows[0])){"iops", 0, jsonio_number(trial, "counts.io") / seconds, 1e-6};
	rows[1] = (typeof(rows[0])){"throughput_bytes_per_s", 0,
				    jsonio_number(trial, "counts.bytes") / seconds, 1e-6};
	rows[2] = (typeof(rows[0])){"transactions_per_s", 0,
				    jsonio_number(trial, "counts.transaction") / seconds, 1e-6};
	/* a record has one of the two */
	rows[3] = (typeof(rows[0])){"latency_mean_ns", 0, mean, 1e-6};
	rows[4] = (typeof(rows[0])){"rtt_mean_ns", 0, mean, 1e-6};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(what, sizeof(what), "metrics.%s", rows[i].name);
		rows[i].recorded = jsonio_number(trial, what);
		if (!isfinite(rows[i].again) || isnan(rows[i].recorded) ||
		    fabs(rows[i].recorded - rows[i].again) <= rows[i].tolerance * rows[i].again)
			continue;
		snprintf(left, sizeof(left), "%.9g", rows[i].recorded);
		snprintf(right, sizeof(right), "%.9g", rows[i].again);
		differs(differences, trial, what, left, right);
	}
}

/* A histogram that no reader can merge: its trial counts for nothing. */
static void compare_hists(const json_t *trial, json_t *differences)
{
	static const char *const names[] = {"latency", "service"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const json_t *text = json_object_get(trial, names[i]);
		_free_ struct hist *h = malloc(sizeof(*h));
		struct diag why = {""};

		if (!h || !text || json_is_null(text))
			continue;
		hist_init(h);
		if (hist_from_json(text, h, &why))
			differs(differences, trial, names[i], "a histogram", why.text);
	}
}

int check_again(const json_t *trial, json_t *differences, struct diag *d)
{
	_json_ json_t *checks = check_trial(trial);
	_json_ json_t *verdict = NULL;
	int err;

	if (!strcmp(jsonio_string(trial, "status", ""), "failed"))
		return 0; /* nothing was measured, so nothing can be made again */
	err = verdict_again(trial, &verdict, d);
	if (err)
		return err;
	compare_checks(trial, checks, differences);
	differs(differences, trial, "verdict", jsonio_string(trial, "verdict.mode", "?"),
		jsonio_string(verdict, "mode", "?"));
	differs(differences, trial, "grade", jsonio_string(trial, "verdict.grade", "?"),
		jsonio_string(verdict, "grade", "?"));
	if (!strcmp(check_status(checks), "invalid"))
		differs(differences, trial, "status", jsonio_string(trial, "status", "?"),
			"invalid");
	compare_metrics(trial, differences);
	compare_hists(trial, differences);
	return 0;
}

static int visit(void *context, json_t *trial, struct diag *d)
{
	json_t *report = context, *failing = json_object_get(report, "failing"), *one;
	_json_ json_t *checks = check_trial(trial);
	struct diag why = {""};
	size_t i;

	json_array_foreach (checks, i, one) {
		if (strcmp(jsonio_string(one, "result", ""), "fail"))
			continue;
		json_array_append_new(failing, json_pack("{s:s, s:s, s:s, s:s}", "trial",
							 jsonio_string(trial, "trial", "?"), "cell",
							 jsonio_string(trial, "cell", "?"), "check",
							 jsonio_string(one, "id", "?"), "sentence",
							 jsonio_string(one, "sentence", "")));
	}
	if (check_again(trial, json_object_get(report, "differences"), &why))
		differs(json_object_get(report, "differences"), trial, "record", "readable",
			why.text);
	return 0;
}

/* A run that ended lists the digest of each of its files. Records have digests of their own, which
 * name the line, but only that of the whole shows one that was taken out. */
static void check_sums(const char *dir, json_t *report)
{
	json_t *differences = json_object_get(report, "differences");
	json_int_t rotated_away = 0;
	_fd_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int sums = fd < 0 ? -1 : openat(fd, "SHA256SUMS", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *file = sums < 0 ? NULL : fdopen(sums, "r");
	char line[4400], again[DIGEST_TEXT];
	struct stat st;
	/* iomodes-rotate notes there that it packed or removed raw output */
	bool rotated = fd >= 0 && !fstatat(fd, "removed.log", &st, AT_SYMLINK_NOFOLLOW);

	if (sums >= 0 && !file)
		close(sums);
	while (file && fgets(line, sizeof(line), file)) {
		char *path = strstr(line, "  ");
		struct diag why = {""};

		line[strcspn(line, "\n")] = '\0';
		if (!path || path[2] == '/' || strstr(path, ".."))
			continue; /* none of ours */
		*path = '\0';
		path += 2;
		if (fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode)) {
			if (rotated && !strncmp(path, "raw/", 4)) {
				rotated_away++;
				continue;
			}
			snprintf(again, sizeof(again), "%s", "no such file");
		} else if (digest_file(fd, path, again, &why)) {
			snprintf(again, sizeof(again), "%s", "not readable");
		}
		if (!strcmp(line, again))
			continue;
		json_array_append_new(differences,
				      json_pack("{s:s, s:s, s:s, s:s}", "trial", path, "what",
						"sha256", "recorded", line, "again", again));
	}
	if (file)
		fclose(file);
	if (rotated_away)
		json_object_set_new(report, "rotated", json_integer(rotated_away));
}

/* Records and run.json that no list vouches for: a complete run had one. */
static void check_list(const char *dir, const json_t *run, json_t *report)
{
	char why[200];

	sums_unverified(dir, run, why, sizeof(why));
	if (!*why)
		return;
	if (json_is_true(json_object_get(run, "complete")))
		json_array_append_new(
			json_object_get(report, "differences"),
			json_pack("{s:s, s:s, s:s, s:s}", "trial", "SHA256SUMS", "what", "sha256",
				  "recorded", "a list of run.json and trials.jsonl", "again", why));
	else
		json_object_set_new(report, "unverified", json_string(why));
}

int check_run(const char *dir, json_t **report, struct diag *d)
{
	json_t *out = json_pack("{s:[], s:[], s:[]}", "failing", "differences", "left_out");
	struct run_data *data;
	int err = record_read_run(dir, visit, out, &data, d);

	if (err) {
		json_decref(out);
		return err;
	}
	for (size_t i = 0; i < data->n_notes; i++)
		json_array_append_new(json_object_get(out, "left_out"),
				      json_pack("{s:I, s:s, s:s}", "line",
						(json_int_t)data->note[i].line, "trial",
						data->note[i].trial, "reason", data->note[i].text));
	check_sums(dir, out);
	check_list(dir, data->run, out);
	err = precision_again(dir, data->run, json_object_get(out, "differences"), d);
	json_object_set_new(out, "run", json_string(jsonio_string(data->run, "run", "?")));
	json_object_set_new(out, "trials", json_integer((json_int_t)data->n_trials));
	record_free_run(data);
	if (err) {
		json_decref(out);
		return err;
	}
	*report = out;
	return 0;
}
