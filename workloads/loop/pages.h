/* SPDX-License-Identifier: Apache-2.0 */
/* On which NUMA node memory really is: asked of the kernel (move_pages(2) that moves nothing). */
#pragma once
#include <jansson.h>
#include <stddef.h>

/* {"pages": n, "nodes": {"0": n, ...}, "not_present": n} with nothing in it; new reference. */
json_t *pages_new(void);
/* Add the pages of [at, at + bytes). A kernel without NUMA answers nothing, and none is added. */
void pages_add(json_t *pages, const void *at, size_t bytes);
