/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fio is asked to do: always a job file on its standard input, which a run keeps in
 * raw/TRIAL/fio.stdin so that anybody can give it to fio again.
 */
#pragma once
#include "adapter/adapter.h"
#include "adapter/fio_job.h"

enum { FIO_IMPOSED_MAX = 96 };

/* What is imposed on a job: mode, target, CPUs, time. Values point into `job` and `text`. */
struct fio_command {
	struct fio_imposed imposed[FIO_IMPOSED_MAX];
	size_t n;
	char filename[8200], runtime[32];
};

/* -EINVAL: an option of the mode that is not on the allow list, or a value that fio would read as
 * something else. */
int fio_command_make(const struct workload_job *job, struct fio_command *c, struct diag *d);
/* The job's text; the caller frees it. */
int fio_command_text(const struct workload_job *job, char **text, struct diag *d);
/* fio_job_imposed_json() of the user's job file; an empty array for a job by options. */
json_t *fio_command_imposed(const struct workload_job *job, struct diag *d);

/* A version as `fio --version` prints it: -EPROTO when it is none, -EOPNOTSUPP when it is older
 * than what is known to be read right, with the reason. */
int fio_version_check(const char *text, struct diag *d);
