/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct diag;

#define DIGEST_TEXT 65
/* SHA-256 (FIPS 180-4, OpenSSL's) of the file under `dirfd`, as lower-case hex. */
int digest_file(int dirfd, const char *name, char out[static DIGEST_TEXT], struct diag *d);
