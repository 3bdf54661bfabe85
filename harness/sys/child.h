/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a workload as a child that cannot escape: cgroup v2 leaf ended by cgroup.kill where that
 * is writable, else a supervisor that is a child subreaper (prctl(2), Linux 3.4) and ends all its
 * descendants. It dies with the program that started it, however that ends.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/num.h"

struct diag;
struct child;

struct child_options {
	const char *const *argv;    /* NULL-terminated; argv[0] is a path or searched in PATH */
	const struct cpulist *cpus; /* affinity set before exec; NULL leaves it as it is */
	int memory_node;	    /* bind memory before exec (set_mempolicy(2)), -1: leave */
	int output_dir;		    /* directory fd for stdout and stderr files, -1: /dev/null */
	const char *stdout_name, *stderr_name; /* file names in output_dir */
	uint64_t output_max; /* bytes a stream may write (RLIMIT_FSIZE-like cap), 0: 1 GiB */
	int control_fd;	     /* one end of a socketpair, inherited as `control_as`; -1: none */
	int control_as;
	const char *stdin_text; /* written to its standard input; NULL: /dev/null */
};

/* Start it. The child is freed by child_free(), which ends it first if it still runs. */
int child_start(const struct child_options *o, struct child **child, struct diag *d);
/* The workload's own pid (not the supervisor's); its tasks are /proc/PID/task. */
pid_t child_pid(const struct child *child);
/* The cgroup directory ("" when there is none). */
const char *child_cgroup(const struct child *child);
/* A descriptor that becomes readable when the workload has ended (pidfd or pipe). */
int child_fd(const struct child *child);
/* Wait until it has ended or `deadline_ns` (CLOCK_MONOTONIC) has passed: 0 ended, -ETIMEDOUT.
 * *status as of waitpid(2). */
int child_wait(struct child *child, uint64_t deadline_ns, int *status);
/* End it and everything it started, now. Returns after all are gone (at most 5 s, else -EBUSY). */
int child_kill(struct child *child);
void child_free(struct child *child);
