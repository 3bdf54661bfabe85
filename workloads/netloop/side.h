/* SPDX-License-Identifier: Apache-2.0 */
/* What both ends have: flows, threads, books. */
#pragma once
#include <jansson.h>

#include "crew.h"
#include "wire.h"

struct side {
	const struct options *o;
	struct load load;
	struct flow *flow; /* load.flows */
	struct crew crew;
	json_t *tasks_before, *tasks; /* CPU time over the last step */
	struct stops stops;
	char token[TOKEN_MAX];
};

/* Signals through a descriptor, the harness's socket closed on exec. */
int side_open(struct side *s, const struct options *o, struct diag *d);
/* Where the buffers of all threads are (loop/pages.h). New reference. */
json_t *side_memory(const struct side *s);
int side_alloc_flows(struct side *s, struct diag *d);
/* Start the threads, deal the flows out to them, wait until they are set up and parked. */
int side_start(struct side *s, bool client, struct diag *d);
/* Take the books' "before" and let the threads run; take the "after" when they are parked. */
void side_begin(struct side *s, enum step step);
void side_end(struct side *s);
void side_close(struct side *s);

/* Parts of the report that are the same at both ends. */
json_t *side_calls(const struct side *s);
json_t *side_flags(const struct side *s);
json_t *side_zerocopy(const struct side *s);
uint64_t side_packets(const struct side *s);
uint64_t side_retransmitted(const struct side *s);
json_t *side_napi_ids(const struct side *s);
