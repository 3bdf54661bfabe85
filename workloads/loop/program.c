// SPDX-License-Identifier: Apache-2.0
#include "loop/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

#include "base/diag.h"

int program_signals(int *fd, struct diag *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	*fd = signalfd(-1, &set, SFD_CLOEXEC);
	return *fd < 0 ? diag_errno(d, -errno, "signalfd") : 0;
}

int program_print(json_t *result, struct diag *d)
{
	int err = result ? json_dumpf(result, stdout, JSON_COMPACT | JSON_SORT_KEYS) : -1;

	json_decref(result);
	if (err || putchar('\n') < 0 || fflush(stdout))
		return diag_errno(d, errno ? -errno : -ENOMEM, "the result cannot be written");
	return 0;
}
