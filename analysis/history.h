/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of a machine's results: one SQLite file in WAL mode that several writers may share.
 * It holds nothing that is not in the run directories but people's marks and the labels under which
 * runs were added, and those are in text files beside it (FILE.marks.jsonl, FILE.runs.jsonl), so it
 * can be made again at any time. Nothing is ever deleted from it.
 *
 * A point is one run of one series; a series is a metric of a cell of an experiment on a machine.
 * Errors: -EBADMSG the file is corrupt or no history, -EBUSY another writer held it for ten
 * seconds, -EPROTONOSUPPORT a newer version wrote it, -ESTALE the clock went back, -EEXIST the run
 * is there under another version, -ENOENT, -EINVAL.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct diag;
struct history;
struct nightly_point;

#define HISTORY_VERSION 1

/* `create`: make the file when there is none. Ends with history_close(). */
int history_open(const char *file, bool create, struct history **out, struct diag *d);
void history_close(struct history *h);

/* Label of what is under test, from run.json: `given` as it is; "@kernel", "@firmware", "@ioloop"
 * (its digest), "@fio", "@iperf3", "@iomodes", or several as "@kernel+firmware", made of what the
 * run recorded; NULL: "@kernel+ioloop". -EINVAL names a word that is none of them (`run` may be
 * NULL to ask just that). */
#define HISTORY_LABEL 160
int history_label(const json_t *run, const char *given, char label[static HISTORY_LABEL],
		  struct diag *d);
const char *history_kernel(const json_t *run); /* its release, or "" */

struct history_add_options {
	const char *version; /* as history_label() takes it */
	bool older;	     /* a run from before the newest one of its machine and experiment */
};

struct history_added {
	char run[80];
	size_t trials, known; /* added now, there before */
	size_t missing;	      /* planned cells without a result */
};

/* One run, in one transaction: all of it or nothing. What is there is left as it is, by trial id,
 * so the same run can be added twice, and a run that was resumed is added again. */
int history_add(struct history *h, const char *dir, const struct history_add_options *o,
		struct history_added *added, struct diag *d);

/* Runs, oldest first: [{"run", "started", "experiment", "version", "kernel", "dir", "programs",
 * "tools", "identity", "key", "cells", "missing": [{"cell", "reason"}], "added", "trials",
 * "test_delay_ns"?, "marks": []}]. `experiment` and `identity` may be NULL: all. New reference. */
int history_runs(struct history *h, const char *experiment, const char *identity, json_t **out,
		 struct diag *d);
/* The one of them with this name, or NULL. Borrowed. */
const json_t *history_run(const json_t *runs, const char *name);
/* Series with all points, oldest first, read in one pass: [{"series", "identity", "experiment",
 * "cell", "metric", "judged", "points": [{"run", "version", "started", "n", "value", "low"?,
 * "high"?}], "marks": []}]. Series whose "cell/metric" lacks `match` are left out; NULL: none is.
 */
int history_series(struct history *h, const char *experiment, const char *identity,
		   const char *match, json_t **out, struct diag *d);
/* The single values of one series in one run, by block; the caller frees *value. */
int history_values(struct history *h, long long series, const char *run, double **value, size_t *n,
		   struct diag *d);

/* Marks: "accept" (what was there before is no measure any more), "noise" (a run that is not judged
 * by), "environment" (a changed machine is meant), "alert", "note", "withdraw" (of the mark that
 * `why` begins with). `match`: series whose "cell/metric" contains it; "" all. `run` may be a
 * beginning. The id is written to `id`. */
#define HISTORY_MARK_ID 40
int history_mark(struct history *h, const char *kind, const char *match, const char *run,
		 const char *who, const char *why, char id[static HISTORY_MARK_ID], struct diag *d);
/* Those that hold, and those withdrawn with "withdrawn": true; oldest first. New reference. */
int history_marks(struct history *h, json_t **out, struct diag *d);
/* The marks of the text file that the history lacks: after a rebuild. */
int history_load_marks(struct history *h, struct diag *d);
struct history_rebuilt {
	size_t runs, trials;
};

/* A new file from the runs in `dirs` and those that the old one, or FILE.runs.jsonl, names and that
 * still lie where they did; under their labels, in place of the old one, which is kept as
 * FILE.old-N. Nobody else may have it open meanwhile (-EBUSY). -ENOENT names known runs that are
 * not to be found, unless `incomplete`. */
int history_rebuild(const char *file, const char *const *dirs, size_t n, bool incomplete,
		    struct history_rebuilt *rebuilt, struct diag *d);
