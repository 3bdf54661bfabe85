/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that restores when the orchestrator cannot: forked from it, in a session of its own,
 * deaf to the terminal's signals, locked in memory, protected from the OOM killer, without any
 * inherited descriptor but the state directory, the held lock and its socket; network namespaces
 * are handed to it. When the orchestrator is gone without a goodbye it ends the workload, replays
 * the journal and releases the lock.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>
#include "knob/store.h"

struct diag;
struct sys;

struct guardian {
	pid_t pid;
	int socket;
	bool has_namespaces;
};

/* Returns when it stands ready. `dir` is open and locked. */
int guardian_start(struct guardian *g, const struct state_dir *dir, struct diag *d);
bool guardian_alive(struct guardian *g);
/* What to end before restoring; cgroup "" and pid 0 for nothing. */
int guardian_set_workload(struct guardian *g, const char *cgroup, pid_t pid);
/* The namespaces that `s` knows now: it holds them, so that what was set on a device inside is
 * restored before the kernel gives a real one back and removes a virtual one. */
int guardian_set_namespaces(struct guardian *g, struct sys *s);
/* Nothing is left to restore: it goes, and is waited for. */
void guardian_stop(struct guardian *g);
