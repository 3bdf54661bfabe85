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
 * The spinner's window has no end of its own: there the harness says "stop" before "done".
 * So the counters between "ready" and "done" cover exactly the I/Os that the loop reports as
 * `ios_total`. Either side ends when the other closes its end.
 */
#pragma once
#include <stdint.h>

struct diag;

enum control_word { CONTROL_READY, CONTROL_GO, CONTROL_STOP, CONTROL_DONE, CONTROL_EXIT };

const char *control_word_text(enum control_word word);

/* Send one word. -EPIPE when the other side has gone (SIGPIPE is not raised). */
int control_send(int fd, enum control_word word, struct diag *d);

/*
 * Wait until the other side says `word`. `deadline_ns` is CLOCK_MONOTONIC, UINT64_MAX: none.
 * `signal_fd` (a signalfd) and `partner_fd` (a pidfd), or -1, end the wait when they become
 * readable, but a word that is there comes first.
 * 0; -EPIPE: the other side closed; -ETIMEDOUT; -EINTR: `signal_fd`; -ECHILD: `partner_fd`;
 * -EPROTO: another word came.
 */
int control_await(int fd, enum control_word word, uint64_t deadline_ns, int signal_fd,
		  int partner_fd, struct diag *d);
/* One of two words: 0 for the first, 1 for the second. */
int control_await_either(int fd, enum control_word word, enum control_word or_word,
			 uint64_t deadline_ns, int signal_fd, int partner_fd, struct diag *d);

/* A loop's part: say `word`, wait for `answer` as long as it takes. Nothing where fd is -1: then
 * nobody controls us. */
int control_exchange(int fd, enum control_word word, enum control_word answer, int signal_fd,
		     struct diag *d);

/* A pair for the harness: *ours and *theirs, both close-on-exec; child_start() hands theirs on. */
int control_pair(int *ours, int *theirs, struct diag *d);
