/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BagIt (RFC 8493): payload below data/, its digests in manifest-sha512.txt, those of the tag files
 * in tagmanifest-sha512.txt. Everything in the directory must be listed, and everything listed be
 * there as it was.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

struct diag;
struct tree;

/* Writes the tag files of the payload that is there. `info` are the lines of bag-info.txt without
 * Payload-Oxum; the same payload and lines give the same bytes. */
int bag_write(int dirfd, const char *info, struct diag *d);

/* Is there a bagit.txt? */
bool bag_is(const char *dir);

/* Appends {"file", "what", "recorded", "again"} for every file that is not as the bag left it.
 * -EINVAL when it is no bag; -errno. */
int bag_check(int dirfd, json_t *differences, struct diag *d);
/* Appends one such difference. */
void bag_differs(json_t *differences, const char *file, const char *what, const char *recorded,
		 const char *again);
