// SPDX-License-Identifier: Apache-2.0
#include "with_command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"

#define GRACE_NS    5000000000u
#define SWEEP_TRIES 200

static sigset_t waited, original;

void with_command_prepare(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};

	sigemptyset(&waited);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&waited, signals[i]);
	sigprocmask(SIG_BLOCK, &waited, &original);
	signal(SIGCHLD, SIG_DFL); /* ignored ones are not waited for */
	signal(SIGPIPE, SIG_IGN);
	/* what the command leaves behind becomes our child, wherever it went */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void with_command_place(struct command_run *run)
{
	/* without cgroup v2, what it leaves behind is found as our children */
	child_cgroup_make(&run->cgroup);
}

int with_command_start(char *const *argv, struct command_run *run, struct diag *d)
{
	int pair[2], err = 0;

	if (pipe2(pair, O_CLOEXEC))
		return diag_errno(d, -errno, "pipe");
	run->pid = fork();
	if (!run->pid) {
		if (run->cgroup.fd >= 0)
			child_cgroup_enter(run->cgroup.fd);
		signal(SIGPIPE, SIG_DFL);
		sigprocmask(SIG_SETMASK, &original, NULL);
		execvp(argv[0], argv);
		err = errno;
		if (write(pair[1], &err, sizeof(err)) < 0)
			_exit(126);
		_exit(127);
	}
	close(pair[1]);
	if (run->pid < 0)
		err = errno;
	else if (read(pair[0], &err, sizeof(err)) == (ssize_t)sizeof(err)) /* else: executed */
		waitpid(run->pid, NULL, 0);
	close(pair[0]);
	return err ? diag_errno(d, -err, "%s", argv[0]) : 0;
}

int with_command_wait(struct command_run *run, int *status)
{
	uint64_t deadline = 0;

	for (;;) {
		struct timespec wait = {.tv_sec = 1};
		siginfo_t info = {0};
		pid_t got = waitpid(run->pid, status, WNOHANG);
		int number;

		if (got == run->pid)
			return 0;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (deadline && clock_ns() > deadline)
			kill(run->pid, SIGKILL);
		number = deadline ? sigtimedwait(&waited, &info, &wait)
				  : sigwaitinfo(&waited, &info);
		if (number <= 0 || number == SIGCHLD)
			continue;
		/* the terminal has told it already: it shares our process group */
		if (info.si_code != SI_KERNEL || number == SIGHUP)
			kill(run->pid, number);
		if ((number == SIGTERM || number == SIGHUP) && !deadline)
			deadline = clock_ns() + GRACE_NS;
	}
}

/* The parent of a process, 0 when it is gone. */
static pid_t parent_of(const char *pid)
{
	char path[300], text[512];
	_file_ FILE *f = NULL;
	char *at;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	f = fopen(path, "re");
	if (!f || !fgets(text, sizeof(text), f))
		return 0;
	at = strrchr(text, ')');
	return at && sscanf(at + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static int kill_children(pid_t spare)
{
	_dir_ DIR *proc = opendir("/proc");
	pid_t self = getpid();
	struct dirent *e;
	int n = 0;

	while (proc && (e = readdir(proc))) {
		pid_t pid = (pid_t)atoi(e->d_name);

		if (pid <= 1 || pid == spare || parent_of(e->d_name) != self)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		n++;
	}
	return n;
}

/* Killing one may hand its children to us, so until there are none. */
void with_command_sweep(struct command_run *run, pid_t spare)
{
	if (run->cgroup.fd >= 0)
		child_cgroup_kill(run->cgroup.fd);
	for (int i = 0; i < SWEEP_TRIES && kill_children(spare); i++)
		;
	for (int i = 0; i < SWEEP_TRIES && child_cgroup_remove(&run->cgroup) == -EBUSY; i++)
		usleep(5000);
	if (run->cgroup.fd >= 0)
		close(run->cgroup.fd);
	run->cgroup.fd = -1;
}
