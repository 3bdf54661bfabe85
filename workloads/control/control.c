// SPDX-License-Identifier: Apache-2.0
#include "control/control.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/diag.h"

static const char *const words[] = {
	[CONTROL_READY] = "ready", [CONTROL_GO] = "go",	    [CONTROL_STOP] = "stop",
	[CONTROL_DONE] = "done",   [CONTROL_EXIT] = "exit",
};

const char *control_word_text(enum control_word word)
{
	return words[word];
}

int control_send(int fd, enum control_word word, struct diag *d)
{
	char line[16];
	size_t len = (size_t)(stpcpy(stpcpy(line, words[word]), "\n") - line);
	ssize_t n = send(fd, line, len, MSG_NOSIGNAL);

	if (n == (ssize_t)len)
		return 0;
	return diag_errno(d, n < 0 ? -errno : -EPIPE, "control: cannot say \"%s\"", words[word]);
}

static int wait_readable(int fd, uint64_t deadline_ns, int signal_fd, int partner_fd)
{
	struct pollfd p[3] = {{.fd = fd, .events = POLLIN},
			      {.fd = signal_fd, .events = POLLIN},
			      {.fd = partner_fd, .events = POLLIN}};

	for (;;) {
		struct timespec left = clock_left(deadline_ns);
		int n = ppoll(p, 3, deadline_ns == UINT64_MAX ? NULL : &left, NULL);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			return p[0].revents ? 0 : p[1].revents ? -EINTR : -ECHILD;
		if (n == 0)
			return -ETIMEDOUT;
	}
}

/* One byte: 1, or 0 when the other side has closed, with words of ours unread, too. */
static int receive(int fd, char *byte)
{
	for (;;) {
		ssize_t n = recv(fd, byte, 1, 0);

		if (n >= 0)
			return (int)n;
		if (errno != EINTR)
			return errno == ECONNRESET ? 0 : -errno;
	}
}

/* Byte by byte: a word that comes early must stay in the socket. Words are rare and short. */
int control_await_either(int fd, enum control_word word, enum control_word or_word,
			 uint64_t deadline_ns, int signal_fd, int partner_fd, struct diag *d)
{
	const char *due = words[word];
	char line[16];
	size_t len = 0;

	while (len < sizeof(line)) {
		int err = wait_readable(fd, deadline_ns, signal_fd, partner_fd);
		int n = err ? err : receive(fd, line + len);

		if (err == -ETIMEDOUT)
			return diag_set(d, err, "control: \"%s\" did not come in time", due);
		if (err == -EINTR)
			return diag_set(d, err, "control: interrupted before \"%s\"", due);
		if (err == -ECHILD)
			return diag_set(d, err, "control: the partner ended before \"%s\"", due);
		if (n < 0)
			return diag_errno(d, n, "control");
		if (n == 0)
			return diag_set(d, -EPIPE, "control: the other side closed before \"%s\"",
					due);
		if (line[len] == '\n') {
			line[len] = '\0';
			break;
		}
		len++;
	}
	if (len < sizeof(line) && !strcmp(line, due))
		return 0;
	if (len < sizeof(line) && !strcmp(line, words[or_word]))
		return 1;
	return diag_set(d, -EPROTO, "control: \"%.*s\" came where \"%s\" was due", (int)len, line,
			due);
}

int control_await(int fd, enum control_word word, uint64_t deadline_ns, int signal_fd,
		  int partner_fd, struct diag *d)
{
	return control_await_either(fd, word, word, deadline_ns, signal_fd, partner_fd, d);
}

int control_exchange(int fd, enum control_word word, enum control_word answer, int signal_fd,
		     struct diag *d)
{
	int err = fd < 0 ? 0 : control_send(fd, word, d);

	return fd < 0 || err ? err : control_await(fd, answer, UINT64_MAX, signal_fd, -1, d);
}

int control_pair(int *ours, int *theirs, struct diag *d)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		return diag_errno(d, -errno, "control: socketpair");
	*ours = fd[0];
	*theirs = fd[1];
	return 0;
}
