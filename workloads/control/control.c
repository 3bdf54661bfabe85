// SPDX-License-Identifier: Apache-2.0
#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"

static const char *const words[] = {
	[CONTROL_READY] = "ready",
	[CONTROL_GO] = "go",
	[CONTROL_DONE] = "done",
	[CONTROL_EXIT] = "exit",
};

int control_send(int fd, enum control_word word, struct diag *d)
{
	char line[16];
	size_t len = (size_t)(stpcpy(stpcpy(line, words[word]), "\n") - line);
	ssize_t n = send(fd, line, len, MSG_NOSIGNAL);

	if (n == (ssize_t)len)
		return 0;
	return diag_errno(d, n < 0 ? -errno : -EPIPE, "control: cannot say \"%s\"", words[word]);
}

static int wait_readable(int fd, uint64_t deadline_ns, int other_fd)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = other_fd, .events = POLLIN}};

	for (;;) {
		uint64_t now = clock_ns();
		struct timespec left = {0};
		int n;

		if (deadline_ns != UINT64_MAX && now < deadline_ns) {
			left.tv_sec = (time_t)((deadline_ns - now) / 1000000000u);
			left.tv_nsec = (long)((deadline_ns - now) % 1000000000u);
		}
		n = ppoll(p, 2, deadline_ns == UINT64_MAX ? NULL : &left, NULL);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			return p[0].revents ? 0 : -EINTR;
		if (n == 0)
			return -ETIMEDOUT;
	}
}

/* Byte by byte: a word that comes early must stay in the socket. Words are rare and short. */
int control_await(int fd, enum control_word word, uint64_t deadline_ns, int other_fd,
		  struct diag *d)
{
	char line[16];
	size_t len = 0;

	while (len < sizeof(line)) {
		int err = wait_readable(fd, deadline_ns, other_fd);
		ssize_t n = err ? 0 : recv(fd, line + len, 1, 0);

		if (err == -ETIMEDOUT)
			return diag_set(d, err, "control: \"%s\" did not come in time",
					words[word]);
		if (err == -EINTR)
			return diag_set(d, err, "control: interrupted before \"%s\"", words[word]);
		if (n < 0 && errno == EINTR)
			continue;
		if (err || n < 0)
			return diag_errno(d, err ? err : -errno, "control");
		if (n == 0)
			return diag_set(d, -EPIPE, "control: the other side closed before \"%s\"",
					words[word]);
		if (line[len] == '\n') {
			line[len] = '\0';
			break;
		}
		len++;
	}
	if (len == sizeof(line) || strcmp(line, words[word]))
		return diag_set(d, -EPROTO, "control: \"%.*s\" came where \"%s\" was due", (int)len,
				line, words[word]);
	return 0;
}

int control_pair(int *ours, int *theirs, struct diag *d)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		return diag_errno(d, -errno, "control: socketpair");
	if (fcntl(fd[0], F_SETFD, FD_CLOEXEC)) {
		int err = -errno;

		close(fd[0]);
		close(fd[1]);
		return diag_errno(d, err, "control: fcntl");
	}
	*ours = fd[0];
	*theirs = fd[1];
	return 0;
}
