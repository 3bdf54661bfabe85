/* SPDX-License-Identifier: Apache-2.0 */
/* What `--root` names: a recorded machine, unpacked or still in its archive. */
#pragma once
#include "sys/sys.h"

struct diag;

struct recording {
	struct sys *sys;
	char *unpacked; /* temporary directory, removed by recording_close(); NULL: none */
};

/*
 * Open the machine that `root` names: NULL is this one, a directory is an unpacked recording, a
 * file is what collect wrote. An archive may come from anybody: only files, directories and links
 * inside it are unpacked, none through a link, at most 64 MiB.
 */
int recording_open(const char *root, struct recording *r, struct diag *d);
void recording_close(struct recording *r);
