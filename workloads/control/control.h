/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the harness and a loop agree on the measured window, over a stream socket that the loop
 * inherits (--control-fd N). One word a line:
 *
 *   loop     "ready"  the ramp is over, nothing is in flight, the worker threads are parked
 *   harness  "go"     counters are sampled: measure
 *   loop     "done"   measured, drained, parked; all tasks are still alive
 *   harness  "exit"   counters are sampled: print the result and end
 *
 * So the counters between "ready" and "done" cover exactly the I/Os that the loop reports as
 * `ios_total`. Either side ends when the other closes its end.
 */
#pragma once
#include <stdint.h>

struct diag;

enum control_word { CONTROL_READY, CONTROL_GO, CONTROL_DONE, CONTROL_EXIT };

/* Send one word. -EPIPE when the other side has gone (SIGPIPE is not raised). */
int control_send(int fd, enum control_word word, struct diag *d);

/*
 * Wait until the other side says `word`. `deadline_ns` is CLOCK_MONOTONIC, UINT64_MAX: none.
 * `other_fd` (or -1) ends the wait when it becomes readable: a pidfd, a signalfd.
 * 0; -EPIPE: the other side closed; -ETIMEDOUT; -EINTR: `other_fd`; -EPROTO: another word came.
 */
int control_await(int fd, enum control_word word, uint64_t deadline_ns, int other_fd,
		  struct diag *d);

/* A pair for the harness: *ours (close-on-exec) and *theirs (to be inherited). */
int control_pair(int *ours, int *theirs, struct diag *d);
