/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workload that does not speak our control protocol (fio): nobody can say "go" to it, and what it
 * counts begins and ends when it pleases. So the evidence window is its whole life, sampled before
 * it exists and after it is gone, and the I/Os that divide the counters are all that it reports,
 * warm-up included: both speak of the same I/Os. Its start (0.3 s for fio) makes no I/O; what it
 * costs in CPU time is left out, as the CPU time per I/O comes from the job threads themselves.
 *
 * Counters of tasks are gone with the tasks. They are sampled a second time over half of the
 * measured part ("steady"); what is a share of time (SQ threads) is taken from there.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "evidence/evidence.h"
#include "gate/gate.h"
#include "trial/rundir.h"

struct child;
struct diag;

struct workload_free_request {
	const char *name;
	char *const *argv;
	const char *input; /* on its standard input, kept as raw/TRIAL/NAME.stdin; or NULL */
	const struct cpulist *cpus; /* of its main process; fio's jobs place themselves */
	const int *memory_node;	    /* memory of all of it is bound to it; NULL: not bound */
	int netns_fd;		    /* network namespace to run in; <= 0: ours */
	bool starts_jobs;	    /* as in struct workload_adapter */
	struct evidence_scope scope;
	const struct rundir *dir;
	const char *trial;
	int raw, signal_fd;
	uint64_t ramp_ns, runtime_ns;
	uint64_t grace_ns; /* beside those two; past it the program hangs */
	/* What it will write, held by the gate as long as it runs; NULL: it only reads. */
	const char *writes_to, *write_id;
};

struct workload_free {
	const struct workload_free_request *r;
	struct child *child;
	struct evidence_window *window;
	struct gate_target claim;
	bool claimed;
	uint64_t started_ns, ended_ns;
	char stdout_name[32], stderr_name[32];
};

/* Pass the write gate, sample, start. `r` must outlive `w`, but not what it says of argv and input.
 * workload_free_end() in every case. */
int workload_free_start(struct workload_free *w, const struct workload_free_request *r,
			struct diag *d);
/*
 * Until it has ended and its output is whole. *evidence: as evidence_end(), with "steady" beside
 * it; new reference. `notes` is appended with the lines of its standard error. -ETIMEDOUT: it hung
 * and was ended; -EFBIG: it printed too much; -EPIPE: it was killed or its exit status says that it
 * failed, with the first line that tells why; -EINTR: a signal on signal_fd.
 */
int workload_free_await(struct workload_free *w, json_t **evidence, json_t *notes, struct diag *d);
/* End it if it still runs; let go of the target. */
void workload_free_end(struct workload_free *w);
