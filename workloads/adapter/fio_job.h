/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user's fio job file. It is read whole, and classified, before anything is changed: what it
 * writes, which files it names, what it would run. It is then run as it is: only mode, target, CPUs
 * and time are imposed, and each imposed line can be shown beside those it replaces.
 *
 * fio's own grammar: "[name]" starts a section, one whose name starts with "global" holds defaults
 * of the sections behind it; "option=value" or "option" a line; '#' and ';' start a comment
 * anywhere. Refused here, though fio takes it: '$' in a value (environment, and arithmetic that fio
 * hands to a shell), control characters, what is not UTF-8, lines over 1000 bytes (fio splits
 * them).
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "adapter/fio_option.h"

struct diag;
struct workload_option;

enum { FIO_JOB_BYTES_MAX = 1 << 20, FIO_JOB_LINES_MAX = 4096 };

struct fio_line {
	unsigned line, col, value_col;
	char *name, *value; /* value NULL: the option stands alone */
	enum fio_option_kind kind;
};

struct fio_section {
	char *name;
	unsigned line;
	bool global;
	struct fio_line *option;
	size_t n;
};

struct fio_job {
	char *file; /* for messages */
	struct fio_section *section;
	size_t n;
};

/* -EINVAL: no job file of fio's, with file:line:column. Freed by fio_job_free(). */
int fio_job_parse(const char *file, const char *text, size_t len, struct fio_job *j,
		  struct diag *d);
int fio_job_load_file(const char *path, struct fio_job *j, struct diag *d);
void fio_job_free(struct fio_job *j);

/* Keep the global sections and the one called `name`. -ENOENT, with the names there are. */
int fio_job_select(struct fio_job *j, const char *name, struct diag *d);

/* Every option on the allow list, or `trust`? (Host never; order only of a job that is alone.)
 * -EPERM names the first that is not, file:line:col, and why. What it merely must not name (another
 * file than `target`) is -EINVAL. `target` NULL: not looked at. */
int fio_job_check(const struct fio_job *j, const char *target, bool trust, struct diag *d);
/* What only trust lets through: an array of "job.fio:3:1: exec_prerun=… : runs a command". */
json_t *fio_job_untrusted(const struct fio_job *j);

enum { FIO_JOB_READS, FIO_JOB_WRITES, FIO_JOB_DIRECTIONS };

/* What the jobs do together. */
struct fio_job_load {
	char rw[16];	      /* the same for all, else "various" */
	uint64_t bs, iodepth; /* the same for all, else 0 */
	uint64_t rwmixread;   /* of mixed ones; 0 when it differs */
	uint64_t jobs;	      /* clones counted */
	bool open_loop;	      /* some rate is set: latencies count from the submission */
	bool poisson;	      /* of some of them: what is reached scatters */
	/* I/Os a second that all jobs ask for, as added up; fio_job_rate() reads them. */
	double rate_per_s[FIO_JOB_DIRECTIONS];
	bool unrated[FIO_JOB_DIRECTIONS]; /* some job does this as fast as it goes */
	bool writes;
	char write_at[300]; /* "job.fio:4:4: rw=randwrite" */
	/* The first option by which a job has fewer I/Os in flight than its depth, by design
	 * (thinktime, latency_target …), as fio calls it; NULL: none. */
	const char *depth_bound;
};
/* -EINVAL with the place for a value that cannot be read. */
int fio_job_load_of(const struct fio_job *j, struct fio_job_load *load, struct diag *d);

/* I/Os a second asked of a direction by all jobs; 0: no rate; NAN: not known (some job has none, or
 * it is in bytes and the sizes differ). */
double fio_job_rate(const struct fio_job_load *load, size_t direction);

/* Does every job stay within a file of `bytes`? -EINVAL names the size that does not: fio, before
 * it lays a file out anew, removes the one that is there. */
int fio_job_fits(const struct fio_job *j, uint64_t bytes, struct diag *d);

/* Inside: the option that holds for a job section, its own last one, else that of the globals
 * before it; NULL: none. */
const struct fio_line *fio_job_effective(const struct fio_job *j, size_t section, const char *name);
/* fio_job_rate.c: what one job of kind `rw` adds. */
void fio_job_add_rates(const struct fio_job *j, size_t section, const char *rw, uint64_t bs,
		       uint64_t clones, struct fio_job_load *load);

/* One line that is imposed. Borrowed. */
struct fio_imposed {
	const char *name, *value, *why;
};

/* The job that runs: each section, without what is replaced, with the imposed lines at the end of
 * each job section. The caller frees it; NULL on lack of memory. */
char *fio_job_text(const struct fio_job *j, const struct fio_imposed *imposed, size_t n);
/* [{"line": "ioengine=io_uring", "why": "mode", "instead_of": ["job.fio:2:1: ioengine=libaio"]}],
 * then the lines that are left out without a successor ("line" null). New reference. */
json_t *fio_job_imposed_json(const struct fio_job *j, const struct fio_imposed *imposed, size_t n);
