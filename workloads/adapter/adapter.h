/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workload adapter turns a cell into a command line and the program's output into a record's
 * fields. One file per program and one line in registry.c.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;

/* One resolved option, in the order it is passed. */
struct workload_option {
	const char *name, *value;
};

/* What the program is asked to do. All borrowed. */
struct workload_job {
	const char *program;  /* path to execute */
	const char *target;   /* file or device */
	const char *write_id; /* identity of a device that may be written, or NULL */
	const char *rw;
	uint64_t bs, iodepth, numjobs, rwmixread;
	bool dsync;
	uint64_t ramp_ns, runtime_ns;
	double rate_iops; /* arrivals a second over all jobs; 0: closed loop */
	bool poisson;
	uint64_t seed;
	const char *cpus;		       /* CPU list, one CPU per job in order */
	const struct workload_option *options; /* of the mode, place-holders resolved */
	size_t n_options;
	int control_fd; /* the number the program inherits it as */
};

struct workload_adapter {
	const char *name;
	const char *program; /* file name of the program beside iomodes, or in PATH */
	bool controlled;     /* speaks the control protocol (workloads/control) */
	/* NULL-terminated argv in one allocation that the caller frees with free(). */
	int (*argv)(const struct workload_job *job, char ***argv, struct diag *d);
	/*
	 * Fill the record from the program's standard output: "metrics", "latency", "service",
	 * "intervals", "workload_report", "counts" (of the timed window), and in `evidence` the
	 * "counts" of the evidence window and the counters that the program kept ("system_calls").
	 */
	int (*parse)(const char *text, size_t len, json_t *record, json_t *evidence,
		     struct diag *d);
};

const struct workload_adapter *workload_find(const char *name);
