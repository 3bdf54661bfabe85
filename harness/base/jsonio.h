/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical JSON text (sorted keys, one line or indented) in and out of files. Values are
 * jansson's. */
#pragma once
#include <jansson.h>
#include <stddef.h>

struct diag;

/* One line of canonical text without newline; the caller frees it. NULL on lack of memory. */
char *jsonio_line(const json_t *value);
/* Write `value` indented to `name` under directory `dirfd`: temporary file, fsync, rename, fsync of
 * the directory; either the old or the new file is there afterwards, never a torn one. */
int jsonio_write(int dirfd, const char *name, const json_t *value, struct diag *d);
/* Append one line and fsync. On failure the file is cut back to its old length: no torn record. */
int jsonio_append(int fd, const json_t *value, struct diag *d);
/* Parse a whole file; errors say file:line:column. */
int jsonio_read(const char *path, json_t **value, struct diag *d);

/* All of `text` to `fd`, however often write(2) is interrupted or falls short. -errno. */
int jsonio_write_all(int fd, const char *text, size_t len);

/* Read "a.b.c" out of nested objects; NULL when absent. Borrowed reference. */
json_t *jsonio_at(const json_t *value, const char *path);
/* A number (integer or real) under `path`, or NAN when absent or null. */
double jsonio_number(const json_t *value, const char *path);
/* The first member of `list` whose string under `path` is `text`; NULL when there is none.
 * Borrowed. */
const json_t *jsonio_find(const json_t *list, const char *path, const char *text);
/* A string under `path`, or `otherwise`. Borrowed. */
const char *jsonio_string(const json_t *value, const char *path, const char *otherwise);
