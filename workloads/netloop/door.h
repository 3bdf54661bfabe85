/* SPDX-License-Identifier: Apache-2.0 */
/* Who stands at the server's door: several connections at once, of which the first that shows that
 * it holds the run's token is let in. One that says nothing, or not all, keeps nobody else waiting.
 */
#pragma once
#include <stdint.h>

struct diag;
struct stops;
struct wire;

/* *client is open then, and all others are closed; what was refused is said on standard error.
 * Waits for `idle_ns` in all (0: for ever): -ETIMEDOUT; -EINTR: a signal or the harness. */
int door_await(int listener, const struct stops *stops, const char *token, uint64_t idle_ns,
	       struct wire *client, struct diag *d);
