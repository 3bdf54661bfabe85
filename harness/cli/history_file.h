/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdlib.h>

/* Where the history is: as given, $IOMODES_HISTORY, or here. */
static inline const char *history_file(const char *given)
{
	const char *set = getenv("IOMODES_HISTORY");

	return given ? given : set && *set ? set : "iomodes-history.sqlite";
}

/* Who makes a mark, if nobody says: the person, not root. */
static inline const char *history_who(const char *given)
{
	const char *sudo = getenv("SUDO_USER"), *user = getenv("USER");

	return given ? given : sudo && *sudo ? sudo : user && *user ? user : "unknown";
}
