/* SPDX-License-Identifier: Apache-2.0 */
/* A group that runs the user's own fio job file. Internal to experiment/. */
#pragma once
#include "experiment/experiment.h"

struct yaml_node;

/* Does the group name one? */
bool group_fio_is(const struct yaml_node *group);
/* Read it and say what it does; `e` owns it. A path is taken from the experiment file's directory.
 * Errors of the job file are file:line:col of the job file. */
int group_fio_load(const struct yaml_node *group, struct experiment *e,
		   struct experiment_load *load, struct diag *d);
/* "iopoll/job.fio:section/fio"; NULL on lack of memory. */
char *group_fio_id(const struct experiment_cell *c);
void group_fio_free(struct experiment_fio *fio);
