// SPDX-License-Identifier: Apache-2.0
/* Directories root may make files in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "gate/internal.h"

static bool trusted(uid_t uid)
{
	return !uid || uid == geteuid();
}

/* A symbolic link on the way leads where its owner wants, and he may turn it at any time. */
static int check_links(const char *path, struct diag *d)
{
	size_t len = strlen(path);
	char prefix[4096];
	struct stat st;

	if (len >= sizeof(prefix))
		return diag_errno(d, -ENAMETOOLONG, "%.200s…", path);
	for (size_t i = 1; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		snprintf(prefix, sizeof(prefix), "%.*s", (int)i, path);
		if (lstat(prefix, &st))
			return diag_errno(d, -errno, "%s", prefix);
		if (S_ISLNK(st.st_mode) && !trusted(st.st_uid))
			return diag_set(d, -EPERM,
					"%s: a symbolic link of user %u; root does not write "
					"through it: name the directory itself",
					prefix, st.st_uid);
	}
	return 0;
}

int gate_open_dir(const char *path, struct diag *d)
{
	struct stat st;
	int err = geteuid() ? 0 : check_links(path, d);
	int fd = err ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (err)
		return err;
	if (fd < 0 || fstat(fd, &st))
		err = diag_errno(d, -errno, "%s", path);
	else if (!geteuid() && !trusted(st.st_uid))
		err = diag_set(d, -EPERM,
			       "%s: user %u owns this directory and could move what root puts "
			       "there: chown root it, or name another",
			       path, st.st_uid);
	else if (!geteuid() && (st.st_mode & 0022) && !(st.st_mode & S_ISVTX))
		err = diag_set(d, -EPERM,
			       "%s: others may write this directory (mode %03o); root puts nothing "
			       "there: chmod go-w it, or name another",
			       path, st.st_mode & 07777);
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}
