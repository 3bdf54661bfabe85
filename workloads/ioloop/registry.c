// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/suggest.h"
#include "engine.h"

static const struct engine_ops *const engines[] = {
	&engine_sync, &engine_aio, &engine_io_uring, &engine_passthrough, &engine_nop,
};

/* What fio calls them. */
static const struct {
	const char *fio, *ours;
} aliases[] = {
	{"psync", "sync"},
	{"pvsync2", "sync"},
	{"libaio", "aio"},
	{"io_uring_cmd", "io_uring-passthrough"},
};

const struct engine_ops *engine_find(const char *name, struct diag *d)
{
	const char *names[ARRAY_SIZE(engines)];
	char hint[128];

	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (!strcmp(name, aliases[i].fio))
			name = aliases[i].ours;
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		if (!strcmp(name, engines[i]->name))
			return engines[i];
		names[i] = engines[i]->name;
	}
	diag_set(d, -1, "unknown engine '%s'%s (sync, aio, io_uring, io_uring-passthrough, nop)",
		 name, suggest_text(name, names, ARRAY_SIZE(names), hint, sizeof(hint)));
	return NULL;
}
