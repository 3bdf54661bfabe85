// SPDX-License-Identifier: Apache-2.0
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "loop/tasks.h"

#define WAKE_SIGNAL   SIGUSR1
#define WAKE_AGAIN_MS 5

static void wake(int sig)
{
}

static enum step park(struct crew *c, uint32_t *generation)
{
	const uint64_t one = 1;
	enum step step;

	pthread_mutex_lock(&c->lock);
	if (++c->parked == c->n && write(c->parked_fd, &one, sizeof(one)) < 0)
		atomic_store(&c->stop, true); /* cannot happen: the counter is at most 1 */
	while (c->generation == *generation)
		pthread_cond_wait(&c->moved, &c->lock);
	*generation = c->generation;
	step = c->step;
	pthread_mutex_unlock(&c->lock);
	return step;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	uint32_t generation = 0;
	enum step step;

	w->tid = (pid_t)syscall(SYS_gettid);
	prctl(PR_SET_TIMERSLACK, 1); /* open loop: sleep as exactly as the kernel can */
	/* A table of descriptors that several threads share costs each call two atomic operations
	 * on the socket's file. Nothing is closed for a thread by another while it runs. */
	unshare(CLONE_FILES);
	w->err = worker_alloc(w, &w->d);
	if (!w->err)
		w->err = w->wait->open(w, &w->d);
	for (step = park(w->crew, &generation); step != STEP_LEAVE;
	     step = park(w->crew, &generation))
		if (!w->err)
			w->crew->run(w, step);
	w->wait->close(w);
	return NULL;
}

int crew_start(struct crew *c, struct diag *d)
{
	struct sigaction sa = {.sa_handler = wake}; /* no SA_RESTART: calls return with EINTR */

	sigaction(WAKE_SIGNAL, &sa, NULL);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->moved, NULL);
	c->parked_fd = eventfd(0, EFD_CLOEXEC);
	if (c->parked_fd < 0)
		return diag_errno(d, -errno, "eventfd");
	for (uint32_t i = 0; i < c->n; i++) {
		int err = pthread_create(&c->worker[i].thread, NULL, worker_main, &c->worker[i]);

		if (err) /* those that run would wait for ever: the process ends now */
			return diag_errno(d, -err, "thread %u of %u", i + 1, c->n);
	}
	return 0;
}

void crew_step(struct crew *c, enum step step)
{
	pthread_mutex_lock(&c->lock);
	c->parked = 0;
	c->step = step;
	c->generation++;
	atomic_store(&c->stop, false);
	c->origin_ns = clock_ns();
	pthread_cond_broadcast(&c->moved);
	pthread_mutex_unlock(&c->lock);
}

void crew_parked(struct crew *c)
{
	uint64_t count;

	while (read(c->parked_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

void crew_wake(struct crew *c, uint32_t i)
{
	pthread_kill(c->worker[i].thread, WAKE_SIGNAL);
}

int crew_park(struct crew *c, uint64_t grace_ns)
{
	struct pollfd p = {.fd = c->parked_fd, .events = POLLIN};
	uint64_t deadline = clock_ns() + grace_ns;

	atomic_store(&c->stop, true);
	do {
		for (uint32_t i = 0; i < c->n; i++)
			crew_wake(c, i);
		if (poll(&p, 1, WAKE_AGAIN_MS) > 0) {
			crew_parked(c);
			return 0;
		}
	} while (clock_ns() < deadline);
	return -ETIMEDOUT;
}

int crew_error(const struct crew *c, struct diag *d)
{
	for (uint32_t i = 0; i < c->n; i++) {
		if (c->worker[i].err) {
			if (d)
				*d = c->worker[i].d;
			return c->worker[i].err;
		}
	}
	return 0;
}

void crew_end(struct crew *c)
{
	crew_step(c, STEP_LEAVE);
	for (uint32_t i = 0; i < c->n; i++) {
		pthread_join(c->worker[i].thread, NULL);
		worker_free(&c->worker[i]);
	}
	close(c->parked_fd);
}

json_t *crew_tasks(const struct crew *c)
{
	_free_ pid_t *tid = calloc(c->n, sizeof(*tid));

	for (uint32_t i = 0; tid && i < c->n; i++)
		tid[i] = c->worker[i].tid;
	return tasks_sample(tid, tid ? c->n : 0);
}
