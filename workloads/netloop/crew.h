/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of one end, moved together from step to step; between steps they are parked and use
 * no CPU. Main sleeps in one poll meanwhile. A thread that sleeps in a socket is brought back by a
 * signal, sent again until it has parked: it may come just before the thread falls asleep.
 */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "worker.h"

struct diag;

enum step { STEP_SET_UP, STEP_RAMP, STEP_MEASURE, STEP_LEAVE };

struct crew {
	atomic_bool stop; /* leave the step: the server is told to park, or something has failed */
	struct worker *worker;
	uint32_t n;

	pthread_mutex_t lock;
	pthread_cond_t moved;
	enum step step;
	uint32_t parked;
	uint32_t generation; /* of the step: two of the same kind may follow each other */
	uint64_t origin_ns;  /* beginning of the step */
	int parked_fd;	     /* eventfd: readable when all are parked */
	/* What a worker does in a step. */
	void (*run)(struct worker *w, enum step step);
};

/* Start all; returns when they are on their way to be parked (crew_wait()). */
int crew_start(struct crew *c, struct diag *d);
/* Let them do a step; does not wait. */
void crew_step(struct crew *c, enum step step);
/* Take note that parked_fd is readable. */
void crew_parked(struct crew *c);
/* Bring a thread back that sleeps in a call (EINTR); it may come just before that. */
void crew_wake(struct crew *c, uint32_t i);
/* Make all leave the step, and wait for it: -ETIMEDOUT when one does not within `grace_ns`. */
int crew_park(struct crew *c, uint64_t grace_ns);
/* The first failure of a worker; 0 when there is none. */
int crew_error(const struct crew *c, struct diag *d);
/* End and join them. */
void crew_end(struct crew *c);
/* CPU time of every task so far (loop/tasks.h). */
json_t *crew_tasks(const struct crew *c);
