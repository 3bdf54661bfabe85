// SPDX-License-Identifier: Apache-2.0
#include "sys/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"

extern char **environ;

static int open_input(const char *input)
{
	size_t len = input ? strlen(input) : 0;
	int fd = input ? memfd_create("stdin", MFD_CLOEXEC)
		       : open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && input &&
	    (write(fd, input, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return -EIO;
	}
	return fd < 0 ? -errno : fd;
}

/* In a process group of its own, so that it can be killed with what it starts. */
static int spawn(const char *const *argv, int in, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	err = posix_spawnp(pid, argv[0], &actions, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

/* Read to the end; what does not fit is read and dropped. */
static int read_all(int fd, char *out, size_t size, uint64_t deadline_ns)
{
	size_t len = 0;
	char rest[4096];

	for (;;) {
		uint64_t now = clock_ns();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		bool full = len + 1 >= size;
		ssize_t n;

		out[len] = '\0';
		if (now >= deadline_ns)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)((deadline_ns - now) / 1000000) + 1) < 0 && errno != EINTR)
			return -errno;
		if (!p.revents)
			continue;
		n = read(fd, full ? rest : out + len, full ? sizeof(rest) : size - 1 - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0 && !full)
			len += (size_t)n;
	}
}

int capture(const char *const *argv, const char *input, char *out, size_t size, unsigned timeout_ms,
	    struct diag *d)
{
	_fd_ int in = open_input(input);
	int ends[2], status, err;
	pid_t pid;

	out[0] = '\0';
	if (in < 0)
		return diag_errno(d, in, "%s", argv[0]);
	if (pipe2(ends, O_CLOEXEC))
		return diag_errno(d, -errno, "pipe");
	err = spawn(argv, in, ends[1], &pid);
	close(ends[1]);
	if (!err) {
		err = read_all(ends[0], out, size, clock_ns() + timeout_ms * 1000000ull);
		if (err)
			kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	if (err)
		return diag_errno(d, err, "%s", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
