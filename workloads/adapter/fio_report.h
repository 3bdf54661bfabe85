/* SPDX-License-Identifier: Apache-2.0 */
/* fio's json+ report into numbers, per direction and job. Internal to adapter/. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "record/hist.h"

struct diag;

/* The job that only warms up before the measured one (fio.c): counted, not measured. */
#define FIO_RAMP_JOB "iomodes-ramp"

enum fio_direction { FIO_READ, FIO_WRITE, FIO_TRIM, FIO_MIXED, FIO_DIRECTIONS };

struct fio_sums {
	uint64_t ios, bytes, runtime_ms; /* the longest of the jobs' */
	struct hist lat, clat, slat;
};

/* Over the measured jobs. Some 120 KiB a direction: on the heap. */
struct fio_report {
	struct fio_sums direction[FIO_DIRECTIONS];
	uint64_t ios_all, context_switches_all; /* with the ramp job: of fio's whole life */
	uint64_t context_switches;
	double cpu_ns; /* user and system time of the job threads, without the kernel's SQ thread */
	double cpu_ns_all;
	unsigned jobs;	/* entries: with group_reporting a group is one */
	json_t *detail; /* array, one object a job and direction; owned */
};

/*
 * -EPROTO: not what fio writes. -EIO: a job reports an error (the diag names it). Nothing needs to
 * be freed but `detail`, by fio_report_clear(), also after an error.
 */
int fio_report_read(const json_t *report, struct fio_report *r, struct diag *d);
void fio_report_clear(struct fio_report *r);
const char *fio_direction_name(enum fio_direction direction);
