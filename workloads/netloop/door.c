// SPDX-License-Identifier: Apache-2.0
#include "door.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "wire.h"

#define GUESTS_MAX 32

struct guest {
	struct wire wire;
	char nonce[33];
	uint64_t end_ns; /* it has until then */
};

struct door {
	struct guest guest[GUESTS_MAX]; /* in the order in which they came */
	unsigned n;
};

static void turn_away(struct door *door, unsigned i, const char *why)
{
	fprintf(stderr, "netloop: refused: %s\n", why);
	wire_close(&door->guest[i].wire);
	for (door->n--; i < door->n; i++)
		door->guest[i] = door->guest[i + 1];
}

static void greet(struct door *door, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct diag why = {""};
	struct guest *g;
	int err;

	if (fd < 0)
		return;
	if (door->n == GUESTS_MAX)
		turn_away(door, 0, "others came, and the client had said nothing yet");
	g = &door->guest[door->n++];
	g->end_ns = clock_ns() + WIRE_WAIT_NS;
	err = wire_open(&g->wire, fd, "client", &why);
	if (!err)
		err = handshake_greet(&g->wire, g->nonce, &why);
	if (err)
		turn_away(door, door->n - 1, why.text);
}

/* What it has said so far. 0: it is the one; -EAGAIN: it is to be waited for. */
static int hear(struct guest *g, const struct stops *stops, const char *token, struct diag *d)
{
	_json_ json_t *said = NULL;
	int err = wire_receive(&g->wire, stops, 0, &said, d);

	if (err == -ETIMEDOUT)
		return -EAGAIN;
	return err ? err : handshake_judge(&g->wire, g->nonce, said, token, d);
}

/* Everybody who has spoken, and whose time is over. */
static int hear_all(struct door *door, const struct pollfd *p, const struct stops *stops,
		    const char *token, struct wire *client, struct diag *d)
{
	for (unsigned i = door->n; i-- > 0;) { /* turning one away moves those behind it */
		struct guest *g = &door->guest[i];
		struct diag why = {""};
		int err = -EAGAIN;

		if (p[i].revents)
			err = hear(g, stops, token, &why);
		if (!err) {
			*client = g->wire;
			g->wire.fd = -1;
			g->wire.buf = NULL;
			return 0;
		}
		if (err == -EINTR || err == -ENOMEM) {
			*d = why;
			return err;
		}
		if (err != -EAGAIN)
			turn_away(door, i, why.text);
		else if (clock_ns() >= g->end_ns)
			turn_away(door, i, "the client did not answer in time");
	}
	return -EAGAIN;
}

static int wait_ms(const struct door *door, uint64_t end_ns)
{
	uint64_t now = clock_ns();

	for (unsigned i = 0; i < door->n; i++)
		if (door->guest[i].end_ns < end_ns)
			end_ns = door->guest[i].end_ns;
	if (end_ns == UINT64_MAX)
		return -1;
	return end_ns > now ? (int)((end_ns - now) / 1000000 + 1) : 0;
}

static int stand(struct door *door, int listener, const struct stops *stops, const char *token,
		 uint64_t end_ns, struct wire *client, struct diag *d)
{
	for (;;) {
		struct pollfd p[3 + GUESTS_MAX] = {{.fd = listener, .events = POLLIN},
						   {.fd = stops->signal_fd, .events = POLLIN},
						   {.fd = stops->control_fd, .events = POLLIN}};
		int err;

		for (unsigned i = 0; i < door->n; i++)
			p[3 + i] = (struct pollfd){.fd = door->guest[i].wire.fd, .events = POLLIN};
		if (poll(p, 3 + door->n, wait_ms(door, end_ns)) < 0)
			continue;
		err = stops_check(stops, d);
		if (!err)
			err = hear_all(door, p + 3, stops, token, client, d);
		if (err != -EAGAIN)
			return err;
		if (clock_ns() >= end_ns)
			return diag_set(d, -ETIMEDOUT, "no client came");
		if (p[0].revents)
			greet(door, listener);
	}
}

int door_await(int listener, const struct stops *stops, const char *token, uint64_t idle_ns,
	       struct wire *client, struct diag *d)
{
	struct door door = {.n = 0};
	int err = stand(&door, listener, stops, token, idle_ns ? clock_ns() + idle_ns : UINT64_MAX,
			client, d);

	for (unsigned i = 0; i < door.n; i++)
		wire_close(&door.guest[i].wire);
	return err;
}
