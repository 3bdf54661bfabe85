/* SPDX-License-Identifier: Apache-2.0 */
/* A command that keeps our terminal and standard streams: how `with` runs it and ends it. */
#pragma once
#include <sys/types.h>

struct diag;

struct command_run {
	pid_t pid;
};

/* Block the signals that would end us, from here to the end of the program: they are waited for in
 * with_command_wait(), and nothing interrupts a restore. Call it before anything is changed. */
void with_command_prepare(void);
/* Start it in our process group; -errno when it cannot be executed. */
int with_command_start(char *const *argv, struct command_run *run, struct diag *d);
/* Wait for its end, passing signals on; one that ignores SIGTERM or SIGHUP for 5 s is killed.
 * *status as of waitpid(2). */
int with_command_wait(struct command_run *run, int *status);
/* End whatever it left running, but not `spare` (the guardian). */
void with_command_sweep(pid_t spare);
