// SPDX-License-Identifier: Apache-2.0
/* Huge pages and the watchdog that takes a hardware counter. */
#include "base/cleanup.h"
#include "knob/family.h"

#define THP "/sys/kernel/mm/transparent_hugepage/"

static const struct knob rows[] = {
	{.name = "nmi_watchdog",
	 .scope = KNOB_HOST,
	 .path = "/proc/sys/kernel/nmi_watchdog",
	 .doc = "hard-lockup detector; takes one hardware counter of every CPU, and cannot be "
		"switched on where there is none"},
	{.name = "thp.defrag",
	 .scope = KNOB_HOST,
	 .path = THP "defrag",
	 .get = knob_get_bracket,
	 .doc = "may a page fault wait for a huge page: always, defer, defer+madvise, madvise, "
		"never"},
	{.name = "thp.enabled",
	 .scope = KNOB_HOST,
	 .path = THP "enabled",
	 .get = knob_get_bracket,
	 .doc = "transparent huge pages: always, madvise, never"},
};

const struct knob_family knob_family_memory = {rows, ARRAY_SIZE(rows)};
