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
struct fio_job;

/* One resolved option, in the order it is passed. */
struct workload_option {
	const char *name, *value;
};

/* The network part of a job: what both ends are told. All borrowed. */
struct workload_net {
	const char *protocol; /* "udp", "tcp" */
	const char *pattern;  /* "pingpong", "rr", "stream" */
	uint64_t request_bytes, response_bytes;
	uint64_t depth;	     /* requests in flight per flow */
	uint64_t flows;	     /* of all jobs together */
	double rate_per_s;   /* arrivals a second over all flows; 0: closed loop */
	const char *address; /* the server's, numeric: it binds it, the client connects to it */
	uint16_t port;
	/* What both ends read as one line of standard input, where the adapter says so; it is in
	 * no command line. */
	const char *token;
	const char *server_cpus; /* CPU list of the server's threads; `cpus` is the client's */
	int server_control_fd;	 /* as `control_fd`, of the server; -1: none */
	/* NAPI instance on which the flows must arrive at each end; 0: wherever they land. */
	uint32_t napi_id, server_napi_id;
	unsigned source_ports; /* to try for that; 0: as the program likes */
	uint16_t source_port;  /* of the first flow, the others follow; 0: the kernel's choice */
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
	int control_fd;			/* the number the program inherits it as */
	const struct fio_job *fio_job;	/* the user's own job file, checked; NULL: by options */
	const struct workload_net *net; /* of a network workload; NULL: a block one */
};

struct workload_adapter {
	const char *name;
	const char *program; /* file name of the program beside iomodes, or in PATH */
	bool controlled;     /* speaks the control protocol (workloads/control); else its whole life
				is the evidence window, and it says how much it did in it */
	bool starts_jobs;    /* not controlled: processes or threads of its own do the work */
	bool token_on_stdin; /* both ends want net->token and a newline on standard input */
	/* NULL-terminated argv in one allocation that the caller frees with free(). */
	int (*argv)(const struct workload_job *job, char ***argv, struct diag *d);
	/* What it reads on standard input; the caller frees it. NULL: nothing. */
	int (*input)(const struct workload_job *job, char **text, struct diag *d);
	/*
	 * The same for the other end of a network workload, started first; NULL: it has none. A
	 * controlled server says "ready" when it listens and ends by itself after the client's
	 * run, or when its control socket closes; its figures are in the client's report.
	 */
	int (*server_argv)(const struct workload_job *job, char ***argv, struct diag *d);
	/*
	 * Fill the record from the program's standard output: "metrics", "latency", "service",
	 * "intervals", "workload_report", "counts" (of the timed window), and in `evidence` the
	 * "counts" of the evidence window and the counters that the program kept ("system_calls").
	 */
	int (*parse)(const char *text, size_t len, json_t *record, json_t *evidence,
		     struct diag *d);
};

/* The lines of standard error or of a report-less output, for the record; and the first of them
 * that says what went wrong (NULL: none). */
void workload_notes(const char *text, size_t len, json_t *notes);
const char *workload_reason(const json_t *notes);

const struct workload_adapter *workload_find(const char *name);
