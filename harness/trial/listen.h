/* SPDX-License-Identifier: Apache-2.0 */
/* A server that does not say when it is ready: iperf3 -s. Internal to trial/. */
#pragma once
#include <stdint.h>
#include "trial/workload_run.h"

/*
 * Until some socket of the server's network namespace listens on TCP port `port` (proc(5),
 * /proc/PID/net/tcp). -ETIMEDOUT; -EPIPE: it ended instead, with its reason; -EINTR: a signal.
 */
int listen_await(struct workload_run *server, uint16_t port, uint64_t deadline_ns, int signal_fd,
		 struct diag *d);
