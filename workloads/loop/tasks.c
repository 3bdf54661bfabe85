// SPDX-License-Identifier: Apache-2.0
#include "loop/tasks.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

/*
 * The scheduler's clock of one thread (the CPUCLOCK_SCHED clock of clock_getcpuclockid(3), by
 * thread). /proc/PID/task/TID/schedstat shows the same sum, but for a running thread only as of the
 * last tick, and an SQ thread runs all the time.
 */
static int cpu_time(pid_t tid, uint64_t *ns)
{
	clockid_t id = (clockid_t)(~(unsigned)tid << 3 | 4 | 2);
	struct timespec ts;

	if (clock_gettime(id, &ts))
		return -1;
	*ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	return 0;
}

static const char *role_of(pid_t tid, const pid_t *worker, size_t n)
{
	_file_ FILE *f = NULL;
	char path[64], comm[32] = "";

	if (tid == getpid())
		return "main";
	for (size_t i = 0; i < n; i++)
		if (worker[i] == tid)
			return "worker";
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	f = fopen(path, "re");
	if (f && fgets(comm, sizeof(comm), f) && !strncmp(comm, "iou-sqp", 7))
		return "sq";
	return !strncmp(comm, "iou-wrk", 7) ? "io-wq" : "other";
}

json_t *tasks_sample(const pid_t *worker, size_t n)
{
	_dir_ DIR *dir = opendir("/proc/self/task");
	json_t *out = json_object();
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		pid_t tid = (pid_t)atoi(e->d_name);
		uint64_t ns;

		if (tid > 0 && !cpu_time(tid, &ns))
			json_object_set_new(out, e->d_name,
					    json_pack("{s:s, s:I}", "role", role_of(tid, worker, n),
						      "cpu_ns", (json_int_t)ns));
	}
	return out;
}

json_t *tasks_difference(json_t *before, json_t *after)
{
	json_t *out = json_array(), *now;
	const char *tid;

	json_object_foreach (after, tid, now) {
		json_t *then = json_object_get(before, tid);
		json_int_t ns = json_integer_value(json_object_get(now, "cpu_ns"));

		/* a task born in the window (io-wq) used all its time in it */
		ns -= json_integer_value(json_object_get(then, "cpu_ns"));
		json_array_append_new(out, json_pack("{s:i, s:O, s:I}", "tid", atoi(tid), "role",
						     json_object_get(now, "role"), "cpu_ns", ns));
	}
	return out;
}
