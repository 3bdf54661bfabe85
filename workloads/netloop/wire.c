// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/jsonio.h"

#define LINE_FIRST 4096u /* before the other side is known */

int wire_open(struct wire *w, int fd, const char *peer, struct diag *d)
{
	const int one = 1;

	*w = (struct wire){.fd = fd, .peer = peer, .size = LINE_FIRST, .max = LINE_FIRST};
	/* two lines in a row: the second would wait for the other side's delayed ACK, 40 ms */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		return diag_errno(d, -errno, "TCP_NODELAY refused");
	w->buf = malloc(w->size);
	return w->buf ? 0 : diag_set(d, -ENOMEM, "out of memory");
}

void wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->buf);
	*w = (struct wire){.fd = -1};
}

int wire_send(struct wire *w, json_t *message, struct diag *d)
{
	_free_ char *line = jsonio_line(message);
	size_t len, at = 0;

	json_decref(message);
	if (!line)
		return diag_set(d, -ENOMEM, "out of memory");
	len = strlen(line);
	line[len++] = '\n'; /* the terminator's place: nothing reads it as text below */
	while (at < len) {
		struct pollfd p = {.fd = w->fd, .events = POLLOUT};
		ssize_t n = send(w->fd, line + at, len - at, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			at += (size_t)n;
		else if (errno == EAGAIN && poll(&p, 1, (int)(WIRE_WAIT_NS / 1000000)) == 0)
			return diag_set(d, -ETIMEDOUT, "the %s takes nothing any more", w->peer);
		else if (errno == EPIPE || errno == ECONNRESET)
			return diag_set(d, -EPIPE, "the %s closed the control connection", w->peer);
		else if (errno != EAGAIN && errno != EINTR)
			return diag_errno(d, -errno, "the control connection to the %s", w->peer);
	}
	return 0;
}

int stops_check(const struct stops *s, struct diag *d)
{
	struct pollfd p[2] = {{.fd = s->signal_fd, .events = POLLIN},
			      {.fd = s->control_fd, .events = POLLIN}};
	struct signalfd_siginfo info;

	if (poll(p, 2, 0) <= 0)
		return 0;
	if (p[0].revents && read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
		return diag_set(d, -EINTR, "ended by %s", strsignal((int)info.ssi_signo));
	if (p[1].revents)
		return diag_set(d, -EINTR, "ended: the harness closed the control channel");
	return 0;
}

static int await(struct wire *w, const struct stops *s, uint64_t deadline_ns, struct diag *d)
{
	struct pollfd p[4] = {{.fd = w->fd, .events = POLLIN},
			      {.fd = s->signal_fd, .events = POLLIN},
			      {.fd = s->control_fd, .events = POLLIN},
			      {.fd = s->parked_fd, .events = POLLIN}};

	for (;;) {
		uint64_t now = clock_ns();
		int ms = deadline_ns == UINT64_MAX ? -1
			 : deadline_ns > now	   ? (int)((deadline_ns - now) / 1000000 + 1)
						   : 0;
		int n = poll(p, 4, ms);
		int err;

		if (n < 0 && errno != EINTR)
			return diag_errno(d, -errno, "poll");
		if (n == 0)
			return diag_set(d, -ETIMEDOUT, "the %s did not answer in time", w->peer);
		if (p[1].revents || p[2].revents) {
			err = stops_check(s, d);
			if (err)
				return err;
		}
		if (n > 0 && p[0].revents)
			return 0;
		if (n > 0 && p[3].revents)
			return -ECANCELED;
	}
}

static int make_room(struct wire *w, struct diag *d)
{
	char *more;

	if (w->len < w->size)
		return 0;
	if (w->size >= w->max)
		return diag_set(d, -EPROTO, "the %s sent a line of more than %zu bytes", w->peer,
				w->max);
	more = realloc(w->buf, w->size * 2);
	if (!more)
		return diag_set(d, -ENOMEM, "out of memory");
	w->buf = more;
	w->size *= 2;
	return 0;
}

static int parse(struct wire *w, size_t line, json_t **message, struct diag *d)
{
	const char *said;
	json_error_t error;
	json_t *j = json_loadb(w->buf, line, JSON_REJECT_DUPLICATES, &error);

	w->len -= line + 1;
	memmove(w->buf, w->buf + line + 1, w->len);
	if (!json_is_object(j)) {
		json_decref(j);
		return diag_set(d, -EPROTO, "what the %s says is not netloop's language", w->peer);
	}
	said = jsonio_string(j, "error", NULL);
	if (said) {
		diag_set(d, -EREMOTEIO, "%s: %s", w->peer, said);
		json_decref(j);
		return -EREMOTEIO;
	}
	*message = j;
	return 0;
}

int wire_receive(struct wire *w, const struct stops *s, uint64_t deadline_ns, json_t **message,
		 struct diag *d)
{
	for (;;) {
		const char *end = memchr(w->buf, '\n', w->len);
		ssize_t n;
		int err;

		if (end)
			return parse(w, (size_t)(end - w->buf), message, d);
		err = make_room(w, d);
		if (!err)
			err = await(w, s, deadline_ns, d);
		if (err)
			return err;
		n = recv(w->fd, w->buf + w->len, w->size - w->len, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return diag_set(d, -EPIPE, "the %s closed the control connection", w->peer);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return diag_errno(d, -errno, "the control connection to the %s", w->peer);
		w->len += n > 0 ? (size_t)n : 0;
	}
}

int wire_ask(struct wire *w, const struct stops *s, uint64_t wait_ns, json_t *message,
	     json_t **answer, struct diag *d)
{
	_json_ json_t *mine = NULL;
	int err = wire_send(w, message, d);

	if (!err)
		err = wire_receive(w, s, clock_ns() + wait_ns, answer ? answer : &mine, d);
	return err;
}
