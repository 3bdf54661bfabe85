// SPDX-License-Identifier: Apache-2.0
/*
 * A run that is killed at a chosen step: applies the settings, restores them, and raises SIGKILL at
 * step N, which is a moment right after a journal record became durable, right after a write to the
 * kernel and before its read-back, or right after the journal was removed.
 *
 *   knob_driver STATE_DIR N MODE KNOB[:INSTANCE]=VALUE...
 *
 *   knob_driver STATE_DIR N peer:MODE KNOB:DEVICE@client=VALUE...
 *
 * The second has a veth pair between two namespaces of its own. N 0: not killed; prints the number
 * of steps. MODE "both": the guardian dies first. MODE "guardian": only the guardian dies. MODE
 * "hold": stop between apply and restore until killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "knob/transaction.h"
#include "peer/peer.h"
#include "sys/sys.h"

static struct knob_session *session;
static unsigned steps, stop_at;
static const char *mode;

static void kill_guardian(void)
{
	int pid = session ? session_guardian_pid(session) : 0;

	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	/* gone for certain, but left for the session to reap */
	waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
}

static void step(void *arg, const char *what)
{
	if (++steps != stop_at)
		return;
	fprintf(stderr, "step %u (%s)\n", steps, what);
	if (strcmp(mode, "orchestrator"))
		kill_guardian();
	if (strcmp(mode, "guardian"))
		raise(SIGKILL);
}

static int fail(const char *what, const struct diag *d)
{
	fprintf(stderr, "knob_driver: %s: %s\n", what, d->text);
	return EXIT_FAILURE;
}

/* "net:[4026532000]" */
static void say_namespaces(const struct peer *peer)
{
	for (int side = 0; side < 2; side++) {
		char path[64], link[64] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d",
			 peer_end(peer, (enum peer_side)side)->netns_fd);
		if (readlink(path, link, sizeof(link) - 1) > 0)
			fprintf(stderr, "namespace %s\n", link);
	}
}

int main(int argc, char **argv)
{
	struct session_options o = {
		.what = "knob_driver", .copy_fd = -1, .guardian = true, .step = step};
	struct knob_setting *list;
	struct diag d = {""};
	struct peer *peer = NULL;
	struct sys *s;
	size_t n = 0;
	int err;

	if (argc < 4)
		return EXIT_FAILURE;
	o.state_dir = argv[1];
	stop_at = (unsigned)atoi(argv[2]);
	mode = argv[3];
	list = calloc((size_t)argc, sizeof(*list));
	if (!list || sys_open(NULL, &s))
		return EXIT_FAILURE;
	if (!strncmp(mode, "peer:", 5)) {
		mode += 5;
		if (peer_open(s, &(struct peer_options){0}, &peer, &d))
			return fail("peer", &d);
		say_namespaces(peer);
	}
	for (int i = 4; i < argc; i++)
		if (knob_parse_setting(argv[i], NULL, &list[n++], &d))
			return fail(argv[i], &d);
	err = session_open(s, &o, &session, &d);
	if (err)
		return fail("open", &d);
	if (session_apply(session, list, n, &d))
		return fail("apply", &d);
	if (!strcmp(mode, "hold")) {
		puts("applied");
		fflush(stdout);
		pause();
	}
	if (session_restore(session, &d))
		return fail("restore", &d);
	/* a second set-up in the same session: the guardian is started again where it died */
	if (!strcmp(mode, "guardian")) {
		if (session_apply(session, list, n, &d))
			return fail("apply again", &d);
		if (session_guardian_pid(session) <= 0)
			return fail("guardian", &(struct diag){"not started again"});
	}
	if (session_close(session, &d))
		return fail("close", &d);
	if (peer_close(peer, &d))
		return fail("peer", &d);
	printf("%u\n", steps);
	free(list);
	sys_close(s);
	return EXIT_SUCCESS;
}
