/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked for. Names are fio's where fio has one. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/num.h"
#include "base/opt.h"

#define OPTION_UNSET UINT64_MAX
#define FLOWS_MAX    1024
#define DEPTH_MAX    1024

struct diag;
struct wait_ops;

enum pattern { PATTERN_PINGPONG, PATTERN_RR, PATTERN_STREAM };

/* What both ends must agree on: the client sends it, the server may wait in a way of its own. */
struct load {
	bool tcp;
	enum pattern pattern;
	uint32_t size, response_size; /* bytes; a stream has no response */
	uint32_t depth, flows, jobs;
	uint64_t timeout_ns; /* UDP: a round trip that takes longer is lost */
	const struct wait_ops *wait;
	uint32_t busy_poll_usecs;
	uint16_t busy_poll_budget;
	bool prefer_busy_poll, zerocopy;
};

struct options {
	/* both ends */
	uint64_t port, numjobs, control_fd, busy_poll_usecs, busy_poll_budget;
	const char *wait_name, *cpus_text;
	bool prefer_busy_poll, zerocopy;
	/* run */
	const char *server, *protocol, *pattern, *rate_process;
	uint64_t size, response_size, depth, flows;
	uint64_t runtime_ns, ramp_ns, number, timeout_ns, dead_ns, randseed;
	double rate; /* arrivals a second over all flows; 0: closed loop */
	uint64_t napi_id, server_napi_id, incoming_cpu, server_incoming_cpu;
	uint64_t source_port, source_ports;
	/* serve */
	const char *bind;
	uint64_t idle_ns;

	/* resolved */
	bool serve;
	struct load load; /* of the client; the server gets its own from the client */
	struct cpulist cpus;
};

/* argv[0] is "run" or "serve". 0, 1 when help was printed, -errno with the sentence. `o->cpus` is
 * freed by the caller. */
int options_parse(int argc, char **argv, struct options *o, struct diag *d);
/* All of them as resolved: new reference. */
json_t *options_json(const struct options *o);

/* The load as the client sends it, and as the server takes it: every number is checked again.
 * `o`: the server's options, whose own --wait, --numjobs override the client's. */
json_t *load_json(const struct load *l);
int load_from_json(const json_t *j, const struct options *o, struct load *l, struct diag *d);
