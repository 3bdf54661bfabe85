/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters read before and after the measured window. Sampling only: what a difference means is
 * decided in record/ (expectations) and analysis/ (checks). Adding a source: one file and one line
 * in registry.c.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/num.h"

struct diag;
struct sys;

/* What to look at. All borrowed; must outlive the window. */
struct evidence_scope {
	struct sys *sys;
	const unsigned *irqs; /* vectors of the target */
	size_t n_irqs;
	const char *const
		*disks; /* names below /sys/block whose statistics count (paths, not heads) */
	size_t n_disks;
	/* Interfaces of a network target, "eth0" or "veth0@server" (sys/netns.h); the label says
	 * which end it is, and the protocol counters of its namespace count. */
	const char *const *net_devs;
	size_t n_net_devs;
	struct cpulist cpus; /* measured CPUs: the workload's and its SQ thread's */
	pid_t pid;	     /* the workload, 0 when none runs; its tasks are followed */
	pid_t server_pid;    /* its other end on this machine, 0 when it has none */
	/* A trial that is never timed: tracepoints are counted, too, which slows what it counts. */
	bool proof;
};

struct evidence_source {
	const char *name;
	const char *doc;
	/* Read the counters once; *sample is a new reference. -ENODATA with a reason when this
	 * machine does not have them (then the source's keys appear as absent with that reason,
	 * never as 0). */
	int (*sample)(const struct evidence_scope *scope, void **sample, struct diag *d);
	/* The second sample, when it needs the first (descriptors held over the window). NULL: use
	 * sample(). */
	int (*resample)(const struct evidence_scope *scope, void *before, void **after,
			struct diag *d);
	/* Put before/after differences into the result: evidence_put(), evidence_absent(),
	 * evidence_detail() (evidence/source.h). An error makes all keys of the source absent with
	 * the diag as reason. */
	int (*difference)(const struct evidence_scope *scope, const void *before, const void *after,
			  json_t *result, struct diag *d);
	void (*free)(void *sample);
};

const struct evidence_source *const *evidence_sources(size_t *n);

struct evidence_window;
/* Sample all sources (the cheap ones last, so that they bracket the window closest). */
int evidence_begin(const struct evidence_scope *scope, struct evidence_window **w, struct diag *d);
/* Sample again, in the reverse order; *result is a new reference:
 * {"counters": {name: number}, "absent": {name: reason}, "detail": {source: …}, "window_ns": n}
 * Every kernel counter of evidence_counters() is either in "counters" or in "absent". */
int evidence_end(struct evidence_window *w, json_t **result, struct diag *d);
void evidence_free(struct evidence_window *w);

/* The kernel threads of threaded NAPI of one interface, as the source napi_threads finds them: how
 * many (at most `max`) or -errno. */
int evidence_napi_threads_of(struct sys *sys, const char *dev, int *pids, size_t max,
			     struct diag *d);

/* The counters that expectations may name, with unit and doc: for `iomodes modes` and error hints.
 */
struct evidence_counter {
	const char *name;
	const char *doc;
	bool kernel;	    /* read from the kernel (grade `counter`), not reported by our loop */
	const char *source; /* the source whose it is; NULL for derived and reported ones */
	bool proof;	    /* counted in a proof trial only */
};
const struct evidence_counter *evidence_counters(size_t *n);
