// SPDX-License-Identifier: Apache-2.0
#include "trial/listen.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"

#define STEP_MS 10
#define LISTEN	0x0A /* TCP_LISTEN, include/net/tcp_states.h */

static bool listens(int pid, const char *table, uint16_t port)
{
	char path[64], line[512];
	_file_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", pid, table);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned local, state;

		if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local, &state) == 2 &&
		    local == port && state == LISTEN)
			return true;
	}
	return false;
}

int listen_await(struct workload_run *server, uint16_t port, uint64_t deadline_ns, int signal_fd,
		 struct diag *d)
{
	int pid = child_pid(server->child);

	while (!listens(pid, "tcp", port) && !listens(pid, "tcp6", port)) {
		struct pollfd fds[] = {
			{.fd = child_fd(server->child), .events = POLLIN},
			{.fd = signal_fd, .events = POLLIN},
		};

		if (clock_ns() > deadline_ns)
			return diag_set(d, -ETIMEDOUT, "%s does not listen on port %u",
					server->name, port);
		if (poll(fds, 2, STEP_MS) <= 0)
			continue;
		if (fds[1].revents)
			return diag_set(d, -EINTR, "interrupted by a signal");
		if (fds[0].revents) {
			int err = workload_run_finish(server, clock_ns() + 2000000000u, d);

			return err ? err
				   : diag_set(d, -EPIPE, "%s ended before it listened",
					      server->name);
		}
	}
	return 0;
}
