/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct diag;

#define DIGEST_TEXT 65
/* SHA-256 (FIPS 180-4, OpenSSL's) of the file under `dirfd`, as lower-case hex. */
int digest_file(int dirfd, const char *name, char out[static DIGEST_TEXT], struct diag *d);
/* SHA-512 of a file that is no symbolic link. */
#define DIGEST512_TEXT 129
int digest512_file(int dirfd, const char *name, char out[static DIGEST512_TEXT], struct diag *d);
/* SHA-256 of `len` bytes in memory. */
int digest_bytes(const void *data, size_t len, char out[static DIGEST_TEXT], struct diag *d);
/* HMAC-SHA-256 (RFC 2104) of `data` under the secret text `key`. */
int digest_hmac(const char *key, const char *data, char out[static DIGEST_TEXT], struct diag *d);
/* Are two digests the same? Takes as long wherever they differ. */
bool digest_equal(const char *a, const char *b);
