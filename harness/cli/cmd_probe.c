// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/table.h"
#include "cli.h"
#include "machine/capability.h"
#include "machine/machine.h"
#include "machine/nic.h"
#include "machine/recording.h"
#include "mode/mode.h"
#include "modes_print.h"
#include "paths.h"
#include "probe_net.h"
#include "probe_paths.h"

struct options {
	bool json, all, paths, dot;
	const char *root;
};

static const struct opt options[] = {
	{.name = "json",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, json),
	 .help = "print everything as JSON"},
	{.name = "all",
	 .type = OPT_BOOL,
	 .letter = 'a',
	 .offset = offsetof(struct options, all),
	 .help = "list empty loop devices, idle virtual interfaces and facts this machine does "
		 "not have, too"},
	{.name = "paths",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, paths),
	 .help = "only the way of completions: device, node, queue, vector, the CPU it interrupts, "
		 "and the CPUs it serves"},
	{.name = "dot",
	 .type = OPT_BOOL,
	 .offset = offsetof(struct options, dot),
	 .help = "with --paths: as a graph for dot(1)"},
	{.name = "root",
	 .type = OPT_STR,
	 .offset = offsetof(struct options, root),
	 .arg = "PATH",
	 .help = "look at a machine that 'iomodes collect' recorded: its archive, or unpacked"},
};

static void print_cpus(const struct machine *m)
{
	_free_ char *online = cpulist_text(&m->online), *allowed = cpulist_text(&m->allowed);

	printf("CPUs %s online, %s may be used", online, allowed);
	if (m->topology)
		printf("; %u socket%s, %u core%s, SMT %s", m->sockets, m->sockets == 1 ? "" : "s",
		       m->cores, m->cores == 1 ? "" : "s", m->smt ? "on" : "off");
	puts("");
}

/* One line a kind of cache: how big each is and which CPUs share it. */
static void print_caches(const struct machine *m)
{
	for (size_t i = 0; i < m->n_caches; i++) {
		const struct machine_cache *c = &m->caches[i];
		bool first = !i || m->caches[i - 1].level != c->level ||
			     strcmp(m->caches[i - 1].kind, c->kind);
		_free_ char *cpus = cpulist_text(&c->cpus);
		char size[32];

		if (first)
			printf("%sL%u %s, %s: CPUs", i ? "\n" : "", c->level, c->kind,
			       num_bytes_text(c->bytes, size, sizeof(size)));
		printf("%s %s", first ? "" : " |", cpus);
	}
	puts(m->n_caches ? "\n" : "");
}

static void print_nodes(const struct machine *m)
{
	static const struct table_column columns[] = {
		{.name = "NODE", .right = true},
		{.name = "CPUS", .wrap = true},
		{.name = "MEMORY", .right = true},
		{.name = "DISTANCE TO EACH NODE"},
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));

	for (unsigned i = 0; t && i < m->nodes; i++) {
		const struct machine_node *n = &m->node[i];
		_free_ char *cpus = cpulist_text(&n->cpus);
		char id[16], memory[32], distance[1024] = "";

		snprintf(id, sizeof(id), "%u", n->id);
		for (unsigned j = 0; n->distance && j < m->nodes; j++)
			snprintf(distance + strlen(distance), sizeof(distance) - strlen(distance),
				 "%s%u", j ? " " : "", n->distance[j]);
		table_row(t,
			  (const char *[]){id, cpus,
					   num_bytes_text(n->memory_bytes, memory, sizeof(memory)),
					   distance});
	}
	if (t && m->nodes)
		table_print(t, stdout);
	table_free(t);
}

static bool shown(const struct machine_disk *disk, const struct options *o)
{
	return o->all || disk->bytes || !disk->virtual_device;
}

static void link_text(const struct machine_disk *d, char *out, size_t size)
{
	bool slower = strcmp(d->link_speed, d->link_speed_max) ||
		      strcmp(d->link_width, d->link_width_max);

	out[0] = '\0';
	if (d->link_speed[0])
		snprintf(out, size, "%s x%s", d->link_speed, d->link_width);
	if (d->link_speed[0] && d->link_speed_max[0] && slower)
		snprintf(out + strlen(out), size - strlen(out), " (of %s x%s)", d->link_speed_max,
			 d->link_width_max);
}

