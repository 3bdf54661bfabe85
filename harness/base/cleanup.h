/* SPDX-License-Identifier: Apache-2.0 */
/* Scope-bound clean-up of locals. A variable carries exactly one of these attributes, or none. */
#pragma once
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <jansson.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

static inline void cleanup_json(json_t **j)
{
	json_decref(*j);
}

#define _free_ __attribute__((cleanup(cleanup_free)))
#define _fd_   __attribute__((cleanup(cleanup_fd)))
#define _file_ __attribute__((cleanup(cleanup_file)))
#define _dir_  __attribute__((cleanup(cleanup_dir)))
#define _json_ __attribute__((cleanup(cleanup_json)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
