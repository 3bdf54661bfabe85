// SPDX-License-Identifier: Apache-2.0
/* The labels under which runs were added: no run directory tells them, and a damaged database tells
 * nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "analysis/history.h"
#include "analysis/history_db.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/jsonio.h"

static void runs_file(const char *file, char *path, size_t size)
{
	snprintf(path, size, "%.4000s.runs.jsonl", file);
}

int runs_append(const char *file, const char *run, const char *version, const char *dir,
		struct diag *d)
{
	_json_ json_t *line = NULL;
	_fd_ int fd = -1;
	time_t now = time(NULL);
	char path[4200], at[40];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
	line = json_pack("{s:s, s:s, s:s, s:s}", "run", run, "version", version, "dir", dir, "at",
			 at);
	if (!line)
		return diag_set(d, -EINVAL, "%s: version and path must be UTF-8", run);
	runs_file(file, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || flock(fd, LOCK_EX))
		return diag_errno(d, -errno, "%s", path);
	return jsonio_append(fd, line, d);
}

int runs_read(const char *file, json_t **out, struct diag *d)
{
	_json_ json_t *runs = json_object();
	_free_ char *line = NULL;
	_file_ FILE *f = NULL;
	char path[4200];
	size_t size = 0, number = 0;

	runs_file(file, path, sizeof(path));
	f = fopen(path, "re");
	if (!f && errno != ENOENT)
		return diag_errno(d, -errno, "%s", path);
	while (f && getline(&line, &size, f) > 0) {
		_json_ json_t *one = json_loads(line, 0, NULL);
		const char *run = jsonio_string(one, "run", NULL);

		number++;
		if (!run || !jsonio_string(one, "version", NULL))
			return diag_set(d, -EINVAL, "%s:%zu: this names no run", path, number);
		json_object_set(runs, run, one);
	}
	*out = json_incref(runs);
	return 0;
}
