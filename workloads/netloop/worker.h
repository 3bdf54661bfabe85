/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of either end, with its flows, buffers and books. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "base/rng.h"
#include "flow.h"
#include "loop/arrivals.h"
#include "options.h"
#include "record/hist.h"
#include "wait.h"

struct crew;

#define INTERVAL_NS   100000000u
#define INTERVALS_MAX 36000 /* one hour; later round trips are in the totals only */

/* System calls the loop makes, counted where they are made. */
enum call {
	CALL_RECV,
	CALL_SEND,
	CALL_EPOLL_WAIT,
	CALL_EPOLL_CTL,
	CALL_IO_URING_ENTER,
	CALL_NANOSLEEP,
	CALL_POLL,
	CALL_RECVMSG_ERRQUEUE,
	CALLS,
};

/* A request that is out, or may be sent. A slot belongs to one flow for good. */
struct slot {
	uint64_t sent_ns, intended_ns;
	uint32_t generation; /* how often it was used: tells a late response from a right one */
	bool busy;
};

struct worker {
	const struct options *o;
	const struct load *l;
	const struct wait_ops *wait;
	void *state; /* of the way to wait */
	struct crew *crew;
	/* what is done with data that came: the client's or the server's */
	void (*data)(struct worker *w, struct flow *f, char *buf, uint32_t len);
	uint32_t index, jobs;
	struct flow **flow;
	uint32_t n_flows;
	bool client;

	/* hot, both ends */
	char *buf; /* to receive into */
	uint32_t buf_bytes;
	char *payload; /* random bytes, to send from */
	uint64_t calls[CALLS], empty_polls;
	uint64_t bytes_in, bytes_out, messages_in, messages_out, strays;
	uint64_t zc_sent, zc_done,
		zc_copied; /* MSG_ZEROCOPY: sends, completions, copies among them */

	/* hot, client */
	struct slot *slot; /* depth of each flow, flow by flow */
	char *slot_bytes;  /* UDP: the request of each slot */
	uint32_t *free;	   /* ring of free slots: the one free for longest goes next */
	uint32_t n_slots, n_free, free_at;
	bool refill;	    /* closed loop: a response makes the next request leave at once */
	bool counting;	    /* inside the window: round trips go into the books */
	uint64_t until_ns;  /* closed loop: no request leaves after this */
	uint64_t now_ns;    /* latest time stamp */
	uint64_t remaining; /* requests still to be sent in this step */
	struct rng rng;

	/* books of the step, client */
	uint64_t begin_ns, end_ns;
	uint64_t done, done_total, lost, late, bytes_window;
	struct hist latency, service;
	uint64_t inflight_last_ns, inflight_integral, inflight_window;
	uint32_t inflight_max;
	struct starts starts;
	uint64_t *interval, interval_end_ns;
	uint32_t interval_at;

	/* books of the step, server */
	uint64_t first_ns, last_ns;

	/* read by main while the loop runs, to tell a dead server from a slow one */
	_Atomic uint64_t progress;
	_Atomic uint32_t waiting;
	uint64_t seen; /* main's: the progress at its last look */

	pthread_t thread;
	pid_t tid;
	int err; /* with the sentence in d */
	struct diag d;
} __attribute__((aligned(64)));

/* Pin, allocate and touch everything, in the worker's own thread. */
int worker_alloc(struct worker *w, struct diag *d);
void worker_free(struct worker *w);
/* Books back to their beginning. */
void worker_reset(struct worker *w);
bool worker_stopped(const struct worker *w);
/* Remember the first failure and make everybody leave the step. */
void worker_fail(struct worker *w, int err, const char *what);

/* One datagram at a time, or what a TCP socket has: recv(2) into w->buf and worker_data(). Returns
 * 1, 0 when there was nothing, or -errno. */
int worker_receive(struct worker *w, struct flow *f, int flags);
/* send(2), with MSG_ZEROCOPY where asked for; keeps what found no room as owed. */
int worker_send(struct worker *w, struct flow *f, char *buf, uint32_t len);
/* Send what is owed, as far as there is room. */
int worker_flush(struct worker *w, struct flow *f);
/* wait_ops.stream by send(2): sleeping in it, or not. */
int worker_stream_block(struct worker *w, struct flow *f, char *buf, uint32_t len);
int worker_stream_try(struct worker *w, struct flow *f, char *buf, uint32_t len);

/* MSG_ZEROCOPY: take completions off the error queue of `f`. */
int zerocopy_reap(struct worker *w, struct flow *f);
/* Wait until every send of the step is complete, at most 0.1 s. */
void zerocopy_drain(struct worker *w);

/* client_loop.c, stream.c, server_loop.c: what a worker does in a step. length_ns 0: no bound. */
void client_run(struct worker *w, uint64_t length_ns);
void client_data(struct worker *w, struct flow *f, char *buf, uint32_t len);
void stream_run(struct worker *w, uint64_t length_ns);
void server_run(struct worker *w);
void server_data(struct worker *w, struct flow *f, char *buf, uint32_t len);
