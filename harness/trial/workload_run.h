/* SPDX-License-Identifier: Apache-2.0 */
/* A workload under the control protocol (workloads/control): ready, go, done, exit. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/num.h"
#include "control/control.h"
#include "sys/child.h"

struct diag;

struct workload_run {
	struct child *child;
	int control;	  /* our end of the socket pair, or -1 */
	const char *name; /* for messages; borrowed */
	int raw;	  /* directory with its output; borrowed */
	char stdout_name[32], stderr_name[32];
	/* Its other end, whose death while we wait ends the wait with its reason; borrowed, or
	 * NULL. */
	struct workload_run *partner;
};

/* How a program is started; everything is borrowed. */
struct workload_start {
	const char *name; /* for messages, and of its output files */
	char *const *argv;
	const struct cpulist *cpus; /* it is pinned to */
	const int *memory_node;	    /* its memory is bound to it; NULL: not bound */
	int raw;		    /* directory for <name>.stdout and .stderr */
	bool controlled;	    /* give it a control socket */
	const char *stdin_text;	    /* its standard input; NULL: /dev/null */
	int netns_fd;		    /* network namespace to run in; <= 0: ours */
};

enum { WORKLOAD_CONTROL_FD = 3 }; /* the number the program inherits the socket as */

int workload_run_start(struct workload_run *w, const struct workload_start *o, struct diag *d);
/*
 * Sleep until the program says `word`. -EINTR: a signal came in on `signal_fd`;
 * -ETIMEDOUT: the deadline (CLOCK_MONOTONIC ns) passed; -EPIPE: it, or its partner, ended instead
 * (the diag has the status and the first line of standard error); -EPROTO: it said something else.
 */
int workload_run_await(struct workload_run *w, enum control_word word, uint64_t deadline_ns,
		       int signal_fd, struct diag *d);
int workload_run_say(struct workload_run *w, enum control_word word, struct diag *d);
/* Wait for its end and judge its status: -ETIMEDOUT, -EPIPE with the reason. */
int workload_run_finish(struct workload_run *w, uint64_t deadline_ns, struct diag *d);
/* End it now if it still runs; may be called at any time. */
void workload_run_free(struct workload_run *w);
