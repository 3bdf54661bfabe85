/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a workload as a child that cannot escape. Between us and the workload stands a small
 * supervisor process that watches a pidfd of its parent (Linux 5.3) and a socket: when we ask for
 * it, or die in any way, it ends the workload and everything that came from it. It finds them as
 * the members of a cgroup v2 leaf (cgroup.kill, Linux 5.14, else cgroup.procs) where one can be
 * made below our own cgroup, and, always, as its descendants: it is a child subreaper (prctl(2),
 * Linux 3.4), so a double fork with setsid lands under it and not under init.
 *
 * If the supervisor itself is killed, the workload dies by its parent-death signal, and its escaped
 * children by the cgroup; without a cgroup those survive. Leaves whose program has died are ended
 * and removed by the next child_start().
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
	/* Bytes of each stream that reach its file, 0: 1 GiB. The rest is read and dropped by the
	 * supervisor (child_output_cut()). Not RLIMIT_FSIZE: that would also bound the files that a
	 * workload lays out to measure on. */
	uint64_t output_max;
	int control_fd; /* one end of a socketpair, inherited as `control_as`; -1: none */
	int control_as;
	const char *stdin_text; /* its standard input; NULL: /dev/null */
	int netns_fd;		/* network namespace to run in (setns(2) before exec); <= 0: ours */
	bool no_cgroup;		/* do not look for a cgroup: the subreaper alone */
};

/*
 * Start it; returns when exec has succeeded, or with its reason ("fio: No such file or directory").
 * The workload has a session of its own (terminal signals reach only us), default signal
 * dispositions and an empty mask, no core file, and no descriptor but 0, 1, 2 and `control_as`.
 * `control_fd` stays open here; the caller closes it. Freed by child_free(), which ends the
 * workload first if it still runs.
 */
int child_start(const struct child_options *o, struct child **child, struct diag *d);
/* The workload's own pid (not the supervisor's); its tasks are /proc/PID/task. */
pid_t child_pid(const struct child *child);
/* The cgroup directory, from the root ("" when there is none). */
const char *child_cgroup(const struct child *child);
/* A descriptor that becomes readable when the workload has ended. Only to be polled. */
int child_fd(const struct child *child);
/* Wait until it has ended or `deadline_ns` (CLOCK_MONOTONIC) has passed: 0 ended, -ETIMEDOUT.
 * *status (may be NULL) as of waitpid(2). "Ended" includes what the workload left behind: that is
 * killed as soon as its main process is gone, and the output files are complete. */
int child_wait(struct child *child, uint64_t deadline_ns, int *status);
/* End it and everything it started, now. Returns after all are gone (at most 5 s, else -EBUSY). */
int child_kill(struct child *child);
/* After the end: some output exceeded output_max and was dropped. */
bool child_output_cut(const struct child *child);
void child_free(struct child *child);
