/* SPDX-License-Identifier: Apache-2.0 */
/* A session on the machine of net_machine.h, for tests of its knobs. */
#pragma once
#include "knob/transaction.h"
#include "net_machine.h"

#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct knob_session *open_session(struct sys *s, struct memory_store *store)
{
	struct session_options o = {.copy_fd = -1, .store = &store->store};
	struct knob_session *session;
	struct diag d;

	if (session_open(s, &o, &session, &d))
		fail_msg("%s", d.text);
	return session;
}

static int apply(struct knob_session *session, const char *const *texts, struct diag *d)
{
	struct knob_setting *list = calloc(32, sizeof(*list));
	size_t n = 0;
	int err = 0;

	for (; !err && texts[n]; n++)
		err = knob_parse_setting(texts[n], NULL, &list[n], d);
	if (!err)
		err = session_apply(session, list, n, d);
	free(list);
	return err;
}
