/* SPDX-License-Identifier: Apache-2.0 */
/* Do packets pass? Internal to peer/. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>

struct diag;

struct reach_end {
	int netns_fd;
	struct in_addr address;
	unsigned napi_id; /* out: SO_INCOMING_NAPI_ID of what arrived; 0: none, busy polling is
			     impossible */
};

/* Datagrams in both directions, until one has arrived at each end. -ETIMEDOUT with the direction in
 * which none did, after `timeout_ms`. */
int reach_wait(struct reach_end ends[static 2], unsigned timeout_ms, struct diag *d);
