/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include "base/scrub.h"

struct diag;
struct sys;

struct collect_report {
	size_t files, links;
	unsigned replaced[SCRUB_KINDS]; /* distinct values of each kind that were replaced */
};

/*
 * Record this machine as discovery sees it into a tar archive on `fd`, under the folder `folder`;
 * `filter` is "zstd", "gzip" or NULL. What identifies the machine is replaced (scrub.h). Unpacked,
 * `folder` is a root for sys_open().
 */
int collect_machine(struct sys *s, int fd, const char *folder, const char *filter,
		    struct collect_report *report, struct diag *d);
