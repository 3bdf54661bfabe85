/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of each queue of an interface. Internal to evidence/. */
#pragma once
#include <jansson.h>

struct diag;
struct net_end;
struct queue_counts;

/*
 * From the netdev family (QSTATS_GET, Linux 6.10), else from the driver's own statistics (ethtool
 * -S) where their names are known. *counts is NULL, with the reason, where neither tells.
 */
void queue_counts_read(const struct net_end *end, struct queue_counts **counts, struct diag *why);
void queue_counts_free(struct queue_counts *counts);
/* [{"queue": "rx-0", "packets": n}]; a queue that is not in `before`, or ran backwards because it
 * was made anew, counts from 0. New reference. */
json_t *queue_counts_json(const struct queue_counts *before, const struct queue_counts *after);
