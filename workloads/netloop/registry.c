// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/suggest.h"
#include "wait.h"

static const struct wait_ops *const waits[] = {
	&wait_block, &wait_epoll, &wait_epoll_spin, &wait_spin, &wait_io_uring, &wait_io_uring_napi,
};

const struct wait_ops *wait_find(const char *name, struct diag *d)
{
	const char *names[ARRAY_SIZE(waits)];
	char hint[128];

	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		if (!strcmp(name, waits[i]->name))
			return waits[i];
		names[i] = waits[i]->name;
	}
	diag_set(d, -1,
		 "unknown way to wait '%s'%s (block, epoll, epoll-spin, spin, io_uring, "
		 "io_uring-napi)",
		 name, suggest_text(name, names, ARRAY_SIZE(names), hint, sizeof(hint)));
	return NULL;
}
