// SPDX-License-Identifier: Apache-2.0
/* Who may talk to whom: the same version, and the same token, which is never sent. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/jsonio.h"
#include "iomodes_version.h"
#include "wire.h"

#define TOKEN_MIN 16
#define LINE_MOST (8u << 20) /* of somebody who holds the token */

int token_read(char token[static TOKEN_MAX], struct diag *d)
{
	size_t len = 0;
	ssize_t n;

	while (len < TOKEN_MAX) {
		n = read(STDIN_FILENO, token + len, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || token[len] == '\n')
			break;
		if (!isgraph((unsigned char)token[len]))
			return diag_set(d, -EINVAL,
					"the token on standard input has a character "
					"that is not printable");
		len++;
	}
	if (len < TOKEN_MIN || len >= TOKEN_MAX)
		return diag_set(
			d, -EINVAL,
			"the run's token is expected on standard input: one line of %d to %d "
			"characters, the same for serve and run (%zu came)",
			TOKEN_MIN, TOKEN_MAX - 1, len);
	token[len] = '\0';
	return 0;
}

int wire_nonce(char out[static 33], struct diag *d)
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return diag_errno(d, -errno, "getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int mac(const char *token, const char *role, const char *server, const char *client,
	       char out[static DIGEST_TEXT], struct diag *d)
{
	char text[256];

	snprintf(text, sizeof(text), "netloop %d %s %.64s %.64s", WIRE_PROTOCOL, role, server,
		 client);
	return digest_hmac(token, text, out, d);
}

/* The first thing either side says. */
static json_t *hello(const char *nonce)
{
	return json_pack("{s:s, s:i, s:s}", "netloop", IOMODES_VERSION, "protocol", WIRE_PROTOCOL,
			 "nonce", nonce);
}

static int check_hello(const struct wire *w, const json_t *j, struct diag *d)
{
	const char *version = jsonio_string(j, "netloop", NULL);
	int protocol = (int)json_integer_value(json_object_get(j, "protocol"));

	if (!version)
		return diag_set(d, -EPROTO, "the %s is no netloop", w->peer);
	if (strcmp(version, IOMODES_VERSION) || protocol != WIRE_PROTOCOL)
		return diag_set(
			d, -EPROTO,
			"the %s is netloop %.40s (protocol %d), this is netloop %s (protocol "
			"%d): both ends must be the same version",
			w->peer, version, protocol, IOMODES_VERSION, WIRE_PROTOCOL);
	if (strlen(jsonio_string(j, "nonce", "")) != 32)
		return diag_set(d, -EPROTO, "the %s's nonce is malformed", w->peer);
	return 0;
}

int handshake_client(struct wire *w, const struct stops *s, const char *token, struct diag *d)
{
	_json_ json_t *theirs = NULL, *answer = NULL;
	char nonce[33], own[DIGEST_TEXT], wanted[DIGEST_TEXT];
	const char *server;
	json_t *mine;
	int err = wire_receive(w, s, clock_ns() + WIRE_WAIT_NS, &theirs, d);

	if (err == -ETIMEDOUT)
		return diag_set(d, err,
				"the server says nothing: it is busy with another client, "
				"hangs, or is no netloop");
	if (!err)
		err = check_hello(w, theirs, d);
	if (!err)
		err = wire_nonce(nonce, d);
	if (err)
		return err;
	server = jsonio_string(theirs, "nonce", "");
	err = mac(token, "client", server, nonce, own, d);
	if (!err)
		err = mac(token, "server", server, nonce, wanted, d);
	if (err)
		return err;
	mine = hello(nonce);
	json_object_set_new(mine, "mac", json_string(own));
	err = wire_ask(w, s, WIRE_WAIT_NS, mine, &answer, d);
	if (err)
		return err;
	if (!digest_equal(jsonio_string(answer, "mac", ""), wanted))
		return diag_set(d, -EACCES, "the server does not hold the run's token");
	w->max = LINE_MOST;
	return 0;
}

static void refuse(struct wire *w, const struct diag *d)
{
	struct diag ignored;

	wire_send(w, json_pack("{s:s}", "error", d->text), &ignored);
}

int handshake_greet(struct wire *w, char nonce[static 33], struct diag *d)
{
	int err = wire_nonce(nonce, d);

	return err ? err : wire_send(w, hello(nonce), d);
}

int handshake_judge(struct wire *w, const char *nonce, const json_t *theirs, const char *token,
		    struct diag *d)
{
	const char *client = jsonio_string(theirs, "nonce", "");
	char own[DIGEST_TEXT], wanted[DIGEST_TEXT];
	int err = check_hello(w, theirs, d);

	if (!err)
		err = mac(token, "client", nonce, client, wanted, d);
	if (!err && !digest_equal(jsonio_string(theirs, "mac", ""), wanted))
		err = diag_set(d, -EACCES, "the client does not hold the run's token");
	if (!err)
		err = mac(token, "server", nonce, client, own, d);
	if (err) {
		refuse(w, d);
		return err;
	}
	w->max = LINE_MOST;
	return wire_send(w, json_pack("{s:s}", "mac", own), d);
}
