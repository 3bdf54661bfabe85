/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control connection between the two ends: one JSON object a line over TCP. It says nothing
 * while the loop runs. Every wait has a deadline.
 *
 *   server  {"netloop": version, "protocol": n, "nonce": hex}
 *   client  {"netloop": version, "protocol": n, "nonce": hex, "mac": hex}
 *   server  {"mac": hex}
 *
 * mac = HMAC-SHA-256 under the run's token of the role and both nonces: each end shows that it
 * holds the token without saying it. Then the client asks and the server answers:
 *
 *   {"cmd": "load", "load": {...}}        {"ok": true}
 *   {"cmd": "flow", "index", "port"}      {"ticket": hex} and, once data has come, {"placed":
 * {...}}
 *   {"cmd": "drop", "index"}              {"ok": true}: the flow did not land where it was wanted
 *   {"cmd": "start"}                      {"ok": true}: the threads are set up and parked
 *   {"cmd": "step", "length_ns"}          {"ok": true}: they run
 *   {"cmd": "park", "bytes": [...]}       {"ok": true}: they are parked; a stream has come in
 *   {"cmd": "report"}                     {"report": {...}}, of the last step
 *   {"cmd": "bye"}                        {"ok": true}, and the server ends
 *
 * Any answer may be {"error": sentence}. Another version is refused by both.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct diag;

#define WIRE_PROTOCOL 1
#define WIRE_WAIT_NS  5000000000u /* for an answer that needs no work */
#define TOKEN_MAX     256

/* What ends a wait: a signal, the harness, a thread that gave up. -1: none. */
struct stops {
	int signal_fd, control_fd, parked_fd;
};

struct wire {
	int fd;
	const char *peer; /* "server", "client" */
	char *buf;
	size_t len, size, max; /* max: the longest line taken */
};

/* Take over `fd`. */
int wire_open(struct wire *w, int fd, const char *peer, struct diag *d);
void wire_close(struct wire *w);
/* Steals `message`. */
int wire_send(struct wire *w, json_t *message, struct diag *d);
/* One message; new reference. -ETIMEDOUT, -EPIPE (closed), -EINTR (signal, harness), -ECANCELED
 * (parked_fd), -EPROTO; -EREMOTEIO: the other side says {"error"}, which is the sentence. */
int wire_receive(struct wire *w, const struct stops *s, uint64_t deadline_ns, json_t **message,
		 struct diag *d);
/* Send (stealing `message`) and receive; `answer` may be NULL. */
int wire_ask(struct wire *w, const struct stops *s, uint64_t wait_ns, json_t *message,
	     json_t **answer, struct diag *d);
/* One event of `s`, told: -EINTR with the sentence, or 0 when there is none. */
int stops_check(const struct stops *s, struct diag *d);

/* The run's token: one line of standard input, 16 to 255 printable characters. */
int token_read(char token[static TOKEN_MAX], struct diag *d);
int handshake_client(struct wire *w, const struct stops *s, const char *token, struct diag *d);
/* The server's two steps: what it says first, and what it makes of the client's answer. -EACCES:
 * not the holder of the token; -EPROTO: another version, or no netloop. The other side has been
 * told. */
int handshake_greet(struct wire *w, char nonce[static 33], struct diag *d);
int handshake_judge(struct wire *w, const char *nonce, const json_t *theirs, const char *token,
		    struct diag *d);
/* Random bytes as 32 hex digits. */
int wire_nonce(char out[static 33], struct diag *d);
