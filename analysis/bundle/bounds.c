// SPDX-License-Identifier: Apache-2.0
#include "analysis/bundle/bounds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/bundle/tree.h"
#include "base/cleanup.h"
#include "base/diag.h"

struct counting {
	const char *path;
	bool lines; /* each is a document of its own */
	bool quoted, escaped;
	size_t most;			   /* bytes */
	size_t line, bytes, values, depth; /* of the document at hand */
	size_t *records;
	struct diag *d;
};

static bool ends_in(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);

	return n >= m && !strcmp(path + n - m, suffix);
}

static int too_much(const struct counting *c, const char *what, size_t most)
{
	return diag_set(c->d, -EFBIG,
			"%s:%zu: more than %zu %s: refused before it fills the memory", c->path,
			c->line, most, what);
}

static void next_document(struct counting *c)
{
	c->bytes = c->values = c->depth = 0;
	c->quoted = c->escaped = false;
}

static int count_mark(struct counting *c, char mark)
{
	switch (mark) {
	case '[':
	case '{':
		c->depth++;
		c->values++;
		break;
	case ',':
		c->values++;
		break;
	case ']':
	case '}':
		c->depth -= c->depth > 0;
		break;
	default:
		break;
	}
	if (c->depth > BOUNDS_DEPTH)
		return too_much(c, "brackets within each other", BOUNDS_DEPTH);
	if (c->values > (c->lines ? BOUNDS_LINE_VALUES : BOUNDS_DOCUMENT_VALUES))
		return too_much(c, "values",
				c->lines ? BOUNDS_LINE_VALUES : BOUNDS_DOCUMENT_VALUES);
	return 0;
}

static int count_byte(struct counting *c, char byte)
{
	if (byte == '\n') {
		if (c->lines && ++*c->records > BOUNDS_RECORDS)
			return too_much(c, "records", BOUNDS_RECORDS);
		if (c->lines)
			next_document(c);
		c->line++;
		return 0;
	}
	if (++c->bytes > c->most)
		return too_much(c, c->lines ? "bytes of a record" : "bytes", c->most);
	if (c->quoted) {
		c->quoted = c->escaped || byte != '"';
		c->escaped = !c->escaped && byte == '\\';
		return 0;
	}
	c->quoted = byte == '"';
	return count_mark(c, byte);
}

static int count_file(int dirfd, const char *path, size_t *records, struct diag *d)
{
	struct counting c = {.path = path,
			     .lines = ends_in(path, ".jsonl"),
			     .line = 1,
			     .records = records,
			     .d = d};
	_fd_ int fd = tree_open(dirfd, path, d);
	char buf[65536];
	ssize_t n;
	int err = 0;

	if (fd < 0)
		return fd;
	c.most = c.lines ? BOUNDS_LINE : ends_in(path, ".yaml") ? BOUNDS_YAML : BOUNDS_DOCUMENT;
	while (!err && (n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; !err && i < n; i++)
			err = count_byte(&c, buf[i]);
	return err || n >= 0 ? err : diag_errno(d, -errno, "%s", path);
}

static bool is_parsed(const char *path)
{
	return (ends_in(path, ".json") || ends_in(path, ".jsonl") || ends_in(path, ".yaml")) &&
	       !strstr(path, "/raw/");
}

int bounds_check(int dirfd, struct diag *d)
{
	struct tree t;
	struct stat st;
	uint64_t bytes = 0;
	size_t records = 0;
	int err = tree_read(dirfd, NULL, &t, d);

	for (size_t i = 0; !err && i < t.n; i++) {
		if (!is_parsed(t.path[i]))
			continue;
		if (!fstatat(dirfd, t.path[i], &st, AT_SYMLINK_NOFOLLOW))
			bytes += (uint64_t)st.st_size;
		if (bytes > BOUNDS_BYTES)
			err = diag_set(d, -EFBIG,
				       "with %s it has more than %u MiB of records: refused before "
				       "it fills the memory",
				       t.path[i], BOUNDS_BYTES >> 20);
		if (!err)
			err = count_file(dirfd, t.path[i], &records, d);
	}
	tree_free(&t);
	return err;
}
