/* SPDX-License-Identifier: Apache-2.0 */
/* What the fio that is installed can do, asked of it: nothing is run on a device. */
#pragma once
#include <stddef.h>

struct diag;
struct fio_job;
struct workload_job;

/* The version of `program`, a path or searched in PATH ("fio-3.33"). -ENOENT: there is none;
 * -EOPNOTSUPP: too old; with the reason. */
int fio_probe_version(const char *program, char version[static 32], struct diag *d);
/*
 * Does it take the job (fio --parse-only), and does it have its engine? -EOPNOTSUPP: the mode's
 * options or engine are not in this fio, in its own words; -EINVAL: the user's job file has an
 * error, in fio's words.
 */
int fio_probe_job(const struct workload_job *job, struct diag *d);
