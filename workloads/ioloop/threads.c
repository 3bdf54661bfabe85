// SPDX-License-Identifier: Apache-2.0
#include "threads.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* I/Os that a device still owes after the window may take so long; then it counts as hung. */
#define GRACE_NS 30000000000u
/* The same after somebody asked us to stop. */
#define STOP_GRACE_NS 5000000000u

/* Tell main that this worker has done its step, and sleep until the next one. */
static enum step park(struct threads *t, enum step done)
{
	const uint64_t one = 1;
	enum step step;

	pthread_mutex_lock(&t->lock);
	if (++t->parked == t->n && write(t->parked_fd, &one, sizeof(one)) < 0)
		atomic_store(&t->stop, true); /* cannot happen: the counter is at most 1 */
	while (t->step == done)
		pthread_cond_wait(&t->moved, &t->lock);
	step = t->step;
	pthread_mutex_unlock(&t->lock);
	return step;
}

static void run_step(struct worker *w, enum step step)
{
	const struct options *o = w->o;

	w->origin_ns = w->threads->origin_ns;
	loop_reset(w);
	if (w->err)
		return;
	if (step == STEP_RAMP)
		loop_run(w, clock_ns() + o->ramp_ns, 0);
	else if (o->check)
		loop_run(w, 0, 1);
	else
		loop_run(w, o->runtime_ns ? w->origin_ns + o->runtime_ns : 0, o->number_ios);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	enum step step;

	w->tid = (pid_t)syscall(SYS_gettid);
	prctl(PR_SET_TIMERSLACK, 1); /* open loop: sleep as exactly as the kernel can */
	w->err = worker_alloc(w, &w->d);
	if (!w->err)
		w->err = w->engine->open(w, &w->d);
	for (step = park(w->threads, STEP_SET_UP); step != STEP_LEAVE;
	     step = park(w->threads, step))
		run_step(w, step);
	w->engine->close(w);
	return NULL;
}

static int wait_ms(uint64_t deadline_ns)
{
	uint64_t now = clock_ns();

	if (deadline_ns == UINT64_MAX)
		return -1;
	return deadline_ns <= now ? 0 : (int)((deadline_ns - now) / 1000000 + 1);
}

/* One wait: parked, a signal, or the harness (which says nothing meanwhile: any event is its
 * end). After either of the latter the workers are told to stop and get a little time. */
static int wait_parked(struct threads *t, uint64_t deadline_ns, struct diag *d)
{
	struct pollfd p[3] = {{.fd = t->parked_fd, .events = POLLIN},
			      {.fd = t->signal_fd, .events = POLLIN},
			      {.fd = t->control_fd, .events = POLLIN}};
	struct signalfd_siginfo info;
	uint64_t count;
	int err = 0;

	for (;;) {
		int n = poll(p, 3, wait_ms(deadline_ns));

		if (n < 0 && errno != EINTR)
			return diag_errno(d, -errno, "poll");
		if (n == 0)
			return diag_set(d, err ? err : -ETIMEDOUT,
					"I/Os that were submitted did not come back; given up");
		if (p[0].revents && read(t->parked_fd, &count, sizeof(count)) == sizeof(count))
			return err;
		if (p[1].revents && read(t->signal_fd, &info, sizeof(info)) == sizeof(info))
			err = diag_set(d, -EINTR, "ended by %s", strsignal((int)info.ssi_signo));
		else if (p[2].revents)
			err = diag_set(d, -EPIPE, "ended: the harness closed the control channel");
		else
			continue;
		atomic_store(&t->stop, true);
		p[1].fd = p[2].fd = -1;
		deadline_ns = clock_ns() + STOP_GRACE_NS;
	}
}

int threads_error(const struct threads *t, struct diag *d)
{
	uint64_t errors = 0;
	int err = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		errors += t->worker[i].errors;
		if (!err && t->worker[i].err) {
			err = t->worker[i].err;
			*d = t->worker[i].d;
		}
	}
	if (errors > 1) {
		size_t len = strlen(d->text);

		snprintf(d->text + len, sizeof(d->text) - len, " (%llu I/Os failed)",
			 (unsigned long long)errors);
	}
	return err;
}

int threads_start(struct threads *t, struct diag *d)
{
	int err;

	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->moved, NULL);
	t->step = STEP_SET_UP;
	for (uint32_t i = 0; i < t->n; i++) {
		err = pthread_create(&t->worker[i].thread, NULL, worker_main, &t->worker[i]);
		if (err) /* those that run would wait for ever: the process ends now */
			return diag_errno(d, -err, "thread %u of %u", i + 1, t->n);
	}
	err = wait_parked(t, clock_ns() + GRACE_NS, d);
	return err ? err : threads_error(t, d);
}

int threads_step(struct threads *t, enum step step, struct diag *d)
{
	uint64_t length = step == STEP_RAMP ? t->o->ramp_ns : t->o->runtime_ns;
	int err;

	pthread_mutex_lock(&t->lock);
	t->parked = 0;
	t->step = step;
	t->origin_ns = clock_ns();
	pthread_cond_broadcast(&t->moved);
	pthread_mutex_unlock(&t->lock);
	err = wait_parked(t, length ? t->origin_ns + length + GRACE_NS : UINT64_MAX, d);
	/* why a worker gave up says more than that we were told to stop */
	return err == -ETIMEDOUT || !threads_error(t, d) ? err : threads_error(t, d);
}

void threads_end(struct threads *t)
{
	pthread_mutex_lock(&t->lock);
	t->step = STEP_LEAVE;
	pthread_cond_broadcast(&t->moved);
	pthread_mutex_unlock(&t->lock);
	for (uint32_t i = 0; i < t->n; i++) {
		pthread_join(t->worker[i].thread, NULL);
		worker_free(&t->worker[i]);
	}
}
