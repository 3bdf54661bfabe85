// SPDX-License-Identifier: Apache-2.0
#include "probe_paths.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "cli.h"
#include "machine/machine.h"
#include "machine/path.h"

static int print_table(const struct path *paths, size_t n)
{
	static const struct table_column columns[] = {
		{.name = "DEVICE"},
		{.name = "NODE", .right = true},
		{.name = "QUEUE"},
		{.name = "VECTOR"},
		{.name = "AFFINITY"},
		{.name = "INTERRUPTS", .right = true},
		{.name = "ON NODE", .right = true},
		{.name = "DISTANCE", .right = true},
		{.name = "CONTEXT"},
		{.name = "SERVES CPUS", .wrap = true},
		{.name = "NOTE", .wrap = true},
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; t && i < n; i++) {
		const struct path *p = &paths[i];
		const struct machine_vector *v = p->vector;
		_free_ char *cpus = v ? cpulist_text(&v->effective) : NULL;
		_free_ char *serves = p->serves ? cpulist_text(p->serves) : NULL;
		char node[16] = "", on[16] = "", distance[16] = "", note[128] = "";

		if (p->node >= 0)
			snprintf(node, sizeof(node), "%d", p->node);
		if (p->interrupt_node >= 0)
			snprintf(on, sizeof(on), "%d", p->interrupt_node);
		if (p->distance)
			snprintf(distance, sizeof(distance), "%u", p->distance);
		if (*p->head)
			snprintf(note, sizeof(note), "path of %s", p->head);
		else if (!v)
			snprintf(note, sizeof(note), "%s", p->how);
		else if (!v->effective.n)
			snprintf(note, sizeof(note), "shut down");
		else if (p->node >= 0 && p->interrupt_node >= 0 && p->node != p->interrupt_node)
			snprintf(note, sizeof(note), "away from the device");
		if (table_row(t,
			      (const char *const[]){p->device, node, p->queue, v ? v->name : "",
						    !v				   ? ""
						    : v->managed == VECTOR_MANAGED ? "managed"
						    : v->managed == VECTOR_MOVABLE ? "movable"
										   : "unknown",
						    cpus, on, distance, p->context, serves, note}))
			break;
	}
	if (t)
		table_print(t, stdout);
	table_free(t);
	return t ? 0 : -ENOMEM;
}

/* A name from the kernel between quotes of a graph's text. */
static void quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar((unsigned char)*text < ' ' ? ' ' : *text);
	}
	putchar('"');
}

static void edge(const char *from, const char *to, const char *style)
{
	fputs("  ", stdout);
	quoted(from);
	fputs(" -> ", stdout);
	quoted(to);
	printf("%s;\n", style);
}

static void print_cpus(const char *from, const struct cpulist *cpus, const char *style)
{
	for (size_t i = 0; i < cpus->n; i++) {
		char cpu[32];

		snprintf(cpu, sizeof(cpu), "CPU %u", cpus->cpu[i]);
		edge(from, cpu, style);
	}
}

static void print_nodes(const struct machine *m)
{
	for (unsigned i = 0; i < m->nodes; i++) {
		printf("  subgraph cluster_node%u {\n    label=\"node %u\";\n", m->node[i].id,
		       m->node[i].id);
		for (size_t k = 0; k < m->node[i].cpus.n; k++)
			printf("    \"CPU %u\" [shape=circle];\n", m->node[i].cpus.cpu[k]);
		puts("  }");
	}
}

static int print_dot(const struct machine *m, const struct path *paths, size_t n)
{
	puts("digraph paths {\n  rankdir=LR;\n  node [shape=box];");
	print_nodes(m);
	for (size_t i = 0; i < n; i++) {
		const struct path *p = &paths[i];
		const char *style =
			p->node >= 0 && p->interrupt_node >= 0 && p->node != p->interrupt_node
				? " [color=red]"
				: "";
		char device[128], queue[160], vector[220];

		snprintf(device, sizeof(device), p->node >= 0 ? "%s (node %d)" : "%s", p->device,
			 p->node);
		snprintf(queue, sizeof(queue), "%s %s%s%s", p->device, p->queue,
			 *p->context ? ", " : "", p->context);
		edge(device, queue, "");
		if (p->vector) {
			snprintf(vector, sizeof(vector), "%s (interrupt %u)", p->vector->name,
				 p->vector->irq);
			edge(queue, vector, "");
			print_cpus(vector, &p->vector->effective, style);
		}
		if (p->serves && (!p->vector || p->serves != &p->vector->effective))
			print_cpus(queue, p->serves, " [style=dotted, dir=back]");
	}
	puts("}");
	return 0;
}

int probe_paths_print(const struct machine *m, enum probe_paths_form form)
{
	_free_ struct path *paths = NULL;
	size_t n;
	int err = path_list(m, &paths, &n);

	if (err)
		return err;
	if (form == PATHS_JSON)
		return cli_print_json(path_json(paths, n));
	return form == PATHS_DOT ? print_dot(m, paths, n) : print_table(paths, n);
}
