/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a group of results is about: block I/O, round trips or streams. Which columns its table
 * shows, which members of `load` make two rows comparable, over which of them modes may overtake
 * each other, what is judged when nothing was declared: a row of one table, so that nothing else
 * asks "is this a network result?".
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define KIND_COLUMNS 10

struct kind_column {
	const char *metric;
	bool open_loop; /* only where all rows have the same rate */
};

struct kind_axis {
	const char *key;   /* member of load; "rate_share" and "size": kind_axis_level() */
	const char *label; /* "depth"; NULL: decides what is comparable, but is no axis of load */
	const char *unit;  /* "bytes", "1/s" or "" */
	bool closed_only;  /* at open loop it only bounds what may be in flight */
	bool open_only;
};

struct kind {
	const char *name;    /* "block", "net_rr", "net_stream" */
	const char *event;   /* what is counted: "I/O" */
	const char *count;   /* member of evidence.counts that ratios divide by */
	const char *rate;    /* metric of a closed loop's answer */
	const char *latency; /* metric of an open loop's answer; also of latency figures */
	const char *tail;    /* p99 of the same */
	const char *prefix;  /* of its percentiles: "latency_" */
	const char *cpu;     /* CPU time of the tasks per event */
	const char *left; /* what CPU a pass with idle-priority spinners found left; NULL: none */
	const char *interrupts;
	struct kind_column column[KIND_COLUMNS]; /* ends with a NULL metric */
	const struct kind_axis *axis;		 /* ends with a NULL key */
};

/* By the members of `load`: "pattern" makes it a network result. Never NULL. */
const struct kind *kind_of(const json_t *load);
/* Network or block: a baseline is a mode of one of the two. */
bool kind_is_network(const struct kind *kind);
/* The one of a name; NULL when there is none. */
const struct kind *kind_find(const char *name);
/* The level of a load on an axis; NAN when it has none. A share of the best rate is `rate`, which
 * it came to; KIND_SIZE is where requests and responses are of one size and change together. */
#define KIND_SIZE "size"
double kind_axis_level(const struct kind_axis *axis, const json_t *load, double rate);
/* Is the member of load what the axis is about? Then it is the level, and tells no rows apart. */
bool kind_axis_holds(const char *axis, const char *member, const json_t *load);
/* "randread 4 KiB, depth 16, 2 jobs, open loop at 12000/s"; `rate` is that of the trials (NAN:
 * not known). Returns `out`. */
const char *kind_load_text(const json_t *load, double rate, char *out, size_t size);
bool kind_open_loop(const json_t *load);
