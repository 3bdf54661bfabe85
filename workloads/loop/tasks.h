/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time of every task of this process: main, workers, SQ threads, io_uring's own workers. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

/* CPU time used so far by each task: {tid: {"role", "cpu_ns"}}. `worker`: the tids of the n
 * workers. */
json_t *tasks_sample(const pid_t *worker, size_t n);
/* [{"tid", "role", "cpu_ns"}] between two samples. */
json_t *tasks_difference(json_t *before, json_t *after);
