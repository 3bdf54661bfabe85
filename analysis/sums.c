// SPDX-License-Identifier: Apache-2.0
#include "analysis/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"

/* The digest that the list has for it. */
static bool listed(int dir, const char *name, char digest[static DIGEST_TEXT])
{
	int fd = openat(dir, "SHA256SUMS", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_file_ FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[4400];

	if (fd >= 0 && !file)
		close(fd);
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strlen(line) < DIGEST_TEXT + 1 || strcmp(line + DIGEST_TEXT + 1, name))
			continue;
		memcpy(digest, line, DIGEST_TEXT - 1);
		digest[DIGEST_TEXT - 1] = '\0';
		return true;
	}
	return false;
}

enum sums_state sums_check(const char *dir, const char *name, struct diag *d)
{
	_fd_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char wanted[DIGEST_TEXT], now[DIGEST_TEXT];

	if (fd < 0 || !listed(fd, name, wanted))
		return SUMS_NONE;
	if (!digest_file(fd, name, now, NULL) && digest_equal(wanted, now))
		return SUMS_HOLD;
	diag_set(d, -EBADMSG,
		 "%s/%s is not what the run left: its digest is not that in SHA256SUMS", dir, name);
	return SUMS_DIFFER;
}
