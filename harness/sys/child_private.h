/* SPDX-License-Identifier: Apache-2.0 */
/* What child.c (our side) and child_supervise.c (the supervisor's) share. */
#pragma once
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CHILD_CGROUP_PATH 4096
#define CHILD_END_NS	  5000000000u /* how long an end may take before it is reported as failed */

/* A cgroup v2 leaf of one workload. fd -1: there is none. */
struct child_cgroup {
	int fd; /* the directory, with a flock(2) that says that its program lives */
	char path[CHILD_CGROUP_PATH];
};

/* Make a leaf below our own cgroup; -errno when there is no cgroup2 mount that lets us. */
int child_cgroup_make(struct child_cgroup *g);
/* Move the calling process into it. Async-signal-safe. */
int child_cgroup_enter(int fd);
/* SIGKILL to all members. Async-signal-safe. */
void child_cgroup_kill(int fd);
/* Remove the leaf when it is empty; -EBUSY when it is not. */
int child_cgroup_remove(const struct child_cgroup *g);

/* Everything the supervisor needs, made before fork(2) so that nothing can fail after it. */
struct child_plan {
	char *const *argv;
	cpu_set_t *cpus; /* NULL: leave */
	size_t cpus_size;
	int memory_node;
	int stdin_fd;
	int netns_fd;  /* 0: leave */
	int output[2]; /* files for stdout and stderr, -1: /dev/null */
	uint64_t output_max;
	int control_fd, control_as;
	const struct child_cgroup *cgroup; /* its fd is -1 when there is none */
	int channel; /* socket to the parent; its end means "end the workload" */
	int parent;  /* pidfd of the parent */
};

enum child_report_kind { CHILD_STARTED, CHILD_FAILED, CHILD_ENDED };

/* The steps between fork and exec, for the sentence when one fails. */
enum child_step {
	CHILD_STEP_SUPERVISOR,
	CHILD_STEP_DESCRIPTORS,
	CHILD_STEP_AFFINITY,
	CHILD_STEP_MEMORY,
	CHILD_STEP_NETNS,
	CHILD_STEP_EXEC,
};

/* From the supervisor, one write(2) each: STARTED or FAILED, then ENDED. */
struct child_report {
	enum child_report_kind kind;
	pid_t pid;	      /* STARTED */
	bool in_cgroup;	      /* STARTED */
	enum child_step step; /* FAILED */
	int err;	      /* FAILED: positive errno */
	int status;	      /* ENDED: as of waitpid(2) */
	bool left;	      /* ENDED: something did not die in time */
	bool cut;	      /* ENDED: output was dropped */
};

/* The supervisor's life, in the forked process. */
_Noreturn void child_supervise(const struct child_plan *plan);
