// SPDX-License-Identifier: Apache-2.0
/*
 * What is left of a CPU: one SCHED_IDLE thread a CPU that does units of a fixed chain of integer
 * operations whenever nothing else wants the CPU. Work in a window beside a workload, over the work
 * of an idle machine in the same time (--calibrate), is the share that the workload and its
 * interrupts left. Unlike tick-based accounting this sees interrupt time, and cycles lost to a
 * busy sibling or a colder cache.
 *
 * With --normal the threads have normal priority: then it is a program like any other that shares
 * its CPU with a workload, and what it loses is what the workload costs its neighbours. --wakeups
 * adds how late a timer wakes a thread, which with the work per second is the canary of a host.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"
#include "base/num.h"
#include "base/opt.h"
#include "control/control.h"

#define UNIT_STEPS    256	/* about 0.3 us: the resolution of the count */
#define CALIBRATE_MIN 10000000u /* ns */
#define SETTLE_NS     50000000u /* before a calibration: frequency, caches */
#define WAKEUP_NS     200000u	/* from one wake-up to the next */
#define WAKEUPS_MAX   10000

struct spin {
	_Alignas(128) atomic_ullong work; /* units done; a cache line pair of its own */
	pthread_t thread;
	unsigned cpu;
	int err; /* of pinning or the policy */
	bool normal;
	size_t wakeups;
	uint64_t wakeup_p50_ns; /* median lateness */
	pthread_barrier_t *started;
	const atomic_bool *stop;
};

struct reading {
	uint64_t work, cpu_ns;
};

struct settings {
	const char *cpus;
	uint64_t control_fd, calibrate_ns, wakeups;
	bool normal;
};

static const struct opt options[] = {
	{.name = "cpus",
	 .type = OPT_STR,
	 .offset = offsetof(struct settings, cpus),
	 .arg = "LIST",
	 .help = "CPUs to spin on, one thread each (as 0-3,8); required"},
	{.name = "control-fd",
	 .type = OPT_U64,
	 .offset = offsetof(struct settings, control_fd),
	 .min = 3,
	 .max = 1 << 20,
	 .arg = "N",
	 .help = "socket for the words ready, go, stop, done, exit, one a line: counts from go to "
		 "stop, or to exit where that comes at once"},
	{.name = "calibrate",
	 .type = OPT_NS,
	 .offset = offsetof(struct settings, calibrate_ns),
	 .min = CALIBRATE_MIN,
	 .arg = "TIME",
	 .help = "count for this long (1s, 200ms; at least 10ms), and print work per second"},
	{.name = "normal",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct settings, normal),
	 .help = "normal priority instead of SCHED_IDLE: take the CPU as any program does"},
	{.name = "wakeups",
	 .type = OPT_U64,
	 .offset = offsetof(struct settings, wakeups),
	 .max = WAKEUPS_MAX,
	 .arg = "N",
	 .help = "sleep so many times after the work, and print by how much the timer was late"},
};

