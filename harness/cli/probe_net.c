// SPDX-License-Identifier: Apache-2.0
#include "probe_net.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "machine/machine.h"
#include "machine/nic.h"

bool probe_nic_shown(const struct machine_nic *nic, bool all)
{
	return all || !*nic->kind || (nic->up && strcmp(nic->kind, "loopback"));
}

static void count(char *out, size_t size, const struct machine_nic *nic)
{
	size_t rx = 0;

	for (size_t i = 0; i < nic->n_queues; i++)
		rx += nic->queues[i].rx;
	snprintf(out, size, "%zu/%zu", rx, nic->n_queues - rx);
}

static void nic_row(struct table *t, const struct machine_nic *nic)
{
	char speed[32] = "", node[16] = "", link[48] = "", queues[32], napis[16], note[200];

	if (nic->speed_mbit > 0)
		snprintf(speed, sizeof(speed), "%lld Mbit/s", (long long)nic->speed_mbit);
	if (nic->node >= 0)
		snprintf(node, sizeof(node), "%d", nic->node);
	if (nic->link_speed[0])
		snprintf(link, sizeof(link), "%s x%s", nic->link_speed, nic->link_width);
	count(queues, sizeof(queues), nic);
	if (nic->napis_told)
		snprintf(napis, sizeof(napis), "%zu", nic->n_napis);
	else
		snprintf(napis, sizeof(napis), "unknown");
	snprintf(note, sizeof(note), "%s%s%s", nic->management ? nic->management_why : "",
		 nic->management && *nic->kind ? "; " : "", *nic->kind ? "virtual" : "");
	table_row(t, (const char *[]){nic->instance, nic->driver, nic->firmware,
				      nic->up ? nic->operstate : "down", speed, node, nic->pci,
				      link, queues, napis, note});
}

