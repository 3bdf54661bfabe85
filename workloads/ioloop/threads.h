/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs' threads, moved together from step to step. Main sleeps in one wait meanwhile. */
#pragma once
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "worker.h"

enum step { STEP_SET_UP, STEP_RAMP, STEP_MEASURE, STEP_LEAVE };

struct threads {
	atomic_bool stop; /* asked to end early: a signal, a failure, the harness gone */
	struct worker *worker;
	uint32_t n;
	const struct options *o;

	pthread_mutex_t lock;
	pthread_cond_t moved;
	enum step step;
	uint32_t parked;
	uint64_t origin_ns; /* beginning of the window */
	int parked_fd;	    /* eventfd: readable when all are parked */
	int signal_fd;
	int control_fd; /* or -1 */
};

/* Start all; returns when each has set up. */
int threads_start(struct threads *t, struct diag *d);
/* Let them do a step and wait until all are parked again. */
int threads_step(struct threads *t, enum step step, struct diag *d);
/* End and join them. */
void threads_end(struct threads *t);
/* The first failure of a worker, with how many I/Os failed; 0 when there is none. */
int threads_error(const struct threads *t, struct diag *d);

/* The result; window_* are of all workers. New reference. */
json_t *report_result(const struct threads *t, json_t *tasks);
/* What --check prints. */
json_t *report_check(const struct threads *t);