/* Every step needs the result of the one before: no width of the machine makes it faster. */
static uint64_t unit(uint64_t x)
{
	for (int i = 0; i < UNIT_STEPS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

static int place(unsigned cpu, bool normal)
{
	const struct sched_param none = {0};
	cpu_set_t *set = CPU_ALLOC(cpu + 1);
	size_t size = CPU_ALLOC_SIZE(cpu + 1);
	int err;

	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(size, set);
	CPU_SET_S(cpu, size, set);
	err = sched_setaffinity(0, size, set) ? -errno : 0;
	CPU_FREE(set);
	if (!err && !normal && sched_setscheduler(0, SCHED_IDLE, &none))
		err = -errno;
	return err;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Median lateness of timers that wake this thread from an idle or a busy CPU. */
static int sleep_often(struct spin *s)
{
	_free_ uint64_t *late = calloc(s->wakeups, sizeof(*late));
	uint64_t due = clock_ns();

	if (!late)
		return -ENOMEM;
	prctl(PR_SET_TIMERSLACK, 1ul); /* not the 50 us that the kernel may add to save power */
	for (size_t i = 0; i < s->wakeups; i++) {
		struct timespec ts;
		uint64_t now;

		due += WAKEUP_NS;
		ts = clock_timespec(due);
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
			;
		now = clock_ns();
		late[i] = now - due;
		due = now; /* one late wake-up makes none of the next ones late */
	}
	qsort(late, s->wakeups, sizeof(*late), by_value);
	s->wakeup_p50_ns = late[s->wakeups / 2];
	return 0;
}

static void *spin_thread(void *arg)
{
	struct spin *s = arg;
	uint64_t x = 88172645463325252u + s->cpu, n = 0;

	s->err = place(s->cpu, s->normal);
	pthread_barrier_wait(s->started);
	while (!s->err && !atomic_load_explicit(s->stop, memory_order_relaxed)) {
		x = unit(x);
		/* x is never 0, but only we know: the chain cannot be left out */
		n += x != 0;
		atomic_store_explicit(&s->work, n, memory_order_relaxed);
	}
	if (!s->err && s->wakeups)
		s->err = sleep_often(s);
	return NULL;
}

static void take(struct spin *spin, size_t n, struct reading *r)
{
	for (size_t i = 0; i < n; i++) {
		struct timespec ts = {0};
		clockid_t id;

		r[i].work = atomic_load_explicit(&spin[i].work, memory_order_relaxed);
		if (!pthread_getcpuclockid(spin[i].thread, &id))
			clock_gettime(id, &ts);
		r[i].cpu_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	}
}

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = clock_timespec(ns);

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Positive when the other side has said "exit" already: then it does not wait for "done". */
static int window(const struct settings *o, struct spin *spin, size_t n, struct reading *before,
		  struct reading *after, uint64_t *window_ns, struct diag *d)
{
	int fd = (int)o->control_fd, err = 0;
	uint64_t begin;

	if (o->calibrate_ns)
		sleep_ns(SETTLE_NS);
	else
		err = control_send(fd, CONTROL_READY, d);
	if (!err && !o->calibrate_ns)
		err = control_await(fd, CONTROL_GO, UINT64_MAX, -1, -1, d);
	if (err)
		return err;
	begin = clock_ns();
	take(spin, n, before);
	if (o->calibrate_ns)
		sleep_ns(o->calibrate_ns);
	else
		err = control_await_either(fd, CONTROL_STOP, CONTROL_EXIT, UINT64_MAX, -1, -1, d);
	*window_ns = clock_ns() - begin;
	take(spin, n, after);
	return err || o->calibrate_ns ? err : control_send(fd, CONTROL_DONE, d);
}

static int print(const struct settings *o, const struct spin *spin, size_t n,
		 const struct reading *before, const struct reading *after, uint64_t window_ns)
{
	_json_ json_t *out = json_pack("{s:s, s:i, s:I}", "tool", "spinner", "schema", 1,
				       "window_ns", (json_int_t)window_ns);
	json_t *cpus = json_array(), *per_cpu = json_array();
	_free_ char *line = NULL;
	uint64_t work = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t done = after[i].work - before[i].work;
		json_t *one = json_pack("{s:I, s:I, s:I}", "cpu", (json_int_t)spin[i].cpu, "work",
					(json_int_t)done, "cpu_ns",
					(json_int_t)(after[i].cpu_ns - before[i].cpu_ns));

		work += done;
		if (o->wakeups)
			json_object_set_new(one, "wakeup_p50_ns",
					    json_integer((json_int_t)spin[i].wakeup_p50_ns));
		json_array_append_new(cpus, json_integer(spin[i].cpu));
		json_array_append_new(per_cpu, one);
	}
	json_object_set_new(out, "cpus", cpus);
	json_object_set_new(out, "per_cpu", per_cpu);
	json_object_set_new(out, "work", json_integer((json_int_t)work));
	if (o->calibrate_ns)
		json_object_set_new(out, "work_per_s",
				    json_real((double)work * 1e9 / (double)window_ns));
	line = jsonio_line(out);
	return line && printf("%s\n", line) > 0 && !fflush(stdout) ? 0 : -EIO;
}

static int run(const struct settings *o, const struct cpulist *cpus, struct diag *d)
{
	_free_ struct spin *spin = aligned_alloc(128, cpus->n * sizeof(*spin));
	_free_ struct reading *before = calloc(2 * cpus->n, sizeof(*before));
	struct reading *after = before + cpus->n;
	atomic_bool stop = false;
	pthread_barrier_t started;
	uint64_t window_ns = 0;
	int err = 0, told;

	if (!spin || !before)
		return diag_errno(d, -ENOMEM, "spinner");
	pthread_barrier_init(&started, NULL, (unsigned)cpus->n + 1);
	for (size_t i = 0; i < cpus->n; i++) {
		spin[i] = (struct spin){
			.cpu = cpus->cpu[i],
			.normal = o->normal,
			.wakeups = o->wakeups,
			.started = &started,
			.stop = &stop,
		};
		err = -pthread_create(&spin[i].thread, NULL, spin_thread, &spin[i]);
		if (err) /* those before wait at the barrier: only the end of the process helps */
			return diag_errno(d, err, "thread for CPU %u", cpus->cpu[i]);
	}
	pthread_barrier_wait(&started);
	for (size_t i = 0; i < cpus->n && !err; i++) {
		if (spin[i].err)
			err = diag_errno(d, spin[i].err, "CPU %u", spin[i].cpu);
	}
	told = err ? err : window(o, spin, cpus->n, before, after, &window_ns, d);
	if (told < 0)
		err = told;
	atomic_store(&stop, true);
	for (size_t i = 0; i < cpus->n; i++)
		pthread_join(spin[i].thread, NULL);
	pthread_barrier_destroy(&started);
	if (!err && print(o, spin, cpus->n, before, after, window_ns))
		err = diag_set(d, -EIO, "standard output");
	if (!err && !told && !o->calibrate_ns)
		err = control_await((int)o->control_fd, CONTROL_EXIT, UINT64_MAX, -1, -1, d);
	return err;
}

static int complain(struct diag *d)
{
	fprintf(stderr, "spinner: %s\n", d->text);
	return 1;
}

int main(int argc, char **argv)
{
	struct settings o = {0};
	struct cpulist cpus = {0};
	struct diag d = {""};
	int first = 0,
	    err = opt_parse(options, ARRAY_SIZE(options), &o, false, argc, argv, &first, &d);

	if (err > 0) {
		printf("Usage: spinner --cpus LIST (--calibrate TIME | --control-fd N) [--normal] "
		       "[--wakeups N]\n\n");
		opt_help(options, ARRAY_SIZE(options), stdout);
		return 0;
	}
	if (!err && first < argc)
		err = diag_set(&d, -EINVAL, "\"%s\": no such argument", argv[first]);
	if (!err && !o.cpus)
		err = diag_set(&d, -EINVAL, "--cpus LIST is missing");
	if (!err && !o.calibrate_ns == !o.control_fd)
		err = diag_set(&d, -EINVAL, "give either --calibrate TIME or --control-fd N");
	if (!err)
		err = cpulist_parse(o.cpus, &cpus, &d);
	if (!err && !cpus.n)
		err = diag_set(&d, -EINVAL, "--cpus: the list is empty");
	if (!err)
		err = run(&o, &cpus, &d);
	cpulist_free(&cpus);
	return err ? complain(&d) : 0;
}
