/* SPDX-License-Identifier: Apache-2.0 */
/* What both ends of a network trial are told, and whether the packets took the path that was set
 * up. */
#pragma once
#include "adapter/adapter.h"
#include "trial/trial.h"

/* The server's. The namespaces are ours alone, so that nothing else can be there. */
#define NET_JOB_PORT 7471

struct net_job {
	struct workload_net job;
	char token[40], token_line[48]; /* of this trial alone */
	struct {
		int netns_fd;
	} end[2]; /* by enum peer_side */
	const char *devs[2];
};

/* How many NAPI instances these interfaces have. */
size_t net_job_napis(const struct machine_subject *subject);
/* net_rx_softirqs_per_napi over `n` instances, from the evidence's own net_rx_softirqs. */
void net_job_per_napi(size_t n, json_t *evidence);
/* receive_interrupts, from the evidence's own device_interrupts and their detail. */
void net_job_receiving(const struct machine_subject *subject, json_t *evidence);
/* Everything points into `out`, `target`, `r` and `server_cpus`, which outlive the trial. */
int net_job_make(const struct net_target *target, const struct trial_request *r,
		 const char *server_cpus, struct net_job *out, struct diag *d);

/*
 * SO_INCOMING_NAPI_ID of the live sockets against the NAPI instances that were looked at after the
 * settings were in force: puts flow_ends_without_napi (0 where busy polling is possible) and
 * flow_ends_on_other_napi (0 unless an instance was made anew since, and what was set on it is
 * gone) into the evidence's counters, or why not into "absent"; net_rx_softirqs_per_napi and
 * receive_interrupts.
 */
void net_job_judge(const struct net_target *target, const json_t *record, json_t *evidence);
