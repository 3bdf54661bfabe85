/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A `struct sys` that passes every call on to another one and remembers what was read: so a
 * recording holds exactly what discovery looks at, and cannot fall behind it. It never writes.
 */
#pragma once
#include "sys/sys.h"

enum recorded_kind {
	RECORDED_FILE,
	RECORDED_LINK,
	RECORDED_NAME, /* only seen in a directory or asked for: an empty file will do */
};

struct recorded {
	char *path; /* links on the way resolved */
	enum recorded_kind kind;
	char *text; /* contents, or a link's target */
	size_t len;
	bool has_mode;
	mode_t mode;
};

struct recorder {
	struct sys sys; /* give this to machine_discover() */
	struct sys *inner;
	struct recorded *entry;
	size_t n;
	int err; /* -ENOMEM when something could not be remembered */
};

void recorder_init(struct recorder *r, struct sys *inner);
/* Frees what was remembered; `inner` stays open. */
void recorder_free(struct recorder *r);
