// SPDX-License-Identifier: Apache-2.0
#include "loop/pages.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ASK_MAX 256 /* pages in one call */

json_t *pages_new(void)
{
	return json_pack("{s:i, s:{}, s:i}", "pages", 0, "nodes", "not_present", 0);
}

static void count(json_t *object, const char *key, json_int_t n)
{
	json_int_t before = json_integer_value(json_object_get(object, key));

	json_object_set_new(object, key, json_integer(before + n));
}

static void ask(json_t *pages, void **page, size_t n)
{
	int status[ASK_MAX];

	if (!n || syscall(SYS_move_pages, 0, n, page, NULL, status, 0))
		return;
	count(pages, "pages", (json_int_t)n);
	for (size_t i = 0; i < n; i++) {
		char node[16];

		snprintf(node, sizeof(node), "%d", status[i]);
		if (status[i] < 0) /* never touched, or the page of zeros */
			count(pages, "not_present", 1);
		else
			count(json_object_get(pages, "nodes"), node, 1);
	}
}

void pages_add(json_t *pages, const void *at, size_t bytes)
{
	uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = (uintptr_t)at / size * size, end = (uintptr_t)at + bytes;
	void *page[ASK_MAX];
	size_t n = 0;

	for (uintptr_t p = first; at && bytes && p < end; p += size) {
		page[n++] = (void *)p;
		if (n == ASK_MAX) {
			ask(pages, page, n);
			n = 0;
		}
	}
	ask(pages, page, n);
}
