// SPDX-License-Identifier: Apache-2.0
#include "trial/trial_pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/sys.h"

/* "7f1c8000 bind:1 anon=16 dirty=16 N1=16 kernelpagesize_kB=4": only what the program itself made.
 * Text and libraries are on the node of who read them first. */
static void add_line(json_t *nodes, const char *line, size_t len)
{
	_free_ char *text = strndup(line, len);
	char *save, *word;

	if (!text || !strstr(text, " anon=") || strstr(text, " file="))
		return;
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		unsigned node;
		long long pages;
		char key[16];

		if (sscanf(word, "N%u=%lld", &node, &pages) != 2)
			continue;
		snprintf(key, sizeof(key), "%u", node);
		json_object_set_new(
			nodes, key,
			json_integer(pages + json_integer_value(json_object_get(nodes, key))));
	}
}

static void add_process(struct sys *s, pid_t pid, int depth, json_t *nodes)
{
	_free_ char *maps = NULL;
	char path[64], children[4096], *next = children;
	size_t len;
	long child;

	snprintf(path, sizeof(path), "/proc/%d/numa_maps", (int)pid);
	if (!sys_read_all(s, path, &maps, &len))
		for (const char *line = maps; *line;) {
			size_t n = strcspn(line, "\n");

			add_line(nodes, line, n);
			line += n + (line[n] != 0);
		}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if (depth > 4 || sys_read(s, path, children, sizeof(children)))
		return;
	while ((child = strtol(next, &next, 10)) > 0)
		add_process(s, (pid_t)child, depth + 1, nodes);
}

json_t *trial_pages(struct sys *s, pid_t pid)
{
	json_t *nodes = json_object();

	add_process(s, pid, 0, nodes);
	return json_pack("{s:o}", "nodes", nodes);
}
