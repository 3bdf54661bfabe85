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

/* The digest that the list has for it. -ENOENT: no list; -ESRCH: it is not in the list. */
static int listed(int dir, const char *name, char digest[static DIGEST_TEXT])
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
		return 0;
	}
	return file ? -ESRCH : -ENOENT;
}

enum sums_state sums_check(const char *dir, const char *name, struct diag *d)
{
	_fd_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char wanted[DIGEST_TEXT], now[DIGEST_TEXT];
	int err = fd < 0 ? -errno : listed(fd, name, wanted);

	if (err == -ESRCH)
		diag_set(d, err, "%s is not in SHA256SUMS", name);
	else if (err)
		diag_set(d, err, "no SHA256SUMS");
	if (err)
		return SUMS_NONE;
	if (!digest_file(fd, name, now, NULL) && digest_equal(wanted, now))
		return SUMS_HOLD;
	diag_set(d, -EBADMSG,
		 "%s/%s is not what the run left: its digest is not that in SHA256SUMS", dir, name);
	return SUMS_DIFFER;
}

void sums_unverified(const char *dir, const json_t *run, char *out, size_t size)
{
	static const char *const names[] = {"run.json", "trials.jsonl"};
	_fd_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char digest[DIGEST_TEXT];
	int err = fd < 0 ? -errno : 0;

	*out = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!err)
			err = listed(fd, names[i], digest);
		if (!err)
			continue;
		if (err == -ESRCH)
			snprintf(out, size, "SHA256SUMS does not list %s: ", names[i]);
		else if (json_is_true(json_object_get(run, "complete")))
			snprintf(out, size, "no SHA256SUMS, which a complete run leaves: ");
		else
			snprintf(out, size,
				 "no SHA256SUMS, as the run was killed or it was removed: ");
		snprintf(out + strlen(out), size - strlen(out),
			 "it cannot be verified that the files are what the run left");
		return;
	}
}