static void print_disks(const struct machine *m, const struct options *o)
{
	static const struct table_column columns[] = {
		{.name = "DISK"},
		{.name = "SIZE", .right = true},
		{.name = "DRIVER"},
		{.name = "MODEL", .wrap = true},
		{.name = "FIRMWARE"},
		{.name = "SERIAL", .wrap = true},
		{.name = "NODE", .right = true},
		{.name = "PCI"},
		{.name = "LINK", .wrap = true},
		{.name = "CHAR DEV"},
		{.name = "QUEUES", .right = true},
		{.name = "NOTE", .wrap = true},
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	size_t left_out = 0;

	for (size_t i = 0; t && i < m->n_disks; i++) {
		const struct machine_disk *d = &m->disks[i];
		const struct machine_disk *paths[1];
		size_t n = machine_paths(m, d, paths, 1);
		char size[32], node[16] = "", link[96], queues[24] = "", note[128] = "";

		if (!shown(d, o)) {
			left_out++;
			continue;
		}
		if (d->node >= 0)
			snprintf(node, sizeof(node), "%d", d->node);
		if (d->n_hctx)
			snprintf(queues, sizeof(queues), "%zu", d->n_hctx);
		if (d->hidden && d->head[0])
			snprintf(note, sizeof(note), "hidden path to %s", d->head);
		else if (d->virtual_device)
			snprintf(note, sizeof(note), "virtual");
		else if (paths[0] != d)
			snprintf(note, sizeof(note), "multipath head of %zu path%s", n,
				 n == 1 ? "" : "s");
		link_text(d, link, sizeof(link));
		table_row(t, (const char *[]){d->name, num_bytes_text(d->bytes, size, sizeof(size)),
					      d->driver, d->model, d->firmware, d->serial, node,
					      d->pci, link, d->char_device, queues, note});
	}
	if (t)
		table_print(t, stdout);
	table_free(t);
	if (left_out)
		printf("(%zu empty virtual device%s left out; --all shows them)\n\n", left_out,
		       left_out == 1 ? "" : "s");
}

static const char *type_name(enum hctx_type type)
{
	static const char *const names[] = {
		[HCTX_DEFAULT] = "default",
		[HCTX_READ] = "read",
		[HCTX_POLL] = "poll",
		[HCTX_UNKNOWN] = "unknown",
	};

	return names[type];
}

static const char *affinity_name(const struct machine_vector *v)
{
	return v->managed == VECTOR_MANAGED   ? "managed"
	       : v->managed == VECTOR_MOVABLE ? "movable"
					      : "unknown";
}

static void queue_row(struct table *t, const struct machine_disk *d, const struct machine_hctx *h,
		      const struct machine_vector *v)
{
	_free_ char *cpus = h ? cpulist_text(&h->cpus) : NULL;
	_free_ char *requested = v ? cpulist_text(&v->requested) : NULL;
	_free_ char *effective = v ? cpulist_text(&v->effective) : NULL;
	char index[16] = "", irq[16] = "";

	if (h)
		snprintf(index, sizeof(index), "%u", h->index);
	if (v)
		snprintf(irq, sizeof(irq), "%u", v->irq);
	table_row(t, (const char *[]){d->name, index, h ? type_name(h->type) : "", cpus, irq,
				      v ? v->name : "", requested, effective,
				      v ? affinity_name(v) : ""});
}

static bool vector_of_queue(const struct machine_disk *d, size_t vector)
{
	for (size_t i = 0; i < d->n_hctx; i++)
		if (d->hctx[i].vector == (int)vector)
			return true;
	return false;
}

/* Queues first, then the device's vectors that serve none (configuration, admin queue). */
static void print_queues(const struct machine *m)
{
	static const struct table_column columns[] = {
		{.name = "DISK"},
		{.name = "QUEUE", .right = true},
		{.name = "TYPE"},
		{.name = "CPUS", .wrap = true},
		{.name = "IRQ", .right = true},
		{.name = "VECTOR"},
		{.name = "REQUESTED", .wrap = true},
		{.name = "EFFECTIVE", .wrap = true},
		{.name = "AFFINITY"},
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	size_t rows = 0;

	for (size_t i = 0; t && i < m->n_disks; i++) {
		const struct machine_disk *d = &m->disks[i];

		if (d->virtual_device && !d->n_vectors && !strcmp(d->driver, "loop"))
			continue;
		for (size_t q = 0; q < d->n_hctx; q++, rows++) {
			int vector = d->hctx[q].vector;

			queue_row(t, d, &d->hctx[q], vector < 0 ? NULL : &d->vectors[vector]);
		}
		for (size_t v = 0; v < d->n_vectors; v++)
			if (!vector_of_queue(d, v)) {
				queue_row(t, d, NULL, &d->vectors[v]);
				rows++;
			}
	}
	if (t && rows)
		table_print(t, stdout);
	table_free(t);
}

static void print_facts(const struct machine *m, const struct options *o)
{
	for (size_t i = 0; i < m->n_facts; i++) {
		const struct machine_fact *f = &m->facts[i];

		if (f->value)
			printf("%-30s %s\n", f->name, f->value);
		else if (o->all)
			printf("%-30s (none: %s)\n", f->name, f->why);
	}
}

static void print_answers(const struct machine *m, const struct machine_subject *subject)
{
	size_t n;
	const struct capability *rows = capability_all(&n);

	for (size_t i = 0; i < n; i++) {
		struct capability_answer a = {0};

		if (!capability_applies(&rows[i], subject))
			continue;
		rows[i].probe(m, subject, &a);
		printf("%-30s %-7s %s%s%s\n", rows[i].name,
		       !strcmp(a.value, "1")   ? "yes"
		       : !strcmp(a.value, "0") ? "no"
					       : a.value,
		       a.reason, a.remedy[0] ? "; would help: " : "", a.remedy);
	}
}

static int load_modes(struct modes *modes, struct diag *d)
{
	char config[4096], dir[4200];
	int err = paths_config(config, sizeof(config), d);

	if (err)
		return err;
	snprintf(dir, sizeof(dir), "%s/modes", config);
	return modes_load(dir, modes, d);
}

/* Which modes each disk and each network interface can run, and what the others lack. */
static int print_modes(const struct machine *m, bool show_all, struct diag *d)
{
	struct modes modes;
	int err = load_modes(&modes, d);

	if (err)
		return err;
	for (size_t i = 0; !err && i < m->n_disks; i++) {
		if (m->disks[i].virtual_device || m->disks[i].hidden)
			continue;
		printf("\nModes on %s:\n", m->disks[i].name);
		err = modes_print(&modes, m, &(struct machine_subject){.disk = &m->disks[i]});
	}
	for (size_t i = 0; !err && i < m->n_nics; i++) {
		const struct machine_nic *const nic[] = {m->nics[i]};

		if (!probe_nic_shown(nic[0], show_all))
			continue;
		printf("\nModes on %s:\n", nic[0]->instance);
		err = modes_print(&modes, m, &(struct machine_subject){.nics = nic, .n_nics = 1});
	}
	modes_free(&modes);
	return err;
}

/* The same in JSON: {"vda": [...], "eth0": [...]}. */
static int add_modes(json_t *probe, const struct machine *m, struct diag *d)
{
	json_t *all = json_object();
	struct modes modes;
	int err = load_modes(&modes, d);

	json_object_set_new(probe, "modes", all);
	if (err)
		return err;
	for (size_t i = 0; i < m->n_disks; i++)
		if (!m->disks[i].virtual_device && !m->disks[i].hidden)
			json_object_set_new(
				all, m->disks[i].name,
				modes_json(&modes, m,
					   &(struct machine_subject){.disk = &m->disks[i]}));
	for (size_t i = 0; i < m->n_nics; i++) {
		const struct machine_nic *const nic[] = {m->nics[i]};

		json_object_set_new(
			all, nic[0]->instance,
			modes_json(&modes, m, &(struct machine_subject){.nics = nic, .n_nics = 1}));
	}
	modes_free(&modes);
	return 0;
}

int cmd_probe(int argc, char **argv)
{
	struct options o = {0};
	struct machine *m = NULL;
	struct recording from;
	struct diag d;
	int first, err = opt_parse(options, ARRAY_SIZE(options), &o, false, argc, argv, &first, &d);

	if (err == 1)
		return cli_help("probe", options, ARRAY_SIZE(options),
				"Needs no root; without it the types of queues and, before Linux "
				"6.12, whether a vector\nis managed are shown as unknown.");
	if (!err && first < argc)
		err = diag_set(&d, -EINVAL, "unexpected \"%s\"", argv[first]);
	if (!err && o.dot && (!o.paths || o.json))
		err = diag_set(&d, -EINVAL, "--dot goes with --paths, and without --json");
	if (err)
		return cli_fail("probe", EXIT_USAGE, &d);
	if (recording_open(o.root, &from, &d))
		return cli_fail("probe", EXIT_USAGE, &d);
	if (machine_discover(from.sys, &m, &d)) {
		recording_close(&from);
		return cli_fail("probe", EXIT_USAGE, &d);
	}
	if (o.paths) {
		err = probe_paths_print(m, o.json ? PATHS_JSON : o.dot ? PATHS_DOT : PATHS_TABLE);
		if (err)
			diag_errno(&d, err, "output");
	} else if (o.json) {
		json_t *probe = machine_json(m);

		err = add_modes(probe, m, &d);
		cli_print_json(probe);
	} else {
		print_cpus(m);
		print_caches(m);
		print_nodes(m);
		print_disks(m, &o);
		print_queues(m);
		probe_nics_print(m, o.all);
		print_facts(m, &o);
		puts("");
		print_answers(m, &(struct machine_subject){0});
		err = print_modes(m, o.all, &d);
	}
	machine_free(m);
	recording_close(&from);
	return err ? cli_fail("probe", EXIT_USAGE, &d) : EXIT_OK;
}
