/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trials that gave nothing are tried again at the end of the run, at most a fifth more than was
 * planned. A retry stands for the trial it repeats: it bears its block and names it as "retry_of".
 * What is deterministic is not repeated for ever: a cell none of whose trials gave numbers is left
 * alone, and one none of whose trials was valid gets a single further chance.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RETRY_SHARE 0.2

struct retry_entry {
	char id[80]; /* of the trial, without the run: "b03-o07" */
	size_t cell;
	uint64_t block, order;
	enum { RETRY_GOOD, RETRY_INVALID, RETRY_FAILED } state; /* of the latest attempt */
	unsigned tries;						/* made so far */
	char reason[200];					/* why it is not good */
};

/* Every trial of the blocks, in the order of the run. Zeroed to begin with. */
struct retry_list {
	struct retry_entry *entry;
	size_t n, room;
	size_t made, budget;
};

/* A record of the blocks or a retry of one; those of other passes are ignored. -ENOMEM. */
int retry_note(struct retry_list *l, const json_t *record, size_t cell);
/* All trials of that block are invalid, because … (the canary). */
void retry_spoil_block(struct retry_list *l, uint64_t block, const char *reason);
/* The next to try, or NULL: all are good, hopeless or past the budget. Sets the budget. */
struct retry_entry *retry_next(struct retry_list *l);
/* How many are to be tried, were none of them good: for the progress. */
size_t retry_waiting(const struct retry_list *l);
/* {"budget", "made", "given_up": [{"trial", "reason"}]}; new reference. */
json_t *retry_json(const struct retry_list *l);
void retry_free(struct retry_list *l);
