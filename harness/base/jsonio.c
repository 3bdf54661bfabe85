// SPDX-License-Identifier: Apache-2.0
#include "base/jsonio.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"

#define FLAGS (JSON_SORT_KEYS | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY)

char *jsonio_line(const json_t *value)
{
	return json_dumps(value, FLAGS | JSON_COMPACT);
}

int jsonio_write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* On disk when it returns. */
static int write_line(int fd, const char *text)
{
	int err = jsonio_write_all(fd, text, strlen(text));

	if (!err)
		err = jsonio_write_all(fd, "\n", 1);
	return !err && fsync(fd) ? -errno : err;
}

int jsonio_write(int dirfd, const char *name, const json_t *value, struct diag *d)
{
	_free_ char *text = json_dumps(value, FLAGS | JSON_INDENT(1));
	char temporary[300];
	int fd, err;

	if (!text)
		return -ENOMEM;
	snprintf(temporary, sizeof(temporary), ".%s.new", name);
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return diag_errno(d, -errno, "%s", name);
	err = write_line(fd, text);
	close(fd);
	if (!err && renameat(dirfd, temporary, dirfd, name))
		err = -errno;
	if (!err && fsync(dirfd) && errno != EINVAL)
		err = -errno;
	if (err) {
		unlinkat(dirfd, temporary, 0);
		return diag_errno(d, err, "%s", name);
	}
	return 0;
}

int jsonio_append(int fd, const json_t *value, struct diag *d)
{
	_free_ char *text = jsonio_line(value);
	off_t old = lseek(fd, 0, SEEK_END);
	int err;

	if (!text)
		return -ENOMEM;
	if (old < 0)
		return diag_errno(d, -errno, "append");
	err = write_line(fd, text);
	if (err) {
		if (ftruncate(fd, old))
			return diag_errno(d, err, "append, and the torn line could not be cut off");
		return diag_errno(d, err, "append");
	}
	return 0;
}

int jsonio_read(const char *path, json_t **value, struct diag *d)
{
	json_error_t error;

	*value = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (*value)
		return 0;
	if (error.line < 0)
		return diag_set(d, -ENOENT, "%s", error.text);
	return diag_set(d, -EINVAL, "%s:%d:%d: %s", path, error.line, error.column, error.text);
}

json_t *jsonio_at(const json_t *value, const char *path)
{
	char key[128];

	while (value && *path) {
		size_t len = strcspn(path, ".");

		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		key[len] = '\0';
		value = json_object_get(value, key);
		path += len + (path[len] == '.');
	}
	return (json_t *)value;
}

double jsonio_number(const json_t *value, const char *path)
{
	json_t *at = jsonio_at(value, path);

	return json_is_number(at) ? json_number_value(at) : NAN;
}

const char *jsonio_string(const json_t *value, const char *path, const char *otherwise)
{
	const char *text = json_string_value(jsonio_at(value, path));

	return text ? text : otherwise;
}

const json_t *jsonio_find(const json_t *list, const char *path, const char *text)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (!strcmp(jsonio_string(one, path, ""), text))
			return one;
	return NULL;
}