static void print_interfaces(const struct machine *m, bool all)
{
	static const struct table_column columns[] = {
		{.name = "NIC"},
		{.name = "DRIVER"},
		{.name = "FIRMWARE", .wrap = true},
		{.name = "STATE"},
		{.name = "SPEED", .right = true},
		{.name = "NODE", .right = true},
		{.name = "PCI"},
		{.name = "LINK", .wrap = true},
		{.name = "RX/TX QUEUES", .right = true},
		{.name = "NAPI", .right = true},
		{.name = "NOTE", .wrap = true},
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	size_t left_out = 0, rows = 0;

	for (size_t i = 0; t && i < m->n_nics; i++) {
		if (!probe_nic_shown(m->nics[i], all)) {
			left_out++;
			continue;
		}
		nic_row(t, m->nics[i]);
		rows++;
	}
	if (t && rows)
		table_print(t, stdout);
	table_free(t);
	if (left_out)
		printf("(%zu virtual interface%s left out; --all shows %s)\n\n", left_out,
		       left_out == 1 ? "" : "s", left_out == 1 ? "it" : "them");
}

/* How packets are steered besides by the vector: RPS and RFS, or XPS. */
static void steering(char *out, size_t size, const struct machine_nic_queue *q)
{
	_free_ char *cpus = cpulist_text(q->rx ? &q->rps_cpus : &q->xps_cpus);

	out[0] = '\0';
	if (cpus && *cpus)
		snprintf(out, size, "%s %s", q->rx ? "RPS" : "XPS", cpus);
	if (q->rps_flow_cnt)
		snprintf(out + strlen(out), size - strlen(out), "%sRFS %u flows", *out ? ", " : "",
			 q->rps_flow_cnt);
}

static void queue_row(struct table *t, const struct machine_nic *nic,
		      const struct machine_nic_queue *q, const struct machine_vector *v)
{
	_free_ char *requested = v ? cpulist_text(&v->requested) : NULL;
	_free_ char *effective = v ? cpulist_text(&v->effective) : NULL;
	char queue[24] = "", napi[16] = "", irq[16] = "", steered[300] = "";

	if (q)
		snprintf(queue, sizeof(queue), "%s-%u", q->rx ? "rx" : "tx", q->index);
	if (q && q->napi >= 0)
		snprintf(napi, sizeof(napi), "#%d", q->napi);
	if (v)
		snprintf(irq, sizeof(irq), "%u", v->irq);
	if (q)
		steering(steered, sizeof(steered), q);
	table_row(t, (const char *[]){nic->instance, queue, napi, irq, v ? v->name : "",
				      q ? q->vector_how : "", requested, effective, steered});
}

static bool vector_of_queue(const struct machine_nic *nic, size_t vector)
{
	for (size_t i = 0; i < nic->n_queues; i++)
		if (nic->queues[i].vector == (int)vector)
			return true;
	return false;
}

/* Queues first, then the vectors that serve none (link, configuration). */
static void print_queues(const struct machine *m, bool all)
{
	static const struct table_column columns[] = {
		{.name = "NIC"},
		{.name = "QUEUE"},
		{.name = "NAPI", .right = true},
		{.name = "IRQ", .right = true},
		{.name = "VECTOR"},
		{.name = "KNOWN BY"},
		{.name = "REQUESTED", .wrap = true},
		{.name = "EFFECTIVE", .wrap = true},
		{.name = "STEERING", .wrap = true},
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	size_t rows = 0;

	for (size_t i = 0; t && i < m->n_nics; i++) {
		const struct machine_nic *nic = m->nics[i];

		if (!probe_nic_shown(nic, all))
			continue;
		for (size_t k = 0; k < nic->n_queues; k++, rows++) {
			const struct machine_nic_queue *q = &nic->queues[k];

			queue_row(t, nic, q, q->vector < 0 ? NULL : &nic->vectors[q->vector]);
		}
		for (size_t v = 0; v < nic->n_vectors; v++)
			if (!vector_of_queue(nic, v)) {
				queue_row(t, nic, NULL, &nic->vectors[v]);
				rows++;
			}
	}
	if (t && rows)
		table_print(t, stdout);
	table_free(t);
}

static void print_numbers(const char *label, json_t *numbers)
{
	const char *name;
	json_t *value;

	if (!numbers)
		return;
	printf("  %-11s", label);
	json_object_foreach (numbers, name, value)
		printf(" %s=%lld", name, (long long)json_integer_value(value));
	puts("");
}

/* The features that decide how packets come and go, as they are in force. */
static void print_features(const struct machine_nic *nic)
{
	static const char *const names[] = {
		"rx-gro",
		"rx-gro-hw",
		"rx-gro-list",
		"rx-udp-gro-forwarding",
		"rx-lro",
		"rx-hashing",
		"rx-ntuple-filter",
		"tx-generic-segmentation",
		"tx-tcp-segmentation",
		"tx-udp-segmentation",
	};

	for (int on = 1; nic->n_features && on >= 0; on--) {
		printf("  %-11s", on ? "on" : "off");
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			const struct machine_feature *f = machine_nic_feature(nic, names[i]);

			if (f && f->active == on)
				printf(" %s%s", f->name,
				       f->fixed			? " (fixed)"
				       : f->active == f->wanted ? ""
								: " (not as wanted)");
		}
		puts("");
	}
}

void probe_nics_print(const struct machine *m, bool all)
{
	if (!m->n_nics)
		return;
	print_interfaces(m, all);
	print_queues(m, all);
	for (size_t i = 0; i < m->n_nics; i++) {
		const struct machine_nic *nic = m->nics[i];

		if (!probe_nic_shown(nic, all))
			continue;
		printf("%s, mtu %u:\n", nic->instance, nic->mtu);
		print_features(nic);
		print_numbers("coalescing", nic->coalescing);
		print_numbers("channels", nic->channels);
		print_numbers("rings", nic->rings);
		print_numbers("rss", nic->rss);
		if (*nic->napis_why)
			printf("  %-11s %s\n", "NAPI", nic->napis_why);
	}
	puts("");
}
