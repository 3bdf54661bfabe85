// SPDX-License-Identifier: Apache-2.0
#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"

static void hex(const unsigned char *md, unsigned int n, char *out)
{
	for (unsigned int i = 0; i < n; i++) {
		out[2 * i] = "0123456789abcdef"[md[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[md[i] & 15];
	}
	out[2 * n] = '\0';
}

static int digest_of_file(int dirfd, const char *name, int flags, const EVP_MD *kind, char *out,
			  struct diag *d)
{
	_fd_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | flags);
	unsigned char buf[65536], md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	EVP_MD_CTX *ctx;
	ssize_t n = 0;
	int ok;

	if (fd < 0)
		return diag_errno(d, -errno, "%s", name);
	ctx = EVP_MD_CTX_new();
	ok = ctx && EVP_DigestInit_ex(ctx, kind, NULL);
	while (ok && (n = read(fd, buf, sizeof(buf))) > 0)
		ok = EVP_DigestUpdate(ctx, buf, (size_t)n);
	ok = ok && n == 0 && EVP_DigestFinal_ex(ctx, md, &len);
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return diag_set(d, -EIO, "%s: cannot be read for its digest", name);
	hex(md, len, out);
	return 0;
}

int digest_file(int dirfd, const char *name, char out[static DIGEST_TEXT], struct diag *d)
{
	return digest_of_file(dirfd, name, 0, EVP_sha256(), out, d);
}

int digest512_file(int dirfd, const char *name, char out[static DIGEST512_TEXT], struct diag *d)
{
	return digest_of_file(dirfd, name, O_NOFOLLOW, EVP_sha512(), out, d);
}

int digest_bytes(const void *data, size_t len, char out[static DIGEST_TEXT], struct diag *d)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (!EVP_Digest(data, len, md, &n, EVP_sha256(), NULL))
		return diag_set(d, -EIO, "SHA-256 is not available");
	hex(md, n, out);
	return 0;
}

int digest_hmac(const char *key, const char *data, char out[static DIGEST_TEXT], struct diag *d)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (!HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)data, strlen(data),
		  md, &n))
		return diag_set(d, -EIO, "HMAC-SHA-256 is not available");
	hex(md, n, out);
	return 0;
}

bool digest_equal(const char *a, const char *b)
{
	size_t len = strlen(a);

	return strlen(b) == len && !CRYPTO_memcmp(a, b, len);
}
