/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that steer flows to a queue: by a rule (ntuple) of each end, or all that there are. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include "knob/knob.h"
#include "trial/net_target.h"

/*
 * Rules on at both ends, and one at location 0: what the server listens on goes to the queue there,
 * what it answers from to the queue here. Appended to the array, which the caller frees.
 * -EOPNOTSUPP with the reason: a driver has no rules. Whether packets follow the rule is for who
 * opens the flows to see (SO_INCOMING_NAPI_ID).
 */
int steer_settings(const struct net_target *t, const char *protocol, int queue,
		   struct knob_setting **settings, size_t *n, struct diag *d);

/*
 * Every flow to the queue, by what each end has: its hash table (RSS) naming that queue alone, else
 * a rule as above, else nothing: then only the source port decides, which who opens the flows
 * draws.
 */
int steer_all(struct sys *s, const struct net_target *t, const char *protocol, int queue,
	      struct knob_setting **settings, size_t *n, struct diag *d);
/* Can that be done at both ends without choosing the source port, for any program? */
bool steer_can(struct sys *s, const struct net_target *t);

#define STEER_SENT_ELSEWHERE	 "placement_sent_elsewhere_share"
#define STEER_RECEIVED_ELSEWHERE "placement_received_elsewhere_share"
/*
 * Of the packets of both ends in the window those that went out or came in by another queue
 * (negative: 0), as the driver counts them, into evidence.counters; or .absent.
 */
void steer_evidence(const struct net_target *t, int queue, json_t *evidence);
