// SPDX-License-Identifier: Apache-2.0
#include "sys/sys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/sys_private.h"

#define PATH_SIZE    1024
#define READ_ALL_MAX (16u << 20)

int sys_read(struct sys *s, const char *path, char *buf, size_t size)
{
	size_t len;

	return s->ops->read(s, path, buf, size, &len);
}

int sys_write(struct sys *s, const char *path, const char *value)
{
	return s->ops->write(s, path, value, strlen(value));
}

int sys_list(struct sys *s, const char *path, char ***names)
{
	return s->ops->list(s, path, names);
}

int sys_readlink(struct sys *s, const char *path, char *buf, size_t size)
{
	return s->ops->readlink(s, path, buf, size);
}

int sys_mode(struct sys *s, const char *path, mode_t *mode)
{
	return s->ops->mode(s, path, mode);
}

bool sys_exists(struct sys *s, const char *path)
{
	mode_t mode;

	return !sys_mode(s, path, &mode);
}

static int format(char *path, const char *fmt, va_list ap)
{
	int n = vsnprintf(path, PATH_SIZE, fmt, ap);

	return n < 0 || n >= PATH_SIZE ? -ENAMETOOLONG : 0;
}

static int read_line(struct sys *s, const char *path, char *buf, size_t size)
{
	int err = sys_read(s, path, buf, size);
	size_t len;

	if (err)
		return err;
	buf[strcspn(buf, "\n")] = '\0';
	for (len = strlen(buf); len && (buf[len - 1] == ' ' || buf[len - 1] == '\t'); len--)
		buf[len - 1] = '\0';
	return 0;
}

int sys_readf(struct sys *s, char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_SIZE];
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = format(path, fmt, ap);
	va_end(ap);
	return err ? err : read_line(s, path, buf, size);
}

int sys_readf_i64(struct sys *s, int64_t *value, const char *fmt, ...)
{
	char path[PATH_SIZE], text[64], *end;
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = format(path, fmt, ap);
	va_end(ap);
	if (!err)
		err = read_line(s, path, text, sizeof(text));
	if (err)
		return err;
	*value = strtoll(text, &end, 0);
	return end == text || *end ? -EINVAL : 0;
}

int sys_read_all(struct sys *s, const char *path, char **text, size_t *len)
{
	for (size_t size = 16384; size <= READ_ALL_MAX; size *= 4) {
		char *buf = malloc(size);
		int err;

		if (!buf)
			return -ENOMEM;
		err = s->ops->read(s, path, buf, size, len);
		if (!err) {
			*text = buf;
			return 0;
		}
		free(buf);
		if (err != -EFBIG)
			return err;
	}
	return -EFBIG;
}

int sys_linkf_name(struct sys *s, char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_SIZE], target[PATH_SIZE], *base;
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = format(path, fmt, ap);
	va_end(ap);
	if (!err)
		err = sys_readlink(s, path, target, sizeof(target));
	if (err)
		return err;
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) >= size)
		return -ENAMETOOLONG;
	strcpy(buf, base);
	return 0;
}

void sys_close(struct sys *s)
{
	if (!s)
		return;
	sys_netns_drop_all(s);
	s->ops->close(s);
}
