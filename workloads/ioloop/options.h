/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked for. Names are fio's where fio has one. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/num.h"
#include "base/opt.h"

#define OPTION_UNSET UINT64_MAX

struct engine_ops;

struct options {
	struct opt_strs files;
	const char *engine_name, *rw, *rate_process, *open_wait, *sync, *cpus_policy;
	uint64_t bs, iodepth, numjobs, rwmixread, size, offset, randseed;
	uint64_t runtime_ns, ramp_ns, number_ios;
	uint64_t batch_submit, batch_complete_min, min_wait_ns;
	double rate_iops; /* of each job; 0: closed loop */
	bool direct, lat;
	bool hipri, hybrid, sqpoll, fixedbufs, registerfiles, registerring;
	bool defer_taskrun, single_issuer, coop_taskrun, no_sqarray;
	uint64_t sq_cpu, sq_idle_ns;
	const char *cpus_text;
	uint64_t memory_node, control_fd, layout;
	const char *write_id;
	uint64_t test_delay_ns; /* of each I/O, burnt: for tests only */
	bool check;

	/* resolved */
	const struct engine_ops *engine;
	struct cpulist cpus;
	bool random, reads, writes, spin;
};

struct diag;

/* 0, 1 when help was printed, -errno with the sentence. `o->cpus` is freed by the caller. */
int options_parse(int argc, char **argv, struct options *o, struct diag *d);
/* All of them as resolved: new reference. */
json_t *options_json(const struct options *o);
