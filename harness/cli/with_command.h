/* SPDX-License-Identifier: Apache-2.0 */
/* A command that keeps our terminal and standard streams: how `with` runs it and ends it. */
#pragma once
#include <sys/types.h>
#include "sys/child_private.h"

struct diag;

struct command_run {
	pid_t pid;
	struct child_cgroup cgroup; /* nothing escapes from it; fd -1 where there is none */
};

/* Block the signals that would end us, from here to the end of the program: they are waited for in
 * with_command_wait(), and nothing interrupts a restore. Call it before anything is changed. */
void with_command_prepare(void);
/* Make a place for it, which the guardian can be told of before it runs. */
void with_command_place(struct command_run *run);
/* Start it in our process group; -errno when it cannot be executed. */
int with_command_start(char *const *argv, struct command_run *run, struct diag *d);
/* Wait for its end, passing signals on; one that ignores SIGTERM or SIGHUP for 5 s is killed.
 * *status as of waitpid(2). */
int with_command_wait(struct command_run *run, int *status);
/* End whatever it left running, but not `spare` (the guardian), and remove its place. */
void with_command_sweep(struct command_run *run, pid_t spare);
